"""Persons' orders: each makes the epoch grow, resuming takes note of what went wrong."""

from __future__ import annotations

import pytest

from batches.errand import Fence
from batches.incidents import incidents
from batches.orders import laid, lifted, order
from migrate.domain.attempt import State
from migrate.domain.errors import Stale
from migrate.domain.record import Control, Event, EventKind, Hold, StoredEvent
from migrate.domain.wave import Mode
from tests.doubles.clock import EPOCH
from tests.doubles.scene import an_attempt, an_errand


def an_order(mode: Mode, scope: str = "") -> Hold:
    return order(mode, scope, reason="storm", by="ann", at=EPOCH)


def under(*holds: Hold) -> Fence:
    control = Control()
    for hold in holds:
        control = laid(control, hold)
    return Fence(batch="b", epoch=1, control=control)


def test_every_order_makes_the_epoch_grow() -> None:
    control = laid(Control(epoch=4), an_order(Mode.PAUSED))

    assert control.epoch == 5
    assert lifted(control, "", ()).epoch == 6


def test_an_order_replaces_the_earlier_one_of_its_scope_and_no_other() -> None:
    control = laid(laid(Control(), an_order(Mode.PAUSED, "site:A")), an_order(Mode.PAUSED))

    control = laid(control, an_order(Mode.HALTED, "site:A"))

    assert {hold.scope: hold.mode for hold in control.holds} == {"": Mode.PAUSED, "site:A": Mode.HALTED}


def test_lifting_one_scope_leaves_the_others_and_lifting_all_leaves_none() -> None:
    control = laid(laid(Control(), an_order(Mode.PAUSED, "site:A")), an_order(Mode.HALTED, "model:X"))

    assert [hold.scope for hold in lifted(control, "site:A", ()).holds] == ["model:X"]
    assert lifted(control, "", ()).holds == ()


def test_resuming_takes_note_of_failures_and_losses_with_the_version_they_stand_at() -> None:
    attempts = [
        an_attempt(State.FAILED, identity="AC1", version=7),
        an_attempt(State.LOST, identity="AC2", version=9, wave=1),
        an_attempt(State.SETTLED, identity="AC3"),
    ]

    control = lifted(Control(), "", attempts)

    assert control.acknowledged[0] == {"AC1#1": 7}
    assert control.acknowledged[1] == {"AC2#1": 9}


def test_resuming_a_part_keeps_what_was_noted_before() -> None:
    before = Control(acknowledged={0: {"AC9#1": 3}})

    control = lifted(before, "site:A", [an_attempt(State.FAILED, version=7)])

    assert control.acknowledged[0] == {"AC9#1": 3, "AC1#1": 7}


@pytest.mark.parametrize(
    "scope", ["", "model:AC22", "model:Acme AC22", "profile:acme", "site:station:AC1"], ids=lambda s: s or "everything"
)
def test_an_order_lies_on_a_station_by_each_of_its_names(scope: str) -> None:
    assert under(an_order(Mode.PAUSED, scope)).forbids_start(an_errand()) is not None


@pytest.mark.parametrize("scope", ["model:AC11", "profile:other", "site:elsewhere", "model:Acme"])
def test_an_order_over_others_does_not_lie_on_it(scope: str) -> None:
    assert under(an_order(Mode.HALTED, scope)).forbids_start(an_errand()) is None


def test_the_strictest_of_several_orders_counts() -> None:
    fence = under(an_order(Mode.PAUSED), an_order(Mode.HALTED, "profile:acme"))

    hold = fence.forbids_intent(an_errand())

    assert hold is not None
    assert hold.mode is Mode.HALTED


def test_a_pause_forbids_a_start_and_lets_an_attempt_under_way_go_on() -> None:
    fence = under(an_order(Mode.PAUSED))

    assert fence.forbids_start(an_errand()) is not None
    assert fence.forbids_intent(an_errand()) is None


def test_only_undoing_passes_without_the_control_epoch() -> None:
    fence = under(an_order(Mode.HALTED))

    with pytest.raises(Stale) as caught:
        fence.for_intent(an_errand())
    assert caught.value.guard == "control"
    assert fence.for_undoing().control_epoch is None
    assert fence.for_undoing().epoch == 1


def test_an_intent_under_a_pause_is_good_for_the_orders_that_were_known_with_it() -> None:
    assert under(an_order(Mode.PAUSED)).for_intent(an_errand()).control_epoch == 1


# ── incidents ──────────────────────────────────────────────────────────────


def told(*lines: dict[str, object]) -> list[StoredEvent]:
    return [
        StoredEvent(
            seq=n,
            writer="w",
            link=n,
            hash="",
            event=Event(kind=EventKind.INCIDENT, at=EPOCH.replace(minute=n), data=data),
        )
        for n, data in enumerate(lines, 1)
    ]


def test_a_backend_that_went_away_and_came_back_is_one_incident_with_an_end() -> None:
    down: dict[str, object] = {"title": "CSMS down", "side": "target", "detail": "refused"}

    (incident,) = incidents(told(down, {**down, "over": True}))

    assert incident.at == EPOCH.replace(minute=1)
    assert incident.ended_at == EPOCH.replace(minute=2)


def test_the_two_sides_are_not_taken_for_each_other() -> None:
    source, target = ({"title": "CSMS down", "side": side} for side in ("source", "target"))

    first, second = incidents(told(source, target, {**target, "over": True}))

    assert first.ended_at is None
    assert second.ended_at is not None


def test_an_end_without_a_beginning_is_no_incident() -> None:
    assert incidents(told({"title": "CSMS down", "side": "target", "over": True})) == ()
