"""The life of one attempt: the table as the architecture prints it, and its laws."""

from __future__ import annotations

import random
import re
from collections import deque

import pytest

from migrate.domain.attempt import (
    BATCH_ENDS,
    ENDS,
    IN_FLIGHT,
    INTENTS,
    NEEDS_A_PERSON,
    TABLE,
    Fact,
    IllegalMove,
    State,
    advance,
    means_something,
)

PRINTED = """
planned     checks_passed:checked not_now:deferred needs_hands:visiting never:skipped
deferred    due:planned deadline:skipped
checked     write_begun:writing not_now:deferred
visiting    returned_undone:failed
writing     read_back_whole:written refused:failed unanswered:checked partly_applied:undoing deadline:undoing gone:departed
written     restart_begun:restarting deadline:undoing gone:departed boot_on_source:undoing
restarting  gone:departed boot_on_source:undoing restart_refused:undoing deadline:undoing
undoing     old_values_read_back:failed old_values_after_leaving:reverted gone:departed undo_refused:stuck deadline:stuck
departed    on_source:undoing deadline:lost
arrived     gone:departed on_source:undoing deadline:stuck
confirmed   soak_passed:settled gone:departed on_source:undoing
settled     gone:departed on_source:undoing
stuck       undone_by_hand:failed back_on_source:reverted gone:departed
lost        on_source:undoing written_off:skipped
"""
"""The rows of docs/architecture.md, written down a second time: a slip in one of the two shows here."""

BY_RULE = {Fact.CONFIRMED_ON_TARGET, Fact.SEEN_ON_TARGET}
ALIVE = sorted(set(State) - ENDS)


def printed_rows() -> dict[State, dict[Fact, State]]:
    rows = {}
    for line in PRINTED.strip().splitlines():
        state, _, facts = line.partition(" ")
        rows[State(state)] = {Fact(f): State(t) for f, t in re.findall(r"(\w+):(\w+)", facts)}
    return rows


@pytest.mark.parametrize("state", State)
def test_every_row_is_the_one_that_the_architecture_prints(state: State) -> None:
    row = {fact: to for fact, to in TABLE[state].items() if fact not in BY_RULE}

    assert row == printed_rows().get(state, {})


@pytest.mark.parametrize("state", State)
def test_an_e3_sighting_on_the_target_confirms_from_every_state_but_settled_and_the_ends(state: State) -> None:
    expected = None if state in ENDS or state is State.SETTLED else State.CONFIRMED

    assert TABLE[state].get(Fact.CONFIRMED_ON_TARGET) is expected


@pytest.mark.parametrize("state", State)
def test_a_weaker_sighting_leads_to_arrived_but_never_back_from_confirmed_settled_or_an_end(state: State) -> None:
    expected = None if state in ENDS | {State.CONFIRMED, State.SETTLED} else State.ARRIVED

    assert TABLE[state].get(Fact.SEEN_ON_TARGET) is expected


def reachable_from(start: State) -> set[State]:
    seen, queue = {start}, deque([start])
    while queue:
        fresh = set(TABLE[queue.popleft()].values()) - seen
        seen |= fresh
        queue.extend(fresh)
    return seen


def test_every_state_can_be_reached_from_planned() -> None:
    assert reachable_from(State.PLANNED) == set(State)


@pytest.mark.parametrize("state", ALIVE)
def test_no_state_is_a_trap(state: State) -> None:
    beyond = reachable_from(state)

    assert TABLE[state]
    assert State.SETTLED in beyond
    assert beyond & ENDS


@pytest.mark.parametrize("state", sorted(ENDS))
def test_an_end_is_an_end(state: State) -> None:
    assert not TABLE[state]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("fact", Fact)
def test_a_fact_that_means_nothing_raises_and_changes_nothing(state: State, fact: Fact) -> None:
    if means_something(state, fact):
        assert advance(state, fact) is TABLE[state][fact]
        return

    before = {s: dict(row) for s, row in TABLE.items()}
    with pytest.raises(IllegalMove, match=f"{fact.value} means nothing.*{state.value}"):
        advance(state, fact)
    assert {s: dict(row) for s, row in TABLE.items()} == before


def test_the_table_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        TABLE[State.SETTLED][Fact.DEADLINE] = State.LOST  # type: ignore[index]


def test_a_station_that_left_is_in_flight_until_it_is_known_where_it_is() -> None:
    assert IN_FLIGHT >= INTENTS
    assert not IN_FLIGHT & (ENDS | NEEDS_A_PERSON)
    assert not IN_FLIGHT & BATCH_ENDS
    assert set(State) - {State.PLANNED} == IN_FLIGHT | BATCH_ENDS


def test_no_acknowledgement_settles_anything() -> None:
    into_success = {(s, f) for s, row in TABLE.items() for f, to in row.items() if to is State.CONFIRMED}

    assert {fact for _, fact in into_success} == {Fact.CONFIRMED_ON_TARGET}
    assert {(s, f) for s, row in TABLE.items() for f, to in row.items() if to is State.SETTLED} == {
        (State.CONFIRMED, Fact.SOAK_PASSED)
    }


def test_a_lost_station_is_never_called_a_failure_or_a_success_by_a_clock() -> None:
    assert Fact.DEADLINE not in TABLE[State.LOST]
    assert not {State.FAILED, State.REVERTED, State.SETTLED} & set(TABLE[State.LOST].values())


def test_random_lives_end_only_in_the_four_endings() -> None:
    dice = random.Random(11)
    endings = set()

    for _ in range(2_000):
        state, steps = State.PLANNED, 0
        while state not in ENDS and state is not State.SETTLED and steps < 500:
            state = advance(state, dice.choice(sorted(TABLE[state])))
            steps += 1
        endings.add(state)

    assert endings == ENDS | {State.SETTLED}
