"""Which stations need hands, and which papers that makes.

Pure: attempts and what the journal tells of them come in, needs and events go
out.  A need has one of a closed list of grounds; a station that a command may
still move is not sent a crew, unless a person names it.  Nothing here prints,
and no order is closed here: only a sighting does that (``migrate.domain.visit``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batches.gate import newest
from migrate.domain.attempt import NEEDS_A_PERSON, Fact, State
from migrate.domain.policy import Policy
from migrate.domain.record import Attempt, Event, EventKind, StoredEvent
from migrate.domain.visit import Ground, OrderState, Task, WorkOrder, issuing, revising
from migrate.domain.wave import Cause, Deferral


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What led to where the attempts stand.  ``setbacks`` counts what failed or came back, per station and direction."""

    facts: Mapping[str, Fact] = field(default_factory=dict)  # attempt: what moved it last
    deferrals: Mapping[str, Deferral] = field(default_factory=dict)  # attempt: why it was put off last
    setbacks: Mapping[str, int] = field(default_factory=dict)  # identity: attempts that failed or were reverted


def past_of(events: Iterable[StoredEvent]) -> Past:
    """The past, folded from the journal's moves."""
    facts: dict[str, Fact] = {}
    deferrals: dict[str, Deferral] = {}
    setbacks: Counter[str] = Counter()
    for event in (stored.event for stored in events):
        if event.kind is not EventKind.MOVED:
            continue
        facts[event.attempt] = Fact(event.data["fact"])
        if "deferral" in event.data:
            deferrals[event.attempt] = Deferral(event.data["deferral"])
        is_charged = event.data.get("cause", Cause.STATION) == Cause.STATION
        if is_charged and event.data.get("to") in (State.FAILED, State.REVERTED):
            setbacks[event.identity] += 1
    return Past(facts=facts, deferrals=deferrals, setbacks=setbacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A station that cannot be moved from here.  ``may_retry``: a command might still do it, its tries are not spent."""

    attempt: Attempt
    ground: Ground
    may_retry: bool = False

    @property
    def identity(self) -> str:
        return self.attempt.identity


def needs(attempts: Iterable[Attempt], past: Past, policy: Policy) -> dict[str, Need]:
    """Every station that needs hands, by identity, those with tries left included and marked."""
    found = (need_of(attempt, past, policy) for attempt in newest(attempts))
    return {need.identity: need for need in found if need is not None}


_BY_STATE: Mapping[State, Ground] = {
    State.STUCK: Ground.STUCK,
    State.LOST: Ground.LOST,
    State.FAILED: Ground.FAILED,
    State.REVERTED: Ground.REVERTED,
}

_FINAL = frozenset({Fact.REFUSED, Fact.RETURNED_UNDONE})
"""Facts after which asking again will not help: the station said no, or a person did."""

_GIVEN_UP: Mapping[Deferral, Ground] = {Deferral.OFFLINE: Ground.OFFLINE, Deferral.BUSY: Ground.NEVER_FREE}


def need_of(attempt: Attempt, past: Past, policy: Policy) -> Need | None:
    """Whether one station needs hands, by the newest attempt at it.

    What failed while a CSMS was down is charged to no station and wants a
    retry; what was skipped for another reason than being put off too long
    was left alone on purpose.
    """
    fact = past.facts.get(attempt.id)
    if attempt.state is State.VISITING:
        return Need(attempt=attempt, ground=Ground.VISIT_ONLY if attempt.profile else Ground.NO_PROFILE)
    if attempt.state is State.SKIPPED and fact is Fact.DEADLINE:
        ground = _GIVEN_UP.get(past.deferrals.get(attempt.id, Deferral.WINDOW))
        return Need(attempt=attempt, ground=ground) if ground else None
    ground = _BY_STATE.get(attempt.state)
    if ground is None or attempt.state in NEEDS_A_PERSON:
        return Need(attempt=attempt, ground=ground) if ground else None
    if attempt.cause is Cause.ENVIRONMENT:
        return None
    is_spent = fact in _FINAL or past.setbacks.get(attempt.identity, 0) >= policy.retries.attempts
    return Need(attempt=attempt, ground=ground, may_retry=not is_spent)


# ── papers ─────────────────────────────────────────────────────────────────


def newest_orders(orders: Iterable[WorkOrder]) -> dict[str, WorkOrder]:
    """The newest order of each station that ever had one."""
    return {order.identity: order for order in orders}


def wants_order(need: Need, order: WorkOrder | None, *, is_named: bool = False) -> bool:
    """Whether a need calls for a new order.

    An order in force covers its station whatever its ground has become.  One
    that came back undone covers it until something else is tried: a crew is
    sent again when a person names the station, never by itself.
    """
    if order is not None and order.is_in_force:
        return False
    if is_named:
        return True
    is_covered = order is not None and order.state is OrderState.UNDONE and order.attempt == need.attempt.id
    return not is_covered and not need.may_retry


def papers(
    tasks: Collection[Task],
    orders: Collection[WorkOrder],
    wanted: Collection[str],
    *,
    by: str,
    at: datetime,
) -> tuple[Event, ...]:
    """The events to store before anything is printed: orders issued for ``wanted`` stations, and those whose task changed.

    ``tasks`` are what is to be printed.  An order that says the same as
    before is printed again without an event: its revision stays.
    """
    standing = newest_orders(orders)
    events: list[Event] = []
    for task in tasks:
        order = standing.get(task.identity)
        if task.identity in wanted:
            events.append(issuing(task, by=by, at=at))
        elif order is not None and order.is_in_force and order.digest != task.digest:
            events.append(revising(order, task, by=by, at=at))
    return tuple(events)
