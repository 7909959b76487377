"""The gate of a rollback, by its numbers at the threshold and one beside it; and whom an order reaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batches.gate import stopped_profiles
from batches.ordered import Order, Wish, openings, reach
from batches.recovery import doubtful
from batches.rollback import rule_on_rollbacks
from migrate.domain.attempt import Fact, State
from migrate.domain.policy import GatePolicy
from migrate.domain.profile import Rollback, Slots
from migrate.domain.record import Attempt, Direction, Event, EventKind
from migrate.domain.unit import PreparedWrite, taken_back
from migrate.domain.wave import Cause
from tests.doubles.clock import EPOCH
from tests.doubles.rehearsal import a_plan
from tests.doubles.scene import ACME, UNIT, an_attempt

POLICY = GatePolicy(max_failed=2, max_lost=1)
PLANNED = {s.identity: s for s in a_plan([3]).stations}


def backs(**states: State) -> list[Attempt]:
    return [an_attempt(state, identity=name, direction=Direction.BACK) for name, state in states.items()]


def kinds(attempts: list[Attempt]) -> dict[str, str]:
    return {a.identity: "Acme|AC22|4.2" for a in attempts}


# ── the gate ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("failed", "stops"), [(1, False), (2, False), (3, True)])
def test_a_kind_is_stopped_by_more_failures_than_are_allowed_and_not_by_as_many(failed: int, stops: bool) -> None:
    attempts = backs(**{f"A{n}": State.FAILED for n in range(failed)})

    ruling = rule_on_rollbacks(attempts, kinds(attempts), POLICY)

    assert bool(ruling.stops("Acme|AC22|4.2")) is stops
    assert not ruling.stops("Other|X|1")


@pytest.mark.parametrize(("lost", "stops"), [(1, False), (2, True)])
def test_more_lost_than_allowed_stop_every_kind(lost: int, stops: bool) -> None:
    attempts = backs(**{f"A{n}": State.LOST for n in range(lost)})

    assert bool(rule_on_rollbacks(attempts, kinds(attempts), POLICY).stops("Other|X|1")) is stops


def test_what_a_dead_backend_did_is_charged_to_no_kind() -> None:
    attempts = [replace(a, cause=Cause.ENVIRONMENT) for a in backs(A=State.FAILED, B=State.FAILED, C=State.STUCK)]

    assert not rule_on_rollbacks(attempts, kinds(attempts), POLICY).stops("Acme|AC22|4.2")


def test_ordering_again_takes_note_of_what_failed_before() -> None:
    old = backs(A=State.FAILED, B=State.FAILED, C=State.FAILED)
    new = [replace(a, opened_at=EPOCH + timedelta(hours=1)) for a in backs(D=State.DEFERRED)]

    assert not rule_on_rollbacks([*old, *new], kinds([*old, *new]), POLICY).stops("Acme|AC22|4.2")


@pytest.mark.parametrize(
    ("state", "is_proven"), [(State.ARRIVED, False), (State.CONFIRMED, True), (State.SETTLED, True)]
)
def test_a_profile_is_proven_on_the_way_back_by_e3_and_nothing_less(state: State, is_proven: bool) -> None:
    ruling = rule_on_rollbacks(backs(A=state), {}, POLICY)

    assert ("acme" in ruling.proven_profiles) is is_proven


# ── whom an order reaches ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "state", "is_reached"),
    [
        (Order.ROLLBACK, State.SETTLED, True),
        (Order.ROLLBACK, State.CONFIRMED, True),
        (Order.ROLLBACK, State.STUCK, True),
        (Order.ROLLBACK, State.LOST, False),
        (Order.ROLLBACK, State.FAILED, False),
        (Order.ROLLBACK, State.DEFERRED, False),
        (Order.ROLLBACK, State.DEPARTED, False),
        (Order.RETRY, State.FAILED, True),
        (Order.RETRY, State.REVERTED, True),
        (Order.RETRY, State.SKIPPED, True),
        (Order.RETRY, State.SETTLED, False),
        (Order.RETRY, State.LOST, False),
        (Order.RETRY, State.STUCK, False),
        (Order.RETRY, State.WRITING, False),
        (Order.RETRY, State.VISITING, False),
    ],
)
def test_an_order_reaches_whom_it_can_help_and_says_why_it_passes_over_the_rest(
    order: Order, state: State, is_reached: bool
) -> None:
    found = reach(order, ["AC1"], PLANNED, [an_attempt(state)])

    assert [s.identity for s in found.stations] == (["AC1"] if is_reached else [])
    assert all(p.reason for p in found.passed_over)


@pytest.mark.parametrize("state", [State.STUCK, State.LOST])
def test_who_wants_to_try_a_station_again_that_needs_a_person_reads_how_to_say_where_it_stands(state: State) -> None:
    (passed_over,) = reach(Order.RETRY, ["AC1"], PLANNED, [an_attempt(state)]).passed_over

    assert "migrate resolve AC1" in passed_over.reason


def test_nothing_is_taken_back_that_has_no_way_and_nobody_outside_the_plan_is_touched() -> None:
    one_way = {"AC1": replace(PLANNED["AC1"], rollback=Rollback.IMPOSSIBLE)}

    found = reach(Order.ROLLBACK, ["AC1", "AC9", "AC9"], one_way, [an_attempt(State.SETTLED)])

    assert found.stations == ()
    assert [p.identity for p in found.passed_over] == ["AC1", "AC9"]


def test_an_order_opens_attempts_that_are_due_at_once_and_numbered_after_void_ones() -> None:
    before = an_attempt(State.SETTLED, numbers_given=4)
    found = reach(Order.ROLLBACK, ["AC1"], PLANNED, [before])
    wish = Wish(order=Order.ROLLBACK, reason="bills twice", by="ann", at=EPOCH, token="t", fingerprint="f")

    opened, waiting = openings(wish, found, found.stations)

    assert (opened.attempts[0].number, opened.attempts[0].direction) == (5, Direction.BACK)
    assert (waiting.attempts[0].state, waiting.attempts[0].due_at) == (State.DEFERRED, EPOCH)
    assert opened.events[0].data == {"order": "rollback", "reason": "bills twice", "by": "ann", "stations": 1}


# ── what is written ────────────────────────────────────────────────────────

OWN = "ws://old.example/ocpp/TOKEN/"
CHANGED = (
    PreparedWrite(key="Name", new="new.example", old="old.example"),
    PreparedWrite(key="BackendUrl", new="ws://new.example/ocpp", old=OWN),
)
HELD = {"Name": "new.example", "BackendUrl": "ws://new.example/ocpp"}


def test_a_station_gets_back_what_it_held_itself_the_address_last() -> None:
    unit = taken_back(ACME, CHANGED, HELD)

    assert [(w.key, w.new, w.old) for w in unit] == [
        ("Name", "old.example", "new.example"),
        ("BackendUrl", OWN, "ws://new.example/ocpp"),
    ]


def test_of_slots_only_the_order_is_put_back_because_the_one_in_use_is_never_written() -> None:
    slotted = replace(ACME, slots=Slots(keys=("Slot1", "Slot2"), priority_key="Priority"))
    changed = (
        PreparedWrite(key="Slot2", new="ws://new.example/ocpp", old=""),
        PreparedWrite(key="Priority", new="Slot2,Slot1", old="Slot1,Slot2"),
    )

    unit = taken_back(slotted, changed, {"Slot1": "ws://old", "Slot2": "ws://new", "Priority": "Slot2,Slot1"})

    assert [(w.key, w.new) for w in unit] == [("Priority", "Slot1,Slot2")]


@pytest.mark.parametrize(
    ("changed", "now"),
    [
        ((replace(CHANGED[1], old=None),), HELD),
        (CHANGED, {"Name": "new.example"}),
    ],
    ids=["nobody saw the old value", "the station shows the key no more"],
)
def test_what_cannot_be_put_back_from_the_record_is_left_to_the_profile(
    changed: tuple[PreparedWrite, ...], now: dict[str, str]
) -> None:
    assert taken_back(ACME, changed, now) == ()


# ── what a station may hold for its next start ─────────────────────────────

WRITING = an_attempt(State.UNDOING, unit=UNIT, tries=1)
(WRITE,) = UNIT


def told(kind: EventKind, **data: object) -> Event:
    return Event(kind=kind, at=EPOCH, identity="AC1", attempt=WRITING.id, data=data)


SENT = told(EventKind.COMMAND, action="ChangeConfiguration", key=WRITE.key, value=WRITE.new)
PUT_BACK = told(EventKind.COMMAND, action="ChangeConfiguration", key=WRITE.key, value=WRITE.old)
REFUSED = told(EventKind.ANSWER, action="ChangeConfiguration", key=WRITE.key, status="Rejected")
TAKEN = told(EventKind.ANSWER, action="ChangeConfiguration", key=WRITE.key, status="Accepted")
SILENT = told(EventKind.ANSWER, action="ChangeConfiguration", key=WRITE.key, status="no answer")
UNSENT = told(EventKind.ANSWER, action="ChangeConfiguration", key=WRITE.key, status="no answer", sent=False)
RESET = told(EventKind.COMMAND, action="Reset")


@pytest.mark.parametrize(
    ("events", "in_doubt"),
    [
        ((), False),
        ((SENT,), True),
        ((SENT, TAKEN), True),
        ((SENT, SILENT), True),
        ((SENT, REFUSED), False),
        ((SENT, UNSENT), False),
        ((SENT, TAKEN, RESET), False),
        ((SENT, TAKEN, PUT_BACK), False),
        ((replace(SENT, attempt="AC1#0"),), False),
    ],
    ids=[
        "nothing sent",
        "sent",
        "taken",
        "silent",
        "refused",
        "never went out",
        "restarted",
        "put back",
        "another try",
    ],
)
def test_a_station_that_took_a_value_and_shows_another_may_hold_it_for_its_next_start(
    events: tuple[Event, ...], in_doubt: bool
) -> None:
    assert (WRITE.key in doubtful(WRITING, events)) is in_doubt


def test_one_that_was_away_shows_what_it_holds() -> None:
    assert not doubtful(replace(WRITING, left=True), (SENT, TAKEN))


# ── a profile that is wrong ────────────────────────────────────────────────


@pytest.mark.parametrize(("count", "stops"), [(1, False), (2, True)])
def test_a_profile_is_stopped_by_more_stations_that_ignored_it_than_are_allowed(count: int, stops: bool) -> None:
    ignored = [
        an_attempt(State.REVERTED, identity=f"A{n}", cause=Cause.WITHOUT_EFFECT, left=True) for n in range(count)
    ]

    assert ("acme" in stopped_profiles(ignored, GatePolicy(max_without_effect=1))) is stops


def test_what_a_person_has_seen_stops_a_profile_no_more() -> None:
    ignored = an_attempt(State.REVERTED, cause=Cause.WITHOUT_EFFECT)

    assert not stopped_profiles([ignored], GatePolicy(max_without_effect=0), {ignored.id: ignored.version})


def test_a_fact_of_the_table_is_named_where_a_rollback_ends() -> None:
    back = an_attempt(State.UNDOING, direction=Direction.BACK, unit=UNIT)

    assert back.moved(Fact.OLD_VALUES_READ_BACK, EPOCH).is_void
    assert not back.moved(Fact.UNDO_REFUSED, EPOCH).is_void
