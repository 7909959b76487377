"""The workbook of findings: the list in its own cells, what is wrong marked and linked, nothing that computes."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from migrate.domain.finding import Finding
from migrate.domain.problem import Origin, Place, Problem, problem
from reports import findings_workbook
from reports.findings_workbook import Checked, CheckedSheet, write_findings
from reports.sheet_names import storable

AT = "2026-11-20T14:00:00+00:00"
HOSTILE = [
    '=HYPERLINK("http://evil")',
    "+SUM(A1)",
    "@x",
    "-1+cmd|' /C calc'!A0",
    "http://evil.example",
    "<script>",
    "{=1}",
    "00123",
]


def wrong(
    cell: str, code: str = "E-WAVE", *, value: str = "two", file: str = "fleet.xlsx", sheet: str = "S"
) -> Problem:
    letter, row = re.sub(r"\d", "", cell), int(re.sub(r"\D", "", cell))
    finding = Finding(code, f"{value!r} is wrong in {cell}.", "Mend it.")
    return problem(Place(file=file, sheet=sheet, row=row), finding, Origin(column="wave", letter=letter), value)


def sheet_of(
    *records: tuple[int, list[str]], header_row: int = 1, file: str = "fleet.xlsx", sheet: str = "S"
) -> CheckedSheet:
    return CheckedSheet(file=file, sheet=sheet, header_row=header_row, records=records)


def written(path: Path, *sheets: CheckedSheet, problems: list[Problem] | None = None) -> Any:
    checked = Checked(
        verdict="Nothing was written.", detected=["fleet.xlsx: header in row 1"], problems=problems or [], sheets=sheets
    )
    write_findings(path, checked, at=AT)
    return load_workbook(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checked.xlsx"


def test_the_list_keeps_its_rows_and_columns_with_the_titles_above_and_the_gaps_between(file: Path) -> None:
    sheet = sheet_of(
        (1, ["Fleet of Example"]), (3, ["identity", "wave"]), (4, ["A", "1"]), (7, ["B", "two"]), header_row=3
    )

    data = written(file, sheet, problems=[wrong("B7")])["S"]

    assert (data["A1"].value, data["A3"].value, data["A4"].value, data["B7"].value) == (
        "Fleet of Example",
        "identity",
        "A",
        "two",
    )
    assert [data.cell(row, 1).value for row in (2, 5, 6)] == [None, None, None]
    assert (data["C3"].value, data["C7"].value, data["C4"].value) == ("Issues", "E B7: 'two' is wrong in B7.", None)


def test_a_cell_at_fault_is_red_framed_and_wears_its_letter_while_its_text_stays(file: Path) -> None:
    sheet = sheet_of((1, ["identity", "wave"]), (2, ["A", "two"]), (3, ["B", "3"]), (4, ["", "4"]))
    problems = [wrong("B2"), wrong("B3", "W-WAVE-UNUSED", value="3"), wrong("A4", "E-ID-MISSING", value="")]

    data = written(file, sheet, problems=problems)["S"]

    assert (data["B2"].value, data["B2"].number_format, data["B2"].fill.fgColor.rgb) == ("two", '"[E] "@', "FFFFC7CE")
    assert data["B2"].border.left.style == "medium"
    assert data["B3"].number_format == '"[W] "@'
    assert data["A4"].fill.fgColor.rgb == "FFFFC7CE"
    assert data["A2"].number_format == "@"


def test_a_long_text_of_the_list_takes_more_lines_and_is_not_cut_by_the_cell_beside_it(file: Path) -> None:
    long = "Parkhaus der Donaudampfschifffahrtsgesellschaft, Einfahrt hinter dem Kaufhaus"
    sheet = sheet_of((1, ["identity", "site_name", "wave"]), (2, ["A", long, "two"]), (3, ["B", "Ring", long]))

    data = written(file, sheet, problems=[wrong("C3", value=long)])["S"]

    assert [data[cell].alignment.wrap_text for cell in ("B2", "B3", "C2", "C3")] == [True, None, None, True]
    assert data["B2"].value == long
    assert data.row_dimensions[2].height >= 30


def test_what_is_wrong_with_a_whole_row_marks_its_first_cell(file: Path) -> None:
    ragged = problem(
        Place(file="fleet.xlsx", sheet="S", row=2), Finding("E-ROW-RAGGED", "Row 2 has 1 field.", "Mend it.")
    )

    book = written(file, sheet_of((1, ["identity", "wave"]), (2, ["A"])), problems=[ragged])

    assert book["S"]["A2"].number_format == '"[E] "@'
    assert book["S"]["C2"].value == "E: Row 2 has 1 field."
    assert book["Findings"]["B2"].hyperlink.location == "'S'!A2"


def test_every_finding_links_to_its_very_cell_errors_first(file: Path) -> None:
    sheet = sheet_of((1, ["identity", "wave"]), (2, ["A", "two"]), (3, ["B", "3"]), sheet="Fleet's [2026]")
    problems = [wrong("B3", "W-WAVE-UNUSED", value="3", sheet="Fleet's [2026]"), wrong("B2", sheet="Fleet's [2026]")]

    book = written(file, sheet, problems=problems)

    findings = book["Findings"]
    assert [findings.cell(row, 1).value for row in (2, 3)] == ["E", "W"]
    assert (findings["B2"].value, findings["B2"].hyperlink.location) == ("B2", "'Fleet s 2026'!B2")
    assert "Fleet s 2026" in book.sheetnames


def test_nothing_in_the_workbook_computes_or_leads_out_of_it(file: Path) -> None:
    rows = [(row, [text, text]) for row, text in enumerate(HOSTILE, start=2)]
    problems = [wrong(f"A{row}", value=text) for row, (text, _) in rows]

    book = written(file, sheet_of((1, ["=identity", "notes"]), *rows), problems=problems)

    assert [book["S"].cell(row, 2).value for row, _ in rows] == HOSTILE
    assert all(cell.data_type != "f" for sheet in book for cells in sheet.iter_rows() for cell in cells)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    assert not any(re.search(r"<f[ >]", text) for text in parts.values())
    assert not any("TargetMode" in text for text in parts.values())


def test_what_no_workbook_can_hold_is_made_visible_and_everything_else_kept() -> None:
    assert storable("שדה \u202eevil 👩\u200d🔧") == "שדה \u202eevil 👩\u200d🔧"
    assert storable("a\0b\ud800") == "a\ufffdb\ufffd"
    assert len(storable("x" * 40_000)) == 32_767


def test_half_characters_escapes_and_long_texts_break_no_workbook(file: Path) -> None:
    texts = ["x\ud800y", "\x1b[2J", "a\0b", "\u202eevil", "x" * 40_000, "_x0041_", "\ufffe"]
    rows = [(row, [text, ""]) for row, text in enumerate(texts, start=2)]

    data = written(file, sheet_of((1, ["notes", ""]), *rows), problems=[wrong("A2", value=texts[0])])["S"]

    assert data["A2"].value == "x\ufffdy"
    assert len(data["A6"].value) == 32_767
    assert data["B1"].value == "(column B)"


def test_every_sheet_holds_one_table_a_frozen_header_filters_and_print_titles(file: Path) -> None:
    book = written(file, sheet_of((1, ["identity", "Identity"]), (2, ["A", "B"])), problems=[wrong("A2")])

    for name, header in (("Summary", 6), ("Findings", 1), ("S", 1)):
        (table,) = book[name].tables.values()
        assert table.autoFilter is not None
        assert book[name].freeze_panes is not None
        assert book[name].print_title_rows == f"${header}:${header}"
    assert [column.name for column in book["S"].tables.popitem()[1].tableColumns] == [
        "identity",
        "Identity (B)",
        "Issues",
    ]


def test_lists_of_one_name_and_a_column_of_ours_stand_beside_each_other(file: Path) -> None:
    one = sheet_of((1, ["identity", "Issues"]), (2, ["A", "x"]), file="a/fleet.csv", sheet="")
    other = sheet_of((1, ["identity"]), (2, ["B"]), file="b/fleet.csv", sheet="")
    reserved = sheet_of((1, ["identity"]), (2, ["C"]), sheet="Findings")

    book = written(file, one, other, reserved)

    assert book.sheetnames == ["Summary", "Findings", "fleet", "fleet (2)", "Findings (2)"]
    assert book["fleet"]["C1"].value == "Issues (of the check)"


def test_a_file_that_could_not_be_read_at_all_still_gets_its_findings(file: Path) -> None:
    finding = Finding("E-FILE-PASSWORD", "fleet.xlsx is protected by a password.", "Remove it.")

    book = written(file, problems=[problem(Place(file="fleet.xlsx"), finding)])

    assert book.sheetnames == ["Summary", "Findings"]
    assert book["Findings"]["G2"].value == "E-FILE-PASSWORD"


def test_more_findings_than_a_sheet_holds_links_are_still_named_by_their_cell(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings_workbook, "MOST_LINKS", 2)
    rows = [(row, [f"AC{row}", "two"]) for row in range(2, 6)]
    problems = [wrong(f"B{row}") for row, _ in rows]

    findings = written(file, sheet_of((1, ["identity", "wave"]), *rows), problems=problems)["Findings"]

    assert [findings.cell(row, 2).value for row in (2, 3, 4, 5)] == ["B2", "B3", "B4", "B5"]
    assert [findings.cell(row, 2).hyperlink is None for row in (2, 3, 4, 5)] == [False, False, True, True]
