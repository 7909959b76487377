"""Which refusals at the door are news.

A station that is refused dials again every few seconds, for days.  Said once
it is evidence, said for ever it fills the journal.
"""

from __future__ import annotations

AGAIN_AFTER_S = 300.0
MAX_REMEMBERED = 20_000
MAX_BURST, PER_S = 1_000.0, 20.0


class Refusals:
    """Remembers who was refused and how; bounded, also against a crowd of invented identities."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, float]] = {}
        self._left, self._filled_s = MAX_BURST, 0.0

    def is_news(self, identity: str, status: int, now: float) -> bool:
        """Whether this refusal differs from the last one, or that was long ago, and there is room to say so."""
        before, at = self._last.get(identity, (0, 0.0))
        if before == status and now - at < AGAIN_AFTER_S:
            return False
        self._left = min(MAX_BURST, self._left + (now - self._filled_s) * PER_S)
        self._filled_s = now
        if self._left < 1:
            return False
        self._left -= 1
        if len(self._last) >= MAX_REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[identity] = (status, now)
        return True

    def welcome(self, identity: str) -> None:
        """It was let in: the next refusal is news again."""
        self._last.pop(identity, None)
