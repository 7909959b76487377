"""Deadlines and soaks that run only while the witnesses can see.

A blind witness pauses; it loses no station.  ``Patience`` is asked again and
again and subtracts a stretch of campaign time only if both its ends were
seen, and no more of it than can have been lived through: a machine that
slept, or whose clock was set forward, waited for nobody meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_AT_ONCE = timedelta(minutes=2)
"""The longest stretch between two looks that counts; those who wait look far more often."""


@dataclass(slots=True)
class Patience:
    """What is left of a deadline.  ``None`` never runs out."""

    left: timedelta | None
    looked_at: datetime
    could_see: bool

    def look(self, now: datetime, *, can_see: bool) -> bool:
        """Take note of the time; True once the deadline is over."""
        if self.left is not None and self.could_see and can_see:
            self.left -= min(max(now - self.looked_at, timedelta(0)), MOST_AT_ONCE)  # set back, a clock costs nothing
        self.looked_at, self.could_see = now, can_see
        return self.is_over

    @property
    def is_over(self) -> bool:
        return self.left is not None and self.left <= timedelta(0)

    def next_look(self, at_most: timedelta) -> timedelta:
        """How long one may sleep until the next look."""
        return at_most if self.left is None else max(min(self.left, at_most), timedelta(milliseconds=1))


def wait_for(duration: timedelta | None, now: datetime, *, can_see: bool = True) -> Patience:
    return Patience(left=duration, looked_at=now, could_see=can_see)


class Watched:
    """How much of a stretch of time was watched: what nobody lived through is no quiet time, it is none at all.

    Told at every look; what a sleeping machine, a clock set forward or a
    blind witness took is kept and left out.  Before its first look it takes
    the clock's word.
    """

    def __init__(self) -> None:
        self._looked_at: datetime | None = None
        self._could_see = True
        self._gaps: list[tuple[datetime, datetime]] = []  # begin and end of what nobody watched, oldest first

    def look(self, now: datetime, *, can_see: bool) -> None:
        """Take note of the time."""
        before, is_seen = self._looked_at, self._could_see and can_see
        self._looked_at, self._could_see = now, can_see
        if before is None or now <= before:
            return
        begin = before + min(now - before, MOST_AT_ONCE) if is_seen else before
        if begin == now:
            return
        if self._gaps and self._gaps[-1][1] == begin:
            begin = self._gaps.pop()[0]
        self._gaps.append((begin, now))

    def since(self, begin: datetime, now: datetime) -> timedelta:
        """How long it was watched since an instant."""
        unseen = (min(end, now) - max(start, begin) for start, end in self._gaps if end > begin)
        return now - begin - sum((max(gap, timedelta(0)) for gap in unseen), timedelta(0))
