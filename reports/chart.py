"""Where the lines, ticks and labels of the progress chart go.

Pure geometry in SVG user units; the template draws it.  It knows nothing of
colours and takes its numbers from the report's document only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock_time
from itertools import pairwise
from typing import Any

WIDTH, HEIGHT = 720.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 96.0, 14.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Ready to draw.  ``levels`` are the plan: how many stations are done when each wave is."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    confirmed: str
    settled: str
    settled_area: str
    confirmed_end: tuple[float, float, int]
    settled_end: tuple[float, float, int]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    pace: str  # the even pace that would be done by the legacy switch-off; empty without a date


def draw(document: dict[str, Any], zone: tzinfo) -> Chart:
    """The chart of one progress document."""
    frame = _Frame.of(document)
    points = [(datetime.fromisoformat(p["at"]), p["confirmed"], p["settled"]) for p in document["series"]["points"]]
    confirmed = [(frame.x(at), frame.y(c)) for at, c, _ in points]
    settled = [(frame.x(at), frame.y(s)) for at, _, s in points]
    floor = frame.y(0)
    steps = _steps(settled)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=floor,
        confirmed=_path(_steps(confirmed)),
        settled=_path(steps),
        settled_area=_path([(steps[0][0], floor), *steps, (steps[-1][0], floor)]) + "Z",
        confirmed_end=(*confirmed[-1], points[-1][1]),
        settled_end=(*settled[-1], points[-1][2]),
        x_ticks=frame.x_ticks(zone),
        y_ticks=frame.y_ticks(),
        levels=_levels(document, frame),
        pace=_pace(document, frame, zone),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """The two scales: campaign time to the right, stations upwards."""

    start: datetime
    end: datetime
    scope: int

    @classmethod
    def of(cls, document: dict[str, Any]) -> _Frame:
        points = document["series"]["points"]
        start, end = (datetime.fromisoformat(points[i]["at"]) for i in (0, -1))
        return cls(start, max(end, start + timedelta(seconds=1)), max(document["stations"], 1))

    def x(self, at: datetime) -> float:
        return round(LEFT + (at - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, stations: float) -> float:
        return round(HEIGHT - BOTTOM - stations / self.scope * (HEIGHT - TOP - BOTTOM), 1)

    def x_ticks(self, zone: tzinfo) -> tuple[Tick, ...]:
        length = self.end - self.start
        form = "%d %b" if length > timedelta(days=4) else "%d %b %H:%M" if length > timedelta(days=1) else "%H:%M"
        form = "%H:%M:%S" if length < timedelta(minutes=10) else form
        moments = [self.start + length * part / 4 for part in range(5)]
        return tuple(Tick(at=self.x(at), label=at.astimezone(zone).strftime(form)) for at in moments)

    def y_ticks(self) -> tuple[Tick, ...]:
        step = _round_step(self.scope)
        return tuple(Tick(at=self.y(n), label=f"{n:,}") for n in range(0, self.scope + 1, step))


def _round_step(scope: int) -> int:
    rough = max(1, scope // 5)
    size = int(10 ** (len(str(rough)) - 1))
    return next(m * size for m in (1, 2, 5, 10) if m * size >= rough)


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A count holds until the next one: steps, not slopes."""
    stepped = [points[0]]
    for (_, before), (x, y) in pairwise(points):
        if y != before:
            stepped += [(x, before), (x, y)]
    return [*stepped, points[-1]]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g},{y:g}" for x, y in points)


_LABEL_HEIGHT = 11.0


def _levels(document: dict[str, Any], frame: _Frame) -> tuple[Tick, ...]:
    """The running sum of the waves; labels that would overlap are left out, the last one stays."""
    total, levels = 0, []
    for wave in document["waves"]:
        total += wave["size"]
        levels.append(Tick(at=frame.y(total), label=f"wave {wave['number']} · {total:,}"))
    kept: list[Tick] = []
    for level in reversed(levels):
        if not kept or level.at - kept[-1].at >= _LABEL_HEIGHT:
            kept.append(level)
    return tuple(kept)


def _pace(document: dict[str, Any], frame: _Frame, zone: tzinfo) -> str:
    day = document["forecast"]["legacy_switch_off"]
    if day is None:
        return ""
    off = datetime.combine(date.fromisoformat(day), clock_time(), zone).astimezone(UTC)
    if off <= frame.start:
        return ""
    until = min(frame.end, off)
    stations = frame.scope * ((until - frame.start) / (off - frame.start))
    return _path([(frame.x(frame.start), frame.y(0)), (frame.x(until), frame.y(stations))])
