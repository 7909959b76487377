"""Deadlines run only while both ends of a stretch of time were seen."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from batches.patience import MOST_AT_ONCE, wait_for
from tests.doubles.clock import EPOCH

MINUTE = timedelta(minutes=1)


def test_a_deadline_is_over_at_its_minute_and_not_before() -> None:
    patience = wait_for(2 * MINUTE, EPOCH)

    assert not patience.look(EPOCH + 2 * MINUTE - timedelta(milliseconds=1), can_see=True)
    assert patience.look(EPOCH + 2 * MINUTE, can_see=True)


def test_a_stretch_whose_end_nobody_saw_does_not_count() -> None:
    patience = wait_for(2 * MINUTE, EPOCH)
    patience.look(EPOCH + 60 * MINUTE, can_see=False)
    patience.look(EPOCH + 90 * MINUTE, can_see=True)

    assert patience.left == 2 * MINUTE


def test_what_began_blind_begins_to_count_with_the_first_sight() -> None:
    patience = wait_for(2 * MINUTE, EPOCH, can_see=False)

    assert not patience.look(EPOCH + 60 * MINUTE, can_see=True)
    assert patience.look(EPOCH + 62 * MINUTE, can_see=True)


def test_a_clock_that_is_set_back_costs_nothing() -> None:
    patience = wait_for(2 * MINUTE, EPOCH)
    patience.look(EPOCH - 60 * MINUTE, can_see=True)

    assert patience.left == 2 * MINUTE


def test_a_night_that_the_machine_slept_through_is_no_wait() -> None:
    patience = wait_for(20 * MINUTE, EPOCH)

    assert not patience.look(EPOCH + timedelta(hours=8), can_see=True)
    assert patience.left == 20 * MINUTE - MOST_AT_ONCE


def test_without_a_deadline_nothing_ever_ends() -> None:
    patience = wait_for(None, EPOCH)

    assert not patience.look(EPOCH + timedelta(days=10_000), can_see=True)
    assert patience.next_look(MINUTE) == MINUTE


def test_the_next_look_is_never_a_busy_loop() -> None:
    patience = wait_for(timedelta(0), EPOCH)

    assert patience.next_look(MINUTE) > timedelta(0)


@given(st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=40))
def test_whatever_is_seen_no_deadline_ends_before_its_time_has_been_seen(looks: list[tuple[int, bool]]) -> None:
    patience, now, seen, before = wait_for(10 * MINUTE, EPOCH), EPOCH, timedelta(0), True
    for seconds, can_see in looks:
        now += timedelta(seconds=seconds)
        seen += min(timedelta(seconds=seconds), MOST_AT_ONCE) if before and can_see else timedelta(0)
        before = can_see

        assert patience.look(now, can_see=can_see) == (seen >= 10 * MINUTE)
