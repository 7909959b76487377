"""``migrate.stations/1``: every station with where it stands, how well that is proven, and why.

The list that a manager filters.  As a document, as a workbook of one table
written row by row, and as a page to print; the same rows in all three, under
one data hash.  It counts and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.counted import counted
from migrate.domain.wave import Standing, StationStanding
from reports.progress import data_hash
from reports.redaction import redact
from reports.status import totals_document
from reports.times import stamp, stamp_or_none
from reports.words import STATES
from reports.workbook import Cell, Column, Kind, book

COLUMNS: Mapping[str, Column] = {
    "identity": Column(header="Station", width=24),
    "state": Column(header="State", width=12),
    "letter": Column(header="Letter", width=8),
    "evidence": Column(header="Evidence", width=10),
    "reason": Column(header="Reason", width=60),
    "wave": Column(header="Wave", kind=Kind.NUMBER, width=8),
    "site": Column(header="Site", width=20),
    "vendor": Column(header="Vendor", width=20),
    "model": Column(header="Model", width=20),
    "firmware": Column(header="Firmware", width=16),
    "profile": Column(header="Profile", width=18),
    "method": Column(header="Method", width=22),
    "rollback": Column(header="Rollback", width=14),
    "attempts": Column(header="Attempts", kind=Kind.NUMBER, width=10),
    "tries": Column(header="Writes begun", kind=Kind.NUMBER, width=12),
    "direction": Column(header="Direction", width=10),
    "deferral": Column(header="Put off", width=14),
    "due_at": Column(header="Due again", kind=Kind.TIME, width=28),
    "opened_at": Column(header="Attempt begun", kind=Kind.TIME, width=32),
    "updated_at": Column(header="In this state since", kind=Kind.TIME, width=36),
    "confirmed_at": Column(header="Confirmed", kind=Kind.TIME, width=30),
    "took_s": Column(header="Seconds to confirmed", kind=Kind.NUMBER, width=20),
    "target_identity": Column(header="Name on the target", width=24),
}
"""What is told of a station, in the order of the sheet."""

_PRINTED = 11
"""Columns that fit a sheet of paper; the others are there on the screen."""


def stations_document(standing: Standing, *, timezone: str = "UTC") -> dict[str, Any]:
    """All stations of the plan, wave by wave as planned."""
    document: dict[str, Any] = {
        "schema": "migrate.stations/1",
        "campaign": standing.campaign,
        "fingerprint": standing.fingerprint,
        "at": stamp(standing.at),
        "timezone": timezone,
        "lab": standing.lab,
        "synthetic_stations": sum(s.synthetic for s in standing.stations),
        "totals": totals_document(standing.totals),
        "stations": [_station(s) for s in standing.stations],
    }
    return document | {"data_hash": data_hash(document)}


def _station(s: StationStanding) -> dict[str, Any]:
    took = s.confirmed_at - s.opened_at if s.confirmed_at and s.opened_at else None
    return {
        "identity": s.identity,
        "state": s.state.value,
        "evidence": s.evidence,
        "reason": redact(s.reason, keep=s.identity),
        "wave": s.wave,
        "site": None if s.site.startswith("station:") else s.site or None,
        "vendor": s.vendor,
        "model": s.model,
        "firmware": s.firmware,
        "profile": s.profile or None,
        "method": s.method.value,
        "rollback": s.rollback.value if s.rollback else None,
        "attempts": s.attempts,
        "tries": s.tries,
        "direction": ("back" if s.is_going_back else "forward") if s.attempts else None,
        "deferral": s.deferral.value if s.deferral else None,
        "due_at": stamp_or_none(s.due_at),
        "opened_at": stamp_or_none(s.opened_at),
        "updated_at": stamp_or_none(s.updated_at),
        "confirmed_at": stamp_or_none(s.confirmed_at),
        "took_s": round(took.total_seconds(), 1) if took is not None else None,
        "target_identity": s.target_identity or None,
    }


def rows(document: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """The cells of each station, in the order of ``COLUMNS``."""
    letters = {state.value: STATES[state].letter for state in State}
    for station in document["stations"]:
        yield [letters[station["state"]] if name == "letter" else station[name] for name in COLUMNS]


def write_stations_workbook(document: dict[str, Any], path: Path) -> None:
    """One table, row after row: a hundred thousand stations take no more memory than ten."""
    title = f"{document['campaign']}: stations"
    with book(path, title=title, at=document["at"], timezone=document["timezone"], streams=True) as of:
        listed = of.sheet("Stations")
        count = listed.table(list(COLUMNS.values()), rows(document))
        listed.raw.print_area(0, 0, max(count, 1), _PRINTED - 1)
        about = of.sheet("About")
        about.raw.set_column(0, 0, 22)
        about.raw.set_column(1, 1, 80)
        for row, (name, value) in enumerate(_about(document)):
            about.put(row, 0, name)
            about.put(row, 1, value, Kind.TIME if name == "As of" else Kind.TEXT, align="left")


def _about(document: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    yield "Campaign", document["campaign"]
    yield "As of", document["at"]
    yield "Times in", document["timezone"]
    yield "Plan", document["fingerprint"]
    yield "Stations", len(document["stations"])
    yield from document["totals"].items()
    if document["lab"]:
        yield "LAB", "The relay answered in place of a real CSMS: this proves the tool, not a migration."
    if document["synthetic_stations"]:
        yield (
            "SYNTHETIC",
            f"Vendor, model and firmware of {counted(document['synthetic_stations'], 'station')} were dealt by a demonstration.",
        )
    yield "Data hash", document["data_hash"]
