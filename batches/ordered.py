"""What a person orders for named stations: another try, or the way back.

Which stations such an order reaches, and why it passes over the others, is
decided here.  An order only opens attempts, put off until now; whoever works
on the campaign takes them up like any other that is due.  Pure: attempts come
in, attempts go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from migrate.domain.attempt import IN_FLIGHT, Fact, State
from migrate.domain.profile import Rollback
from migrate.domain.record import Attempt, Change, Direction, Event, EventKind, attempt_id, beginning, move
from migrate.domain.wave import Cause, Deferral, PlannedStation

NOBODY: Mapping[str, str] = {}


class Order(StrEnum):
    RETRY = "retry"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A station that an order does not reach, and why."""

    identity: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who orders what of which stations, and why."""

    order: Order
    reason: str
    by: str
    at: datetime
    token: str  # an unguessable name for the batch that the attempts wait in
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an order comes to before anybody is touched."""

    stations: tuple[PlannedStation, ...] = ()
    before: Mapping[str, Attempt] = field(default_factory=dict)
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def by_rollback(self) -> dict[Rollback, int]:
        """How many stations of each rollback class it reaches."""
        counts: dict[Rollback, int] = {}
        for station in self.stations:
            counts[station.rollback] = counts.get(station.rollback, 0) + 1
        return counts


def reach(
    order: Order,
    names: Iterable[str],
    planned: Mapping[str, PlannedStation],
    attempts: Iterable[Attempt],
    *,
    barred: Mapping[str, str] = NOBODY,
) -> Reach:
    """Which of the named stations an order reaches; names come in the order in which they are worked off.

    ``barred`` says of whom else it is passed over, and why.
    """
    known = {attempt.identity: attempt for attempt in attempts}
    why_not = _why_no_retry if order is Order.RETRY else _why_no_rollback
    stations, passed_over = list[PlannedStation](), list[PassedOver]()
    for name in dict.fromkeys(names):
        if name not in planned:
            passed_over.append(PassedOver(identity=name, reason="the current plan does not hold it"))
        elif why := barred.get(name) or why_not(planned[name], known.get(name)):
            passed_over.append(PassedOver(identity=name, reason=why))
        else:
            stations.append(planned[name])
    before = {s.identity: known[s.identity] for s in stations if s.identity in known}
    return Reach(stations=tuple(stations), before=before, passed_over=tuple(passed_over))


def openings(wish: Wish, found: Reach, part: Iterable[PlannedStation]) -> tuple[Change, Change]:
    """The two changes that open the attempts of a part of an order: opened, and put off until now.

    An attempt that was put off already ends, and the one of the order takes
    its place: a station has one under way at a time.
    """
    stations = list(part)
    opened = [_opened(wish, station, found.before.get(station.identity)) for station in stations]
    replaced = [_replaced(wish, before) for s in stations if (before := found.before.get(s.identity))]
    overtaken = [change for change in replaced if change is not None]
    data = {"order": wish.order.value, "reason": wish.reason, "by": wish.by, "stations": len(opened)}
    ordered = Event(kind=EventKind.ORDERED, at=wish.at, data=data)
    waiting = [_put_off(wish, attempt) for attempt in opened]
    return (
        Change(
            events=(
                ordered,
                *(e for c in overtaken for e in c.events),
                *(beginning(attempt, _why(wish)) for attempt in opened),
            ),
            attempts=(*(a for c in overtaken for a in c.attempts), *opened),
        ),
        Change(
            events=tuple(event for change in waiting for event in change.events),
            attempts=tuple(attempt for change in waiting for attempt in change.attempts),
        ),
    )


def _why_no_retry(_: PlannedStation, attempt: Attempt | None) -> str:
    if attempt is None:
        return "it has not been tried yet: `migrate run` does"
    if attempt.direction is Direction.BACK and attempt.state is State.SETTLED:
        return ""
    if attempt.state in (State.STUCK, State.LOST):
        return (
            f"it is {attempt.state.value}: say where it stands first, `migrate resolve {attempt.identity} --as STATE`"
        )
    if attempt.state in (State.CONFIRMED, State.SETTLED):
        return f"it is {attempt.state.value} on the {attempt.direction.goal.value} already"
    if attempt.state is State.VISITING:
        return "a crew is to move it; return its work order first"
    if attempt.state is State.DEFERRED and attempt.direction is Direction.BACK:
        return "its rollback is under way"
    if attempt.is_ended or attempt.state is State.DEFERRED:
        return ""
    return f"it is under way ({attempt.state.value})"


def _why_no_rollback(planned: PlannedStation, attempt: Attempt | None) -> str:
    if planned.rollback is Rollback.IMPOSSIBLE:
        return f"nothing brings it back: rollback class {planned.rollback.value}"
    if attempt is not None and attempt.direction is Direction.BACK and attempt.state is State.DEFERRED:
        return ""  # ordered before, and not begun: the new order takes note of what has failed since
    if attempt is None or attempt.is_ended or attempt.state in (State.PLANNED, State.DEFERRED):
        is_going = attempt is not None and attempt.direction is Direction.BACK
        return "its rollback is under way" if is_going and attempt and not attempt.is_ended else "it is on the source"
    if attempt.direction is Direction.BACK:
        return "it is back on the source" if attempt.state is State.SETTLED else "its rollback is under way"
    if attempt.state is State.LOST:
        return "it is lost: nobody can reach it; see `migrate explain`"
    if attempt.state in IN_FLIGHT:
        return f"it is under way ({attempt.state.value}): halt it or wait until it has come to rest"
    if attempt.state is State.VISITING:
        return "a crew is to move it; return its work order first"
    return ""


def _opened(wish: Wish, planned: PlannedStation, before: Attempt | None) -> Attempt:
    number = before.next_number if before else 1
    return Attempt(
        id=attempt_id(planned.identity, number),
        identity=planned.identity,
        number=number,
        wave=planned.wave,
        batch=f"catch-up.{wish.token}",
        profile=planned.profile,
        method=planned.method,
        direction=Direction.BACK if wish.order is Order.ROLLBACK else Direction.FORWARD,
        opened_at=wish.at,
        entered_at=wish.at,
        fingerprint=wish.fingerprint,
    )


def _replaced(wish: Wish, before: Attempt) -> Change | None:
    """How an attempt ends that was put off when the order came: nothing was done at its station."""
    if before.state is not State.DEFERRED:
        return None
    return move(before, Fact.DEADLINE, wish.at, reason=f"{wish.order.value} ordered anew by {wish.by}: {wish.reason}")


def _why(wish: Wish) -> str:
    return f"{wish.order.value} ordered by {wish.by}: {wish.reason}"


def _put_off(wish: Wish, attempt: Attempt) -> Change:
    return move(
        attempt,
        Fact.NOT_NOW,
        wish.at,
        reason=_why(wish),
        deferral=Deferral.BACKOFF,
        due_at=wish.at,
        cause=Cause.STATION,
    )
