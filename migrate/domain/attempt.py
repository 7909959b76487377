"""The life of one attempt, as a table.

An attempt is one try at one station in one direction.  Where it stands is its
*state*; what moves it is a *fact*: something seen, or an intent recorded
before its effect.  This module knows which fact leads from which state to
which, and nothing else: no clock, no station, no retry policy.  An illegal
move raises and changes nothing.

Two rules hold in every row and are added by the table's builder, not repeated
in it: an E3 sighting on the target confirms from every state but settled and
the ends; a weaker one leads to arrived, except from confirmed, settled and
the ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where an attempt stands."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    CHECKED = "checked"
    VISITING = "visiting"
    WRITING = "writing"
    WRITTEN = "written"
    RESTARTING = "restarting"
    UNDOING = "undoing"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    SKIPPED = "skipped"
    FAILED = "failed"
    REVERTED = "reverted"
    STUCK = "stuck"
    LOST = "lost"


class Fact(StrEnum):
    """What moves an attempt.  Those of ``INTENTS`` are journaled before the effect; all others after it was seen."""

    CHECKS_PASSED = "checks_passed"
    NOT_NOW = "not_now"  # busy, offline, window, backoff, model stopped
    NEEDS_HANDS = "needs_hands"
    NEVER = "never"
    DUE = "due"
    DEADLINE = "deadline"
    RETURNED_UNDONE = "returned_undone"  # the crew brought the work order back undone
    WRITE_BEGUN = "write_begun"
    READ_BACK_WHOLE = "read_back_whole"
    REFUSED = "refused"  # or the retry budget is spent; with nothing applied
    UNANSWERED = "unanswered"  # with nothing applied
    PARTLY_APPLIED = "partly_applied"
    RESTART_BEGUN = "restart_begun"
    RESTART_REFUSED = "restart_refused"
    BOOT_ON_SOURCE = "boot_on_source"  # unsolicited, in a new session
    ON_SOURCE = "on_source"
    GONE = "gone"  # beyond the grace time
    OLD_VALUES_READ_BACK = "old_values_read_back"
    OLD_VALUES_AFTER_LEAVING = "old_values_after_leaving"
    UNDO_REFUSED = "undo_refused"
    SEEN_ON_TARGET = "seen_on_target"  # below E3
    CONFIRMED_ON_TARGET = "confirmed_on_target"  # E3
    SOAK_PASSED = "soak_passed"
    UNDONE_BY_HAND = "undone_by_hand"
    BACK_ON_SOURCE = "back_on_source"  # with its old values, said by a person or read back
    WRITTEN_OFF = "written_off"


INTENTS = frozenset({State.WRITING, State.RESTARTING, State.UNDOING})
ENDS = frozenset({State.FAILED, State.REVERTED, State.SKIPPED})
NEEDS_A_PERSON = frozenset({State.STUCK, State.LOST})

IN_FLIGHT = frozenset(
    {
        State.CHECKED,
        State.WRITING,
        State.WRITTEN,
        State.RESTARTING,
        State.UNDOING,
        State.DEPARTED,
        State.ARRIVED,
    }
)
"""States that hold a permit: the station may be disturbed, or away."""

BATCH_ENDS = ENDS | NEEDS_A_PERSON | {State.CONFIRMED, State.SETTLED, State.DEFERRED, State.VISITING}
"""States in which a batch lets go of a station."""

RESTING = ENDS | NEEDS_A_PERSON | {State.CONFIRMED, State.SETTLED}
"""States in which another attempt at the same station may be opened, above all one that takes it back.

From all others an attempt goes on by itself, and a station has one of those at a time."""

AT_REST = ENDS | NEEDS_A_PERSON | {State.SETTLED, State.VISITING}
"""States in which nothing more is to be done by a run: only a sighting or a person moves a station on."""

_ROWS: dict[State, dict[Fact, State]] = {
    State.PLANNED: {
        Fact.CHECKS_PASSED: State.CHECKED,
        Fact.NOT_NOW: State.DEFERRED,
        Fact.NEEDS_HANDS: State.VISITING,
        Fact.NEVER: State.SKIPPED,
    },
    State.DEFERRED: {Fact.DUE: State.PLANNED, Fact.DEADLINE: State.SKIPPED},
    State.CHECKED: {Fact.WRITE_BEGUN: State.WRITING, Fact.NOT_NOW: State.DEFERRED},
    State.VISITING: {Fact.RETURNED_UNDONE: State.FAILED},
    State.WRITING: {
        Fact.READ_BACK_WHOLE: State.WRITTEN,
        Fact.REFUSED: State.FAILED,
        Fact.UNANSWERED: State.CHECKED,
        Fact.PARTLY_APPLIED: State.UNDOING,
        Fact.DEADLINE: State.UNDOING,
        Fact.GONE: State.DEPARTED,
    },
    State.WRITTEN: {
        Fact.RESTART_BEGUN: State.RESTARTING,
        Fact.DEADLINE: State.UNDOING,
        Fact.GONE: State.DEPARTED,
        Fact.BOOT_ON_SOURCE: State.UNDOING,
    },
    State.RESTARTING: {
        Fact.GONE: State.DEPARTED,
        Fact.BOOT_ON_SOURCE: State.UNDOING,
        Fact.RESTART_REFUSED: State.UNDOING,
        Fact.DEADLINE: State.UNDOING,
    },
    State.UNDOING: {
        Fact.OLD_VALUES_READ_BACK: State.FAILED,
        Fact.OLD_VALUES_AFTER_LEAVING: State.REVERTED,
        Fact.GONE: State.DEPARTED,
        Fact.UNDO_REFUSED: State.STUCK,
        Fact.DEADLINE: State.STUCK,
    },
    State.DEPARTED: {Fact.ON_SOURCE: State.UNDOING, Fact.DEADLINE: State.LOST},
    State.ARRIVED: {Fact.GONE: State.DEPARTED, Fact.ON_SOURCE: State.UNDOING, Fact.DEADLINE: State.STUCK},
    State.CONFIRMED: {Fact.SOAK_PASSED: State.SETTLED, Fact.GONE: State.DEPARTED, Fact.ON_SOURCE: State.UNDOING},
    State.SETTLED: {Fact.GONE: State.DEPARTED, Fact.ON_SOURCE: State.UNDOING},
    State.SKIPPED: {},
    State.FAILED: {},
    State.REVERTED: {},
    State.STUCK: {
        Fact.UNDONE_BY_HAND: State.FAILED,
        Fact.BACK_ON_SOURCE: State.REVERTED,
        Fact.GONE: State.DEPARTED,
    },
    State.LOST: {Fact.ON_SOURCE: State.UNDOING, Fact.WRITTEN_OFF: State.SKIPPED},
}

_BEYOND_ARRIVAL = ENDS | {State.CONFIRMED, State.SETTLED}


def _with_the_two_rules(rows: dict[State, dict[Fact, State]]) -> Mapping[State, Mapping[Fact, State]]:
    for state, row in rows.items():
        if state not in ENDS and state is not State.SETTLED:
            row[Fact.CONFIRMED_ON_TARGET] = State.CONFIRMED
        if state not in _BEYOND_ARRIVAL:
            row[Fact.SEEN_ON_TARGET] = State.ARRIVED
    return MappingProxyType({state: MappingProxyType(row) for state, row in rows.items()})


TABLE: Mapping[State, Mapping[Fact, State]] = _with_the_two_rules(_ROWS)


class IllegalMove(ValueError):
    """A fact that the table does not know in this state.  A defect of the caller, not of a station."""


def advance(state: State, fact: Fact) -> State:
    """Where a fact leads.

    >>> advance(State.DEPARTED, Fact.CONFIRMED_ON_TARGET)
    <State.CONFIRMED: 'confirmed'>
    """
    try:
        return TABLE[state][fact]
    except KeyError:
        raise IllegalMove(f"{fact.value} means nothing to an attempt that is {state.value}") from None


def means_something(state: State, fact: Fact) -> bool:
    """Whether the table has a row for this fact in this state."""
    return fact in TABLE[state]
