"""The way back when things cross: orders that overlap, stations that move by themselves, runs that end, gates that are shut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from batches.ordered import Order
from migrate.domain.attempt import IN_FLIGHT, Fact, State
from migrate.domain.evidence import Side
from migrate.domain.policy import Share, WavePolicy
from migrate.domain.record import Direction, move
from migrate.ports import Latency
from tests.doubles.rehearsal import POLICY, Rehearsal, gate
from tests.doubles.scene import OLD
from tests.doubles.world import Return

ONE_FIRST = replace(POLICY, waves=WavePolicy(canary_per_profile=1))
MINUTE = timedelta(minutes=1)


def being_taken_back(rehearsal: Rehearsal, began: int = 0) -> int:
    """The largest number of stations that were on their way back at one time, from a place in the journal on."""
    flying, most = set[str](), 0
    for line in rehearsal.journal.lines[began:]:
        if "to" in line.event.data:
            (flying.add if line.event.data["to"] in IN_FLIGHT else flying.discard)(line.event.identity)
            most = max(most, len(flying))
    return most


async def stuck_on_the_way_back(rehearsal: Rehearsal, *names: str) -> None:
    for name in names:
        rehearsal.world.stations[name].device.verdicts["BackendUrl"] = "Rejected"


# ── the station moves by itself ────────────────────────────────────────────


async def test_a_station_that_falls_back_by_itself_before_its_rollback_gets_its_old_address_all_the_same() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.world.move(station, Side.SOURCE)

        await rehearsal.carry_out("AC1")

        assert station.device.values["BackendUrl"] == OLD
        assert (await rehearsal.attempt("AC1")).state is State.REVERTED


async def test_one_that_comes_to_the_source_while_its_rollback_waits_is_not_taken_for_taken_back() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.charging.add(1)
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        async with rehearsal.process():
            await rehearsal.clock.sleep(5 * MINUTE)
            station.charging.clear()
            await rehearsal.world.move(station, Side.SOURCE)
            await rehearsal.clock.sleep(120 * MINUTE)

        assert station.device.values["BackendUrl"] == OLD
        assert (await rehearsal.attempt("AC1")).state is State.REVERTED


async def test_a_station_with_a_session_on_both_sides_waits_until_it_is_clear_where_it_is() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        await rehearsal.world.connect(station, Side.SOURCE)  # half open: nobody is behind it
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        rehearsal.world.later(600, lambda: rehearsal.world.leave(station, Side.SOURCE))

        await rehearsal.carry_out("AC1")

        assert station.device.values["BackendUrl"] == OLD
        assert (await rehearsal.attempt("AC1")).direction is Direction.BACK


async def test_one_written_off_on_its_way_back_that_turns_up_on_the_target_is_found_there() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.returns = Return.NOWHERE
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")
        lost = await rehearsal.attempt("AC1")
        await rehearsal.journal.commit(move(lost, Fact.WRITTEN_OFF, rehearsal.clock.now(), left=True))
        async with rehearsal.process():
            await rehearsal.clock.sleep(MINUTE)
            await rehearsal.world.connect(station, Side.TARGET)
            await rehearsal.world.boot(station, Side.TARGET)
            await rehearsal.clock.sleep(30 * MINUTE)

        found = await rehearsal.attempt("AC1")
        assert (found.direction, found.state) == (Direction.FORWARD, State.SETTLED)


# ── orders that overlap ────────────────────────────────────────────────────


async def test_one_that_is_lost_after_a_second_order_stops_the_first_order_too() -> None:
    strict = replace(gate(max_lost=0), waves=WavePolicy(canary_per_profile=1))
    async with Rehearsal.of(4, policy=strict) as rehearsal:
        await rehearsal.run()
        rehearsal.world.stations["AC1"].returns = Return.NOWHERE
        rehearsal.world.stations["AC4"].charging.add(1)

        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2", "AC3")
        async with rehearsal.process():
            await rehearsal.clock.sleep(MINUTE / 2)
            await rehearsal.send_order(Order.ROLLBACK, "AC4")
            await rehearsal.clock.sleep(240 * MINUTE)

        on_target = {i for i, s in rehearsal.world.stations.items() if Side.TARGET in s.sessions}
        assert on_target == {"AC2", "AC3", "AC4"}


async def test_a_second_order_does_not_keep_the_first_from_being_carried_out() -> None:
    async with Rehearsal.of(5, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        names = list(rehearsal.world.stations)
        await rehearsal.send_order(Order.ROLLBACK, *names[:4])
        async with rehearsal.process():
            await rehearsal.clock.sleep(3 * MINUTE)
            await rehearsal.send_order(Order.ROLLBACK, names[4])
            await rehearsal.clock.sleep(240 * MINUTE)

        assert {s.device.values["BackendUrl"] for s in rehearsal.world.stations.values()} == {OLD}


async def test_ordering_a_stopped_rollback_again_reaches_those_it_has_not_come_to_and_takes_note() -> None:
    strict = replace(gate(max_failed=1), waves=WavePolicy(canary_per_profile=1))
    async with Rehearsal.of(4, policy=strict) as rehearsal:
        await rehearsal.run()
        names = list(rehearsal.world.stations)
        await stuck_on_the_way_back(rehearsal, *names)
        await rehearsal.send_order(Order.ROLLBACK, *names)
        assert await rehearsal.carry_out(*names) == "stopped"
        for station in rehearsal.world.stations.values():
            station.device.verdicts.clear()

        found = await rehearsal.send_order(Order.ROLLBACK, *names)
        ended = await rehearsal.carry_out(*names)

        assert ended == "done"
        assert [s.identity for s in found.stations] == names
        assert {s.device.values["BackendUrl"] for s in rehearsal.world.stations.values()} == {OLD}


async def test_the_same_order_given_twice_takes_nobody_back_twice() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()
        written = len(rehearsal.world.sent("Write"))
        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")

        await rehearsal.carry_out("AC1", "AC2")

        assert len(rehearsal.world.sent("Write")) - written == 2
        assert len(rehearsal.world.sent("Reset")) == 4


async def test_one_that_was_put_off_can_be_tried_again_at_once() -> None:
    async with Rehearsal.of(1) as rehearsal:
        rehearsal.world.stations["AC1"].charging.add(1)
        with pytest.raises(TimeoutError):
            await rehearsal.run(within=2 * MINUTE)
        assert (await rehearsal.attempt("AC1")).state is State.DEFERRED
        rehearsal.world.stations["AC1"].charging.clear()

        found = await rehearsal.send_order(Order.RETRY, "AC1")
        await rehearsal.carry_out("AC1")

        assert [s.identity for s in found.stations] == ["AC1"]
        assert [a.state for a in await rehearsal.journal.history("AC1")] == [State.SKIPPED, State.SETTLED]


# ── the first of a profile ─────────────────────────────────────────────────


async def test_processes_that_die_do_not_send_more_first_ones_than_a_profile_is_given() -> None:
    async with Rehearsal.of(4, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        for station in rehearsal.world.stations.values():
            station.away_s = 600.0
        began = len(rehearsal.journal.lines)
        await rehearsal.send_order(Order.ROLLBACK, *rehearsal.world.stations)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await rehearsal.carry_out(*rehearsal.world.stations, within=MINUTE)

        assert being_taken_back(rehearsal, began) == 1


async def test_an_order_whose_attempts_were_not_put_off_any_more_sends_the_first_ones_first_too() -> None:
    async with Rehearsal.of(4, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        for station in rehearsal.world.stations.values():
            station.away_s = 600.0
        began = len(rehearsal.journal.lines)
        await rehearsal.send_order(Order.ROLLBACK, *rehearsal.world.stations, is_killed_half_way=True)
        with pytest.raises(TimeoutError):
            await rehearsal.run(within=5 * MINUTE)

        assert being_taken_back(rehearsal, began) == 1


async def test_a_first_one_that_failed_in_another_process_makes_room_for_the_next() -> None:
    async with Rehearsal.of(2, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        await stuck_on_the_way_back(rehearsal, "AC1")
        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
        async with rehearsal.beside(), rehearsal.process():
            await rehearsal.clock.sleep(240 * MINUTE)

        assert rehearsal.world.stations["AC2"].device.values["BackendUrl"] == OLD


# ── how a run ends ─────────────────────────────────────────────────────────


async def test_a_run_does_not_end_over_a_rollback_because_the_gate_is_shut() -> None:
    strict = gate(max_failed_share=Share(0.0), min_sample=1)
    async with Rehearsal.of(3, policy=strict) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")  # now the gate is shut
        await rehearsal.send_order(Order.ROLLBACK, "AC2", "AC3")

        ended = await rehearsal.run()

        assert ended == "shut"
        assert set((await rehearsal.states()).values()) == {"settled"}
        assert [set(s.sessions) for s in rehearsal.world.stations.values()] == [{Side.SOURCE}] * 3


async def test_a_stale_plan_brings_the_rollbacks_in_flight_to_rest_and_starts_no_other() -> None:
    async with Rehearsal.of(2, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
        with pytest.raises(TimeoutError):
            await rehearsal.carry_out("AC1", "AC2", within=MINUTE / 2)
        assert (await rehearsal.attempt("AC1")).state in IN_FLIGHT

        await rehearsal.recover()

        assert (await rehearsal.attempt("AC1")).state in (State.CONFIRMED, State.SETTLED)
        assert (await rehearsal.attempt("AC2")).state is State.DEFERRED


async def test_a_retry_behind_a_shut_gate_says_so_instead_of_waiting_for_ever() -> None:
    strict = gate(max_lost=0)
    async with Rehearsal.of(2, policy=strict) as rehearsal:
        rehearsal.world.stations["AC1"].returns = Return.NOWHERE
        rehearsal.world.stations["AC2"].device.verdicts["BackendUrl"] = "Rejected"
        await rehearsal.run()

        await rehearsal.send_order(Order.RETRY, "AC2")
        ended = await rehearsal.carry_out("AC2")

        assert ended == "stopped"


# ── a target that is ill, a witness that cannot be asked ───────────────────


async def test_a_target_that_hardly_answers_any_more_is_left_all_the_same() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        rehearsal.world.latencies[Side.TARGET] = Latency(
            median_s=60.0, slowest_s=90.0, samples=10, at=rehearsal.clock.now()
        )

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1", within=60 * MINUTE)

        assert rehearsal.world.stations["AC1"].device.values["BackendUrl"] == OLD


async def test_a_void_rollback_is_looked_after_also_when_nobody_could_be_asked_at_that_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        await stuck_on_the_way_back(rehearsal, "AC1")
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        async with rehearsal.process() as campaign:
            while not any(a.is_void for a in await rehearsal.journal.rollbacks()):
                await asyncio.sleep(0.05)
            rehearsal.world.can_be_asked = False
            await rehearsal.world.leave(station, Side.TARGET)
            await rehearsal.clock.sleep(MINUTE)
            rehearsal.world.can_be_asked = True
            await rehearsal.clock.sleep(120 * MINUTE)
            assert campaign.watch.known["AC1"].direction is Direction.FORWARD

        assert (await rehearsal.attempt("AC1")).state is State.LOST
