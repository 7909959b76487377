"""What is done at a station: checks, the write as one unit, its undoing, and where a halt catches it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from batches.driver import Driver
from migrate.domain.address import parse_backend
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import Stale
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side
from migrate.domain.policy import Daily, Freeze, Windows
from migrate.domain.profile import Quirks, Slots, Write
from migrate.domain.record import Direction, EventKind, Permit, move
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import Deferral, Mode
from tests.doubles.clock import EPOCH
from tests.doubles.scene import ACME, AT_ONCE, MASKED, NEW, OLD, POLICY, TWO_KEYS, UNIT, Scene, an_attempt, patient
from tests.doubles.world import Reset

TWO_UNIT = (PreparedWrite(key="BackendName", new="new.example", old="old.example"), *UNIT)
AMINA = replace(
    ACME,
    name="amina",
    slots=Slots(keys=("Slot1", "Slot2"), priority_key="Priority"),
    writes=(Write(key="${free_slot}", value="${url}"), Write(key="Priority", value="${free_slot},${active_slot}")),
)
SLOTTED = {"Slot1": OLD, "Slot2": "", "Priority": "Slot1,Slot2"}


def windows(**changes: Any) -> dict[str, Any]:
    return {"policy": replace(POLICY, windows=Windows(**changes))}


# ── checks ─────────────────────────────────────────────────────────────────


async def test_a_charging_station_is_put_off_untouched() -> None:
    async with Scene.of() as scene:
        await scene.world.charge(scene.station, 2)

        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.BUSY)
    assert attempt.due_at is not None
    assert attempt.due_at > EPOCH
    assert scene.world.wire == []


async def test_a_station_that_is_not_connected_is_put_off_as_offline() -> None:
    async with Scene.of(side=None) as scene:
        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.OFFLINE)


async def test_a_station_that_nobody_can_see_is_not_called_offline() -> None:
    async with Scene.of() as scene:
        session = scene.station.sessions.pop(Side.SOURCE)
        scene.world.seeing.discard(Side.SOURCE)
        async with scene.driven() as driving:
            await scene.passes(hours=3)
            assert (await scene.newest()).state is State.PLANNED

            scene.station.sessions[Side.SOURCE] = session
            scene.world.seeing.add(Side.SOURCE)
            attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_outside_its_window_a_station_is_put_off_to_the_very_opening() -> None:
    errand = windows(daily=Daily(begin=time(3), end=time(5)))
    async with Scene.of(errand=errand) as scene:
        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.WINDOW)
    assert attempt.due_at == EPOCH.replace(hour=3)


async def test_the_window_is_told_by_the_clock_of_the_site() -> None:
    errand = windows(daily=Daily(begin=time(3), end=time(5)))  # 01:00 UTC is 10:00 in Tokyo
    errand["station"] = Station(identity="AC1", vendor="Acme", model="AC22", serial="S-1", timezone="Asia/Tokyo")
    async with Scene.of(errand=errand) as scene:
        attempt = await scene.drive()

    assert attempt.due_at == datetime(2026, 11, 20, 18, tzinfo=EPOCH.tzinfo)


async def test_a_window_that_closes_for_ever_before_the_write_puts_the_station_off() -> None:
    for_ever = Freeze(first=date(2026, 11, 21), last=date.max)
    errand = windows(daily=Daily(begin=time(1), end=time(1, 30)), freeze=(for_ever,))
    async with Scene.of(errand=errand, state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        await scene.passes(hours=1)

        attempt = await scene.drive()

    assert attempt.state is State.DEFERRED
    assert "window" in attempt.reason
    assert scene.world.wire == []


@pytest.mark.parametrize("fact", ["serial", "iccid", "imsi"])
async def test_another_device_under_the_identity_is_left_alone(fact: str) -> None:
    station = Station(identity="AC1", vendor="Acme", model="AC22", **{fact: "expected"})
    said = replace(IdentityFacts(vendor="Acme", model="AC22", firmware="4.2"), **{fact: "other"})
    async with Scene.of(errand={"station": station}, facts=said) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert f"another device answers as AC1: {fact}" in attempt.reason
    assert scene.world.sent() == []


async def test_a_station_that_has_other_firmware_than_planned_is_skipped_and_told_to_plan_again() -> None:
    async with Scene.of(facts=IdentityFacts(vendor="Acme", model="AC22", firmware="5.0", serial="S-1")) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert "5.0" in attempt.reason
    assert "plan again" in attempt.reason
    assert scene.world.sent() == []


async def test_a_station_of_which_nothing_is_known_could_never_be_proven_and_is_skipped() -> None:
    station, silent = Station(identity="AC1"), IdentityFacts()
    async with Scene.of(errand={"station": station}, facts=silent, booted=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = "NotImplemented"

        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert "no identity fact is known" in attempt.reason


async def test_a_station_that_never_booted_on_record_is_asked_who_it_is_once() -> None:
    async with Scene.of(booted=False) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Trigger") == [("AC1", "Trigger", "source")]


async def test_a_station_that_lacks_the_key_is_skipped_with_its_name() -> None:
    async with Scene.of() as scene:
        del scene.station.device.values["BackendUrl"]

        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert "BackendUrl" in attempt.reason
    assert scene.world.sent() == []


async def test_a_station_that_is_connected_and_mute_is_put_off() -> None:
    async with Scene.of() as scene:
        scene.station.device.is_mute = True

        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.OFFLINE)
    assert "does not answer" in attempt.reason


async def test_a_station_without_a_profile_needs_hands_and_is_not_spoken_to() -> None:
    async with Scene.of(None) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.VISITING
    assert scene.world.wire == []


async def test_a_station_that_was_on_the_target_before_any_command_is_only_asked_who_it_is() -> None:
    async with Scene.of(side=Side.TARGET, booted=False) as scene:
        attempt = await scene.drive()

    assert scene.path == ["arrived", "confirmed"]
    assert scene.world.sent() == [("AC1", "Trigger", "target")]
    assert attempt.evidence is Grade.E3


async def test_what_a_station_held_before_is_in_the_journal_before_anything_is_written() -> None:
    async with Scene.of() as scene:
        await scene.drive()

    kinds = [line.event.kind for line in scene.journal.lines]
    snapshot = next(line.event for line in scene.journal.lines if line.event.kind is EventKind.SNAPSHOT)
    assert snapshot.data["holds"] == {"BackendUrl": OLD}
    assert kinds.index(EventKind.SNAPSHOT) < kinds.index(EventKind.COMMAND)


# ── the write as one unit ──────────────────────────────────────────────────


async def test_a_unit_is_written_in_order_and_its_url_last() -> None:
    async with Scene.of(TWO_KEYS) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert [line[2] for line in scene.world.sent("Write")] == ["BackendName", "BackendUrl"]


async def test_each_write_of_a_unit_is_in_the_journal_before_it_goes_out() -> None:
    async with Scene.of(TWO_KEYS) as scene:
        written: list[int] = []
        put = scene.ports.source.write

        async def watched(identity: str, key: str, value: str) -> str:
            commands = [one.event.data for one in scene.journal.lines if one.event.kind is EventKind.COMMAND]
            written.append(sum(data.get("key") == key for data in commands))
            return await put(identity, key, value)

        scene.ports.source.write = watched  # type: ignore[method-assign]

        await scene.drive()

    assert written == [1, 1]


async def test_a_refusal_half_way_is_undone_and_nothing_stays_applied() -> None:
    async with Scene.of(TWO_KEYS) as scene:
        scene.station.device.verdicts["BackendUrl"] = "Rejected"

        attempt = await scene.drive()

    assert scene.path == ["checked", "writing", "undoing", "failed"]
    assert scene.holds == {"BackendUrl": OLD, "BackendName": "old.example"}
    assert [line[2:] for line in scene.world.sent("Write")][-1] == ("BackendName", "old.example")
    assert "Rejected" in attempt.reason


async def test_a_refused_first_write_fails_without_any_undoing() -> None:
    async with Scene.of(TWO_KEYS) as scene:
        scene.station.device.verdicts["BackendName"] = "NotSupported"

        attempt = await scene.drive()

    assert scene.path == ["checked", "writing", "failed"]
    assert len(scene.world.sent("Write")) == 1
    assert attempt.tries == 1


async def test_an_unanswered_write_that_was_carried_out_goes_on_without_a_second_one() -> None:
    async with Scene.of(unanswered_writes=1) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert len(scene.world.sent("Write")) == 1


async def test_an_unanswered_write_that_was_not_carried_out_is_tried_later_and_never_at_once() -> None:
    async with Scene.of(unanswered_writes=1, applies_unanswered=False) as scene:
        attempt = await scene.drive()

    assert scene.path == ["checked", "writing", "checked", "deferred"]
    assert (attempt.deferral, attempt.tries) == (Deferral.BACKOFF, 1)
    assert [line[1] for line in scene.world.wire].count("Write") == 1
    assert scene.world.wire[-1][1] == "Read"


async def test_the_last_try_that_is_not_answered_fails_with_the_number_of_tries() -> None:
    async with Scene.of(
        state=State.CHECKED, attempt={"unit": UNIT, "tries": 2}, unanswered_writes=1, applies_unanswered=False
    ) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert "3 tries" in attempt.reason


async def test_the_back_off_grows_with_every_try() -> None:
    waits = []
    for tries in (0, 1):
        async with Scene.of(
            state=State.CHECKED, attempt={"unit": UNIT, "tries": tries}, unanswered_writes=1, applies_unanswered=False
        ) as scene:
            attempt = await scene.drive()
            assert attempt.due_at is not None
            waits.append(attempt.due_at - scene.clock.now())

    assert waits[1] == 2 * waits[0]


async def test_an_unanswered_second_write_leaves_half_a_unit_which_is_undone() -> None:
    async with Scene.of(TWO_KEYS, state=State.CHECKED, attempt={"unit": TWO_UNIT}) as scene:
        put = scene.ports.source.write

        async def second_is_lost(identity: str, key: str, value: str) -> str:
            if value == NEW:
                scene.station.unanswered_writes, scene.station.applies_unanswered = 1, False
            return await put(identity, key, value)

        scene.ports.source.write = second_is_lost  # type: ignore[method-assign]

        attempt = await scene.drive()

    assert scene.path == ["writing", "undoing", "failed"]
    assert scene.holds == {"BackendUrl": OLD, "BackendName": "old.example"}
    assert not attempt.left


async def test_a_value_the_station_holds_already_is_not_written_again() -> None:
    async with Scene.of(TWO_KEYS, values={"BackendName": "new.example"}) as scene:
        await scene.drive()

    assert [line[2] for line in scene.world.sent("Write")] == ["BackendUrl"]


async def test_a_station_that_masks_its_values_goes_on_by_its_acknowledgements() -> None:
    async with Scene.of(MASKED, values={"BackendUrl": "****"}, target_value="****") as scene:
        scene.station.keeps["BackendUrl"] = "****"

        attempt = await scene.drive()

    written = next(line.event for line in scene.journal.lines if line.event.data.get("to") == "written")
    assert "acknowledged only" in written.data["reason"]
    assert attempt.state is State.CONFIRMED


async def test_a_mask_is_never_taken_for_an_old_value_and_written_back() -> None:
    async with Scene.of(MASKED, values={"BackendUrl": "*****"}, takes_reset=Reset.IGNORED) as scene:
        scene.station.keeps["BackendUrl"] = "*******"  # as long as what it hides

        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert "cannot be read" in attempt.reason
    assert [line[3] for line in scene.world.sent("Write")] == [NEW]


async def test_a_station_with_two_slots_keeps_the_one_in_use() -> None:
    errand = {"refit": lambda _: "amina"}
    async with Scene.of(AMINA, values=SLOTTED, url_key="Slot2", errand=errand) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Write") == [
        ("AC1", "Write", "Slot2", NEW),
        ("AC1", "Write", "Priority", "Slot2,Slot1"),
    ]
    assert scene.holds["Slot1"] == OLD


async def test_a_refused_priority_puts_the_free_slot_back_as_it_was() -> None:
    errand = {"refit": lambda _: "amina"}
    async with Scene.of(AMINA, values=SLOTTED, url_key="Slot2", errand=errand) as scene:
        scene.station.device.verdicts["Priority"] = "Rejected"

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert {key: scene.holds[key] for key in SLOTTED} == SLOTTED


async def test_a_family_that_answers_nothing_after_a_write_is_restarted_without_a_read_back() -> None:
    mute = replace(ACME, quirks=Quirks(refuses_after_write=True))
    async with Scene.of(mute, state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert [line[1] for line in scene.world.wire] == ["Write", "Reset"]


async def test_a_family_that_applies_at_once_is_never_reset() -> None:
    async with Scene.of(AT_ONCE, leaves_on_write=True) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Reset") == []


# ── orders ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.HALTED])
async def test_an_order_before_the_write_leaves_the_station_as_it_is(mode: Mode) -> None:
    async with Scene.of(state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        await scene.order(mode)  # the driver has not heard of it

        attempt = await scene.drive()

    assert attempt.state is State.DEFERRED
    assert f"{mode.value}: storm" in attempt.reason
    assert scene.world.sent() == []


async def test_a_halt_in_the_middle_of_a_unit_stops_the_next_write_and_undoes_the_first() -> None:
    async with Scene.of(TWO_KEYS, state=State.CHECKED, attempt={"unit": TWO_UNIT}) as scene:
        put = scene.ports.source.write

        async def then_halt(identity: str, key: str, value: str) -> str:
            answer = await put(identity, key, value)
            if key == "BackendName" and value == "new.example":
                await scene.order(Mode.HALTED)
            return answer

        scene.ports.source.write = then_halt  # type: ignore[method-assign]

        attempt = await scene.drive()

    assert scene.path == ["writing", "undoing", "failed"]
    assert scene.holds == {"BackendUrl": OLD, "BackendName": "old.example"}
    assert ("AC1", "Write", "BackendUrl", NEW) not in scene.world.wire
    assert attempt.state is State.FAILED


async def test_a_halt_before_the_restart_waits_and_the_restart_comes_when_it_is_lifted() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.order(Mode.HALTED)
        async with scene.driven() as driving:
            await scene.passes(hours=1)
            assert scene.world.sent("Reset") == []

            await scene.order(None)
            attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_a_pause_lets_go_on_what_has_begun() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.order(Mode.PAUSED)

        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED


async def test_a_halt_that_lasts_beyond_the_idle_deadline_is_undone() -> None:
    async with Scene.of(state=State.WRITTEN, errand={"policy": patient(idle=timedelta(hours=1))}) as scene:
        await scene.order(Mode.HALTED)

        attempt = await scene.drive()

    assert scene.path == ["undoing", "failed"]
    assert attempt.reason == "no quiet moment to restart it in time"


async def test_an_order_over_another_site_stops_nothing() -> None:
    async with Scene.of() as scene:
        await scene.order(Mode.HALTED, "site:elsewhere")

        assert (await scene.drive()).state is State.CONFIRMED


async def test_a_driver_charging_when_the_restart_is_due_is_not_cut_off() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        await scene.world.charge(scene.station)
        async with scene.driven() as driving:
            await scene.passes(hours=2)
            assert scene.world.sent("Reset") == []

            await scene.world.stop_charging(scene.station)
            attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_without_a_free_permit_a_station_waits_until_another_gives_one_back() -> None:
    permit = Permit(scope="global", limit=1)
    async with Scene.of(errand={"permits": (permit,)}) as scene:
        holder = an_attempt(identity="AC0", batch="w0.b9")
        await scene.open(holder)
        scene.journal._permits["global"] = {holder.id}
        async with scene.driven() as driving:
            await scene.passes(minutes=30)
            assert scene.world.sent("Write") == []

            scene.journal._permits["global"].clear()
            attempt = await driving

    assert attempt.state is State.CONFIRMED


async def test_a_station_that_is_being_probed_is_written_to_when_the_probe_has_ended() -> None:
    async with Scene.of() as scene:
        scene.journal.probed = {scene.station.identity}
        async with scene.driven() as driving:
            await scene.passes(minutes=15)
            assert scene.world.sent("Write") == []

            scene.journal.probed.clear()
            attempt = await driving

    assert attempt.state is State.CONFIRMED
    assert attempt.tries == 1


async def test_a_worker_whose_batch_was_taken_over_lets_go_without_another_command() -> None:
    async with Scene.of(state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        await scene.journal.take_batch(scene.fence.batch, "another", scene.clock.now())

        with pytest.raises(Stale) as caught:
            await scene.drive()

    assert caught.value.guard == "batch"
    assert scene.world.sent() == []


async def test_what_a_person_decided_meanwhile_is_believed() -> None:
    async with Scene.of(state=State.UNDOING, side=None) as scene, scene.driven() as driving:
        await scene.passes(seconds=20)
        from migrate.domain.attempt import Fact  # noqa: PLC0415
        from migrate.domain.record import move  # noqa: PLC0415

        change = move(await scene.newest(), Fact.UNDO_REFUSED, scene.clock.now(), reason="ann saw it dead")
        await scene.journal.commit(change)
        attempt = await driving

    assert (attempt.state, attempt.reason) == (State.STUCK, "ann saw it dead")


# ── undoing ────────────────────────────────────────────────────────────────


async def test_undoing_reads_first_and_writes_only_what_differs() -> None:
    async with Scene.of(
        TWO_KEYS, state=State.UNDOING, attempt={"unit": TWO_UNIT}, values={"BackendName": "old.example"}
    ) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert scene.world.wire[0][1] == "Read"
    assert scene.world.sent("Write") == [("AC1", "Write", "BackendUrl", OLD)]


async def test_an_undo_that_is_refused_needs_a_person() -> None:
    async with Scene.of(state=State.UNDOING) as scene:
        scene.station.device.verdicts["BackendUrl"] = "Rejected"

        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert "Rejected" in attempt.reason


async def test_an_undo_that_does_not_stick_is_given_up_after_three_rounds() -> None:
    async with Scene.of(state=State.UNDOING, keeps={"BackendUrl": NEW}) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert len(scene.world.sent("Write")) == 3


async def test_an_undo_that_never_went_out_is_no_try_of_it() -> None:
    """On a slow disk nothing is sent; that says nothing of the station, and needs no person."""
    async with Scene.of(state=State.UNDOING) as scene:
        scene.station.unsent_writes = 5

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert scene.holds["BackendUrl"] == OLD


async def test_an_unanswered_undo_is_looked_at_before_it_is_written_again() -> None:
    async with Scene.of(state=State.UNDOING, unanswered_writes=1) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert [line[1] for line in scene.world.wire] == ["Read", "Write", "Read"]


async def test_undoing_passes_a_halt() -> None:
    async with Scene.of(state=State.UNDOING) as scene:
        await scene.order(Mode.HALTED)

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert scene.holds["BackendUrl"] == OLD


async def test_a_station_that_leaves_while_it_is_undone_has_departed() -> None:
    async with Scene.of(state=State.UNDOING) as scene:
        scene.station.device.is_mute = True
        async with scene.driven():
            await scene.world.leave(scene.station)
            await scene.passes(minutes=6)

            assert scene.path == ["departed"]


# ── after a crash ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ({"BackendUrl": NEW, "BackendName": "new.example"}, []),
        ({"BackendUrl": OLD, "BackendName": "new.example"}, ["BackendUrl"]),
        ({"BackendUrl": OLD, "BackendName": "old.example"}, ["BackendName", "BackendUrl"]),
    ],
    ids=["all was written", "half was written", "nothing was written"],
)
async def test_a_unit_that_a_dead_process_began_is_looked_at_and_only_what_is_missing_is_written(
    held: dict[str, str], missing: list[str]
) -> None:
    async with Scene.of(TWO_KEYS, state=State.WRITING, attempt={"unit": TWO_UNIT}, values=held) as scene:
        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert scene.world.wire[0][1] == "Read"
    assert [line[2] for line in scene.world.sent("Write")] == missing


async def test_a_unit_that_a_dead_process_began_is_not_written_on_under_a_halt() -> None:
    held = {"BackendUrl": OLD, "BackendName": "new.example"}
    async with Scene.of(TWO_KEYS, state=State.WRITING, attempt={"unit": TWO_UNIT}, values=held) as scene:
        await scene.order(Mode.HALTED)
        scene.fence.control = await scene.journal.control()

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.FAILED
    assert ("AC1", "Write", "BackendUrl", NEW) not in scene.world.wire
    assert scene.holds["BackendName"] == "old.example"


async def test_what_a_dead_process_read_is_read_again_before_anything_is_written() -> None:
    """Whatever changed meanwhile would be put back by the undo as it was when the process died."""
    async with Scene.of(state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        scene.station.device.values["BackendUrl"] = "ws://moved.example/ocpp"

        attempt = await scene.drive(resumed=True)

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.BACKOFF)
    assert scene.world.sent() == []


NIGHTS = Windows(daily=Daily(begin=time(1), end=time(5)))  # the virtual clock begins at 01:00
BY_DAY = timedelta(hours=8)


@pytest.mark.parametrize("state", [State.WRITTEN, State.RESTARTING])
async def test_what_a_dead_run_wrote_at_night_is_not_restarted_by_day(state: State) -> None:
    held = {"policy": replace(POLICY, windows=NIGHTS)}
    async with Scene.of(state=state, errand=held) as scene:
        await scene.clock.sleep(BY_DAY)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.FAILED
    assert scene.world.sent("Reset") == []
    assert scene.holds["BackendUrl"] == OLD


async def test_what_a_dead_run_wrote_is_restarted_once_the_next_window_opens() -> None:
    held = {"policy": replace(patient(idle=timedelta(days=1)), windows=NIGHTS)}
    async with Scene.of(state=State.WRITTEN, attempt={"entered_at": EPOCH - timedelta(days=2)}, errand=held) as scene:
        await scene.clock.sleep(BY_DAY)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert scene.seconds_of(State.RESTARTING) >= timedelta(days=1).total_seconds()


async def test_what_a_dead_run_began_to_write_at_night_is_not_written_on_by_day() -> None:
    held = {"BackendUrl": OLD, "BackendName": "new.example"}
    async with Scene.of(
        TWO_KEYS, state=State.WRITING, attempt={"unit": TWO_UNIT}, values=held, errand=windows(daily=NIGHTS.daily)
    ) as scene:
        await scene.clock.sleep(BY_DAY)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.FAILED
    assert ("AC1", "Write", "BackendUrl", NEW) not in scene.world.wire


async def test_what_was_whole_when_a_run_died_waits_for_its_window_like_the_rest() -> None:
    """It is written in the moment in which the next run looks, and was not begun in that moment."""
    async with Scene.of(state=State.WRITING, values={"BackendUrl": NEW}, errand=windows(daily=NIGHTS.daily)) as scene:
        await scene.clock.sleep(BY_DAY)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.FAILED
    assert scene.world.sent("Reset") == []


async def test_a_run_that_is_started_again_at_once_finishes_what_was_begun_after_the_window_has_closed() -> None:
    async with Scene.of(state=State.WRITTEN, errand=windows(daily=Daily(begin=time(0), end=time(1)))) as scene:
        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED


async def test_a_restart_that_a_dead_process_ordered_waits_for_the_end_of_a_halt() -> None:
    async with Scene.of(state=State.RESTARTING, errand={"policy": patient(restart=timedelta(hours=1))}) as scene:
        await scene.order(Mode.HALTED)
        scene.fence.control = await scene.journal.control()
        async with scene.driven(resumed=True) as driving:
            await scene.passes(minutes=20)
            sent_under_the_halt = scene.world.sent("Reset")
            await scene.order(None)

            attempt = await driving

    assert sent_under_the_halt == []
    assert attempt.state is State.CONFIRMED


@pytest.mark.parametrize("never_sent", [True, False])
async def test_a_restart_that_a_dead_process_ordered_is_repeated_only_if_it_never_happened(never_sent: bool) -> None:
    async with Scene.of(state=State.RESTARTING) as scene:
        if not never_sent:
            scene.world.restart(scene.station)
            await scene.passes(seconds=10)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert len(scene.world.sent("Reset")) == (1 if never_sent else 0)


async def test_a_new_session_without_a_boot_is_no_restart_and_the_lost_command_is_sent() -> None:
    async with Scene.of(state=State.RESTARTING, attempt={"source_session": "older"}, booted=False) as scene:
        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert len(scene.world.sent("Reset")) == 1


async def test_what_happened_while_no_process_lived_is_caught_up() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED


async def test_a_station_that_came_and_went_back_while_no_process_lived_is_found_on_the_source_at_once() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.passes(seconds=30)
        await scene.world.leave(scene.station)
        await scene.world.connect(scene.station, Side.SOURCE)
        await scene.world.boot(scene.station, Side.SOURCE)
        await scene.passes(minutes=30)

        attempt = await scene.drive(resumed=True)

    assert scene.path[:2] == ["arrived", "undoing"]
    assert attempt.state is State.REVERTED


async def test_a_boot_during_the_handing_over_of_an_arrived_station_is_read_by_the_driver() -> None:
    """The watch moves a visited station by its first sighting; its boot comes before that move is stored."""
    async with Scene.of(state=State.VISITING, side=None) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        connected = (await scene.journal.missed("AC1"))[0]
        await scene.world.boot(scene.station, Side.TARGET)
        told = {"sighting": connected.seq}
        change = move(await scene.newest(), Fact.SEEN_ON_TARGET, scene.clock.now(), note=told)
        await scene.journal.commit(change)
        scene.attempt = change.attempts[0]

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Trigger") == []


async def test_a_station_that_arrived_is_asked_again_in_each_new_session() -> None:
    async with Scene.of(state=State.DEPARTED, side=None, boot_answers={Side.TARGET: "Pending"}) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        async with scene.driven(resumed=True):
            await scene.passes(minutes=10)
            asked_in_the_first = len(scene.world.sent("Trigger"))
            await scene.world.leave(scene.station)
            await scene.world.connect(scene.station, Side.TARGET)
            await scene.passes(minutes=10)

            assert (asked_in_the_first, len(scene.world.sent("Trigger"))) == (1, 2)


async def test_a_boot_that_a_rival_kept_from_proof_proves_it_to_the_next_process_once_the_rival_is_gone() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        scene.world.rivals["AC1"] = 1
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        async with scene.driven(resumed=True):
            scene.attempt = await scene.until(State.ARRIVED)
            await scene.passes(seconds=10)
        scene.world.rivals["AC1"] = 0
        scene.attempt = await scene.newest()

        attempt = await scene.drive(resumed=True)

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Trigger") == []


async def test_what_is_told_while_the_missed_is_still_being_read_hides_none_of_it() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        missed = await scene.journal.missed(scene.attempt.identity)
        driver = Driver(scene.errand, scene.ports, scene.fence, resumed=True)
        driver.see(replace(missed[-1], kind=Kind.HEARTBEAT, seq=missed[-1].seq + 1))

        attempt = await driver.drive(scene.attempt, missed)

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent("Trigger") == []  # its own boot is enough


async def test_an_act_does_not_run_on_while_nobody_can_be_asked() -> None:
    """The restart that is ordered in that while would be forgotten, and ordered again."""
    errand = {"policy": patient(restart=timedelta(seconds=65))}
    async with Scene.of(state=State.RESTARTING, takes_reset=Reset.IGNORED, errand=errand) as scene:
        look = scene.ports.source.read

        async def slow(*asked: Any, **more: Any) -> Any:
            await asyncio.sleep(8)
            return await look(*asked, **more)

        scene.ports.source.read = slow  # type: ignore[method-assign]
        async with scene.driven(resumed=True):
            await scene.passes(seconds=62)
            scene.world.can_be_asked = False
            await scene.passes(seconds=5)
            scene.world.can_be_asked = True
            await scene.passes(seconds=25)

            assert scene.world.sent("Reset") == []


async def test_a_station_that_said_yes_and_shows_its_old_value_gets_the_old_one_once_more_before_it_is_given_up() -> (
    None
):
    async with Scene.of(keeps={"BackendUrl": OLD}) as scene:
        attempt = await scene.drive()

    writes = [line[2:] for line in scene.world.sent("Write")]
    assert (attempt.state, attempt.reason) == (State.FAILED, "accepted, but not stored")
    assert writes == [("BackendUrl", NEW), ("BackendUrl", OLD)]


async def test_a_value_that_was_refused_is_not_put_back() -> None:
    async with Scene.of() as scene:
        scene.station.device.verdicts["BackendUrl"] = "Rejected"
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert [line[2:] for line in scene.world.sent("Write")] == [("BackendUrl", NEW)]


def a_station_to_be_taken_back() -> Any:
    """On the target, checked, and about to get its old address back."""
    unit = (PreparedWrite(key="BackendUrl", new=OLD, old=NEW),)
    attempt = {"direction": Direction.BACK, "unit": unit, "source_session": "s1"}
    errand = {"direction": Direction.BACK, "backend": parse_backend(OLD)}
    values = {"BackendUrl": NEW}
    return Scene.of(state=State.CHECKED, side=Side.TARGET, errand=errand, attempt=attempt, values=values)


async def test_a_halt_that_comes_between_the_checks_and_the_write_keeps_a_station_on_the_target() -> None:
    async with a_station_to_be_taken_back() as scene:
        await scene.order(Mode.HALTED)

        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.BACKOFF)
    assert scene.world.sent("Write") == []


async def test_a_pause_does_not_keep_a_station_on_the_target() -> None:
    async with a_station_to_be_taken_back() as scene:
        await scene.order(Mode.PAUSED)

        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert [line[2:] for line in scene.world.sent("Write")] == [("BackendUrl", OLD)]
    assert set(scene.station.sessions) == {Side.SOURCE}


async def test_who_was_being_checked_when_its_model_was_stopped_is_not_written_to() -> None:
    async with Scene.of(state=State.CHECKED, attempt={"unit": UNIT}) as scene:
        scene.fence.quarantine = lambda _: (Deferral.MODEL_STOPPED, "model stopped: 4 of its kind failed")

        attempt = await scene.drive()

    assert (attempt.state, attempt.deferral) == (State.DEFERRED, Deferral.MODEL_STOPPED)
    assert scene.world.sent("Write") == []
