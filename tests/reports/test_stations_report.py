"""The list of all stations: one table, the same rows in every form, however many there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import openpyxl

from reports.html import write_stations_page
from reports.progress import data_hash
from reports.stations import COLUMNS, stations_document, write_stations_workbook
from tests.reports.fleets import a_campaign

HOSTILE = "=cmd|' /C calc'!A0<script>\x1b[31m\u202e\x00\ud800"


def test_every_station_of_the_plan_is_a_row_with_its_state_evidence_reason_and_times(tmp_path: Path) -> None:
    document = stations_document(a_campaign(200).standing, timezone="Europe/Amsterdam")

    write_stations_workbook(document, tmp_path / "s.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "s.xlsx")["Stations"]
    head, *rows = sheet.iter_rows(values_only=True)
    assert head[:4] == ("Station", "State", "Letter", "Evidence")
    assert [row[:2] for row in rows] == [(s["identity"], s["state"]) for s in document["stations"]]
    assert dict(sheet.tables.items()) == {"tbl1": f"A1:{sheet.cell(1, len(COLUMNS)).column_letter}201"}
    assert sheet.freeze_panes == "B2"


def test_the_list_is_sealed_by_one_hash_that_all_forms_print(tmp_path: Path) -> None:
    document = json.loads(json.dumps(stations_document(a_campaign(50).standing)))

    write_stations_workbook(document, tmp_path / "s.xlsx")
    write_stations_page(document, tmp_path / "s.html")

    about = dict(openpyxl.load_workbook(tmp_path / "s.xlsx")["About"].iter_rows(values_only=True))
    assert data_hash(document) == about["Data hash"]
    assert document["data_hash"] in (tmp_path / "s.html").read_text()
    assert {state: about[state] for state in document["totals"]} == document["totals"]


def test_hostile_strings_stay_strings(tmp_path: Path) -> None:
    document = stations_document(a_campaign(20, text=HOSTILE).standing)

    write_stations_workbook(document, tmp_path / "s.xlsx")
    write_stations_page(document, tmp_path / "s.html")

    cells = [cell for row in openpyxl.load_workbook(tmp_path / "s.xlsx")["Stations"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} <= {"s", "n", "d"}
    page = (tmp_path / "s.html").read_text()
    assert "<script>" not in page
    for text in (page, *(str(cell.value) for cell in cells)):
        assert not set(text) & {"\x1b", "\x00", "\u202e", "\ud800"}


def test_a_plan_of_nothing_is_a_list_of_nothing(tmp_path: Path) -> None:
    document = stations_document(a_campaign(0).standing)

    write_stations_workbook(document, tmp_path / "s.xlsx")

    assert document["stations"] == []
    assert openpyxl.load_workbook(tmp_path / "s.xlsx")["Stations"].max_row <= 2


_MEASURE = """
import resource, sys
from pathlib import Path
from reports.workbook import Column, Kind, book
rows = int(sys.argv[2])
columns = [Column(header=f"c{n}") for n in range(20)]
with book(Path(sys.argv[1]), title="x", at="2026-11-20T00:00:00+00:00", timezone="UTC", streams=True) as of:
    of.sheet("S").table(columns, ([f"{r}.{c}" for c in range(20)] for r in range(rows)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_longer_list_takes_no_more_memory_to_write(tmp_path: Path) -> None:
    def kilobytes(rows: int) -> int:
        arguments = [sys.executable, "-c", _MEASURE, str(tmp_path / f"{rows}.xlsx"), str(rows)]
        return int(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)

    assert kilobytes(20_000) - kilobytes(200) < 8_000
