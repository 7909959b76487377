"""The status document as other programs read it."""

from __future__ import annotations

from datetime import timedelta, timezone

from migrate.domain.attempt import State
from migrate.domain.wave import (
    Incident,
    Mode,
    Reason,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)
from reports.status import TOTALS, status_document
from tests.reports.standings import AT, a_station

CONTRACT_TOTALS = [
    "planned",
    "deferred",
    "checked",
    "visiting",
    "writing",
    "written",
    "restarting",
    "undoing",
    "departed",
    "arrived",
    "confirmed",
    "settled",
    "skipped",
    "failed",
    "reverted",
    "stuck",
    "lost",
]


def station(**given: object) -> StationStanding:
    return a_station(**{"identity": "AC-17", "state": State.LOST, "reason": "seen nowhere", **given})


def standing(**given: object) -> Standing:
    ruling = Ruling(
        verdict=Verdict.SHUT, reasons=(Reason(text="1 lost, at most 0 allowed", value=1, threshold=0, of=3),)
    )
    wave = WaveStanding(
        number=0, state=WaveState.SHUT, totals={State.SETTLED: 2, State.LOST: 1}, ruling=ruling, size=3, started_at=AT
    )
    facts: dict[str, object] = {
        "campaign": "cutover",
        "fingerprint": "a3f9",
        "mode": Mode.RUNNING,
        "at": AT,
        "totals": {State.SETTLED: 2, State.LOST: 1},
        "waves": (wave,),
        "incidents": (Incident(at=AT, title="target down", side="target"),),
        "stations": (station(),),
    }
    return Standing(**{**facts, **given})  # type: ignore[arg-type]


def test_the_document_has_exactly_the_published_keys() -> None:
    document = status_document(standing(), with_stations=True)

    assert list(document) == ["schema", "campaign", "fingerprint", "mode", "totals", "waves", "incidents", "stations"]
    assert document["schema"] == "migrate.status/1"
    assert list(document["waves"][0]) == ["number", "state", "totals", "gate", "started_at", "ended_at"]
    assert list(document["waves"][0]["gate"]) == ["verdict", "reasons"]
    assert list(document["stations"][0]) == [
        "identity",
        "wave",
        "profile",
        "method",
        "state",
        "evidence",
        "attempts",
        "reason",
        "updated_at",
    ]


def test_all_seventeen_states_are_counted_in_the_published_order_even_when_nobody_is_in_them() -> None:
    document = status_document(standing())

    assert list(document["totals"]) == CONTRACT_TOTALS
    assert list(document["waves"][0]["totals"]) == CONTRACT_TOTALS
    assert set(TOTALS) == set(State)
    assert document["totals"]["lost"] == 1
    assert document["totals"]["confirmed"] == 0


def test_stations_are_listed_only_when_asked_for() -> None:
    assert "stations" not in status_document(standing())


def test_a_gate_says_its_reasons_with_value_threshold_and_denominator() -> None:
    gate = status_document(standing())["waves"][0]["gate"]

    assert gate == {
        "verdict": "shut",
        "reasons": [{"text": "1 lost, at most 0 allowed", "value": 1, "threshold": 0, "of": 3}],
    }


def test_times_are_told_in_utc_whatever_zone_they_come_in() -> None:
    amsterdam = timezone(timedelta(hours=1))

    document = status_document(standing(stations=(station(updated_at=AT.astimezone(amsterdam)),)), with_stations=True)

    assert document["stations"][0]["updated_at"] == "2026-11-20T01:00:00.000Z"


def test_an_identity_is_handed_on_untouched_and_a_reason_without_credentials() -> None:
    hostile = station(identity="AC/17 \u202e<b>", reason="dials wss://user:pw@new.example/ocpp?token=s3cret")

    document = status_document(standing(stations=(hostile,)), with_stations=True)

    assert document["stations"][0]["identity"] == "AC/17 \u202e<b>"
    assert document["stations"][0]["reason"] == "dials wss://***@new.example/ocpp?***"
