"""The census as a report: what the list says the fleet consists of, and how each kind behaves on the wire.

One document, and a page and a workbook drawn from nothing but it.  The list's
words and the stations' own stand beside each other and are never merged: a
station that calls itself otherwise than its list is a finding, not a typo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.flavour import Flavour, Shown
from migrate.domain.profile import Profile
from reports.census import Census
from reports.flavours import LAPSES, LETTERS, TRAITS, count_text, flavour_document, seconds_text, spread_text
from reports.page import page
from reports.progress import data_hash
from reports.times import local, stamp
from reports.words import display
from reports.workbook import Book, Cell, Column, Kind, book

SHOWN_ROWS = 200
"""Kinds on the page; the workbook and the document hold them all."""


def census_document(
    census: Census,
    flavours: Iterable[Flavour],
    *,
    campaign: str,
    at: datetime,
    timezone: str,
    fits: Callable[[Flavour], Profile | None],
) -> dict[str, Any]:
    """``migrate.census/1`` with the flavour table; ``fits`` gives the profile of a kind by its own words."""
    document = {
        **census.to_json(),
        "campaign": campaign,
        "at": stamp(at),
        "timezone": timezone,
        "flavours": [flavour_document(flavour, fits(flavour)) for flavour in flavours],
    }
    return document | {"data_hash": data_hash(document)}


def census_html(document: dict[str, Any]) -> str:
    """The page of one document: A4 landscape, nothing fetched, nothing run."""
    zone = ZoneInfo(document["timezone"])
    return page(
        "census.html",
        "census.css",
        d=document,
        at=local(datetime.fromisoformat(document["at"]), zone),
        traits=[(trait.value, *told) for trait, told in TRAITS.items()],
        lapses=[(lapse.value, *told) for lapse, told in LAPSES.items()],
        letters={shown.value: letter for shown, letter in LETTERS.items()},
        words=[shown.value for shown in Shown],
        spread=spread_text,
        seconds=seconds_text,
        rows_shown=SHOWN_ROWS,
    )


def write_census_workbook(document: dict[str, Any], path: Path) -> None:
    """The workbook of one document: the fleet, the flavours for reading, their observations for counting, the rules."""
    title = f"{document['campaign']}: census"
    with book(path, title=title, at=document["at"], timezone=document["timezone"], streams=True) as of:
        _fleet(of, document)
        _flavours(of, document)
        _observations(of, document)
        _rules(of, document)


_KIND = (Column(header="Vendor", width=22), Column(header="Model", width=24), Column(header="Firmware", width=16))


def _named(row: dict[str, Any]) -> tuple[Cell, ...]:
    return tuple(display(row[name]) for name in ("vendor", "model", "firmware"))


def _fleet(of: Book, d: dict[str, Any]) -> None:
    columns = (
        Column(header="Stations", kind=Kind.NUMBER, width=10),
        *_KIND,
        Column(header="Profile", width=24),
        Column(header="Method", width=22),
        Column(header="Rollback", width=16),
    )
    rows = ((m["stations"], *_named(m), m["profile"] or "none", m["method"], m["rollback"]) for m in d["models"])
    of.sheet("Fleet").table(columns, rows)


def _flavours(of: Book, d: dict[str, Any]) -> None:
    columns = (
        *_KIND,
        Column(header="Stations seen", kind=Kind.NUMBER, width=10),
        Column(header="Profile", width=20),
        *(Column(header=heading, width=17) for heading, _ in TRAITS.values()),
        *(Column(header=f"{heading}, s", width=16) for heading, _ in LAPSES.values()),
        Column(header="Keys at a time", kind=Kind.NUMBER, width=9),
        Column(header="Against its profile", kind=Kind.LONG, width=40),
    )
    of.sheet("Flavours").table(columns, (_flavour_row(f) for f in d["flavours"]))


def _flavour_row(f: dict[str, Any]) -> tuple[Cell, ...]:
    traits = (count_text(t) for t in f["traits"].values())
    lapses = (spread_text(lapse) or None for lapse in f["lapses"].values())
    against = "; ".join(f["contradicts"]) or None
    return (*_named(f), f["stations"], f["profile"] or "none", *traits, *lapses, f["max_keys"], against)


def _observations(of: Book, d: dict[str, Any]) -> None:
    columns = (
        *_KIND,
        Column(header="Trait", width=44),
        Column(header="Shown", width=10),
        Column(header="For", kind=Kind.NUMBER, width=8),
        Column(header="Against", kind=Kind.NUMBER, width=8),
        Column(header="Observed", kind=Kind.NUMBER, width=9),
    )
    rows = (
        (*_named(f), name, t["shown"], t["for"], t["against"], t["for"] + t["against"])
        for f in d["flavours"]
        for name, t in f["traits"].items()
    )
    of.sheet("Observations").table(columns, rows)


def _rules(of: Book, d: dict[str, Any]) -> None:
    told = [(heading, rule) for heading, rule in (*TRAITS.values(), *LAPSES.values())]
    told += [("Campaign", d["campaign"]), ("As of", d["at"]), ("Stations", str(d["stations"]))]
    told += [("Sites", str(d["sites"])), ("Fit no profile", str(d["unmatched"])), ("Data hash", d["data_hash"])]
    told += [("Written in several ways", " / ".join(group)) for group in d["spellings"]]
    columns = (Column(header="What", width=26), Column(header="Means", kind=Kind.LONG, width=100))
    of.sheet("Rules").table(columns, told)
