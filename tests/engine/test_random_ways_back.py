"""Random nights with orders: stations are taken back and tried again at random moments, over kills, halts and stations that move.

Hours of campaign time and thousands of steps each; whatever crosses, the books and the field agree once everything is well again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.gate import acknowledge
from batches.ordered import Order
from migrate.domain.attempt import ENDS, IN_FLIGHT, State
from migrate.domain.evidence import Grade, Kind, Side
from migrate.domain.record import Direction, EventKind, StoredEvent
from migrate.domain.wave import Mode
from tests.doubles.clock import VirtualLoop
from tests.doubles.rehearsal import Rehearsal
from tests.doubles.scene import OLD
from tests.doubles.world import Reset, Return, SimpleStation

AT_REST = ENDS | {State.SETTLED, State.STUCK, State.LOST}
STATIONS = ("AC1", "AC2", "AC3", "AC4")
LONGEST_AWAY_S = 900.0
MOMENTS = st.floats(0.0, 6000.0)
NAMES = st.sampled_from(STATIONS)

orders = st.tuples(st.just("order"), MOMENTS, st.sampled_from(Order), st.sets(NAMES, min_size=1))
happenings = st.one_of(
    orders,
    orders,
    st.tuples(st.just("halt"), MOMENTS, st.floats(10.0, 2000.0)),
    st.tuples(st.just("flips"), MOMENTS, NAMES),
    st.tuples(st.just("vanishes"), MOMENTS, NAMES, st.sampled_from([5.0, 200.0, 2000.0])),
    st.tuples(st.just("refuses"), MOMENTS, NAMES, st.sampled_from(["BackendUrl", "Reset"])),
    st.tuples(st.just("returns"), MOMENTS, NAMES, st.sampled_from(Return)),
    st.tuples(st.just("takes_reset"), MOMENTS, NAMES, st.sampled_from(Reset)),
    st.tuples(st.just("answers no write"), MOMENTS, NAMES, st.booleans()),
    st.tuples(st.just("charges"), MOMENTS, NAMES),
    st.tuples(st.just("blind"), MOMENTS, st.sampled_from(Side)),
)
nights = st.fixed_dictionaries(
    {
        "away_s": st.lists(st.sampled_from([0.5, 45.0, 310.0, LONGEST_AWAY_S]), min_size=4, max_size=4),
        "happenings": st.lists(happenings, max_size=14),
        "kills": st.lists(st.floats(0.0, 3000.0), min_size=1, max_size=4),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights)
def test_whatever_is_ordered_and_whatever_happens_meanwhile_books_and_field_agree(night: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_live_through(night))


async def _live_through(night: dict[str, Any]) -> None:
    async with Rehearsal.of(len(STATIONS)) as rehearsal:
        for station, away_s in zip(rehearsal.world.stations.values(), night["away_s"], strict=True):
            station.away_s = away_s
        for what, at_s, *more in night["happenings"]:
            rehearsal.world.later(at_s, lambda what=what, more=more: _happen(rehearsal, what, *more))
        for after_s in night["kills"]:
            await _killed(rehearsal, after_s)
        await _all_is_well_again(rehearsal)
        async with rehearsal.process():
            await asyncio.sleep(60)
            await _all_speak(rehearsal)  # those that settled and moved while nobody looked are seen by it
            await asyncio.sleep(3600)
        ended = await rehearsal.run(within=timedelta(days=2))

        assert ended == "done"
        for identity in STATIONS:
            await _agree(rehearsal, identity)
        _never_twice_in_flight(rehearsal.journal.lines)
        _nothing_blind(rehearsal.world.wire)
        _nothing_under_a_halt(rehearsal.journal.lines)
        _settled_by_proof_alone(rehearsal.journal.lines)


async def _happen(rehearsal: Rehearsal, what: str, *more: Any) -> None:
    world, station = rehearsal.world, rehearsal.world.stations.get(more[0]) if isinstance(more[0], str) else None
    if what == "order":
        await rehearsal.send_order(more[0], *sorted(more[1]))
    elif what == "halt":
        await rehearsal.lay(Mode.HALTED)
        await asyncio.sleep(more[0])
        await rehearsal.resume({})
    elif what == "blind":
        world.seeing.discard(more[0])
        await asyncio.sleep(400)
        world.seeing.add(more[0])
    elif station is not None:
        await _befall(rehearsal, station, what, *more[1:])


async def _befall(rehearsal: Rehearsal, station: SimpleStation, what: str, *more: Any) -> None:
    if what == "flips" and station.sessions:
        await rehearsal.world.move(station, Side.SOURCE)  # its setting stays what it is
    elif what == "vanishes" and station.sessions:
        await rehearsal.world.leave(station)
        await asyncio.sleep(more[0])
        if not station.sessions:
            await rehearsal.world.move(station, station.dials)
    elif what == "refuses":
        station.device.verdicts[more[0]] = "Rejected"
    elif what == "answers no write":
        station.unanswered_writes, station.applies_unanswered = 2, more[0]
    elif what == "charges":
        station.charging.add(1)
        await asyncio.sleep(400)
        station.charging.clear()
    elif what in ("returns", "takes_reset"):
        setattr(station, what, more[0])


async def _killed(rehearsal: Rehearsal, after_s: float) -> None:
    running = asyncio.ensure_future(rehearsal.run(within=timedelta(days=2)))
    await asyncio.sleep(after_s)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _all_is_well_again(rehearsal: Rehearsal) -> None:
    """Nothing more happens; every station answers, obeys and is somewhere; a person has looked."""
    await asyncio.sleep(6000.0 + 2000.0 + LONGEST_AWAY_S)
    for station in rehearsal.world.stations.values():
        station.device.verdicts.clear()
        station.takes_reset, station.returns, station.unanswered_writes = Reset.OBEYED, Return.CONFIGURED, 0
        if not station.sessions:
            await rehearsal.world.move(station, station.dials)
    await rehearsal.resume({0: acknowledge(await rehearsal.journal.attempts())})


async def _all_speak(rehearsal: Rehearsal) -> None:
    for station in rehearsal.world.stations.values():
        for side in list(station.sessions):
            await rehearsal.world.tell(station.identity, side, Kind.HEARTBEAT)


# ── what must hold ─────────────────────────────────────────────────────────


async def _agree(rehearsal: Rehearsal, identity: str) -> None:
    """Where the journal says a station is, and with which setting, is where and how it is."""
    attempt, station = await rehearsal.attempt(identity), rehearsal.world.stations[identity]
    assert attempt.state in AT_REST, attempt
    assert not attempt.is_void, "a rollback that came to nothing gives its station back"
    if attempt.state is State.SETTLED:
        assert list(station.sessions) == [attempt.direction.goal], (attempt, station.sessions)
        assert (station.device.values["BackendUrl"] == OLD) is (attempt.direction is Direction.BACK), attempt
    if attempt.state in (State.FAILED, State.REVERTED):
        assert station.device.values["BackendUrl"] == OLD, attempt
    if attempt.state is State.LOST:
        assert attempt.direction.origin not in station.sessions, attempt


def _never_twice_in_flight(lines: list[StoredEvent]) -> None:
    flying: defaultdict[str, set[str]] = defaultdict(set)
    for event in (line.event for line in lines if line.event.kind is EventKind.MOVED):
        is_flying = event.data["to"] in IN_FLIGHT
        (flying[event.identity].add if is_flying else flying[event.identity].discard)(event.attempt)
        assert len(flying[event.identity]) <= 1, event


def _nothing_blind(wire: list[tuple[str, ...]]) -> None:
    """The same command never goes out twice to a station without a read between."""
    since_read: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for identity, *command in wire:
        if command[0] == "Read":
            since_read[identity].clear()
        elif command[0] in ("Write", "Reset"):
            assert tuple(command) not in since_read[identity], (identity, command)
            since_read[identity].append(tuple(command))


def _nothing_under_a_halt(lines: list[StoredEvent]) -> None:
    """Between a halt and its end nothing is written or restarted but what undoes."""
    is_halted, states = False, dict[str, str]()
    for event in (line.event for line in lines):
        if event.kind is EventKind.CONTROL:
            is_halted = event.data.get("mode") == Mode.HALTED
        elif event.kind is EventKind.MOVED:
            states[event.attempt] = event.data["to"]
            assert not (is_halted and event.data["to"] in (State.WRITING, State.RESTARTING)), event
        elif event.kind is EventKind.COMMAND and is_halted and event.data["action"] != "TriggerMessage":
            assert states[event.attempt] == State.UNDOING, event


def _settled_by_proof_alone(lines: list[StoredEvent]) -> None:
    """No attempt, there or back, settles but after E3 on the side it was to go to; an answer to a command proves nothing."""
    proven, directions = set[str](), dict[str, Direction]()
    for event in (line.event for line in lines):
        if event.kind is EventKind.ATTEMPT_OPENED:
            directions[event.attempt] = Direction(event.data.get("direction", Direction.FORWARD))
        elif event.kind is EventKind.MOVED and event.data["to"] == State.CONFIRMED:
            assert event.data["side"] == directions[event.attempt].goal, event
            assert event.data["evidence"] >= str(Grade.E3), event
            proven.add(event.attempt)
        elif event.kind is EventKind.MOVED and event.data["to"] == State.SETTLED:
            assert event.attempt in proven, event
        elif event.kind is EventKind.MOVED:
            proven.discard(event.attempt)
