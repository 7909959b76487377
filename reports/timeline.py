"""One station's whole story, as ``migrate.station/1`` and as text.

Told from the journal's events alone, in their order: what was sent, what was
answered, what was seen, what a person decided.  It interprets nothing and
leaves out nothing but secrets; why a station stands where it stands is told
by :mod:`reports.explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.record import Attempt, Direction, Event, EventKind, StoredEvent
from reports.redaction import redact, redact_document
from reports.times import local, stamp, stamp_or_none
from reports.words import METHODS, STATES, display


def timeline_document(
    identity: str, attempts: Sequence[Attempt], events: Sequence[StoredEvent], *, target_identity: str = ""
) -> dict[str, Any]:
    """``migrate.station/1``.  ``attempts`` in the order they were opened; the last one says where the station stands."""
    newest = attempts[-1] if attempts else None
    return {
        "schema": "migrate.station/1",
        "identity": identity,
        "state": newest.state.value if newest else None,
        "evidence": str(newest.evidence) if newest else None,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "events": [_event(stored, identity) for stored in events],
        "target_identity": target_identity or None,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "number": attempt.number,
        "wave": attempt.wave,
        "batch": attempt.batch,
        "profile": attempt.profile or None,
        "method": attempt.method.value,
        "direction": attempt.direction.value,
        "state": attempt.state.value,
        "evidence": str(attempt.evidence),
        "reason": redact(attempt.reason, keep=attempt.identity),
        "cause": attempt.cause.value,
        "deferral": attempt.deferral.value if attempt.deferral else None,
        "due_at": stamp_or_none(attempt.due_at),
        "tries": attempt.tries,
        "left_source": attempt.left,
        "opened_at": stamp(attempt.opened_at),
        "entered_at": stamp(attempt.entered_at),
        "confirmed_at": stamp_or_none(attempt.confirmed_at),
    }


def _event(stored: StoredEvent, identity: str) -> dict[str, Any]:
    event = stored.event
    return {
        "seq": stored.seq,
        "at": stamp(event.at),
        "kind": event.kind.value,
        "attempt": event.attempt or None,
        "summary": summarise(event, identity),
        "data": redact_document(event.data, keep=identity),
    }


def timeline_text(
    identity: str,
    attempts: Sequence[Attempt],
    events: Sequence[StoredEvent],
    *,
    zone: tzinfo,
    target_identity: str = "",
) -> str:
    """The story for a person: one line per event, in the campaign's time zone with UTC beside it."""
    lines = [_headline(identity, attempts)]
    if target_identity:
        lines.append(f"  called {display(target_identity)} on the target")
    told = ""
    for stored in events:
        event = stored.event
        if event.attempt != told and event.attempt:
            lines += ["", f"attempt {display(event.attempt)}"]
            told = event.attempt
        lines.append(f"  {local(event.at, zone)}  {_ACTOR[event.kind]:<8} {summarise(event, identity)}")
    if not events:
        lines += ["", "Nothing is on record of it."]
    return "\n".join(lines) + "\n"


def _headline(identity: str, attempts: Sequence[Attempt]) -> str:
    if not attempts:
        return f"{display(identity)}: not attempted yet"
    newest = attempts[-1]
    word = STATES[newest.state]
    back = ""
    if newest.direction is Direction.BACK:
        back = " back on the source" if newest.state is State.SETTLED else " on its way back to the source"
    return (
        f"{display(identity)}: {word.shape} {word.label}{back} ({newest.evidence}), wave {newest.wave}, "
        f"profile {display(newest.profile) or 'none'}, by {METHODS[newest.method]}, attempt {newest.number}"
    )


_ACTOR: Mapping[EventKind, str] = {
    EventKind.ATTEMPT_OPENED: "opened",
    EventKind.MOVED: "state",
    EventKind.SIGHTING: "seen",
    EventKind.COMMAND: "sent",
    EventKind.ANSWER: "answered",
    EventKind.FETCHED: "loaded",
    EventKind.SNAPSHOT: "read",
    EventKind.INVENTORY: "listed",
    EventKind.PLAN_MADE: "planned",
    EventKind.APPROVED: "person",
    EventKind.WAVE: "wave",
    EventKind.CONTROL: "person",
    EventKind.MODEL_STOPPED: "stopped",
    EventKind.INCIDENT: "incident",
    EventKind.RESOLVED: "person",
    EventKind.TRUSTED: "person",
    EventKind.VISIT: "crew",
    EventKind.ORDERED: "person",
    EventKind.FINISHED: "finished",
    EventKind.BATCH: "batch",
    EventKind.PROCESS: "process",
    EventKind.OUTLOOK: "checked",
    EventKind.ANCHOR: "chain",
}


def summarise(event: Event, identity: str = "") -> str:
    """One event in one line, redacted and fit to be shown."""
    data = redact_document(event.data, keep=identity)
    head, used = _TOLD.get(event.kind, _plain)(data)
    rest = [f"{name} {_short(value)}" for name, value in data.items() if name not in used and value not in _EMPTY]
    return display(" · ".join(filter(None, [head, *rest])), limit=400)


_EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
_Told = tuple[str, frozenset[str]]


def _plain(_: Mapping[str, Any]) -> _Told:
    return "", frozenset()


def _moved(data: Mapping[str, Any]) -> _Told:
    fact = str(data.get("fact", "")).replace("_", " ")
    to = str(data.get("to", ""))
    label = STATES[State(to)].label if to in set(State) else to
    why = data.get("reason")
    return f"{data.get('from', '?')} → {label} ({fact})" + (f": {why}" if why else ""), frozenset(
        {"fact", "from", "to", "reason"}
    )


def _sighting(data: Mapping[str, Any]) -> _Told:
    kind = str(data.get("kind", "")).replace("_", " ")
    answer = f", answered {data['answer']}" if data.get("answer") else ""
    marks = "".join(f" [{name}]" for name in ("solicited", "lab") if data.get(name))
    return f"{kind} on the {data.get('side', '?')}{answer}{marks}", frozenset(
        {"kind", "side", "answer", "solicited", "lab", "at", "seq", "identity"}
    )


def _sent(data: Mapping[str, Any]) -> _Told:
    value = f" = {data['value']}" if data.get("value") not in _EMPTY else ""
    return _name(data) + value, frozenset({*_NAMES, "value"})


def _answered(data: Mapping[str, Any]) -> _Told:
    text = f": {data['text']}" if data.get("text") else ""
    return f"{data.get('status', '?')} to {_name(data)}{text}", frozenset({*_NAMES, "status", "text"})


def _fetched(data: Mapping[str, Any]) -> _Told:
    """How far a station has come with a file; its bytes as they are counted where they leave."""
    far = f"{data.get('loaded_bytes', '?')} of {data.get('size_bytes', '?')} bytes"
    version = f" (firmware {data['version']})" if data.get("version") else ""
    return f"{data.get('file', '?')}{version} {data.get('how', '?')}, {far}", frozenset(
        {"file", "version", "how", "loaded_bytes", "size_bytes"}
    )


_NAMES = ("action", "key", "type", "message")


def _name(data: Mapping[str, Any]) -> str:
    return " ".join(str(data[name]) for name in _NAMES if data.get(name))


def _visit(data: Mapping[str, Any]) -> _Told:
    """A work order's event; its digest is for machines."""
    number = f" WO-{data['order']:04d}" if isinstance(data.get("order"), int) else ""
    said = data.get("result") or data.get("ground")
    why = f" ({data['reason']})" if data.get("reason") else ""
    used = {"step", "order", "ground", "reason", "result", "digest"}
    return f"work order{number} {data.get('step', '?')}" + (f": {said}" if said else "") + why, frozenset(used)


_TOLD: Mapping[EventKind, Callable[[Mapping[str, Any]], _Told]] = {
    EventKind.MOVED: _moved,
    EventKind.SIGHTING: _sighting,
    EventKind.COMMAND: _sent,
    EventKind.ANSWER: _answered,
    EventKind.FETCHED: _fetched,
    EventKind.VISIT: _visit,
}


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_short(item)}" for name, item in value.items() if item not in _EMPTY)
    if isinstance(value, list):
        return ", ".join(_short(item) for item in value)
    return str(value)
