"""Virtual time: a loop whose clock jumps to the next timer as soon as nothing is ready.

Fourteen days of deferral pass in a millisecond, and the same test gives the
same order of events every time.  A loop on which nothing will ever happen
again says so instead of waiting for ever.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
"""What a virtual clock shows when its loop begins."""


class NothingWillHappen(RuntimeError):
    """Every coroutine waits and no timer is set: in real time the test would hang."""


class _Leaping(selectors.SelectSelector):
    """Waits for no file; lets the loop's time leap by what it was to wait."""

    leapt_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise NothingWillHappen("every coroutine waits for another one, and no timer is set")
        if not ready and timeout and timeout > 0:
            self.leapt_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt_s


class VirtualClock:
    """``migrate.ports.Clock`` on the running loop's time: one campaign second is one second of the loop."""

    def __init__(self) -> None:
        self._set_by = timedelta(0)

    def step(self, by: timedelta) -> None:
        """Somebody sets the clock, or the machine slept: it shows another time, and nobody has waited for it."""
        self._set_by += by

    def now(self) -> datetime:
        return EPOCH + self._set_by + timedelta(seconds=asyncio.get_running_loop().time())

    def real_s(self, duration: timedelta) -> float:
        return max(duration.total_seconds(), 0.0)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(self.real_s(duration))


class LoadedDice:
    """``migrate.ports.Dice`` that always throws the highest, and counts its tokens."""

    def __init__(self) -> None:
        self._tokens = 0

    def between(self, low: float, high: float) -> float:
        return high

    def token(self) -> str:
        self._tokens += 1
        return f"{self._tokens:08x}"
