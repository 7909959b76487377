"""The order book: all work orders of a campaign, folded from its journal.

It alone says where an order stands.  Nothing is stored but what happened:
given out, changed, brought back, and the moves of the stations themselves.
The same lines give the same book, whoever reads them and whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from migrate.domain.attempt import Fact, State
from migrate.domain.record import Attempt, Direction, Event, EventKind, StoredEvent
from migrate.domain.visit import Ground, OrderState, Result, Return, Telling, WorkOrder

TELLING_KINDS = (EventKind.VISIT, EventKind.MOVED, EventKind.ATTEMPT_OPENED)
"""The kinds of events that orders are folded from."""


def fold_orders(events: Iterable[StoredEvent], attempts: Iterable[Attempt] = ()) -> tuple[WorkOrder, ...]:
    """All orders of a campaign, by number, from its events in the order of the journal.

    An order is closed by the first move to *confirmed* or *settled* that was
    recorded after it was issued, in the order's own direction: of an order
    about going back that is an arrival on the source.  A number is the place
    of the issuing event, so that two persons who issue at once never give out
    one number twice, nor two orders for one station.
    """
    book = _Book({attempt.id: attempt.direction for attempt in attempts})
    for stored in events:
        book.read(stored)
    return tuple(book.orders)


class _Book:
    """The orders as far as the journal was read."""

    def __init__(self, directions: dict[str, Direction]) -> None:
        self.orders: list[WorkOrder] = []
        self._newest: dict[str, int] = {}  # identity: index of its newest order
        self._directions = directions  # of attempts

    def read(self, stored: StoredEvent) -> None:
        event = stored.event
        if event.kind is EventKind.VISIT:
            self._visit(event)
        elif event.kind is EventKind.MOVED and event.identity in self._newest:
            self._moved(event)
        if "direction" in event.data:  # of an attempt that begins, or of a task
            self._directions[event.attempt] = Direction(event.data["direction"])

    def _visit(self, event: Event) -> None:
        match event.data.get("step"):
            case Telling.ISSUED:
                self._issued(event)
            case Telling.REVISED:
                self._revised(event)
            case Telling.RETURNED:
                self._returned(event)

    def _issued(self, event: Event) -> None:
        index = self._newest.get(event.identity)
        if index is not None and self.orders[index].is_in_force:
            return  # somebody else was quicker
        self._newest[event.identity] = len(self.orders)
        self.orders.append(
            WorkOrder(
                number=len(self.orders) + 1,
                identity=event.identity,
                issued_at=event.at,
                issued_by=str(event.data.get("by", "")),
                **_told(event),
            )
        )

    def _revised(self, event: Event) -> None:
        order = self._order(event)
        if order is not None and order.is_in_force and order.digest != event.data.get("digest"):
            self._put(replace(order, revision=order.revision + 1, **_told(event)))

    def _returned(self, event: Event) -> None:
        order = self._order(event)
        if order is None:
            return
        returned = return_of(event.data)
        state = OrderState.RETURNED if returned.result.is_done else OrderState.UNDONE
        is_newest = self._newest[order.identity] == order.number - 1  # an old paper opens no order beside the new one
        is_open = is_newest and order.state not in (OrderState.CLOSED, OrderState.WITHDRAWN)
        self._put(replace(order, returned=returned, returned_at=event.at, state=state if is_open else order.state))

    def _moved(self, event: Event) -> None:
        order = self.orders[self._newest[event.identity]]
        if order.state in (OrderState.CLOSED, OrderState.WITHDRAWN):
            return
        to = event.data.get("to")
        if to in (State.CONFIRMED, State.SETTLED):
            is_ours = self._directions.get(event.attempt, Direction.FORWARD) is order.direction
            state = OrderState.CLOSED if is_ours else OrderState.WITHDRAWN
            self._put(replace(order, state=state, ended_at=event.at, sighting=int(event.data.get("sighting") or 0)))
        elif event.data.get("fact") == Fact.WRITTEN_OFF:
            self._put(replace(order, state=OrderState.WITHDRAWN, ended_at=event.at))
        elif event.data.get("fact") == Fact.RETURNED_UNDONE:  # a person said so, without a paper
            self._put(replace(order, state=OrderState.UNDONE))

    def _order(self, event: Event) -> WorkOrder | None:
        number = event.data.get("order")
        known = isinstance(number, int) and 0 < number <= len(self.orders)
        return self.orders[number - 1] if known and isinstance(number, int) else None

    def _put(self, order: WorkOrder) -> None:
        self.orders[order.number - 1] = order


def _told(event: Event) -> dict[str, Any]:
    """What issuing and revising events say alike."""
    return {
        "attempt": event.attempt,
        "ground": Ground(event.data["ground"]),
        "direction": Direction(event.data.get("direction", Direction.FORWARD)),
        "reason": str(event.data.get("reason", "")),
        "digest": str(event.data.get("digest", "")),
    }


def return_of(data: Mapping[str, Any]) -> Return:
    """What a returning event says."""
    text = {name: str(data.get(name, "")) for name in ("technician", "date", "time_in", "time_out", "notes")}
    return Return(result=Result(data["result"]), **text)
