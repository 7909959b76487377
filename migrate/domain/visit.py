"""Work orders: what a crew is sent for, and what becomes of the order.

A :class:`Task` is what has to be done at one station and why no command can
do it.  A :class:`WorkOrder` is a task that was given out, folded from the
journal by ``order_book``: it is *issued* and *revised* by us, *returned* by the crew, and
closed by nothing but the station's own arrival at E3, seen by a witness.  Paper
never closes an order, and a closed order stays closed: a station that leaves
again needs a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from migrate.domain.record import Attempt, Direction, Event, EventKind
from migrate.domain.station import Station


class Ground(StrEnum):
    """Why a station needs hands.  The list is closed: what is on none of these grounds needs no crew."""

    VISIT_ONLY = "visit only"  # its profile knows no remote way
    NO_PROFILE = "no profile"  # nothing in the catalogue fits it
    OFFLINE = "offline"  # not connected to the source until it was given up
    NEVER_FREE = "never free"  # charging, or said to be, until it was given up
    FAILED = "failed"  # it refused, or its tries are spent; where it was, with its old values
    REVERTED = "reverted"  # it came back by itself, and its tries are spent
    STUCK = "stuck"
    LOST = "lost"


class Result(StrEnum):
    """What a crew can bring back.  The list is closed, so that results can be counted."""

    DONE = "done"
    DONE_DIFFERENTLY = "done differently"
    NOT_POSSIBLE = "not possible"
    NO_ACCESS = "no access"
    STATION_GONE = "station gone"
    NEEDS_PART = "needs part"

    @property
    def is_done(self) -> bool:
        return self in (Result.DONE, Result.DONE_DIFFERENTLY)


class OrderState(StrEnum):
    """Where an order stands."""

    ISSUED = "issued"
    RETURNED = "returned"  # said to be done; the station has not been seen yet: awaiting evidence
    UNDONE = "returned undone"
    CLOSED = "closed"  # by the sighting
    WITHDRAWN = "withdrawn"  # needed no more: the station was given up, or moved the other way


IN_FORCE = frozenset({OrderState.ISSUED, OrderState.RETURNED})
"""States in which a station is somebody's to visit, so that no second order is issued for it."""


class Telling(StrEnum):
    """What a VISIT event tells."""

    ISSUED = "issued"
    REVISED = "revised"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What has to be done by hand at one station, and why."""

    attempt: Attempt
    ground: Ground
    station: Station
    steps: tuple[str, ...] = ()  # of its profile, filled in; none where no profile knows a visit

    @property
    def identity(self) -> str:
        return self.attempt.identity

    @property
    def direction(self) -> Direction:
        return self.attempt.direction

    @property
    def digest(self) -> str:
        """The hash of all that the crew is told, but for times: another one makes a new revision."""
        told = [self.attempt.id, self.ground.value, self.direction.value, self.attempt.reason, *self.steps]
        told += [str(getattr(self.station, name)) for name in _PRINTED]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


_PRINTED = (
    "identity", "vendor", "model", "firmware", "serial", "site_id", "site_name", "address", "postcode", "city",
    "country", "latitude", "longitude", "connectors", "notes", "contact_name", "contact_phone", "contact_email", "access",
)  # fmt: skip
"""What of the inventory stands on an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What a crew brought back on paper: a claim, and no evidence."""

    result: Result
    technician: str = ""
    date: str = ""  # ISO
    time_in: str = ""
    time_out: str = ""
    notes: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "result": self.result.value,
            "technician": self.technician,
            "date": self.date,
            "time_in": self.time_in,
            "time_out": self.time_out,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """One order, as it stands.  ``number`` counts the orders of a campaign in the order of issue."""

    number: int
    identity: str
    attempt: str
    ground: Ground
    direction: Direction
    reason: str
    digest: str
    issued_at: datetime
    issued_by: str = ""
    revision: int = 1
    state: OrderState = OrderState.ISSUED
    returned: Return | None = None  # the newest
    returned_at: datetime | None = None
    ended_at: datetime | None = None  # closed or withdrawn
    sighting: int = 0  # the place in the journal of what closed it; 0 while nothing has

    @property
    def name(self) -> str:
        """How it is read aloud.

        >>> order_name(417)
        'WO-0417'
        """
        return order_name(self.number)

    @property
    def is_in_force(self) -> bool:
        return self.state in IN_FORCE


def order_name(number: int) -> str:
    return f"WO-{number:04d}"


def issuing(task: Task, *, by: str, at: datetime) -> Event:
    """The event that gives an order out.  Its number is its place among all that were issued."""
    return _telling(Telling.ISSUED, task, at, {"by": by})


def revising(order: WorkOrder, task: Task, *, by: str, at: datetime) -> Event:
    """The event that changes what an order says."""
    return _telling(Telling.REVISED, task, at, {"order": order.number, "by": by})


def returning(order: WorkOrder, returned: Return, *, by: str, at: datetime) -> Event:
    """The event that keeps what a crew brought back."""
    data = {"step": Telling.RETURNED.value, "order": order.number, **returned.to_json(), "by": by}
    return Event(kind=EventKind.VISIT, at=at, identity=order.identity, attempt=order.attempt, data=data)


def _telling(step: Telling, task: Task, at: datetime, more: Mapping[str, Any]) -> Event:
    data = {
        "step": step.value,
        "ground": task.ground.value,
        "direction": task.direction.value,
        "reason": task.attempt.reason,
        "digest": task.digest,
        **more,
    }
    return Event(kind=EventKind.VISIT, at=at, identity=task.identity, attempt=task.attempt.id, data=data)
