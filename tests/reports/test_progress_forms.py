"""Page, workbook and document of one report: the same numbers, read back from each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migrate.cli.report import write_report
from migrate.domain.record import Hold
from migrate.domain.wave import Mode
from reports.progress import data_hash, progress_document
from reports.progress_workbook import leaves
from reports.words import display
from reports.workbook import LONGEST
from tests.reports.fleets import START, Campaign, a_campaign

HOSTILE = '=HYPERLINK("http://x")<script>\x1b[31m\u202e\x00\ud800@SUM(1)\''
HOLD = Hold(scope="model:NG910-60023", mode=Mode.PAUSED, reason="two stuck plugs", by="j.devries", at=START)


def document_of(campaign: Campaign, **given: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"timezone": "Europe/Amsterdam", "switch_off": date(2026, 12, 31)}
    return progress_document(campaign.standing, events=campaign.events, **{**facts, **given})


class Numbers(HTMLParser):
    """Every number of a page that carries its path in the document, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._path = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._path = dict(attrs).get("data-n") or ""

    def handle_data(self, data: str) -> None:
        if self._path:
            self.found.setdefault(self._path, data)
            assert self.found[self._path] == data, f"{self._path} is shown twice with different numbers"
            self._path = ""


def at_path(document: Any, path: str) -> Any:
    for name in path.replace("series.last", "series.points.-1").split("."):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def table(book: Any, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet's table by their headers; blank rows are none."""
    [(_, span)] = book[sheet].tables.items()
    head, *rows = ([cell.value for cell in row] for row in book[sheet][span])
    return [dict(zip(head, row, strict=True)) for row in rows if any(value is not None for value in row)]


def the_three(document: dict[str, Any], folder: Path) -> tuple[str, Any, dict[str, Any]]:
    paths = [folder / f"progress.{form}" for form in ("html", "xlsx", "json")]
    for path in paths:
        write_report(document, path)
    return paths[0].read_text(), openpyxl.load_workbook(paths[1]), json.loads(paths[2].read_text())


@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stations=st.integers(0, 400),
    days=st.integers(0, 30),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 9),
    held=st.booleans(),
)
def test_page_workbook_and_document_show_the_same_numbers_under_one_hash(
    tmp_path: Path, stations: int, days: int, share: float, seed: int, held: bool
) -> None:
    document = document_of(a_campaign(stations, days=days, share=share, seed=seed), holds=(HOLD,) if held else ())

    page, book, plain = the_three(document, tmp_path)

    assert plain == document
    assert data_hash(plain) == document["data_hash"]
    shown = Numbers(page).found
    assert {path: int(text.replace(",", "")) for path, text in shown.items()} == {
        path: at_path(plain, path) for path in shown
    }
    assert {f"totals.{state}" for state in plain["totals"]} <= set(shown)
    assert document["data_hash"] in page
    _agrees(book, plain)


def _agrees(book: Any, plain: dict[str, Any]) -> None:
    """Every value by its path, and the tables that people read."""
    assert {row["Path"]: row["Value"] for row in table(book, "Data")} == {
        path: _as_cell(value) for path, value in leaves(plain)
    }
    assert {row["State"]: row["All"] for row in table(book, "States")} == plain["totals"]
    assert [(row["Counted"], row["Over"]) for row in table(book, "Rates")] == [
        (rate["numerator"], rate["denominator"]) for rate in plain["rates"].values()
    ]
    assert [row["Stations"] for row in table(book, "Waves")] == [wave["size"] for wave in plain["waves"]]
    assert sum(row["Stations"] for row in table(book, "Models")) == plain["stations"]
    assert plain["data_hash"] in {cell.value for row in book["Summary"].iter_rows() for cell in row}


def _as_cell(value: Any) -> Any:
    """What a cell holds of a value: nothing for nothing, a word for yes and no, a string as it may be shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return display(value, limit=LONGEST) if isinstance(value, str) else value


def test_every_table_of_the_workbook_has_its_header_in_sight_and_its_filters(tmp_path: Path) -> None:
    write_report(document_of(a_campaign()), tmp_path / "p.xlsx")

    book = openpyxl.load_workbook(tmp_path / "p.xlsx")

    for sheet in book.worksheets[1:]:
        [(name, span)] = sheet.tables.items()
        assert sheet.tables[name].autoFilter.ref == span
        assert sheet.freeze_panes == f"B{1 + int(re.findall(r'[0-9]+', span)[0])}"


def test_the_workbook_draws_its_charts_from_its_own_cells(tmp_path: Path) -> None:
    document = document_of(a_campaign(days=14))

    write_report(document, tmp_path / "p.xlsx")

    with zipfile.ZipFile(tmp_path / "p.xlsx") as parts:
        charts = [parts.read(name).decode() for name in sorted(parts.namelist()) if "charts/chart" in name]
    series = [re.findall(r"<c:f>([^<]+)</c:f>", chart) for chart in charts]
    book = openpyxl.load_workbook(tmp_path / "p.xlsx")
    assert [chart.count("<c:ser>") for chart in charts] == [6, 2, sum(n > 0 for n in document["bands"].values())]
    for found in series:
        for span in found:
            sheet, cells = span.replace("$", "").replace("'", "").split("!")
            drawn = book[sheet][cells]
            assert any(
                cell.value is not None for row in (drawn if isinstance(drawn, tuple) else ((drawn,),)) for cell in row
            )


def test_a_chart_that_would_be_empty_says_why_instead(tmp_path: Path) -> None:
    document = document_of(a_campaign(30, share=0.0), switch_off=None)

    page, book, _ = the_three(document, tmp_path)

    told = {cell.value for row in book["Summary"].iter_rows() for cell in row}
    for reason in (
        "No chart yet: no station has been confirmed on the target.",
        "No plan over time: no switch-off date is set (deadline.legacy_switch_off).",
    ):
        assert reason in page
        assert reason in told
    assert 'class="chart"' not in page


def test_no_string_becomes_a_formula_a_link_or_a_control_character(tmp_path: Path) -> None:
    campaign = a_campaign(60, text=HOSTILE)

    page, book, plain = the_three(document_of(campaign, holds=(replace(HOLD, reason=HOSTILE),)), tmp_path)

    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not any(cell.hyperlink for cell in cells)
    with zipfile.ZipFile(tmp_path / "progress.xlsx") as parts:
        assert not [name for name in parts.namelist() if "vba" in name.lower() or "externalLink" in name]
        assert b"<f>" not in b"".join(parts.read(name) for name in parts.namelist() if "worksheets/sheet" in name)
    for text in (page, *(str(cell.value) for cell in cells)):
        assert not set(text) & {"\x1b", "\x00", "\u202e", "\ud800"}
    assert plain["campaign"] == HOSTILE


def test_the_same_facts_give_the_same_workbook_byte_for_byte(tmp_path: Path) -> None:
    document = document_of(a_campaign())

    for name in ("a.xlsx", "b.xlsx"):
        write_report(document, tmp_path / name)

    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_times_in_the_workbook_are_of_the_campaigns_own_zone_and_say_so(tmp_path: Path) -> None:
    document = document_of(a_campaign())

    write_report(document, tmp_path / "p.xlsx")

    first = table(openpyxl.load_workbook(tmp_path / "p.xlsx"), "Curve")[0]
    assert first["Time (Europe/Amsterdam)"].isoformat() == "2026-11-02T01:30:00"
    assert document["series"]["points"][0]["at"] == "2026-11-02T00:30:00.000Z"


def test_a_report_that_cannot_be_drawn_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text("the old one")

    with pytest.raises(KeyError):
        write_report({"timezone": "UTC"}, tmp_path / "p.html")

    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("p.html", "the old one")]


@pytest.mark.parametrize("kind", ["begun", "not begun", "everything at once"])
def test_the_first_page_fits_one_sheet_of_a4(tmp_path: Path, kind: str) -> None:
    browser, reader = shutil.which("chromium"), shutil.which("pdftotext")
    if browser is None or reader is None:
        pytest.skip("printing needs chromium and pdftotext, which are not on this machine")
    campaign = a_campaign(3000, share=0.0 if kind == "not begun" else 0.6)
    if kind == "everything at once":
        campaign = Campaign(
            _crowded(a_campaign(3000, text="a long name that goes on and on ").standing), campaign.events
        )
    write_report(document_of(campaign, holds=(HOLD,) * 3), tmp_path / "p.html")

    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer"]
    printed = [*command, f"--print-to-pdf={tmp_path / 'p.pdf'}", (tmp_path / "p.html").as_uri()]
    if subprocess.run(printed, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("chromium does not run here")

    pages = subprocess.run([reader, tmp_path / "p.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert "data hash" in pages.split("\f")[0]
    assert pages.split("\f")[1].strip().lower().startswith("appendix")


def _crowded(standing: Any) -> Any:
    return replace(
        standing,
        lab=True,
        mode=Mode.HALTED,
        notices=tuple(f"{n} stations outside this plan are still stuck or lost: A, B, C" * 4 for n in range(4)),
        waves=standing.waves * 3,
        stations=tuple(replace(s, synthetic=True) for s in standing.stations),
    )
