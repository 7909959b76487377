"""Whole campaigns in virtual time: waves, gates, soaks, deferrals, and what a person orders."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import time, timedelta

import pytest

from batches.gate import acknowledge
from batches.ordered import Order
from batches.patience import MOST_AT_ONCE
from migrate.domain.attempt import State
from migrate.domain.errors import JournalError
from migrate.domain.evidence import Kind, Side
from migrate.domain.policy import Daily, Share, Windows
from migrate.domain.record import Direction, EventKind
from migrate.domain.wave import Cause
from tests.doubles.rehearsal import POLICY, Rehearsal, gate
from tests.doubles.world import Reset, Return

SOAK_S = 300


async def test_a_campaign_of_stations_that_behave_settles_every_one_and_marks_its_waves_done() -> None:
    async with Rehearsal.of(2, 4) as rehearsal:
        ended = await rehearsal.run()

        assert ended == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}
        assert [rehearsal.wave_states(wave)[-1] for wave in (0, 1)] == ["done", "done"]


async def test_no_station_of_a_wave_is_touched_before_the_wave_before_it_has_soaked() -> None:
    async with Rehearsal.of(2, 2) as rehearsal:
        await rehearsal.run()

        assert min(rehearsal.moved("writing", "AC3", "AC4")) >= max(rehearsal.moved("confirmed", "AC1", "AC2")) + SOAK_S


async def test_a_machine_that_slept_through_the_soak_opens_no_gate_when_it_wakes() -> None:
    slept = timedelta(hours=3)
    async with Rehearsal.of(2, 2) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        while len(rehearsal.moved("confirmed")) < 2:
            await asyncio.sleep(1)
        rehearsal.clock.step(slept)
        await running

        quiet_s = min(rehearsal.moved("writing", "AC3", "AC4")) - max(rehearsal.moved("confirmed", "AC1", "AC2"))
        assert quiet_s - slept.total_seconds() >= SOAK_S - MOST_AT_ONCE.total_seconds()


async def test_a_lost_station_shuts_the_gate_while_the_wave_still_runs_and_the_next_wave_stays_untouched() -> None:
    async with Rehearsal.of(2, 2, policy=gate(max_lost=0)) as rehearsal:
        rehearsal.world.stations["AC1"].returns = Return.NOWHERE

        ended = await rehearsal.run()

        assert ended == "shut"
        assert await rehearsal.states() == {"AC1": "lost", "AC2": "settled"}
        assert rehearsal.wave_states(0)[-1] == "shut"


async def test_what_was_not_started_when_the_gate_shut_stays_planned_and_starts_once_a_person_has_looked() -> None:
    strict = gate(max_failed_share=Share(0.1), min_sample=1)
    policy = replace(strict, caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(3, policy=policy) as rehearsal:
        rehearsal.world.stations["AC1"].device.verdicts["BackendUrl"] = "Rejected"
        first = await rehearsal.run()
        before = await rehearsal.states()

        await rehearsal.resume({0: acknowledge(await rehearsal.journal.attempts())})
        second = await rehearsal.run()

        assert (first, second) == ("shut", "done")
        assert list(before.values()).count("planned") >= 1
        assert await rehearsal.states() == {"AC1": "failed", "AC2": "settled", "AC3": "settled"}


async def test_a_gate_that_is_taken_over_before_the_journal_was_read_is_judged_by_what_stands_there() -> None:
    async with Rehearsal.of(1, 1) as rehearsal:
        await rehearsal.run()
        async with rehearsal.newcomer() as (campaign, starts_to_look):
            judged = asyncio.ensure_future(campaign.steps.judge("c", 1))
            await asyncio.sleep(60)
            starts_to_look.set()

            assert await judged == "open"


async def test_a_run_that_is_taken_over_at_its_end_waits_for_soaks_that_it_has_not_read_of_yet() -> None:
    async with Rehearsal.of(2) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        while len(rehearsal.moved("confirmed")) < 2:
            await asyncio.sleep(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        async with rehearsal.newcomer() as (campaign, starts_to_look):
            finished = asyncio.ensure_future(campaign.steps.finish("c"))
            await asyncio.sleep(1)
            starts_to_look.set()

            assert await finished == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}


async def test_who_was_ordered_back_is_brought_back_by_a_run_that_has_not_read_of_it_yet() -> None:
    async with Rehearsal.of(1) as rehearsal:
        await rehearsal.run()
        await rehearsal.send_order(Order.ROLLBACK, "AC1")
        async with rehearsal.newcomer() as (campaign, starts_to_look):
            waits = asyncio.ensure_future(campaign.rest.until_brought_back())
            await asyncio.sleep(1)
            starts_to_look.set()
            await waits

        assert await rehearsal.states() == {"AC1": "settled"}
        assert (await rehearsal.attempt("AC1")).direction is Direction.BACK


async def test_a_wave_without_its_own_approval_is_not_started() -> None:
    async with Rehearsal.of(1, 1, approved=[None]) as rehearsal:
        ended = await rehearsal.run()

        assert ended == "approval"
        assert await rehearsal.states() == {"AC1": "settled"}


async def test_a_run_up_to_a_wave_goes_no_further() -> None:
    async with Rehearsal.of(1, 1) as rehearsal:
        ended = await rehearsal.run(upto_wave=0)

        assert ended == "done"
        assert await rehearsal.states() == {"AC1": "settled"}


async def test_a_finished_wave_below_its_threshold_never_advances_by_itself() -> None:
    async with Rehearsal.of(2, 2, policy=gate(min_confirmed=Share(0.6))) as rehearsal:
        rehearsal.world.stations["AC1"].device.verdicts["BackendUrl"] = "Rejected"

        ended = await rehearsal.run()

        assert ended == "held"
        assert set(await rehearsal.states()) == {"AC1", "AC2"}


async def test_a_model_that_fails_too_often_is_stopped_alone_and_lies_outside_the_proof() -> None:
    policy = replace(gate(max_failed=1), caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(5, policy=policy) as rehearsal:
        for station in rehearsal.world.stations.values():
            station.device.verdicts["BackendUrl"] = "Rejected"
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(3600)

        states = list((await rehearsal.states()).values())
        assert states.count("failed") == 2
        assert states.count("deferred") == 3
        put_off = [a for a in await rehearsal.journal.attempts() if a.state is State.DEFERRED]
        assert all(a.reason.startswith("model stopped: 2") for a in put_off)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_charging_station_is_moved_by_a_catch_up_batch_of_its_wave_once_its_driver_has_left() -> None:
    async with Rehearsal.of(2) as rehearsal:
        busy = rehearsal.world.stations["AC1"]
        await rehearsal.world.charge(busy)
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(1200)
        assert (await rehearsal.attempt("AC1")).state is State.DEFERRED

        await rehearsal.world.stop_charging(busy)
        ended = await running

        assert ended == "done"
        found = await rehearsal.attempt("AC1")
        assert (found.state, found.wave) == (State.SETTLED, 0)
        assert found.batch.startswith("catch-up.")


async def test_outside_its_window_a_whole_wave_waits_and_the_run_names_the_next_due_time() -> None:
    policy = replace(POLICY, windows=Windows(daily=Daily(begin=time(3), end=time(5))))
    async with Rehearsal.of(2, policy=policy) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(3600)
        assert set((await rehearsal.states()).values()) == {"deferred"}

        ended = await running

        assert ended == "done"
        assert min(rehearsal.moved("writing")) >= 2 * 3600


async def test_an_unanswered_write_is_tried_again_after_its_back_off_and_succeeds() -> None:
    async with Rehearsal.of(1, unanswered_writes=1, applies_unanswered=False) as rehearsal:
        ended = await rehearsal.run()

        assert ended == "done"
        found = await rehearsal.attempt("AC1")
        assert (found.state, found.tries) == (State.SETTLED, 2)
        first, second = rehearsal.moved("writing")
        assert second - first >= 150


async def test_a_source_that_is_down_pauses_the_wave_and_is_charged_to_nobody() -> None:
    async with Rehearsal.of(4) as rehearsal:
        rehearsal.world.seeing.discard(Side.SOURCE)
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(7200)
        assert set((await rehearsal.states()).values()) == {"planned"}

        rehearsal.world.seeing.add(Side.SOURCE)
        ended = await running

        assert ended == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}


async def test_a_csms_that_goes_down_and_comes_back_is_one_incident() -> None:
    async with Rehearsal.of(1) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(1)
        await rehearsal.world.tell("", Side.TARGET, Kind.CSMS_DOWN, detail="refused")
        await rehearsal.world.tell("", Side.TARGET, Kind.CSMS_UP)
        await running

        told = [line.event.data for line in rehearsal.journal.lines if line.event.kind is EventKind.INCIDENT]
        assert [(data["side"], data["over"]) for data in told] == [("target", False), ("target", True)]


async def test_a_settled_station_that_goes_back_to_the_source_before_the_end_is_reverted_and_counts_as_such() -> None:
    async with Rehearsal.of(1, 1) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(380)
        assert (await rehearsal.attempt("AC1")).state is State.SETTLED
        await rehearsal.world.move(rehearsal.world.stations["AC1"], Side.SOURCE)
        await running

        found = await rehearsal.attempt("AC1")
        assert (found.state, found.cause) == (State.REVERTED, Cause.STATION)
        assert rehearsal.world.stations["AC1"].device.values["BackendUrl"] == "ws://old.example/ocpp"


async def test_ctrl_c_starts_nobody_else_and_lets_those_in_flight_come_to_rest() -> None:
    policy = replace(POLICY, caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(3, policy=policy) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(10)
        rehearsal.campaign.brake.is_ending = True

        ended = await running

        assert ended == "ending"
        assert sorted((await rehearsal.states()).values()) == ["confirmed", "planned", "planned"]


async def test_ctrl_c_while_only_deferrals_remain_does_not_break_off_the_one_that_is_under_way() -> None:
    async with Rehearsal.of(1, 1, unanswered_writes=1, applies_unanswered=False) as rehearsal:
        running = asyncio.ensure_future(rehearsal.run())
        await asyncio.sleep(1)
        while not rehearsal.moved("restarting"):
            await asyncio.sleep(1)
        rehearsal.campaign.brake.is_ending = True

        await running

        assert "restarting" not in (await rehearsal.states()).values()


async def test_a_batch_that_breaks_ends_the_run_and_does_not_leave_it_waiting() -> None:
    async with Rehearsal.of(2) as rehearsal:
        presence = rehearsal.world.presence

        async def breaks(identity: str) -> object:
            if identity == "AC1":
                raise KeyError("a defect of ours")
            return await presence(identity)

        rehearsal.world.presence = breaks  # type: ignore[method-assign,assignment]

        ended = await rehearsal.run(within=timedelta(hours=6))

        assert ended == "ending"
        assert isinstance(rehearsal.campaign.broken, KeyError)


async def test_a_run_whose_journal_is_full_ends_in_an_error_and_sends_nothing_more() -> None:
    async with Rehearsal.of(2) as rehearsal:
        rehearsal.journal.fails = True
        with pytest.raises(JournalError):
            await rehearsal.run(within=timedelta(hours=6))

        assert rehearsal.world.sent() == []


async def test_a_second_run_of_a_campaign_that_is_done_touches_nobody() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()
        before = len(rehearsal.world.wire)

        ended = await rehearsal.run()

        assert ended == "done"
        assert len(rehearsal.world.wire) == before


@pytest.mark.parametrize("state", ["writing", "written", "restarting", "arrived", "undoing"])
async def test_a_run_killed_in_any_state_is_finished_by_the_next_one_without_a_blind_repeat(state: str) -> None:
    ways = {"takes_reset": Reset.IGNORED} if state == "undoing" else {}
    async with Rehearsal.of(1, boots=False, **ways) as rehearsal:
        stored = rehearsal.journal.commit

        async def killed(change):  # type: ignore[no-untyped-def]
            seq = await stored(change)
            if any(event.data.get("to") == state for event in change.events):
                raise asyncio.CancelledError
            return seq

        rehearsal.journal.commit = killed  # type: ignore[method-assign]
        first = asyncio.ensure_future(rehearsal.run())
        while not rehearsal.moved(state):
            await asyncio.sleep(1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        rehearsal.journal.commit = stored  # type: ignore[method-assign]

        ended = await rehearsal.run()

        assert ended == "done"
        assert await rehearsal.states() == {"AC1": "failed" if state == "undoing" else "settled"}
        assert len(rehearsal.world.sent("Reset")) == 1


async def test_a_worker_that_is_sent_home_does_not_report_a_batch_as_done_whose_stations_it_never_started() -> None:
    policy = replace(POLICY, caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(2, policy=policy) as rehearsal, rehearsal.process() as process:
        process.is_helper = True
        (batch,) = await process.steps.open_wave("c", 0)
        running = asyncio.ensure_future(process.steps.run_batch(batch))
        await asyncio.sleep(10)
        process.brake.is_ending = True
        await process.lookout.at_rest()
        await asyncio.sleep(600)

        assert not running.done()
        assert sorted((await rehearsal.states()).values()) == ["planned", "settled"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_gate_trips_with_the_failure_that_shuts_it_and_no_further_station_starts() -> None:
    strict = gate(max_failed_share=Share(0.1), min_sample=1)
    policy = replace(strict, caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(8, policy=policy) as rehearsal:
        for station in rehearsal.world.stations.values():
            station.device.verdicts["BackendUrl"] = "Rejected"

        ended = await rehearsal.run()

        assert ended == "shut"
        assert list((await rehearsal.states()).values()).count("failed") == 1


async def test_a_profile_proven_on_no_bench_moves_its_canary_and_waits_to_be_accepted() -> None:
    async with Rehearsal.of(1, 2, policy=replace(POLICY, requires_proof=True)) as rehearsal:
        first = await rehearsal.run()
        before = await rehearsal.states()
        untouched = rehearsal.world.sent()

        rehearsal.policy = replace(rehearsal.policy, accepted={"acme": "canary settled, J. Bakker"})
        second = await rehearsal.run()

        assert (first, second) == ("stopped", "done")
        assert before == {"AC1": "settled", "AC2": "deferred", "AC3": "deferred"}
        assert {line[0] for line in untouched} == {"AC1"}
        assert set((await rehearsal.states()).values()) == {"settled"}


async def test_a_run_ends_when_only_stations_of_a_stopped_model_are_left() -> None:
    strict = replace(gate(max_failed=0), caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(3, policy=strict) as rehearsal:
        for station in rehearsal.world.stations.values():
            station.device.verdicts["BackendUrl"] = "Rejected"

        ended = await rehearsal.run()

        assert ended == "stopped"
        assert sorted((await rehearsal.states()).values()) == ["deferred", "deferred", "failed"]


async def test_a_profile_whose_setting_a_station_ignored_is_not_used_again_before_somebody_has_looked() -> None:
    policy = replace(gate(max_without_effect=0), caps=replace(POLICY.caps, stations=1))
    async with Rehearsal.of(3, policy=policy) as rehearsal:
        first_station = rehearsal.world.stations["AC1"]
        first_station.target_value = "ws://somewhere.else/ocpp"  # it stores the new address and does not use it
        first = await rehearsal.run()
        before, sent = await rehearsal.states(), rehearsal.world.sent("Write")

        await rehearsal.resume({0: acknowledge(await rehearsal.journal.attempts())})
        second = await rehearsal.run()

        assert (first, second) == ("stopped", "done")
        assert before == {"AC1": "reverted", "AC2": "deferred", "AC3": "deferred"}
        assert {line[0] for line in sent} == {"AC1"}
        assert await rehearsal.states() == {"AC1": "reverted", "AC2": "settled", "AC3": "settled"}
