"""Incidents that are told more than once: a backend that stays away while one process after another finds it so."""

from __future__ import annotations

from batches.incidents import incidents
from migrate.domain.record import Event, EventKind, StoredEvent
from tests.doubles.clock import EPOCH


def told(*lines: dict[str, object]) -> list[StoredEvent]:
    events = [Event(kind=EventKind.INCIDENT, at=EPOCH.replace(minute=n), data=data) for n, data in enumerate(lines, 1)]
    return [StoredEvent(seq=n, writer="w", link=n, hash="", event=event) for n, event in enumerate(events, 1)]


def test_a_backend_that_one_process_after_another_finds_down_is_one_incident_and_ends_once() -> None:
    down: dict[str, object] = {"title": "CSMS down", "side": "source", "over": False}

    (incident,) = incidents(told(down, down, down, {**down, "over": True}))

    assert incident.at == EPOCH.replace(minute=1)
    assert incident.ended_at == EPOCH.replace(minute=4)


def test_what_says_of_no_end_is_an_incident_each_time() -> None:
    changed: dict[str, object] = {"title": "another device answers", "detail": "AC-1 shows another host key"}

    assert len(incidents(told(changed, changed))) == 2
