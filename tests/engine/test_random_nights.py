"""Random nights in virtual time: stations with random ways, processes that are killed at random moments.

Whatever happens, the journal and the stations must agree in the end, nothing
is repeated without a look, and nobody is in two places of the books at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.gate import acknowledge
from migrate.domain.attempt import ENDS, IN_FLIGHT, State
from migrate.domain.evidence import Kind, Side
from migrate.domain.record import EventKind
from tests.doubles.clock import VirtualLoop
from tests.doubles.rehearsal import Rehearsal
from tests.doubles.scene import OLD
from tests.doubles.world import Reset, Return

AT_REST = ENDS | {State.SETTLED, State.STUCK, State.LOST}

ways = st.fixed_dictionaries(
    {
        "takes_reset": st.sampled_from([Reset.OBEYED, Reset.OBEYED, *Reset]),
        "returns": st.sampled_from([Return.CONFIGURED, Return.CONFIGURED, *Return]),
        "away_s": st.sampled_from([0.5, 45.0, 290.0, 310.0, 900.0]),
        "boots": st.booleans(),
        "unanswered_writes": st.sampled_from([0, 0, 0, 0, 1, 4]),
        "applies_unanswered": st.booleans(),
        "keeps": st.sampled_from([{}, {}, {}, {}, {}, {}, {}, {"BackendUrl": OLD}]),
        "refuses": st.sampled_from(["", "", "", "", "", "", "BackendUrl", "Reset", "TriggerMessage"]),
        "charges_at": st.sampled_from([None, None, 0.0, 5.0, 40.0]),
        "blip_at": st.sampled_from([None, None, 2.0, 30.0, 200.0]),
    }
)
nights = st.fixed_dictionaries(
    {
        "stations": st.lists(ways, min_size=1, max_size=4),
        "kills": st.lists(st.floats(0.0, 900.0), max_size=3),
        "clock": st.lists(
            st.tuples(st.floats(0.0, 1500.0), st.sampled_from([-3600.0, -30.0, 90.0, 3600.0, 3 * 3600.0])), max_size=2
        ),
        "disk full": st.lists(st.floats(0.0, 900.0), max_size=1),
        "blind": st.sampled_from([None, None, (20.0, 500.0, Side.SOURCE), (50.0, 2000.0, Side.TARGET)]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights)
def test_whatever_stations_do_and_whenever_processes_die_books_and_field_agree(night: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_live_through(night))


async def _live_through(night: dict[str, Any]) -> None:
    async with Rehearsal.of(len(night["stations"])) as rehearsal:
        for identity, chosen in zip(list(rehearsal.world.stations), night["stations"], strict=True):
            _give_ways(rehearsal, identity, dict(chosen))
        if night["blind"] is not None:
            begin, length, side = night["blind"]
            rehearsal.world.later(begin, lambda: _blind(rehearsal, side, length))
        for at_s, by_s in night["clock"]:
            rehearsal.world.later(at_s, lambda by_s=by_s: _clock_is_set(rehearsal, by_s))
        for after_s in night["kills"]:
            await _killed(rehearsal, after_s)
        for after_s in night["disk full"]:
            await _disk_fills(rehearsal, after_s)
        await rehearsal.resume({0: acknowledge(await rehearsal.journal.attempts())})
        ended = await rehearsal.run()

        assert ended == "done"
        for identity in rehearsal.world.stations:
            await _agree(rehearsal, identity)
        _never_twice_in_flight(rehearsal)


def _give_ways(rehearsal: Rehearsal, identity: str, chosen: dict[str, Any]) -> None:
    station = rehearsal.world.stations[identity]
    refuses, charges_at, blip_at = chosen.pop("refuses"), chosen.pop("charges_at"), chosen.pop("blip_at")
    for name, value in chosen.items():
        setattr(station, name, dict(value) if name == "keeps" else value)
    if refuses:
        station.device.verdicts[refuses] = "Rejected"
    if charges_at is not None:
        rehearsal.world.later(charges_at, lambda: _charge_a_while(rehearsal, identity))
    if blip_at is not None:
        rehearsal.world.later(blip_at, lambda: _blip(rehearsal, identity))


async def _charge_a_while(rehearsal: Rehearsal, identity: str) -> None:
    station = rehearsal.world.stations[identity]
    if Side.SOURCE in station.sessions:
        await rehearsal.world.charge(station)
        await asyncio.sleep(400)
        await rehearsal.world.stop_charging(station)


async def _blip(rehearsal: Rehearsal, identity: str) -> None:
    """The line breaks for a moment; the station itself never restarts."""
    station = rehearsal.world.stations[identity]
    for side in list(station.sessions):
        await rehearsal.world.leave(station, side)
        await asyncio.sleep(0.25)
        if not station.sessions:
            await rehearsal.world.connect(station, side)


async def _blind(rehearsal: Rehearsal, side: Side, length_s: float) -> None:
    rehearsal.world.seeing.discard(side)
    await asyncio.sleep(length_s)
    rehearsal.world.seeing.add(side)


async def _clock_is_set(rehearsal: Rehearsal, by_s: float) -> None:
    rehearsal.clock.step(timedelta(seconds=by_s))


async def _disk_fills(rehearsal: Rehearsal, after_s: float) -> None:
    """Nothing can be recorded from some moment on: the run ends by itself, and what it could not record it did not do."""
    running = asyncio.ensure_future(rehearsal.run())
    await asyncio.sleep(after_s)
    rehearsal.journal.fails, sent = True, len(rehearsal.world.sent())
    await asyncio.sleep(60)
    assert len(rehearsal.world.sent()) <= sent + len(rehearsal.world.stations)  # what was recorded just before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    rehearsal.journal.fails = False
    for station in rehearsal.world.stations.values():  # whoever came or left meanwhile is on record nowhere
        station.charging.clear()
        if not station.sessions:
            await rehearsal.world.move(station, station.dials)
        for side in list(station.sessions):
            await rehearsal.world.tell(station.identity, side, Kind.HEARTBEAT)


async def _killed(rehearsal: Rehearsal, after_s: float) -> None:
    running = asyncio.ensure_future(rehearsal.run())
    await asyncio.sleep(after_s)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _agree(rehearsal: Rehearsal, identity: str) -> None:
    attempt, station = await rehearsal.attempt(identity), rehearsal.world.stations[identity]
    wire = [line for line in rehearsal.world.wire if line[0] == identity]
    assert attempt.state in AT_REST, attempt
    if attempt.state is State.SETTLED:
        assert list(station.sessions) == [Side.TARGET]
    if attempt.state in (State.FAILED, State.REVERTED):
        assert station.device.values["BackendUrl"] == OLD
    if attempt.state is State.SKIPPED:
        assert not any(line[1] == "Write" for line in wire) or station.device.values["BackendUrl"] == OLD
    if attempt.state is State.LOST:
        assert Side.SOURCE not in station.sessions
    _nothing_blind(wire)
    assert _announced(rehearsal, identity) >= sum(line[1] != "Read" for line in wire)


def _nothing_blind(wire: list[tuple[str, ...]]) -> None:
    """The same command never goes out twice without a read between."""
    since_read: Counter[tuple[str, ...]] = Counter()
    for line in wire:
        if line[1] == "Read":
            since_read.clear()
        elif line[1] in ("Write", "Reset"):
            since_read[line[1:]] += 1
            assert since_read[line[1:]] == 1, (line, wire)


def _announced(rehearsal: Rehearsal, identity: str) -> int:
    lines = rehearsal.journal.lines
    return sum(one.event.kind is EventKind.COMMAND and one.event.identity == identity for one in lines)


def _never_twice_in_flight(rehearsal: Rehearsal) -> None:
    flying: defaultdict[str, set[str]] = defaultdict(set)
    for line in rehearsal.journal.lines:
        event = line.event
        if event.kind is EventKind.MOVED:
            is_flying = event.data["to"] in IN_FLIGHT
            (flying[event.identity].add if is_flying else flying[event.identity].discard)(event.attempt)
            assert len(flying[event.identity]) <= 1
            assert sum(bool(some) for some in flying.values()) <= 3 + _undoing_or_resumed(event.data)


def _undoing_or_resumed(data: Any) -> int:
    """Finds and undoings take no permit beforehand: they happen, wanted or not."""
    return 4 if data["to"] in ("arrived", "undoing", "departed") else 1
