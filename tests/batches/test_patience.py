"""Deadlines run only while both ends of a stretch of time were seen."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from batches.patience import MOST_AT_ONCE, Watched, wait_for
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


# ── what was watched ───────────────────────────────────────────────────────


def test_before_its_first_look_the_clock_is_believed() -> None:
    watched = Watched()
    watched.look(EPOCH, can_see=True)

    assert watched.since(EPOCH - 30 * MINUTE, EPOCH) == 30 * MINUTE


def test_what_the_machine_slept_through_was_not_watched() -> None:
    watched = Watched()
    watched.look(EPOCH, can_see=True)
    watched.look(EPOCH + 180 * MINUTE, can_see=True)

    assert watched.since(EPOCH - MINUTE, EPOCH + 180 * MINUTE) == MINUTE + MOST_AT_ONCE


def test_what_began_after_a_gap_has_none_and_what_began_in_its_middle_has_the_rest_of_it() -> None:
    watched = Watched()
    watched.look(EPOCH, can_see=False)
    watched.look(EPOCH + 60 * MINUTE, can_see=True)
    watched.look(EPOCH + 61 * MINUTE, can_see=True)

    assert watched.since(EPOCH + 60 * MINUTE, EPOCH + 61 * MINUTE) == MINUTE
    assert watched.since(EPOCH + 40 * MINUTE, EPOCH + 61 * MINUTE) == MINUTE


@given(st.lists(st.tuples(st.integers(-3600, 7200), st.booleans()), max_size=40))
def test_never_more_is_watched_than_was_seen_look_by_look(looks: list[tuple[int, bool]]) -> None:
    watched, now, seen, before = Watched(), EPOCH, timedelta(0), True
    watched.look(now, can_see=True)
    newest = now
    for seconds, can_see in looks:
        now += timedelta(seconds=seconds)
        seen += min(max(timedelta(seconds=seconds), timedelta(0)), MOST_AT_ONCE) if before and can_see else timedelta(0)
        before, newest = can_see, max(newest, now)
        watched.look(now, can_see=can_see)

        assert watched.since(EPOCH, now) <= seen
