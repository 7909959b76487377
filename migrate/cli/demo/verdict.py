"""The verdict on a demonstration: what the toolkit says against what the stations themselves wrote down.

Pure.  Every station must have ended as its planted fault demands, and must be
where the journal says it is, by the stations' own wire log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from migrate.domain.attempt import State
from migrate.domain.record import StoredEvent
from migrate.domain.wave import Standing, StationStanding
from migrate.simulator.deal import StationSpec
from migrate.simulator.wirelog import (
    Side,
    WireEvent,
    boots_on_target,
    commands_repeated_without_read,
    commands_sent,
    last_side,
)

_LIVES: Mapping[State, Side] = {
    State.SETTLED: Side.TARGET,
    State.CONFIRMED: Side.TARGET,
    State.ARRIVED: Side.TARGET,
    State.FAILED: Side.SOURCE,
    State.REVERTED: Side.SOURCE,
    State.VISITING: Side.SOURCE,
    State.LOST: Side.NONE,
    State.DEPARTED: Side.NONE,
}
"""Where a station must be, by its own log, when the journal says it is so; other states say nothing of the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A station that did not end as it had to, or is not where the journal has it."""

    identity: str
    fault: str
    text: str


def judge(standing: Standing, specs: Sequence[StationSpec], log: Sequence[WireEvent]) -> list[Disagreement]:
    """Everything that is not as it must be; empty for a demonstration that did its job."""
    shown = {station.identity: station for station in standing.stations}
    lives = last_side(log)
    return [
        wrong
        for spec in specs
        for wrong in _judge_one(spec, shown.get(spec.identity), lives.get(spec.identity, Side.NONE))
    ]


def _judge_one(spec: StationSpec, shown: StationStanding | None, lives: Side) -> Iterable[Disagreement]:
    if shown is None:
        yield Disagreement(identity=spec.identity, fault=spec.fault, text="is in no wave")
        return
    if shown.state not in spec.expected:
        text = f"ended {shown.state.value}, its fault demands {' or '.join(sorted(spec.expected))}: {shown.reason}"
        yield Disagreement(identity=spec.identity, fault=spec.fault, text=text)
    expected = _LIVES.get(shown.state)
    if expected is not None and lives is not expected:
        text = f"is {shown.state.value} in the journal, but by its own log it lives on {lives.value}"
        yield Disagreement(identity=spec.identity, fault=spec.fault, text=text)


def wire_counts(log: Sequence[WireEvent]) -> dict[str, int]:
    """Counted by the stations themselves."""
    return {
        "boots_on_target": boots_on_target(log),
        "commands_sent": commands_sent(log),
        "commands_repeated_without_read": commands_repeated_without_read(log),
    }


def makespan_s(standing: Standing, events: Iterable[StoredEvent], identities: Mapping[str, float]) -> float:
    """Campaign seconds from a wave's first admission to its last confirmation, summed over the waves.

    ``identities`` are the stations that have a drawn time: visits are not
    measured, because a crew's way is nobody's overhead.
    """
    wave_of = {s.identity: s.wave for s in standing.stations if s.identity in identities}
    first: dict[int, datetime] = {wave.number: wave.started_at for wave in standing.waves if wave.started_at}
    last: dict[int, datetime] = {}
    for stored in events:
        event = stored.event
        if event.identity in wave_of and event.data.get("to") == State.CONFIRMED.value:
            last[wave_of[event.identity]] = event.at
    spans = (last[number] - began for number, began in first.items() if number in last)
    return sum(spans, timedelta(0)).total_seconds()
