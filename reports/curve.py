"""The plan over time: how many stations should be done at each moment, if the switch-off is to be met.

A campaign has waves and one hard date, no dates between.  The curve gives
each wave an equal part of the time from the first start to the legacy
switch-off.  That is a yardstick, published as such, and no promise; without a
date, or before a start, there is none and the report says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from itertools import pairwise

from migrate.domain.wave import WaveStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCurve:
    """``points`` are the first start and the due moment of each wave, with the stations done by then."""

    text: str
    points: tuple[tuple[datetime, int], ...] = ()

    def due_at(self, wave: int) -> datetime | None:
        """When the wave in that place should be done."""
        return self.points[wave + 1][0] if self.points else None

    def due_by(self, at: datetime) -> int | None:
        """Stations that should be done at a moment, evenly within each wave; whole ones."""
        if not self.points:
            return None
        if at >= self.points[-1][0]:
            return self.points[-1][1]
        for (begin, done), (end, due) in pairwise(self.points):
            if at < end:
                return done + int((due - done) * max(0.0, (at - begin) / (end - begin)))
        return self.points[-1][1]


def switch_off_at(day: date, zone: tzinfo) -> datetime:
    """The first minute of the day on which the source ends."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def plan_curve(
    waves: Sequence[WaveStanding], *, start: datetime | None, switch_off: date | None, zone: tzinfo
) -> PlanCurve:
    """The curve of one campaign.  ``start`` is when its first wave began, ``None`` before that."""
    if switch_off is None:
        return PlanCurve(text="No plan over time: no switch-off date is set (deadline.legacy_switch_off).")
    if start is None:
        return PlanCurve(text="No plan over time yet: it begins with the first wave.")
    end, filled = switch_off_at(switch_off, zone), [w for w in waves if w.size]
    if end <= start or not filled:
        return PlanCurve(text="No plan over time: the first wave began after the legacy switch-off.")
    points, done = [(start, 0)], 0
    for place, wave in enumerate(waves, start=1):
        done += wave.size
        points.append((start + (end - start) * place / len(waves), done))
    return PlanCurve(
        text=f"Plan: each wave ({len(waves)}) has an equal part of the time from the first start to {switch_off}.",
        points=tuple(points),
    )
