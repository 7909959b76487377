"""Work orders, folded from the journal: issued by us, returned by a crew, closed by a sighting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.domain.attempt import Fact, State
from migrate.domain.order_book import fold_orders
from migrate.domain.record import Direction, Event, EventKind
from migrate.domain.visit import Ground, OrderState, Result, Return, WorkOrder, returning, revising
from tests.doubles.papers import AT, a_task, an_order, issued, moved, stored

DONE = Return(result=Result.DONE, technician="A. Jansen", date="2026-11-20", time_in="09:00", time_out="09:40")
UNDONE = Return(result=Result.NO_ACCESS, technician="A. Jansen")


def brought_back(returned: Return, order: WorkOrder | None = None) -> Event:
    return returning(order or an_order(), returned, by="maria", at=AT)


def test_orders_are_numbered_in_the_order_of_issue() -> None:
    orders = fold_orders(stored([issued(a_task("AC1")), issued(a_task("AC2"))]))

    assert [(order.name, order.identity) for order in orders] == [("WO-0001", "AC1"), ("WO-0002", "AC2")]


def test_two_persons_who_issue_at_once_give_one_order_to_a_station() -> None:
    orders = fold_orders(stored([issued(a_task("AC1")), issued(a_task("AC1")), issued(a_task("AC2"))]))

    assert [(order.name, order.identity) for order in orders] == [("WO-0001", "AC1"), ("WO-0002", "AC2")]


def test_an_order_is_closed_by_the_sighting_that_confirmed_its_station() -> None:
    task = a_task()

    (order,) = fold_orders(stored([issued(task), moved(task.attempt, Fact.CONFIRMED_ON_TARGET, sighting=41)]))

    assert (order.state, order.sighting) == (OrderState.CLOSED, 41)
    assert order.ended_at is not None


def test_a_return_never_closes_an_order() -> None:
    (order,) = fold_orders(stored([issued(a_task()), brought_back(DONE)]))

    assert order.state is OrderState.RETURNED
    assert order.returned == DONE


def test_a_confirmation_from_before_the_order_does_not_close_it() -> None:
    """It was confirmed, left again and got lost: the order is about what came then."""
    task = a_task()
    before = moved(task.attempt, Fact.CONFIRMED_ON_TARGET, sighting=7)

    (order,) = fold_orders(stored([before, issued(task)]))

    assert order.state is OrderState.ISSUED


@pytest.mark.parametrize("fact", [Fact.SEEN_ON_TARGET, Fact.ON_SOURCE], ids=str)
def test_what_is_below_e3_closes_nothing(fact: Fact) -> None:
    task = a_task()

    (order,) = fold_orders(stored([issued(task), moved(task.attempt, fact, sighting=8)]))

    assert order.state is OrderState.ISSUED


def test_a_closed_order_stays_closed_when_its_station_leaves_again_and_the_next_one_has_a_new_number() -> None:
    task = a_task()
    confirmed = replace(task.attempt, state=State.CONFIRMED)
    story = [
        issued(task),
        moved(task.attempt, Fact.CONFIRMED_ON_TARGET, sighting=9),
        moved(confirmed, Fact.GONE, minutes=20),
        issued(task, minutes=60),
    ]

    first, second = fold_orders(stored(story))

    assert (first.state, second.state) == (OrderState.CLOSED, OrderState.ISSUED)
    assert second.name == "WO-0002"


def test_a_return_that_comes_after_the_sighting_is_kept_and_the_order_stays_closed() -> None:
    task = a_task()
    story = [issued(task), moved(task.attempt, Fact.CONFIRMED_ON_TARGET, sighting=9), brought_back(UNDONE)]

    (order,) = fold_orders(stored(story))

    assert (order.state, order.returned) == (OrderState.CLOSED, UNDONE)


def test_an_order_that_came_back_undone_closes_all_the_same_when_the_station_is_seen() -> None:
    task = a_task()
    story = [issued(task), brought_back(UNDONE), moved(task.attempt, Fact.CONFIRMED_ON_TARGET, sighting=9)]

    (order,) = fold_orders(stored(story))

    assert order.state is OrderState.CLOSED


def test_a_crew_may_come_back_a_second_time_with_another_result() -> None:
    (order,) = fold_orders(stored([issued(a_task()), brought_back(UNDONE), brought_back(DONE)]))

    assert (order.state, order.returned) == (OrderState.RETURNED, DONE)


def test_an_order_about_going_back_is_closed_by_the_arrival_on_the_source() -> None:
    back = a_task(direction=Direction.BACK)

    (order,) = fold_orders(stored([issued(back), moved(back.attempt, Fact.CONFIRMED_ON_TARGET, sighting=12)]))

    assert (order.state, order.direction) == (OrderState.CLOSED, Direction.BACK)


def test_a_station_that_was_moved_the_other_way_needs_its_order_no_more() -> None:
    forward = a_task()
    back = replace(forward.attempt, id="AC1#2", number=2, direction=Direction.BACK)
    opened = Event(
        kind=EventKind.ATTEMPT_OPENED, at=AT, identity="AC1", attempt=back.id, data={"direction": Direction.BACK.value}
    )

    (order,) = fold_orders(stored([issued(forward), opened, moved(back, Fact.CONFIRMED_ON_TARGET)]))

    assert order.state is OrderState.WITHDRAWN


def test_the_direction_of_an_attempt_is_known_from_the_attempts_too() -> None:
    forward = a_task()
    back = replace(forward.attempt, id="AC1#2", number=2, direction=Direction.BACK)

    (order,) = fold_orders(stored([issued(forward), moved(back, Fact.CONFIRMED_ON_TARGET)]), [back])

    assert order.state is OrderState.WITHDRAWN


def test_a_station_that_is_given_up_needs_its_order_no_more() -> None:
    task = a_task()

    (order,) = fold_orders(stored([issued(task), moved(task.attempt, Fact.WRITTEN_OFF)]))

    assert order.state is OrderState.WITHDRAWN


def test_a_persons_word_that_a_visit_was_not_done_counts_as_its_return() -> None:
    task = a_task(state=State.VISITING, ground=Ground.VISIT_ONLY)

    (order,) = fold_orders(stored([issued(task), moved(task.attempt, Fact.RETURNED_UNDONE)]))

    assert (order.state, order.returned) == (OrderState.UNDONE, None)


def test_a_task_that_changed_makes_a_new_revision_of_the_same_order() -> None:
    task = a_task()
    stuck = a_task(state=State.STUCK, ground=Ground.STUCK, reason="refused")
    order = an_order(task)

    (order,) = fold_orders(stored([issued(task), revising(order, stuck, by="maria", at=AT)]))

    assert (order.name, order.revision, order.ground) == ("WO-0001", 2, Ground.STUCK)
    assert (order.reason, order.digest) == ("refused", stuck.digest)


def test_the_same_revision_told_twice_counts_once() -> None:
    task, stuck = a_task(), a_task(state=State.STUCK, ground=Ground.STUCK)
    change = revising(an_order(task), stuck, by="maria", at=AT)

    (order,) = fold_orders(stored([issued(task), change, change]))

    assert order.revision == 2


@pytest.mark.parametrize(
    "other",
    [a_task(serial="S-2"), a_task(access="round the back"), a_task(reason="no signal"), a_task(steps=("Look.",))],
    ids=["serial", "access", "reason", "steps"],
)
def test_whatever_the_crew_is_told_is_in_the_digest(other: object) -> None:
    assert other.digest != a_task().digest  # type: ignore[attr-defined]


def test_what_the_crew_is_not_told_is_not_in_the_digest() -> None:
    assert a_task(last_seen_at="2026-11-19", wave=3).digest == a_task().digest


def test_a_half_of_a_surrogate_pair_breaks_no_digest() -> None:
    assert a_task(site_name="\ud800").digest


def test_an_event_about_an_order_that_does_not_exist_changes_nothing() -> None:
    elsewhere = replace(an_order(), number=99)

    (order,) = fold_orders(stored([issued(a_task()), brought_back(DONE, elsewhere)]))

    assert order.state is OrderState.ISSUED
