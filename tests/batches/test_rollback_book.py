"""The book of rollbacks: who may go first, what counts since the newest order, and that it never forgets forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batches.rollback import RollbackBook
from migrate.domain.attempt import State
from migrate.domain.policy import GatePolicy
from migrate.domain.record import Attempt, Direction
from tests.doubles.clock import EPOCH
from tests.doubles.scene import an_attempt

LATER = EPOCH + timedelta(hours=1)
KIND = "Acme|AC22|4.2"


def back(identity: str, state: State, *, version: int = 1, **changes: object) -> Attempt:
    attempt = an_attempt(state, identity=identity, direction=Direction.BACK, version=version)
    return replace(attempt, **changes)  # type: ignore[arg-type]


def a_book(*attempts: Attempt, max_lost: int = 0) -> RollbackBook:
    book = RollbackBook({a.identity: KIND for a in attempts}, GatePolicy(max_failed=1, max_lost=max_lost))
    book.learn(attempts)
    return book


@pytest.mark.parametrize(
    ("states", "may"),
    [
        ({}, True),
        ({"A": State.DEPARTED}, True),
        ({"A": State.DEPARTED, "B": State.PLANNED}, False),
        ({"A": State.DEPARTED, "B": State.FAILED}, True),
        ({"A": State.DEFERRED, "B": State.DEFERRED}, True),
        ({"A": State.VISITING, "B": State.STUCK}, True),
    ],
)
def test_so_many_of_a_profile_go_first_and_only_those_on_their_way_count(states: dict[str, State], may: bool) -> None:
    book = a_book(*(back(identity, state) for identity, state in states.items()))

    assert book.may_go_first("acme", "Z", 2) is may


def test_of_those_sent_and_not_begun_the_first_may_begin_so_that_they_never_wait_for_each_other() -> None:
    book = a_book(*(back(f"A{n}", State.PLANNED) for n in range(5)))

    assert [n for n in range(5) if book.may_go_first("acme", f"A{n}", 2)] == [0, 1]


def test_one_that_is_being_sent_takes_its_place_before_the_journal_says_so() -> None:
    waiting = back("A", State.DEFERRED)
    book = a_book(waiting)

    book.sends(waiting)

    assert not book.may_go_first("acme", "B", 1)


def test_once_one_was_proven_all_of_its_profile_may_follow() -> None:
    book = a_book(back("A", State.CONFIRMED), back("B", State.DEPARTED), back("C", State.DEPARTED))

    assert book.may_go_first("acme", "D", 1)


def test_what_is_known_further_on_is_not_overwritten_by_an_older_reading() -> None:
    book = a_book(back("A", State.LOST, version=5))

    book.learn([back("A", State.DEPARTED, version=4)])

    assert book.ruling.stops(KIND)


def test_a_loss_of_an_older_order_counts_when_it_comes_after_the_newest_one() -> None:
    newest = back("B", State.DEFERRED, opened_at=LATER, entered_at=LATER)

    before = a_book(back("A", State.LOST, entered_at=LATER - timedelta(seconds=1)), newest)
    after = a_book(back("A", State.LOST, entered_at=LATER), newest)

    assert (before.ruling.stops(KIND), bool(after.ruling.stops(KIND))) == ("", True)


def test_a_lost_one_that_is_found_again_stops_nobody_any_more() -> None:
    book = a_book(back("A", State.LOST, version=5))

    book.learn([back("A", State.CONFIRMED, version=6)])

    assert not book.ruling.stops(KIND)
