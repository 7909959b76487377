"""Where the lines, ticks and labels of the progress charts go.

Pure geometry in SVG user units; the template draws it.  It knows nothing of
colours and takes its numbers from the report's document only.  A chart that
would be empty is not drawn: it says why instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from reports.curve import switch_off_at

WIDTH, HEIGHT = 720.0, 186.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 96.0, 18.0, 24.0
_LEAST_ELAPSED = 0.08
"""Of the axis.  A campaign that has hardly begun gets no axis to its end: its curve would be a line at the margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wedge:
    """The forecast: from now to the dates between which the finish lies in 45 of 100 runs, with the three dates."""

    path: str
    ends: tuple[Tick, ...]
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Ready to draw; ``why_not`` says why there is nothing to draw, and then the rest is blank."""

    why_not: str = ""
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM
    confirmed: str = ""
    settled: str = ""
    settled_area: str = ""
    confirmed_end: tuple[float, float, int] = (0.0, 0.0, 0)
    settled_end: tuple[float, float, int] = (0.0, 0.0, 0)
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    levels: tuple[Tick, ...] = ()  # how many stations are done when each wave is
    scope: float = 0.0
    wedge: Wedge | None = None
    switch_off: Tick | None = None
    plan: str = ""
    plan_marks: tuple[tuple[float, float], ...] = ()


def burn_up(document: dict[str, Any], zone: tzinfo) -> Chart:
    """Stations confirmed and settled against the scope, with the forecast and the switch-off where they fit the axis."""
    points = _points(document)
    if why := nothing_to_draw(document):
        return Chart(why_not=why)
    start, now = points[0][0], points[-1][0]
    frame = _Frame.of(start, _horizon(document, start, now, zone), document["stations"])
    return _drawn(
        frame,
        points,
        zone,
        levels=_levels(document, frame),
        wedge=_wedge(document, frame, zone),
        switch_off=_switch_off(document, frame, zone),
    )


def s_curve(document: dict[str, Any], zone: tzinfo) -> Chart:
    """What the plan wants by each day, and what was reached: the whole way to the switch-off."""
    plan = [(datetime.fromisoformat(p["at"]), p["stations"]) for p in document["plan_curve"]["points"]]
    if not plan:
        return Chart(why_not=document["plan_curve"]["text"])
    points = _points(document)
    frame = _Frame.of(plan[0][0], max(plan[-1][0], points[-1][0]), document["stations"])
    places = [(frame.x(at), frame.y(stations)) for at, stations in plan]
    return _drawn(
        frame,
        [p for p in points if p[0] >= plan[0][0]] or points[-1:],
        zone,
        plan=_path(places),
        plan_marks=tuple(places[1:]),
        switch_off=_switch_off(document, frame, zone),
    )


def _points(document: dict[str, Any]) -> list[tuple[datetime, int, int]]:
    return [(datetime.fromisoformat(p["at"]), p["confirmed"], p["settled"]) for p in document["series"]["points"]]


def nothing_to_draw(document: dict[str, Any]) -> str:
    """Why a curve would be empty, or nothing."""
    if not document["stations"]:
        return "No chart: the plan holds no station."
    if not any(p["confirmed"] for p in document["series"]["points"]):
        return "No chart yet: no station has been confirmed on the target."
    return ""


def _drawn(frame: _Frame, points: Sequence[tuple[datetime, int, int]], zone: tzinfo, **more: Any) -> Chart:
    confirmed = [(frame.x(at), frame.y(c)) for at, c, _ in points]
    settled = [(frame.x(at), frame.y(s)) for at, _, s in points]
    floor, steps = frame.y(0), _steps(settled)
    return Chart(
        confirmed=_path(_steps(confirmed)),
        settled=_path(steps),
        settled_area=_path([(steps[0][0], floor), *steps, (steps[-1][0], floor)]) + "Z",
        confirmed_end=(*confirmed[-1], points[-1][1]),
        settled_end=(*settled[-1], points[-1][2]),
        x_ticks=frame.x_ticks(zone),
        y_ticks=frame.y_ticks(),
        scope=frame.y(frame.scope),
        **more,
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """The two scales: campaign time to the right, stations upwards."""

    start: datetime
    end: datetime
    scope: int

    @classmethod
    def of(cls, start: datetime, end: datetime, scope: int) -> _Frame:
        return cls(start, max(end, start + timedelta(seconds=1)), max(scope, 1))

    def x(self, at: datetime) -> float:
        return round(LEFT + (at - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, stations: float) -> float:
        return round(HEIGHT - BOTTOM - stations / self.scope * (HEIGHT - TOP - BOTTOM), 1)

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end

    def x_ticks(self, zone: tzinfo) -> tuple[Tick, ...]:
        length = self.end - self.start
        form = "%Y-%m-%d" if length > timedelta(days=4) else "%m-%d %H:%M" if length > timedelta(days=1) else "%H:%M"
        form = "%H:%M:%S" if length < timedelta(minutes=10) else form
        moments = [self.start + length * part / 4 for part in range(5)]
        return tuple(Tick(at=self.x(at), label=at.astimezone(zone).strftime(form)) for at in moments)

    def y_ticks(self) -> tuple[Tick, ...]:
        step = _round_step(self.scope)
        return tuple(Tick(at=self.y(n), label=f"{n:,}") for n in range(0, self.scope + 1, step))


def _horizon(document: dict[str, Any], start: datetime, now: datetime, zone: tzinfo) -> datetime:
    """Where the axis ends: at the latest of now, the P95 and the switch-off, unless now would vanish at its left."""
    days = (document["forecast"]["p95"], document["forecast"]["legacy_switch_off"])
    ahead = sorted(at for day in days if day and (at := _moment(day, zone)) > now)
    reachable = [at for at in ahead if (now - start) / (at - start) >= _LEAST_ELAPSED]
    return max([now, *reachable])


def _moment(day: str, zone: tzinfo) -> datetime:
    return switch_off_at(date.fromisoformat(day), zone)


def _wedge(document: dict[str, Any], frame: _Frame, zone: tzinfo) -> Wedge | None:
    told, now = document["forecast"], document["series"]["points"][-1]
    if told["p50"] is None or not frame.holds(_moment(told["p95"], zone)):
        return None
    level = frame.y(now["settled"] + told["remaining"])
    begin = (frame.x(datetime.fromisoformat(now["at"])), frame.y(now["settled"]))
    ends = [Tick(at=frame.x(_moment(told[name], zone)), label=name.upper()) for name in ("p50", "p85", "p95")]
    return Wedge(
        path=_path([begin, (ends[0].at, level), (ends[2].at, level)]) + "Z", ends=_spread(ends, 24.0), level=level
    )


def _spread(ticks: Sequence[Tick], apart: float) -> tuple[Tick, ...]:
    """Labels that would lie on each other are joined to one."""
    kept: list[Tick] = []
    for tick in ticks:
        if kept and tick.at - kept[-1].at < apart:
            kept[-1] = Tick(at=tick.at, label=f"{kept[-1].label}·{tick.label.removeprefix('P')}")
        else:
            kept.append(tick)
    return tuple(kept)


def _switch_off(document: dict[str, Any], frame: _Frame, zone: tzinfo) -> Tick | None:
    day = document["forecast"]["legacy_switch_off"]
    if day is None or not frame.holds(at := _moment(day, zone)):
        return None
    return Tick(at=frame.x(at), label=f"switch-off {day}")


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
    levels = [
        Tick(at=frame.y(w["stations_up_to"]), label=f"wave {w['number']} · {w['stations_up_to']:,}")
        for w in document["waves"]
    ]
    kept: list[Tick] = []
    for level in reversed(levels):
        if not kept or level.at - kept[-1].at >= _LABEL_HEIGHT:
            kept.append(level)
    return tuple(kept)
