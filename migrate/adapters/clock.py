"""Campaign time from the machine's clock.

In a drill campaign time runs faster, counted from one moment that every
process of the campaign knows from its settings, so that all of them and every
later look at the journal agree on what time it is.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class CampaignClock:
    """Implements ``migrate.ports.Clock``.

    ``since`` is the real moment at which campaign time began to run
    ``speed`` times faster; without it campaign time is real time.
    """

    def __init__(self, *, speed: float = 1.0, since: datetime | None = None) -> None:
        self._speed = speed if since is not None else 1.0
        self._since = since

    def now(self) -> datetime:
        real = datetime.now(UTC)
        return real if self._since is None else self._since + (real - self._since) * self._speed

    def real_s(self, duration: timedelta) -> float:
        return max(duration.total_seconds() / self._speed, 0.0)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(self.real_s(duration))
