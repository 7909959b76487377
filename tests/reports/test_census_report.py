"""The census as page, workbook and document: the same numbers, nothing rounded, nothing that could run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from migrate.domain.flavour import Count, Flavour, Lapse, Spread, Trait
from migrate.domain.profile import Method, Profile, Proof, Quirks, Rollback, Selector, TurningPoint
from migrate.domain.station import Station
from reports.census import census
from reports.census_report import SHOWN_ROWS, census_document, census_html, write_census_workbook
from reports.flavours import LAPSES, TRAITS
from reports.progress import data_hash

AT = datetime(2026, 11, 20, 1, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>\x1b[31m=HYPERLINK("http://x")\u202e\x00'
PROFILE = Profile(
    name="acme_ac22",
    title="Acme",
    selector=Selector(vendors=("Acme",)),
    method=Method.CHANGE_CONFIGURATION,
    rollback=Rollback.AUTOMATIC,
    turning_point=TurningPoint.RESTART,
    proof=Proof.SIMULATED,
    quirks=Quirks(triggers_boot=True, max_keys=20),
)


@dataclass(frozen=True)
class Fit:
    profile: Profile | None


def spread(*seconds: float) -> Spread:
    found = Spread()
    for one in seconds:
        found = found.plus(one)
    return found


def a_flavour(vendor: str = "Acme", **more: Any) -> Flavour:
    facts = {"model": "AC22", "firmware": "4.2", "stations": 3} | more
    return Flavour(vendor=vendor, **facts)


ACME = a_flavour(
    traits={
        Trait.BOOT_AFTER_LINK_LOSS: Count(yes=11, no=1),
        Trait.STATUS_AFTER_START: Count(yes=1_234),
        Trait.ANSWERS_TRIGGER: Count(no=5, stations=3),
    },
    lapses={Lapse.RESET_TO_DROP: spread(0.4, 40.0)},
    max_keys=4,
)


def a_document(*flavours: Flavour, stations: int = 2) -> dict[str, Any]:
    fleet = [Station(identity=f"AC{n}", vendor="Acme", model="AC22", firmware="4.2") for n in range(stations)]
    return census_document(
        census(fleet, lambda _station: Fit(PROFILE)),
        flavours,
        campaign="cutover-2026",
        at=AT,
        timezone="Europe/Amsterdam",
        fits=lambda flavour: PROFILE if flavour.vendor == "Acme" else None,
    )


class Page(HTMLParser):
    """What a reader of the page sees, cell by cell, and what could run in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._is_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1][-1] += data

    def row_of(self, name: str) -> list[str]:
        return next([" ".join(cell.split()) for cell in row] for row in self.rows if row and name in row[0])


def workbook_of(document: dict[str, Any], folder: Path) -> Any:
    path = folder / "census.xlsx"
    write_census_workbook(document, path)
    return openpyxl.load_workbook(path)


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_document_has_every_trait_with_its_observations() -> None:
    (flavour,) = a_document(ACME)["flavours"]

    assert flavour["traits"]["boot_notification_after_link_loss"] == {"shown": "mixed", "for": 11, "against": 1}
    assert flavour["traits"]["socket_update_after_link_loss"] == {"shown": "unknown", "for": 0, "against": 0}
    assert list(flavour["traits"]) == [trait.value for trait in Trait]
    assert flavour["lapses"]["reset_to_drop"]["observations"] == 2
    assert flavour["lapses"]["away_after_change"]["most_s"] is None
    assert (flavour["profile"], flavour["max_keys"]) == ("acme_ac22", 4)


def test_where_the_wire_overrules_the_profile_it_says_so_and_by_what() -> None:
    (flavour,) = a_document(ACME)["flavours"]

    assert flavour["contradicts"] == [
        "never answered TriggerMessage(BootNotification) (0 of 5)",
        "takes 4 keys at a time",
    ]


def test_it_is_the_published_census_with_its_time_and_hash() -> None:
    document = a_document(ACME)

    assert document["schema"] == "migrate.census/1"
    assert {"stations", "sites", "models", "unmatched"} <= document.keys()
    assert document["at"] == "2026-11-20T01:00:00.000Z"
    assert document["data_hash"] == data_hash(document)
    assert document == a_document(ACME)


def test_page_workbook_and_document_show_the_same_numbers(tmp_path: Path) -> None:
    document = a_document(ACME)
    (told,) = document["flavours"]

    page = Page(census_html(document)).row_of("Acme")
    book = workbook_of(document, tmp_path)

    (flavour,) = rows_of(book["Flavours"])
    observed = {row["Trait"]: row for row in rows_of(book["Observations"])}
    for place, trait in enumerate(Trait):
        count, heading = told["traits"][trait.value], TRAITS[trait][0]
        of = count["for"] + count["against"]
        words = f"{count['shown']} ({count['for']:,} of {of:,})" if of else "unknown"
        assert flavour[heading] == words
        assert (observed[trait.value]["For"], observed[trait.value]["Against"]) == (count["for"], count["against"])
        assert page[2 + place].endswith(f"{count['for']:,} of {of:,}" if of else "–")
    assert page[2 + len(TRAITS)] == flavour["Reset to drop, s"] == "0.4–40 s (2)"
    assert flavour["Stations seen"] == int(page[1]) == told["stations"]


def test_every_word_of_a_trait_can_be_told_without_colour() -> None:
    row = Page(census_html(a_document(ACME))).row_of("Acme")

    assert row[2] == "M mixed 11 of 12"
    assert row[4] == "Y yes 1,234 of 1,234"
    assert row[8] == "N no 0 of 5"
    assert row[3] == "–"


@pytest.mark.parametrize("where", ["on the wire", "in the list"])
def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path, where: str) -> None:
    document = a_document(a_flavour(vendor=HOSTILE) if where == "on the wire" else ACME)
    if where == "in the list":
        document["models"][0]["model"] = HOSTILE

    page, book = census_html(document), workbook_of(document, tmp_path)

    assert "script" not in Page(page).tags
    assert not re.search("[\x00\x1b\u202e]", page)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" and cell.hyperlink is None for cell in cells)
    assert any("=HYPERLINK" in str(cell.value) for cell in cells)


def test_the_page_needs_nothing_but_itself() -> None:
    page = census_html(a_document(ACME))

    assert not re.search(r"(src|href|url)\s*[=(]", page)
    assert "default-src 'none'" in page


def test_before_anything_was_seen_the_report_says_why_its_table_is_empty(tmp_path: Path) -> None:
    document = a_document(stations=0)

    page, book = census_html(document), workbook_of(document, tmp_path)

    assert "Nothing has been seen on the wire yet" in page
    assert "The inventory is empty" in page
    assert rows_of(book["Flavours"]) == []


def test_more_kinds_than_a_page_holds_are_counted_and_all_in_the_workbook(tmp_path: Path) -> None:
    document = a_document(*(a_flavour(vendor=f"V{number:03d}") for number in range(SHOWN_ROWS + 7)))

    page, book = census_html(document), workbook_of(document, tmp_path)

    assert "and 7 more kinds" in page
    assert len(rows_of(book["Flavours"])) == SHOWN_ROWS + 7


def test_the_document_can_be_written_as_json_whatever_stations_say() -> None:
    document = a_document(a_flavour(vendor="\ud800 lone"))

    assert json.loads(json.dumps(document)) == document


def test_every_heading_has_its_rule_in_page_and_workbook(tmp_path: Path) -> None:
    document = a_document(ACME)

    page, rules = census_html(document), rows_of(workbook_of(document, tmp_path)["Rules"])

    told = {row["What"]: row["Means"] for row in rules}
    for heading, rule in (*TRAITS.values(), *LAPSES.values()):
        assert told[heading] == rule
        assert rule in unescape(page)
    assert told["Data hash"] == document["data_hash"]
