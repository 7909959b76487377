"""Builders with honest defaults for the tests of the journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from migrate.domain.attempt import Fact
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Change, Event, EventKind, Guard, Permit, attempt_id, move

AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


class StillClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at

    def real_s(self, duration: timedelta) -> float:
        return duration.total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        self.at += duration


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def an_attempt(identity: str = "AC22-0417", number: int = 1, **settings: Any) -> Attempt:
    given: dict[str, Any] = {
        "id": attempt_id(identity, number),
        "identity": identity,
        "number": number,
        "wave": 0,
        "batch": "w0b0",
        "profile": "alfen_6",
        "method": Method.CHANGE_CONFIGURATION,
        "opened_at": AT,
        "entered_at": AT,
    }
    return Attempt(**{**given, **settings})


def an_event(kind: EventKind = EventKind.COMMAND, identity: str = "", **data: Any) -> Event:
    return Event(kind=kind, at=AT, identity=identity, data=data)


def opening(*attempts: Attempt, guard: Guard | None = None) -> Change:
    events = tuple(
        Event(kind=EventKind.ATTEMPT_OPENED, at=AT, identity=attempt.identity, attempt=attempt.id)
        for attempt in attempts
    )
    return Change(events=events, attempts=attempts, guard=guard)


def checked(attempt: Attempt, *permits: Permit, **guard: Any) -> Change:
    return move(attempt, Fact.CHECKS_PASSED, AT, guard=Guard(permits=permits, **guard))


def a_sighting(kind: Kind = Kind.BOOT, identity: str = "AC22-0417", **settings: Any) -> Sighting:
    given: dict[str, Any] = {"side": Side.SOURCE, "kind": kind, "at": AT, "identity": identity, "session": "s-1"}
    if kind is Kind.BOOT:
        given |= {"answer": "Accepted", "facts": IdentityFacts(vendor="Alfen BV", model="NG910", serial="ACE0417")}
    return Sighting(**{**given, **settings})
