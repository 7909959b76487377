"""Rollback and retry of whole waves in virtual time: where a station ends, what was sent, what stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batches.gate import tally
from batches.ordered import Order
from batches.standing import Facts, fold
from migrate.domain.attempt import State
from migrate.domain.evidence import Side
from migrate.domain.policy import WavePolicy
from migrate.domain.record import Direction
from migrate.domain.wave import Mode
from tests.doubles.rehearsal import POLICY, Rehearsal, gate
from tests.doubles.scene import OLD
from tests.doubles.world import Return

ONE_FIRST = replace(POLICY, waves=WavePolicy(canary_per_profile=1))


async def counted(rehearsal: Rehearsal) -> dict[str, str]:
    """Each station in the state that screens and reports show."""
    facts = Facts(
        campaign="c",
        at=rehearsal.clock.now(),
        plan=rehearsal.plan,
        gate=rehearsal.policy.gate,
        attempts=await rehearsal.journal.attempts(),
    )
    return {s.identity: s.state.value for s in fold(facts).stations}


async def test_a_wave_that_is_taken_back_stands_on_the_source_with_its_old_values_and_proven_there() -> None:
    async with Rehearsal.of(3) as rehearsal:
        await rehearsal.run()

        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2", "AC3")
        ended = await rehearsal.carry_out("AC1", "AC2", "AC3")

        stations = rehearsal.world.stations.values()
        assert ended == "done"
        assert {s.device.values["BackendUrl"] for s in stations} == {OLD}
        assert [set(s.sessions) for s in stations] == [{Side.SOURCE}] * 3
        assert {a.direction for a in await rehearsal.journal.attempts()} == {Direction.BACK}
        assert {str(a.evidence) for a in await rehearsal.journal.attempts()} == {"E4"}
        assert await counted(rehearsal) == dict.fromkeys(("AC1", "AC2", "AC3"), "reverted")


async def test_a_station_gets_its_own_old_address_back_token_and_all() -> None:
    own = "ws://old.example/ocpp/TOKEN-17/"
    async with Rehearsal.of(1, values={"BackendUrl": own}) as rehearsal:
        await rehearsal.run()

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")

        assert rehearsal.world.stations["AC1"].device.values["BackendUrl"] == own


async def test_a_rollback_that_the_station_refuses_leaves_it_settled_on_the_target() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        rehearsal.world.stations["AC1"].device.verdicts["BackendUrl"] = "Rejected"

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")

        assert await counted(rehearsal) == {"AC1": "settled"}
        assert [a.state for a in await rehearsal.journal.history("AC1")] == [State.SETTLED, State.FAILED]
        assert set(rehearsal.world.stations["AC1"].sessions) == {Side.TARGET}


async def test_after_a_rollback_that_came_to_nothing_another_may_be_ordered() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.device.verdicts["BackendUrl"] = "Rejected"
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")
        del station.device.verdicts["BackendUrl"]

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")

        assert await counted(rehearsal) == {"AC1": "reverted"}
        assert [a.number for a in await rehearsal.journal.history("AC1")] == [1, 2, 3]


async def test_a_station_that_leaves_the_target_and_never_comes_to_the_source_is_lost_and_stops_the_rollback() -> None:
    async with Rehearsal.of(3, policy=replace(gate(max_lost=0), waves=WavePolicy(canary_per_profile=1))) as rehearsal:
        await rehearsal.run()
        rehearsal.world.stations["AC1"].returns = Return.NOWHERE

        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2", "AC3")
        ended = await rehearsal.carry_out("AC1", "AC2", "AC3")

        assert ended == "stopped"
        assert (await counted(rehearsal))["AC1"] == "lost"
        assert {i: set(s.sessions) for i, s in rehearsal.world.stations.items() if i != "AC1"} == {
            "AC2": {Side.TARGET},
            "AC3": {Side.TARGET},
        }


async def test_a_kind_that_cannot_be_taken_back_is_stopped_after_so_many_failures() -> None:
    strict = replace(gate(max_failed=1), waves=WavePolicy(canary_per_profile=1))
    async with Rehearsal.of(5, policy=strict) as rehearsal:
        await rehearsal.run()
        for station in rehearsal.world.stations.values():
            station.device.verdicts["BackendUrl"] = "Rejected"
        written_before = len(rehearsal.world.sent("Write"))

        await rehearsal.send_order(Order.ROLLBACK, *rehearsal.world.stations)
        ended = await rehearsal.carry_out(*rehearsal.world.stations)

        assert ended == "stopped"
        assert len(rehearsal.world.sent("Write")) - written_before == 2
        assert list((await counted(rehearsal)).values()).count("settled") == 2


async def test_nobody_follows_the_first_of_a_profile_before_it_was_proven_on_the_source() -> None:
    async with Rehearsal.of(3, policy=ONE_FIRST) as rehearsal:
        await rehearsal.run()
        began = len(rehearsal.journal.lines)

        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2", "AC3")
        await rehearsal.carry_out("AC1", "AC2", "AC3")

        moves = [
            (line.event.identity, line.event.data["to"])
            for line in rehearsal.journal.lines[began:]
            if "to" in line.event.data
        ]
        first_confirmed = next(place for place, (_, to) in enumerate(moves) if to == "confirmed")
        assert len({identity for identity, to in moves[:first_confirmed] if to == "writing"}) == 1


async def test_a_rollback_passes_a_pause_and_a_shut_gate() -> None:
    async with Rehearsal.of(2, policy=gate(max_lost=0)) as rehearsal:
        await rehearsal.run()
        await rehearsal.lay(Mode.PAUSED)

        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
        await rehearsal.carry_out("AC1", "AC2")

        assert set((await counted(rehearsal)).values()) == {"reverted"}


async def test_under_a_halt_a_rollback_writes_nothing_until_the_halt_is_lifted() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        await rehearsal.lay(Mode.HALTED)
        written = len(rehearsal.world.sent("Write"))

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        with pytest.raises(TimeoutError):
            await rehearsal.carry_out("AC1", within=timedelta(hours=1))

        assert len(rehearsal.world.sent("Write")) == written


async def test_a_driver_is_not_cut_off_by_a_rollback_either() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.charging.add(1)
        resets = len(rehearsal.world.sent("Reset"))

        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        with pytest.raises(TimeoutError):
            await rehearsal.carry_out("AC1", within=timedelta(hours=1))

        assert len(rehearsal.world.sent("Reset")) == resets
        assert (await rehearsal.attempt("AC1")).state is State.DEFERRED


async def test_a_killed_rollback_goes_on_where_it_was_and_writes_nothing_twice() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
        for minutes in (0.2, 0.4, 0.6, 0.8, 1.0, 1.5):
            with pytest.raises(TimeoutError):
                await rehearsal.carry_out("AC1", "AC2", within=timedelta(minutes=minutes))

        await rehearsal.carry_out("AC1", "AC2")

        assert set((await counted(rehearsal)).values()) == {"reverted"}
        assert len(rehearsal.world.sent("Write")) == 4  # there and back, once each


async def test_a_station_of_a_wave_counts_as_reverted_and_the_wave_is_not_proven_by_it() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")

        counts = tally(await rehearsal.journal.attempts(), 2)

        assert (counts.reverted, counts.settled, counts.pending) == (1, 1, 0)


async def test_a_station_that_was_taken_back_can_be_tried_again() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        await rehearsal.carry_out("AC1")

        found = await rehearsal.send_order(Order.RETRY, "AC1")
        await rehearsal.carry_out("AC1")

        assert not found.passed_over
        assert await counted(rehearsal) == {"AC1": "settled"}
        assert set(rehearsal.world.stations["AC1"].sessions) == {Side.TARGET}


async def test_a_failed_station_is_tried_again_when_a_person_says_so_and_the_others_are_left_alone() -> None:
    async with Rehearsal.of(2) as rehearsal:
        verdicts = rehearsal.world.stations["AC1"].device.verdicts
        verdicts["BackendUrl"] = "Rejected"
        await rehearsal.run()
        del verdicts["BackendUrl"]
        sent_to_other = [line for line in rehearsal.world.sent() if line[0] == "AC2"]

        found = await rehearsal.send_order(Order.RETRY, "AC1", "AC2")
        ended = await rehearsal.carry_out("AC1")

        assert ended == "done"
        assert [p.identity for p in found.passed_over] == ["AC2"]
        assert await counted(rehearsal) == {"AC1": "settled", "AC2": "settled"}
        assert [line for line in rehearsal.world.sent() if line[0] == "AC2"] == sent_to_other


async def test_a_run_that_is_up_takes_an_order_up_by_itself() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        async with rehearsal.process():
            await rehearsal.send_order(Order.ROLLBACK, "AC1")
            await rehearsal.clock.sleep(timedelta(hours=1))

        assert await counted(rehearsal) == {"AC1": "reverted"}


async def test_a_confirmed_station_whose_rollback_failed_still_has_to_soak_and_does() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.device.verdicts["BackendUrl"] = "Rejected"
        await rehearsal.send_order(Order.ROLLBACK, "AC1")

        async with rehearsal.process():
            await rehearsal.clock.sleep(timedelta(minutes=30))
            await rehearsal.world.leave(station, Side.TARGET)
            await rehearsal.clock.sleep(timedelta(minutes=10))

        assert (await rehearsal.attempt("AC1")).state is not State.SETTLED, "it left, and nobody noticed"


async def test_a_boot_on_the_source_of_another_device_takes_nobody_back() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        station = rehearsal.world.stations["AC1"]
        station.returns = Return.NOWHERE
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        async with rehearsal.process():
            await rehearsal.clock.sleep(timedelta(minutes=3))
            station.facts = replace(station.facts, serial="S-99")
            await rehearsal.world.connect(station, Side.SOURCE)
            await rehearsal.world.boot(station, Side.SOURCE)
            await rehearsal.clock.sleep(timedelta(minutes=2))

            newest = await rehearsal.attempt("AC1")

        assert newest.state is State.ARRIVED
        assert "serial" in newest.reason
