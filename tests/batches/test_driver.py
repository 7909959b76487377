"""The driver: one station through its table, with stations that do not do what they are told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side
from migrate.domain.record import EventKind
from migrate.domain.wave import Cause, Deferral
from tests.doubles.scene import NEW, OLD, Scene, patient
from tests.doubles.world import Reset, Return

WHOLE_WAY = ["checked", "writing", "written", "restarting", "arrived", "confirmed"]


async def test_a_station_that_does_as_it_is_told_is_confirmed_by_its_boot_on_the_target() -> None:
    async with Scene.of() as scene:
        attempt = await scene.drive()

    assert scene.path == WHOLE_WAY
    assert (attempt.state, attempt.evidence) == (State.CONFIRMED, Grade.E3)
    assert scene.world.sent() == [("AC1", "Write", "BackendUrl", NEW), ("AC1", "Reset", "soft")]


async def test_an_acknowledged_restart_that_never_happens_is_undone_and_failed() -> None:
    async with Scene.of(takes_reset=Reset.IGNORED) as scene:
        attempt = await scene.drive()

    assert scene.path == ["checked", "writing", "written", "restarting", "undoing", "failed"]
    assert scene.holds["BackendUrl"] == OLD
    assert not attempt.left
    assert "still on the source" in attempt.reason


async def test_an_acknowledged_write_that_was_not_stored_is_a_failure_and_never_restarted() -> None:
    async with Scene.of(keeps={"BackendUrl": OLD}) as scene:
        attempt = await scene.drive()

    assert (attempt.state, attempt.reason) == (State.FAILED, "accepted, but not stored")
    assert scene.world.sent("Reset") == []


async def test_a_station_that_restarts_without_using_its_new_address_is_undone_and_reverted() -> None:
    async with Scene.of(target_value="ws://never") as scene:
        attempt = await scene.drive()

    assert scene.path[-2:] == ["undoing", "reverted"]
    assert "without effect" in attempt.reason or "came back" in attempt.reason
    assert scene.holds["BackendUrl"] == OLD
    assert attempt.left


async def test_a_reset_whose_answer_is_lost_still_confirms_and_is_not_repeated() -> None:
    async with Scene.of(takes_reset=Reset.UNANSWERED) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert len(scene.world.sent("Reset")) == 1


async def test_a_reset_that_never_reached_the_station_is_ordered_again_only_after_a_look() -> None:
    async with Scene.of(takes_reset=Reset.DEAF) as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        scene.station.takes_reset = Reset.OBEYED
        attempt = await driving

    assert attempt.state is State.CONFIRMED
    lines = [line[1] for line in scene.world.wire]
    first, second = (i for i, line in enumerate(lines) if line == "Reset")
    assert "Read" in lines[first:second]


async def test_a_refused_restart_is_undone_and_failed() -> None:
    async with Scene.of() as scene:
        scene.station.device.verdicts["Reset"] = "Rejected"

        attempt = await scene.drive()

    assert scene.path[-2:] == ["undoing", "failed"]
    assert "Rejected" in attempt.reason
    assert scene.holds["BackendUrl"] == OLD


# ── what comes back by itself ──────────────────────────────────────────────


async def test_a_station_that_reaches_the_target_without_a_boot_and_falls_back_is_reverted_with_the_reason() -> None:
    async with Scene.of(returns=Return.FALLS_BACK, boots=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = "Rejected"

        attempt = await scene.drive()

    assert scene.path[-3:] == ["arrived", "undoing", "reverted"]
    assert "returned to the source" in attempt.reason
    assert scene.holds["BackendUrl"] == OLD


async def test_a_station_that_leaves_and_comes_back_by_itself_is_reverted_and_the_reason_says_which_way() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        scene.station.device.values["BackendUrl"] = NEW
        async with scene.driven() as driving:
            await scene.passes(minutes=3)
            await scene.world.connect(scene.station, Side.SOURCE)
            attempt = await driving

    assert scene.path == ["undoing", "reverted"]
    assert attempt.reason == "it left and came back to the source by itself"


async def test_a_boot_that_we_asked_for_is_no_return() -> None:
    async with Scene.of(state=State.WRITTEN, takes_reset=Reset.IGNORED) as scene, scene.driven():
        await scene.world.boot(scene.station, Side.SOURCE, solicited=True)
        await scene.passes(seconds=30)

        assert (await scene.newest()).state is State.RESTARTING


async def test_a_boot_of_its_own_in_a_new_session_after_the_write_is_a_return_to_the_source() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        scene.station.device.values["BackendUrl"] = NEW
        await scene.world.charge(scene.station)
        async with scene.driven() as driving:
            await scene.passes(seconds=5)
            await scene.world.move(scene.station, Side.SOURCE)
            attempt = await driving

    assert scene.path == ["undoing", "reverted"]
    assert attempt.left


# ── absence ────────────────────────────────────────────────────────────────


async def test_a_blip_shorter_than_the_grace_time_is_no_departure() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.world.charge(scene.station)
        async with scene.driven():
            await scene.passes(seconds=5)
            await scene.world.leave(scene.station)
            await scene.passes(minutes=4)
            await scene.world.connect(scene.station, Side.SOURCE)
            await scene.passes(minutes=30)

            assert scene.path == []


async def test_an_absence_beyond_the_grace_time_is_a_departure() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.world.charge(scene.station)
        async with scene.driven():
            await scene.world.leave(scene.station)
            await scene.passes(minutes=5, seconds=30)

            assert scene.path == ["departed"]


async def test_a_station_seen_nowhere_is_lost_at_its_deadline_and_not_before() -> None:
    async with Scene.of(returns=Return.NOWHERE) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.LOST
    assert attempt.cause is Cause.STATION
    waited = scene.seconds_of(State.LOST) - scene.seconds_of(State.DEPARTED)
    assert timedelta(minutes=20).total_seconds() <= waited < timedelta(minutes=21).total_seconds()


@pytest.mark.parametrize("side", list(Side))
async def test_no_station_is_lost_while_a_witness_is_blind(side: Side) -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene, scene.driven() as driving:
        await scene.passes(minutes=5)
        scene.world.seeing.discard(side)
        await scene.passes(hours=10)
        assert (await scene.newest()).state is State.DEPARTED

        scene.world.seeing.add(side)
        attempt = await driving

    assert attempt.state is State.LOST
    assert attempt.cause is Cause.ENVIRONMENT
    left = scene.seconds_of(State.LOST) - timedelta(hours=10, minutes=5).total_seconds()
    assert 14 * 60 <= left <= 16 * 60


async def test_a_blind_witness_makes_no_departure() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.world.charge(scene.station)
        async with scene.driven():
            await scene.passes(seconds=5)
            scene.world.seeing.discard(Side.SOURCE)
            await scene.world.leave(scene.station)
            await scene.passes(hours=1)

            assert scene.path == []


async def test_while_nobody_can_be_asked_a_station_waits_and_then_goes_on() -> None:
    async with Scene.of() as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        scene.world.can_be_asked = False
        await scene.passes(hours=2)
        scene.world.can_be_asked = True
        attempt = await driving

    assert attempt.state is State.CONFIRMED


# ── arriving ───────────────────────────────────────────────────────────────


async def test_a_station_that_does_not_boot_is_asked_once_after_the_settle_time_and_then_confirmed() -> None:
    async with Scene.of(boots=False) as scene:
        attempt = await scene.drive()

    assert scene.path[-2:] == ["arrived", "confirmed"]
    assert scene.world.sent("Trigger") == [("AC1", "Trigger", "target")]
    assert scene.seconds_of(State.CONFIRMED) - scene.seconds_of(State.ARRIVED) >= 60
    assert attempt.evidence is Grade.E3


async def test_a_station_that_refuses_the_question_is_asked_no_second_time_and_is_stuck_at_the_deadline() -> None:
    async with Scene.of(boots=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = "NotImplemented"

        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert attempt.evidence is Grade.E1
    assert len(scene.world.sent("Trigger")) == 1


async def test_a_new_session_on_the_target_may_be_asked_once_more() -> None:
    async with Scene.of(state=State.ARRIVED, side=Side.TARGET, booted=False, boots=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = "Rejected"
        async with scene.driven():
            await scene.passes(minutes=3)
            await scene.world.leave(scene.station)
            await scene.world.connect(scene.station, Side.TARGET)
            await scene.passes(minutes=3)

            assert len(scene.world.sent("Trigger")) == 2


@pytest.mark.parametrize("answer", ["Pending", "Rejected"])
async def test_a_boot_that_the_target_did_not_accept_does_not_confirm(answer: str) -> None:
    async with Scene.of(boot_answers={Side.TARGET: answer}) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert attempt.evidence is Grade.E2
    assert answer in attempt.reason


async def test_another_device_under_the_identity_never_confirms() -> None:
    async with Scene.of() as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        scene.station.facts = IdentityFacts(vendor="Acme", model="AC22", serial="S-2")
        attempt = await driving

    assert (attempt.state, attempt.evidence) == (State.STUCK, Grade.E2)
    assert "serial" in attempt.reason


async def test_a_fact_that_only_the_source_boot_told_binds_as_well() -> None:
    told = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2", serial="S-1", iccid="8931")
    async with Scene.of(facts=told) as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        scene.station.facts = IdentityFacts(vendor="Acme", model="AC22", serial="S-1", iccid="8944")
        attempt = await driving

    assert attempt.state is State.STUCK
    assert "iccid" in attempt.reason


async def test_a_rival_session_that_answers_blocks_the_confirmation_until_it_is_gone() -> None:
    async with Scene.of() as scene, scene.driven() as driving:
        scene.world.rivals["AC1"] = 1
        await scene.until(State.ARRIVED)
        await scene.passes(minutes=5)
        assert "other answering session" in (await scene.newest()).reason

        scene.world.rivals["AC1"] = 0
        attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_a_half_open_session_on_the_source_blocks_nothing() -> None:
    async with Scene.of() as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        old = scene.station.sessions[Side.SOURCE]
        await scene.passes(seconds=5)
        scene.station.sessions[Side.SOURCE] = old  # its socket is still there, nobody answers on it
        scene.world.rivals["AC1"] = -1
        attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_a_refused_handshake_on_the_target_is_an_arrival_that_proves_nothing() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene, scene.driven() as driving:
        await scene.world.tell("AC1", Side.TARGET, Kind.REFUSED, answer="401")
        arrived = await scene.until(State.ARRIVED)
        attempt = await driving

    assert arrived.evidence is Grade.E0
    assert "401" in arrived.reason
    assert attempt.state is State.STUCK, "whoever knocks at the target is not lost"
    assert attempt.reason == "on the target, but not proven: refused 401"


async def test_an_arrival_that_is_seen_before_any_acknowledgement_confirms_at_once() -> None:
    async with Scene.of(takes_reset=Reset.UNANSWERED, away_s=1.0) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED


async def test_a_sighting_handed_in_twice_is_heeded_once() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        seen = await scene.world.tell("AC1", Side.TARGET, Kind.CONNECTED, session="s9")
        async with scene.driven():
            await scene.passes(seconds=1)
            for driver in scene.lookout._drivers.values():
                driver.see(seen)
                driver.see(seen)
            await scene.passes(seconds=1)

            assert scene.path == ["arrived"]


# ── slow journals, lost attempts ───────────────────────────────────────────


async def test_a_command_that_took_the_journal_too_long_is_not_sent() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        stored = scene.journal.commit
        slow = True

        async def commit(change):  # type: ignore[no-untyped-def]
            is_command = change.events[-1].kind is EventKind.COMMAND
            await asyncio.sleep(3 if is_command and slow else 0)
            return await stored(change)

        scene.journal.commit = commit  # type: ignore[method-assign]
        async with scene.driven() as driving:
            await scene.passes(seconds=30)
            assert scene.world.sent("Reset") == []

            slow = False
            attempt = await driving

    assert attempt.state is State.CONFIRMED
    assert len(scene.world.sent("Reset")) == 1


async def test_an_ending_while_a_csms_was_down_is_charged_to_the_environment() -> None:
    async with Scene.of(takes_reset=Reset.IGNORED) as scene, scene.driven() as driving:
        await scene.until(State.RESTARTING)
        scene.world.seeing.discard(Side.TARGET)
        await scene.passes(minutes=10)
        scene.world.seeing.add(Side.TARGET)
        attempt = await driving

    assert attempt.state is State.FAILED
    assert attempt.cause is Cause.ENVIRONMENT


async def test_checks_that_take_too_long_put_the_station_off() -> None:
    async with Scene.of(errand={"policy": patient(check=timedelta(seconds=30))}) as scene:
        read = scene.ports.source.read

        async def hours(*_: object, **__: object):  # type: ignore[no-untyped-def]
            await asyncio.sleep(3600)
            return await read("AC1", ["BackendUrl"])

        scene.ports.source.read = hours  # type: ignore[method-assign]

        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.OFFLINE)
