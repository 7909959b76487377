"""Rows of the journal and values of the domain, each made from the other.

Nothing of the store leaves this module: callers get frozen values, the store
gets text and integers.  Text that a database cannot hold (a NUL, half of a
surrogate pair) is shelved in a reversible spelling, because stations send such
things and a journal that refuses to record them would stop the wave.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from migrate.adapters.journal.chain import Line, canonical
from migrate.adapters.journal.presence import LastSeen
from migrate.adapters.journal.seal import NO_SEAL, Seal, opened_data, sealed_data
from migrate.domain.attempt import State
from migrate.domain.errors import JournalError
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side, Sighting
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Change, Direction, Event, EventKind, Process, StoredEvent
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import Cause, Deferral

T = TypeVar("T")


class Row(Protocol):
    """A row by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any: ...


_SHELF = "\x1a"


def to_column(text: str) -> str:
    """Text as a column can hold it; every text has its own spelling.

    >>> from_column(to_column("a\\x00b")) == "a\\x00b"
    True
    """
    if text.isascii() and "\0" not in text and text[:1] != _SHELF:
        return text
    return _shelved(text)


def _shelved(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SHELF + json.dumps(text)
    return _SHELF + json.dumps(text) if "\0" in text or text[:1] == _SHELF else text


def from_column(text: str) -> str:
    if text[:1] != _SHELF:
        return text
    try:
        return str(json.loads(text[1:]))
    except ValueError:
        return text  # not our spelling: somebody else wrote here, and the audit will say so


def time_text(at: datetime) -> str:
    """A moment as text that sorts; a moment without a zone is refused, it could be any of 24."""
    if at.tzinfo is None:
        raise ValueError(f"the time {at.isoformat()} has no zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _time_of_or_none(text: str | None) -> datetime | None:
    return None if text is None else time_of(text)


def document(value: object) -> str:
    """A domain value as canonical JSON."""
    return canonical(msgspec.to_builtins(value, str_keys=True))


def revived(text: str, kind: type[T]) -> T:
    """The domain value that ``document`` wrote.  Raises ``JournalError`` when the text is not one."""
    try:
        return msgspec.convert(json.loads(text), kind, str_keys=True)
    except ValueError as error:
        raise JournalError(
            f"A stored {kind.__name__} cannot be read back: {error}.",
            hint="The store was changed from outside; restore it from a backup.",
        ) from error


# --- events -----------------------------------------------------------------


def line_of(event: Event, seal: Seal = NO_SEAL) -> Line:
    return Line(
        kind=event.kind.value,
        at=time_text(event.at),
        identity=to_column(event.identity),
        attempt=to_column(event.attempt),
        data=canonical(sealed_data(event, seal)) if event.data else "{}",
    )


def stored_event(row: Row, seal: Seal) -> StoredEvent:
    identity = from_column(row["identity"])
    event = Event(
        kind=EventKind(row["kind"]),
        at=time_of(row["at"]),
        identity=identity,
        attempt=from_column(row["attempt"]),
        data=opened_data(row["kind"], identity, json.loads(row["data"]), seal),
    )
    return StoredEvent(
        seq=row["seq"], writer=from_column(row["writer"]), link=row["link"], event=event, hash=row["hash"]
    )


# --- sightings --------------------------------------------------------------

_QUIET = Sighting(side=Side.SOURCE, kind=Kind.CONNECTED, at=datetime.min.replace(tzinfo=UTC))
_SAID = ("session", "answer", "solicited", "connector", "detail", "witness", "lab", "called", "security")


def sighting_event(sighting: Sighting) -> Event:
    """A sighting as a line of the journal; what it does not say is left out."""
    data: dict[str, Any] = {"side": sighting.side.value, "kind": sighting.kind.value}
    data |= {name: said for name in _SAID if (said := getattr(sighting, name)) != getattr(_QUIET, name)}
    if sighting.facts != _QUIET.facts:
        facts = msgspec.to_builtins(sighting.facts)
        data["facts"] = {name: value for name, value in facts.items() if value}
    return Event(kind=EventKind.SIGHTING, at=sighting.at, identity=sighting.identity, data=data)


def sighting_from(stored: StoredEvent) -> Sighting:
    """The sighting that a line of the journal tells of, with its place."""
    return _sighting(stored.event, stored.seq)


def _sighting(event: Event, seq: int) -> Sighting:
    said = {**event.data}
    return Sighting(
        side=Side(said.pop("side")),
        kind=Kind(said.pop("kind")),
        facts=IdentityFacts(**said.pop("facts", {})),
        at=event.at,
        identity=event.identity,
        seq=seq,
        **said,
    )


def sighting_change(sightings: Iterable[Sighting]) -> Change:
    """Sightings as one change, as a relay commits them."""
    return Change(events=tuple(sighting_event(sighting) for sighting in sightings))


# --- attempts ---------------------------------------------------------------


def attempt_row(attempt: Attempt, seal: Seal) -> dict[str, Any]:
    return {
        "id": to_column(attempt.id),
        "identity": to_column(attempt.identity),
        "number": attempt.number,
        "wave": attempt.wave,
        "batch": to_column(attempt.batch),
        "profile": to_column(attempt.profile),
        "method": attempt.method.value,
        "direction": attempt.direction.value,
        "state": attempt.state.value,
        "evidence": int(attempt.evidence),
        "reason": to_column(attempt.reason),
        "cause": attempt.cause.value,
        "deferral": attempt.deferral.value if attempt.deferral else None,
        "due_at": _time_or_none(attempt.due_at),
        "tries": attempt.tries,
        "left": int(attempt.left),
        "unit": seal.close(document(attempt.unit), f"unit\0{attempt.id}") if attempt.unit else "[]",
        "source_session": to_column(attempt.source_session),
        "opened_at": time_text(attempt.opened_at),
        "entered_at": time_text(attempt.entered_at),
        "confirmed_at": _time_or_none(attempt.confirmed_at),
        "fingerprint": to_column(attempt.fingerprint),
        "version": attempt.version,
    }


def attempt_from(row: Row, seal: Seal) -> Attempt:
    name, unit = from_column(row["id"]), row["unit"]
    return Attempt(
        id=name,
        identity=from_column(row["identity"]),
        number=row["number"],
        wave=row["wave"],
        batch=from_column(row["batch"]),
        profile=from_column(row["profile"]),
        method=Method(row["method"]),
        direction=Direction(row["direction"]),
        state=State(row["state"]),
        evidence=Grade(row["evidence"]),
        reason=from_column(row["reason"]),
        cause=Cause(row["cause"]),
        deferral=Deferral(row["deferral"]) if row["deferral"] else None,
        due_at=_time_of_or_none(row["due_at"]),
        tries=row["tries"],
        left=bool(row["left"]),
        unit=revived(seal.open(unit, f"unit\0{name}"), tuple[PreparedWrite, ...]) if unit != "[]" else (),
        source_session=from_column(row["source_session"]),
        opened_at=time_of(row["opened_at"]),
        entered_at=time_of(row["entered_at"]),
        confirmed_at=_time_of_or_none(row["confirmed_at"]),
        fingerprint=from_column(row["fingerprint"]),
        version=row["version"],
        numbers_given=row["numbers_given"],
    )


# --- processes, presence ----------------------------------------------------


def process_row(process: Process) -> dict[str, Any]:
    return {
        "executor": to_column(process.executor),
        "role": to_column(process.role),
        "host": to_column(process.host),
        "pid": process.pid,
        "started_at": time_text(process.started_at),
        "beat_at": time_text(process.beat_at),
        "ended": int(process.ended),
    }


def process_from(row: Row) -> Process:
    return Process(
        executor=from_column(row["executor"]),
        role=from_column(row["role"]),
        host=from_column(row["host"]),
        pid=row["pid"],
        started_at=time_of(row["started_at"]),
        beat_at=time_of(row["beat_at"]),
        ended=bool(row["ended"]),
    )


def presence_row(last: LastSeen) -> dict[str, Any]:
    return {"identity": to_column(last.identity), "side": last.side.value, "seq": last.seq, "body": document(last)}


def presence_from(row: Row) -> LastSeen:
    return revived(row["body"], LastSeen)


# --- a change, ready to be stored -------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change as rows.  Made by its caller, so that what cannot be stored fails there and harms no neighbour."""

    change: Change
    lines: tuple[Line, ...]
    rows: tuple[dict[str, Any], ...]
    sightings: tuple[tuple[int, Sighting], ...]  # by place in ``lines``


def prepared(change: Change, seal: Seal) -> Prepared:
    """A change as rows.  Raises ``JournalError`` when it holds what JSON or the tables cannot."""
    if not change.events:
        raise JournalError("A change without an event would leave no trace.", hint="This is a defect of the toolkit.")
    try:
        return Prepared(
            change=change,
            lines=tuple(line_of(event, seal) for event in change.events),
            rows=tuple(attempt_row(attempt, seal) for attempt in change.attempts),
            sightings=tuple(
                (place, _sighting(event, 0))
                for place, event in enumerate(change.events)
                if event.kind is EventKind.SIGHTING and event.identity
            ),
        )
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise JournalError(
            f"An event of kind {change.events[0].kind.value} cannot be written down: {error}.",
            hint="This is a defect of the toolkit; nothing was stored.",
        ) from error
