"""Steps after the move: whom they reach, what is still due, and whether a restart is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from batches.finishing import (
    BEGUN,
    ONE_WAY,
    Ended,
    is_raised,
    is_unanswered,
    not_stored,
    reads_of,
    restart_is_due,
    still_due,
    wanted_security,
    ways_lost,
    within,
)
from batches.ordered import Order, reach
from migrate.domain.address import parse_backend
from migrate.domain.attempt import State
from migrate.domain.errors import Mismatch
from migrate.domain.filling import Goal, prepare_finish
from migrate.domain.profile import (
    Method,
    Profile,
    Readback,
    Rollback,
    Slots,
    Write,
)
from migrate.domain.record import Attempt, Direction, Event, EventKind
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import PlannedStation
from migrate.domain.ways import Encoding, Finish
from tests.doubles.catalogue import a_profile

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ACME = a_profile(
    writes=(),
    finish={
        Finish.RAISE_SECURITY: (Write(key="SecurityProfile", value="2"),),
        Finish.PASSWORD: (
            Write(key="AuthorizationKey", secret="acme", encoding=Encoding.HEX, readback=Readback.MASKED),
        ),
        Finish.CLEAN_UP: (Write(key="Order", value="${active_slot}"),),
    },
    slots=Slots(keys=("Slot1", "Slot2"), priority_key="Order"),
)
PLANNED = PlannedStation(
    identity="AC1",
    wave=0,
    batch=0,
    profile="acme",
    method=Method.CHANGE_CONFIGURATION,
    rollback=Rollback.REMOTE,
    kind="Acme|AC|1",
    site="S1",
    apn="",
    connectors=1,
)
SETTLED = Attempt(
    id="AC1#1",
    identity="AC1",
    number=1,
    wave=0,
    batch="w0.b0",
    profile="acme",
    method=Method.CHANGE_CONFIGURATION,
    state=State.SETTLED,
    opened_at=AT,
    entered_at=AT,
)


def reached(step: Finish = Finish.RAISE_SECURITY, profile: Profile | None = ACME, **changes: Any) -> Any:
    attempts = [replace(SETTLED, **changes)]
    return within(step, ["AC1"], {"AC1": PLANNED}, attempts, lambda _: profile)


def test_a_settled_station_whose_profile_knows_the_step_is_reached_and_counted_as_one_way() -> None:
    found = reached()

    assert [s.identity for s in found.stations] == ["AC1"]
    assert found.one_way(Finish.RAISE_SECURITY) == 1
    assert found.one_way(Finish.PASSWORD) == 1
    assert found.one_way(Finish.CLEAN_UP) == 0


@pytest.mark.parametrize("state", [s for s in State if s is not State.SETTLED])
def test_a_station_that_has_not_settled_is_not_touched(state: State) -> None:
    found = reached(state=state)

    assert not found.stations
    assert found.passed_over[0].reason == f"it is {state.value}: only what has settled on the target is finished"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(lambda: reached(direction=Direction.BACK), "on the source", id="taken back"),
        pytest.param(lambda: reached(profile=None), "has no step", id="no profile"),
        pytest.param(lambda: reached(profile=replace(ACME, finish={})), "has no step", id="no such step"),
        pytest.param(
            lambda: within(Finish.PASSWORD, ["AC9"], {"AC1": PLANNED}, [], lambda _: ACME), "plan", id="not planned"
        ),
        pytest.param(
            lambda: within(Finish.PASSWORD, ["AC1"], {"AC1": PLANNED}, [], lambda _: ACME),
            "not been moved",
            id="not moved",
        ),
    ],
)
def test_what_a_step_does_not_reach_is_said_with_its_reason(found: Any, why: str) -> None:
    assert why in found().passed_over[0].reason


def prepared(step: Finish, **holds: str) -> tuple[PreparedWrite, ...]:
    goal = Goal(backend=parse_backend("wss://new.example/ocpp"), identity="AC1")
    return prepare_finish(
        ACME, step, goal, {"Slot1": "ws://old", "Slot2": "wss://new", "Order": "Slot2,Slot1", **holds}
    )


def test_only_what_the_station_does_not_show_is_due() -> None:
    raised, held = prepared(Finish.RAISE_SECURITY, SecurityProfile="2"), {"SecurityProfile": "2"}

    assert still_due(raised, held) == ()
    assert still_due(raised, {"SecurityProfile": "1"}) == raised


def test_a_password_shows_nothing_and_is_written_by_its_name() -> None:
    unit = prepared(Finish.PASSWORD)

    assert still_due(unit, {"AuthorizationKey": "********"}) == unit
    assert unit[0].new == "(secret acme)"
    assert not_stored(unit, {}) == ()


def test_the_slot_of_the_source_is_taken_out_of_the_order() -> None:
    (write,) = prepared(Finish.CLEAN_UP)

    assert (write.key, write.new, write.old) == ("Order", "Slot2", "Slot2,Slot1")
    assert set(reads_of(ACME, Finish.CLEAN_UP)) == {"Slot1", "Slot2", "Order"}


def test_a_station_that_lacks_the_key_is_a_mismatch() -> None:
    with pytest.raises(Mismatch, match="does not know the key SecurityProfile"):
        prepared(Finish.RAISE_SECURITY)


def event(what: EventKind, /, **data: Any) -> Event:
    return Event(kind=what, at=AT, identity="AC1", data=data)


ANSWERED = event(EventKind.ANSWER, key="SecurityProfile", status="RebootRequired")
TAKEN = event(EventKind.ANSWER, key="SecurityProfile", status="Accepted")
OTHER = event(EventKind.ANSWER, key="BackendUrl", status="RebootRequired")
BOOTED = event(EventKind.SIGHTING, kind="boot", side="target")
ASKED = event(EventKind.SIGHTING, kind="boot", side="target", solicited=True)
BEATS = event(EventKind.SIGHTING, kind="heartbeat", side="target")


@pytest.mark.parametrize(
    ("told", "due"),
    [
        pytest.param([ANSWERED], True, id="written, and killed"),
        pytest.param([ANSWERED, BOOTED], False, id="it has restarted since"),
        pytest.param([ANSWERED, ASKED, BEATS], True, id="a boot that we asked for is no restart"),
        pytest.param([BOOTED, ANSWERED], True, id="the boot was before"),
        pytest.param([TAKEN], False, id="used at once"),
        pytest.param([OTHER], False, id="another key"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_a_restart_that_a_dead_process_left_out_is_still_due(told: list[Event], due: bool) -> None:
    assert restart_is_due(told, {"SecurityProfile"}) is due


SENT = event(EventKind.COMMAND, key="SecurityProfile", value="2")
SILENT = event(EventKind.ANSWER, key="SecurityProfile", status="no answer")
NOT_SENT = event(EventKind.ANSWER, key="SecurityProfile", status="no answer", sent=False)


@pytest.mark.parametrize(
    ("told", "unanswered"),
    [
        pytest.param([SENT], True, id="killed before the answer was kept"),
        pytest.param([SENT, SILENT], True, id="no answer came"),
        pytest.param([SENT, TAKEN], False, id="answered"),
        pytest.param([SENT, NOT_SENT], False, id="it never went out"),
        pytest.param([SENT, BOOTED], False, id="it has restarted since"),
        pytest.param([SENT, ASKED], True, id="a boot that we asked for is no restart"),
        pytest.param([TAKEN, SENT], True, id="the answer was to the one before"),
        pytest.param([event(EventKind.COMMAND, key="BackendUrl")], False, id="another key"),
    ],
)
def test_a_value_without_a_kept_answer_may_wait_for_a_restart(told: list[Event], unanswered: bool) -> None:
    assert is_unanswered(told, {"SecurityProfile"}) is unanswered


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        pytest.param(PreparedWrite(key="SecurityProfile", new="3", old="1"), 3, id="1.6"),
        pytest.param(PreparedWrite(key="Slot", new='{"securityProfile": 2}', old=None), 2, id="a network profile"),
        pytest.param(PreparedWrite(key="AuthorizationKey", new="(secret a)", old=None), None, id="no raise"),
    ],
)
def test_the_profile_that_a_station_has_to_come_back_with_is_the_one_it_is_told(
    write: PreparedWrite, wanted: int | None
) -> None:
    assert wanted_security([write]) == wanted


def test_no_slot_is_filled_again_at_a_station_that_has_the_security_profile_already() -> None:
    slot = PreparedWrite(key="NetworkProfile[1]", new='{"securityProfile": 2}', old=None, readback=Readback.MASKED)
    key = "SecurityCtrlr.SecurityProfile"

    raised = {held: is_raised((slot,), {key: held}) for held in ("1", "2", "3", "", None)}

    assert raised == {"1": False, "2": True, "3": True, "": False, None: False}
    assert not is_raised((PreparedWrite(key="SecurityProfile", new="2", old="1"),), {key: "2"})


@pytest.mark.parametrize("ended", Ended)
@pytest.mark.parametrize("step", Finish)
def test_the_way_back_is_lost_with_a_one_way_step_that_may_have_been_taken(step: Finish, ended: Ended) -> None:
    told = [event(EventKind.FINISHED, step=step.value, ended=ended.value)]

    lost = ways_lost(told)

    is_taken = ended not in (Ended.ALREADY, Ended.NOT_NOW, Ended.REFUSED)
    assert ("AC1" in lost) is (is_taken and step in ONE_WAY)


BEGUN_AT_ONCE = event(EventKind.FINISHED, step="password", ended=BEGUN)


@pytest.mark.parametrize(
    ("told", "is_lost"),
    [
        pytest.param([BEGUN_AT_ONCE], True, id="killed in the middle"),
        pytest.param([BEGUN_AT_ONCE, event(EventKind.FINISHED, step="password", ended="refused")], False, id="refused"),
        pytest.param([BEGUN_AT_ONCE, event(EventKind.FINISHED, step="password", ended="done")], True, id="done"),
        pytest.param(
            [
                BEGUN_AT_ONCE,
                event(EventKind.FINISHED, step="password", ended="done"),
                event(EventKind.FINISHED, step="password", ended="refused"),
            ],
            True,
            id="done, and refused when ordered again",
        ),
        pytest.param(
            [BEGUN_AT_ONCE, event(EventKind.FINISHED, step="raise_security", ended="refused")],
            True,
            id="another step was refused",
        ),
    ],
)
def test_a_one_way_step_that_was_begun_and_never_ended_has_taken_the_way_back(told: list[Event], is_lost: bool) -> None:
    assert ("AC1" in ways_lost(told)) is is_lost


def test_a_station_whose_way_back_is_lost_is_passed_over_by_a_rollback_and_says_why() -> None:
    barred = ways_lost([event(EventKind.FINISHED, step="raise_security", ended="done")])

    found = reach(Order.ROLLBACK, ["AC1"], {"AC1": PLANNED}, [SETTLED], barred=barred)

    assert not found.stations
    assert "takes it back no more since raise_security" in found.passed_over[0].reason


def test_only_done_and_already_are_well() -> None:
    assert {ended for ended in Ended if ended.is_well} == {Ended.DONE, Ended.ALREADY}
