"""Whatever happens in whatever order, the book gives one order to a station at a time and closes none by paper."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from migrate.domain.attempt import Fact, State
from migrate.domain.order_book import fold_orders
from migrate.domain.record import Direction, Event
from migrate.domain.visit import Ground, OrderState, Result, Return, returning, revising
from tests.doubles.papers import AT, a_task, an_order, issued, moved, stored

TASKS = [a_task("AC1"), a_task("AC2"), a_task("AC1", direction=Direction.BACK, id="AC1#2")]
PAPERS = [
    *(issued(task) for task in TASKS),
    revising(an_order(), a_task(state=State.STUCK, ground=Ground.STUCK), by="maria", at=AT),
    returning(an_order(), Return(result=Result.DONE), by="maria", at=AT),
    returning(an_order(a_task("AC2")), Return(result=Result.NO_ACCESS), by="maria", at=AT),
]
MOVES = [
    moved(task.attempt, fact, sighting=7)
    for task in TASKS
    for fact in (Fact.CONFIRMED_ON_TARGET, Fact.SEEN_ON_TARGET, Fact.ON_SOURCE, Fact.WRITTEN_OFF)
]
ENDED = (OrderState.CLOSED, OrderState.WITHDRAWN)

stories = st.lists(st.sampled_from([*PAPERS, *MOVES]), max_size=25)


# Brought back undone, given out anew, and then the first paper comes once more.
@example([PAPERS[0], PAPERS[5], PAPERS[0], PAPERS[4]])
@given(stories)
def test_a_station_has_one_order_out_at_a_time_and_every_number_is_given_once(story: list[Event]) -> None:
    orders = fold_orders(stored(story))

    out = [order.identity for order in orders if order.is_in_force]
    assert len(out) == len(set(out))
    assert [order.number for order in orders] == list(range(1, len(orders) + 1))


@given(stories, st.integers(0, 25))
def test_what_comes_later_neither_renumbers_an_order_nor_opens_one_that_has_ended(story: list[Event], cut: int) -> None:
    before, after = fold_orders(stored(story[:cut])), fold_orders(stored(story))

    assert [(o.number, o.identity) for o in after[: len(before)]] == [(o.number, o.identity) for o in before]
    assert all(late.state is early.state for early, late in zip(before, after, strict=False) if early.state in ENDED)


@given(st.lists(st.sampled_from(PAPERS), max_size=25))
def test_no_paper_closes_an_order(story: list[Event]) -> None:
    orders = fold_orders(stored(story))

    assert not [order for order in orders if order.state in ENDED]


@given(stories)
def test_a_closed_order_names_the_sighting_that_closed_it(story: list[Event]) -> None:
    orders = fold_orders(stored(story))

    assert all((order.state is OrderState.CLOSED) <= (order.sighting == 7) for order in orders)
