"""What became of the stations on their way, from the journal's moves.

Where a station stands now does not tell whether it came back once, needed
hands, or was away for an hour before it was confirmed.  One walk over the
events tells it.  It counts stations, not events, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from migrate.domain.attempt import State
from migrate.domain.record import Event, EventKind, StoredEvent

TOUCHED = frozenset(
    {
        State.WRITING,
        State.WRITTEN,
        State.RESTARTING,
        State.UNDOING,
        State.DEPARTED,
        State.ARRIVED,
        State.CONFIRMED,
        State.SETTLED,
        State.REVERTED,
        State.STUCK,
        State.LOST,
    }
)
"""States that only a station can be in to which a write was begun, or that left without one."""

_TOUCHED = frozenset(state.value for state in TOUCHED)
_BACK_ON_SOURCE = frozenset({State.UNDOING.value, State.REVERTED.value, State.FAILED.value})
_BEYOND = frozenset(state.value for state in TOUCHED - {State.WRITING, State.WRITTEN, State.UNDOING})


@dataclass(slots=True, kw_only=True)
class Journeys:
    """Stations by what ever happened to them, by identity.

    ``away_s`` are the seconds from the restart, or from leaving by itself, to
    the confirmation that followed: one for each move that ended well.
    """

    touched: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)  # restarted into the new address, or beyond
    came_back: set[str] = field(default_factory=set)
    in_hands: set[str] = field(default_factory=set)
    ordered_back: set[str] = field(default_factory=set)  # attempts: rollbacks
    back_states: dict[str, str] = field(default_factory=dict)  # of those attempts, where they stand
    away_s: list[float] = field(default_factory=list)


def journeys(events: Iterable[StoredEvent], backward: Collection[str] = ()) -> Journeys:
    """Walk the events once, in the order of the journal.  ``backward`` are the attempts that are rollbacks."""
    told = Journeys(ordered_back=set(backward))
    left_at: dict[str, datetime] = {}
    for stored in events:
        event = stored.event
        if event.kind is EventKind.MOVED:
            _moved(event, told, left_at)
        elif event.kind is EventKind.VISIT and event.identity:
            told.in_hands.add(event.identity)
    return told


def _moved(event: Event, told: Journeys, left_at: dict[str, datetime]) -> None:
    to, identity = event.data.get("to"), event.identity
    if event.attempt in told.ordered_back:
        told.back_states[event.attempt] = str(to)
        if to == State.SETTLED.value:
            told.came_back.add(identity)
        return
    if to in _TOUCHED:
        told.touched.add(identity)
    if to in _BEYOND:
        told.left.add(identity)
    if to in _BACK_ON_SOURCE:
        left_at.pop(identity, None)
    if to == State.REVERTED.value:
        told.came_back.add(identity)
    elif to == State.VISITING.value:
        told.in_hands.add(identity)
    elif to in (State.RESTARTING.value, State.DEPARTED.value):
        left_at.setdefault(identity, event.at)
    elif to == State.CONFIRMED.value and (since := left_at.pop(identity, None)) is not None:
        told.away_s.append((event.at - since).total_seconds())
