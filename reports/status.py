"""``migrate.status/1``: where a campaign stands, as a document.

It writes down a standing exactly as it was handed in, in the fixed shape that
other programs rely on.  It adds up nothing and judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.wave import Incident, Reason, Ruling, Standing, StationStanding, WaveStanding
from reports.redaction import redact
from reports.times import stamp_or_none
from reports.words import display

TOTALS: tuple[State, ...] = (
    State.PLANNED,
    State.DEFERRED,
    State.CHECKED,
    State.VISITING,
    State.WRITING,
    State.WRITTEN,
    State.RESTARTING,
    State.UNDOING,
    State.DEPARTED,
    State.ARRIVED,
    State.CONFIRMED,
    State.SETTLED,
    State.SKIPPED,
    State.FAILED,
    State.REVERTED,
    State.STUCK,
    State.LOST,
)
"""Every state, in the order of the published document."""


def status_document(standing: Standing, *, with_stations: bool = False) -> dict[str, Any]:
    """The whole standing.  ``with_stations`` adds one line per station."""
    document: dict[str, Any] = {
        "schema": "migrate.status/1",
        "campaign": standing.campaign,
        "fingerprint": standing.fingerprint,
        "mode": standing.mode.value,
        "totals": totals_document(standing.totals),
        "waves": [_wave(wave) for wave in standing.waves],
        "incidents": [incident_document(incident) for incident in standing.incidents],
    }
    if with_stations:
        document["stations"] = [_station(station) for station in standing.stations]
    return document


def totals_document(totals: Mapping[State, int]) -> dict[str, int]:
    """All 17 states, also those that nobody is in."""
    return {state.value: totals.get(state, 0) for state in TOTALS}


def gate_document(ruling: Ruling) -> dict[str, Any]:
    return {"verdict": ruling.verdict.value, "reasons": [_reason(reason) for reason in ruling.reasons]}


def incident_document(incident: Incident) -> dict[str, Any]:
    return {
        "at": stamp_or_none(incident.at),
        "title": redact(incident.title),
        "detail": redact(incident.detail),
        "side": incident.side or None,
        "ended_at": stamp_or_none(incident.ended_at),
    }


def incident_told(incident: Incident) -> str:
    """What it is, of which side where its own words do not say so, and why."""
    side = f" ({incident.side})" if incident.side and incident.side not in incident.title + incident.detail else ""
    detail = f": {display(redact(incident.detail))}" if incident.detail else ""
    return f"{display(incident.title)}{side}{detail}"


def _reason(reason: Reason) -> dict[str, Any]:
    return {"text": reason.text, "value": reason.value, "threshold": reason.threshold, "of": reason.of}


def _wave(wave: WaveStanding) -> dict[str, Any]:
    return {
        "number": wave.number,
        "state": wave.state.value,
        "totals": totals_document(wave.totals),
        "gate": gate_document(wave.ruling),
        "started_at": stamp_or_none(wave.started_at),
        "ended_at": stamp_or_none(wave.ended_at),
    }


def _station(station: StationStanding) -> dict[str, Any]:
    return {
        "identity": station.identity,
        "wave": station.wave,
        "profile": station.profile or None,
        "method": station.method.value,
        "state": station.state.value,
        "evidence": station.evidence,
        "attempts": station.attempts,
        "reason": redact(station.reason, keep=station.identity),
        "updated_at": stamp_or_none(station.updated_at),
        **({"target_identity": station.target_identity} if station.target_identity else {}),
    }
