"""Tasks, orders and the journal's lines about them, with honest defaults."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from migrate.domain.attempt import Fact, State
from migrate.domain.order_book import fold_orders
from migrate.domain.record import Attempt, Event, StoredEvent, move
from migrate.domain.station import Station
from migrate.domain.visit import Ground, Task, WorkOrder, issuing
from tests.doubles.scene import an_attempt

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
STATION: dict[str, Any] = {
    "vendor": "Acme",
    "model": "AC22",
    "firmware": "4.2",
    "serial": "S-1",
    "site_id": "4711",
    "site_name": "Westerdok",
    "address": "Westerdoksdijk 1",
    "postcode": "1013 AB",
    "city": "Amsterdam",
    "country": "nl",
    "latitude": 52.38,
    "longitude": 4.89,
}


def a_task(identity: str = "AC1", *, state: State = State.LOST, ground: Ground = Ground.LOST, **more: Any) -> Task:
    """A task at a station; what is no field of an attempt is one of the station."""
    of_attempt = {key: more.pop(key) for key in tuple(more) if key in Attempt.__dataclass_fields__}
    steps = more.pop("steps", ())
    return Task(
        attempt=an_attempt(state, identity=identity, **of_attempt),
        ground=ground,
        station=Station(**{"identity": identity, **STATION, **more}),
        steps=steps,
    )


def stored(events: Iterable[Event]) -> list[StoredEvent]:
    """Events as the journal would give them back, in their order."""
    return [
        StoredEvent(seq=seq, writer="w", link=seq, event=event, hash=f"{seq:064x}")
        for seq, event in enumerate(events, start=1)
    ]


def an_order(task: Task | None = None) -> WorkOrder:
    """The first order of a campaign."""
    (order,) = fold_orders(stored([issued(task or a_task())]))
    return order


def issued(task: Task, *, minutes: float = 0) -> Event:
    return issuing(task, by="maria", at=AT + timedelta(minutes=minutes))


def moved(attempt: Attempt, fact: Fact, *, minutes: float = 10, sighting: int = 0) -> Event:
    note = {"sighting": sighting} if sighting else None
    return move(attempt, fact, AT + timedelta(minutes=minutes), note=note).events[0]
