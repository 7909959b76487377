"""Deadlines that run only while the witnesses can see.

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
