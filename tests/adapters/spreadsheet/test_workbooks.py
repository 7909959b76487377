"""Workbooks as Excel saves them, as people spoil them, and as attackers build them."""

from __future__ import annotations

import datetime as dt
import io
import random
import tempfile
import zipfile
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from migrate.adapters.spreadsheet import InventoryReading, read_inventory, template_csv, template_xlsx
from migrate.adapters.spreadsheet.guard import LARGEST_UNFOLDED_BYTES
from migrate.domain.inventory import COLUMNS
from tests.adapters.spreadsheet.books import HEADER, SHEET, part, with_part, workbook


def read(tmp_path: Path, data: bytes, name: str = "fleet.xlsx", sheet: str | None = None) -> InventoryReading:
    file = tmp_path / name
    file.write_bytes(data)
    return read_inventory([file], sheet=sheet)


def codes(reading: InventoryReading) -> list[str]:
    return [problem.code for problem in reading.problems]


SOUND = workbook(HEADER, ["AC1", "KEBA", 1, "2026-04-03"], ["AC2", "=1+1"])


def test_a_workbook_becomes_stations_with_cells_as_their_address(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER, ["AC1", "KEBA", 2, dt.date(2026, 4, 3)], ["AC2", "KEBA", "two", None]))

    assert [(s.identity, s.wave, s.last_seen_at) for s in reading.stations] == [("AC1", 2, "2026-04-03")]
    assert [(p.sheet, p.row, p.line, p.cell, p.code) for p in reading.problems] == [
        ("Stations", 3, None, "C3", "E-WAVE")
    ]


def test_a_sheet_that_starts_further_down_and_right_keeps_its_addresses(tmp_path: Path) -> None:
    def shift(sheet: Any) -> None:
        sheet.move_range("A1:C2", rows=4, cols=2)

    reading = read(tmp_path, workbook(["identity", "vendor", "wave"], ["AC1", "KEBA", "x"], spoil=shift))

    assert [p.cell for p in reading.problems] == ["E6"]


def test_an_identity_typed_as_a_number_is_taken_with_a_warning(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER, [123, "KEBA"]))

    assert [station.identity for station in reading.stations] == ["123"]
    assert codes(reading) == ["W-NUMBER"]


def test_a_firmware_typed_as_a_number_is_told_because_one_ten_becomes_one_one(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(["identity", "firmware"], ["AC1", 1.10]))

    assert [(p.code, p.cell, p.value) for p in reading.problems] == [("W-NUMBER", "B2", "1.1")]


def test_seventeen_digits_as_a_number_are_refused_because_the_last_are_gone(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER, [12345678901234567, "KEBA"]))

    assert "E-NUMBER-ROUNDED" in codes(reading)
    assert reading.stations == ()


def test_zeros_that_only_a_number_format_shows_are_refused(tmp_path: Path) -> None:
    def pad(sheet: Any) -> None:
        sheet["A2"].number_format = "00000"

    reading = read(tmp_path, workbook(HEADER, [123, "KEBA"], spoil=pad))

    assert "E-CELL-PADDED" in codes(reading)
    assert "00123" in reading.errors[0].message


def test_a_formula_that_was_never_computed_is_no_blank_cell(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER, ['="AC"&1', "KEBA"]))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-FORMULA", "A2")]


def computed_by_nobody(*results: int | bool) -> bytes:
    """As XlsxWriter writes it: formulas, and beside each what its author gave as the result, 0 where they gave none."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Stations")
        sheet.write_row(0, 0, HEADER)
        for row, result in enumerate(results, start=1):
            sheet.write_row(row, 0, [f"AC{row}", "KEBA"])
            sheet.write_formula(row, 2, "=ROUNDUP(A1/100,0)", value=result)
    return stream.getvalue()


def test_a_zero_that_stands_where_nobody_computed_is_no_result(tmp_path: Path) -> None:
    reading = read(tmp_path, computed_by_nobody(0, 2))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-FORMULA", "C2")]


def test_a_false_that_its_author_gave_is_a_result(tmp_path: Path) -> None:
    assert "E-CELL-FORMULA" not in codes(read(tmp_path, computed_by_nobody(False)))


def test_a_zero_that_a_spreadsheet_computed_is_a_result(tmp_path: Path) -> None:
    written = computed_by_nobody(0, 2)
    book = part(written, "xl/workbook.xml")
    assert b' fullCalcOnLoad="1"' in book

    computed = with_part(written, "xl/workbook.xml", book.replace(b' fullCalcOnLoad="1"', b""))

    assert "E-CELL-FORMULA" not in codes(read(tmp_path, computed))


def test_a_formula_in_a_column_of_no_interest_stops_nobody(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook([*HEADER, "price"], ["AC1", "KEBA", None, None, None, "=1+1"]))

    assert codes(reading) == ["W-HEADER-IGNORED"]
    assert reading.is_importable


def test_an_error_value_is_told_with_its_cell(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER, ["AC1", "#DIV/0!"]))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-ERROR", "B2")]


def test_merged_cells_are_not_read_as_blank(tmp_path: Path) -> None:
    def merge(sheet: Any) -> None:
        sheet.merge_cells("B2:B3")

    reading = read(tmp_path, workbook(HEADER, ["AC1", "KEBA"], ["AC2", None], spoil=merge))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-MERGED", "B3")]


def test_hidden_rows_are_imported_and_their_number_stated(tmp_path: Path) -> None:
    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    reading = read(tmp_path, workbook(HEADER, ["AC1"], ["AC2"], spoil=hide))

    assert len(reading.stations) == 2
    assert "1 hidden rows read too" in str(reading.detected[0])


def test_with_two_sheets_the_operator_says_which(tmp_path: Path) -> None:
    def another(sheet: Any) -> None:
        sheet.parent.create_sheet("Legend")

    data = workbook(HEADER, ["AC1"], spoil=another)

    assert codes(read(tmp_path, data)) == ["E-FILE-SHEET"]
    assert len(read(tmp_path, data, sheet="Stations").stations) == 1
    assert "Did you mean Stations?" in read(tmp_path, data, sheet="stations").problems[0].hint


def test_a_hidden_sheet_is_read_only_when_named(tmp_path: Path) -> None:
    def hide(sheet: Any) -> None:
        sheet.parent.create_sheet("Cover")
        sheet.sheet_state = "hidden"

    data = workbook(HEADER, ["AC1"], spoil=hide)

    assert codes(read(tmp_path, data)) == ["E-HEADER-MISSING"]
    assert codes(read(tmp_path, data, sheet="Stations")) == ["W-FILE-SHEET"]


def test_a_workbook_with_macros_is_read_and_the_macros_told(tmp_path: Path) -> None:
    data = with_part(workbook(HEADER, ["AC1"]), "xl/vbaProject.bin", b"macro")

    assert codes(read(tmp_path, data, "fleet.xlsm")) == ["W-FILE-MACRO"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_download_that_was_cut_short_is_said_to_be_cut_short(tmp_path: Path, share: float) -> None:
    data = workbook(HEADER, *[[f"AC{n}"] for n in range(50)])

    assert codes(read(tmp_path, data[: int(len(data) * share)])) == ["E-FILE-ZIP"]


def test_an_archive_that_would_unfold_to_gigabytes_is_refused_unopened(tmp_path: Path) -> None:
    data = with_part(workbook(HEADER), SHEET, b"<worksheet>" + b" " * (LARGEST_UNFOLDED_BYTES + 1))

    reading = read(tmp_path, data)

    assert codes(reading) == ["E-FILE-BOMB"]


def test_an_archive_of_very_many_parts_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO(workbook(HEADER))
    with zipfile.ZipFile(stream, "a") as archive:
        for number in range(2_001):
            archive.writestr(f"xl/media/{number}", b"")

    assert codes(read(tmp_path, stream.getvalue())) == ["E-FILE-BOMB"]


def test_a_cell_in_the_last_corner_is_named_instead_of_crashing_the_process(tmp_path: Path) -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )

    reading = read(tmp_path, with_part(workbook(HEADER), SHEET, sheet))

    assert codes(reading) == ["E-FILE-CELL"]
    assert "XFD1048576" in reading.problems[0].message


@pytest.mark.parametrize("cut", range(0, 12, 3))
def test_a_far_cell_is_seen_also_where_the_look_ahead_cuts_its_address_in_two(tmp_path: Path, cut: int) -> None:
    begin = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c '
    noise = random.Random(7).randbytes((1 << 20) // 2).hex().encode()  # packs badly, or it would pass for a bomb
    comment = b"<!--" + noise[: (1 << 20) - len(begin) - 7 - cut] + b"-->"
    sheet = comment + begin + b'r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'

    assert codes(read(tmp_path, with_part(workbook(HEADER), SHEET, sheet))) == ["E-FILE-CELL"]


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_of(rows: str, *, main: str = MAIN, prefix: str = "") -> bytes:
    xml = f"<{prefix}worksheet {main}><{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>"
    return with_part(workbook(HEADER), SHEET, xml.encode())


@pytest.mark.parametrize(
    "address", ["r='XFD1048576'", '\nr="XFD1048576"', 'r = "XFD1048576"', '\tr="XFD1048576"'], ids=ascii
)
def test_a_far_cell_is_seen_however_its_address_is_written(tmp_path: Path, address: str) -> None:
    data = sheet_of(f'<row r="1"><c r="A1"><v>1</v></c><c {address}><v>1</v></c><c r="B1"/><c r="C1"/></row>')

    reading = read(tmp_path, data)

    assert codes(reading) == ["E-FILE-CELL"]
    assert "XFD1048576" in reading.problems[0].message


@pytest.mark.parametrize("prefix", ["", "x:"], ids=["bare", "with a prefix"])
def test_cells_without_an_address_are_counted_from_the_one_before(tmp_path: Path, prefix: str) -> None:
    """Several exporters leave addresses out, and some name every element in full."""
    main = MAIN.replace("xmlns=", "xmlns:x=") if prefix else MAIN
    text = '<c t="inlineStr"><is><t>{}</t></is></c>'
    rows = f"<row>{text.format('identity')}{text.format('vendor')}</row>"
    rows += f'<row>{text.format("AC1")}<c t="e"><v>#REF!</v></c></row><row>{text.format("AC2")}<c><f>1+1</f></c></row>'
    rows = rows.replace("</", f"</{prefix}").replace("<c", f"<{prefix}c").replace("<row", f"<{prefix}row")
    rows = (
        rows.replace("<is>", f"<{prefix}is>")
        .replace("<t>", f"<{prefix}t>")
        .replace("<v>", f"<{prefix}v>")
        .replace("<f>", f"<{prefix}f>")
    )

    reading = read(tmp_path, sheet_of(rows, main=main, prefix=prefix))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-ERROR", "B2"), ("E-CELL-FORMULA", "B3")]
    assert "#REF!" in reading.problems[0].message


def test_a_formula_that_gives_an_empty_text_is_a_blank_cell(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c><c r="B1" t="inlineStr"><is><t>vendor</t></is></c></row>'
    rows += '<row r="2"><c r="A2" t="inlineStr"><is><t>AC1</t></is></c><c r="B2" t="str"><f>IF(1,"","")</f><v></v></c></row>'

    reading = read(tmp_path, sheet_of(rows))

    assert [(s.identity, s.vendor) for s in reading.stations] == [("AC1", "")]
    assert reading.problems == ()


def test_a_formula_with_a_stored_result_is_its_result(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c></row>'
    rows += '<row r="2"><c r="A2" t="str"><f>"AC"&amp;1</f><v>AC1</v></c></row>'

    reading = read(tmp_path, sheet_of(rows))

    assert [station.identity for station in reading.stations] == ["AC1"]
    assert reading.problems == ()


MERGES = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c><c r="B1" t="inlineStr"><is><t>vendor</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>AC1</t></is></c></row>'
)


def with_merges(*references: str) -> bytes:
    merges = "".join(f'<mergeCell ref="{reference}"/>' for reference in references)
    xml = f"<worksheet {MAIN}><sheetData>{MERGES}</sheetData><mergeCells>{merges}</mergeCells></worksheet>"
    return with_part(workbook(HEADER), SHEET, xml.encode())


def test_columns_merged_down_to_the_last_row_there_is_are_named_as_far_as_the_list_goes(tmp_path: Path) -> None:
    reading = read(tmp_path, with_merges("B2:XFD1048576"))

    assert [station.identity for station in reading.stations] == ["AC1"]
    assert reading.problems == ()


def test_a_sheet_of_nothing_but_merged_cells_is_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    reading = read(tmp_path, with_merges(*(f"A1:B{n}" for n in range(2, 130_002))))

    assert codes(reading) == ["E-FILE-LIMIT"]
    assert "unmerge" in reading.problems[0].hint


@pytest.mark.parametrize("number", ["NaN", "1e999"], ids=["no number", "beyond every number"])
def test_a_number_that_is_none_is_an_error_value(tmp_path: Path, number: str) -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c><c r="B1" t="inlineStr"><is><t>vendor</t></is></c></row>'
    rows += f'<row r="2"><c r="A2" t="inlineStr"><is><t>AC1</t></is></c><c r="B2"><v>{number}</v></c></row>'

    reading = read(tmp_path, sheet_of(rows))

    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-ERROR", "B2")]


def test_a_true_and_a_one_in_one_column_stay_two_things(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(["identity", "notes"], ["AC1", True], ["AC2", 1], ["AC3", 1.5], ["AC4", "1"]))

    assert [station.notes for station in reading.stations] == ["true", "1", "1.5", "1"]


@pytest.mark.parametrize("column", ["A", "Z"])
def test_a_stray_cell_in_the_last_row_is_only_a_row_of_its_own(tmp_path: Path, column: str) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:A1"/>'
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>identity</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>AC1</t></is></c></row>'
        f'<row r="1048576"><c r="{column}1048576" t="inlineStr"><is><t>AC2</t></is></c></row></sheetData></worksheet>'
    )

    reading = read(tmp_path, with_part(workbook(HEADER), SHEET, sheet.encode()))

    assert reading.stations[0].identity == "AC1"
    assert reading.rows == 2


def test_a_workbook_that_declares_entities_is_refused(tmp_path: Path) -> None:
    sheet = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet><sheetData/></worksheet>'

    assert codes(read(tmp_path, with_part(workbook(HEADER), SHEET, sheet))) == ["E-FILE-XML"]


def test_a_wrong_dimension_drops_no_rows(tmp_path: Path) -> None:
    data = workbook(HEADER, *[[f"AC{n:03}x"] for n in range(100)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read(SHEET)
    lying = sheet.replace(b'<dimension ref="A1:E101"', b'<dimension ref="A1:A3"')
    assert lying != sheet

    assert len(read(tmp_path, with_part(data, SHEET, lying)).stations) == 100


def test_a_date_of_a_workbook_that_counts_from_1904_is_the_same_day(tmp_path: Path) -> None:
    def count_from_1904(sheet: Any) -> None:
        sheet.parent.epoch = CALENDAR_MAC_1904

    reading = read(tmp_path, workbook(HEADER, ["AC1", "KEBA", None, dt.date(2026, 4, 3)], spoil=count_from_1904))

    assert [station.last_seen_at for station in reading.stations] == ["2026-04-03"]


def test_an_archive_with_one_part_twice_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO(workbook(HEADER, ["AC1"]))
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(SHEET, b"<worksheet/>")

    assert codes(read(tmp_path, stream.getvalue())) == ["E-FILE-ZIP"]


def test_columns_of_junk_to_the_right_are_passed_over(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(HEADER + [""] * 255, ["AC1", "KEBA", *[None] * 250, "junk"]))

    assert [station.identity for station in reading.stations] == ["AC1"]
    assert reading.problems == ()


def test_a_true_in_the_hold_column_holds_the_station(tmp_path: Path) -> None:
    reading = read(tmp_path, workbook(["identity", "hold"], ["AC1", True], ["AC2", False]))

    assert [bool(station.hold) for station in reading.stations] == [True, False]


@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/styles.xml", "xl/_rels/workbook.xml.rels"])
@pytest.mark.parametrize("content", [b"", b"<a/>", b"\0\xff", b"<worksheet><sheetData><row><c r='?'/></row>"])
def test_a_part_that_makes_no_sense_is_always_a_sentence(tmp_path: Path, part: str, content: bytes) -> None:
    reading = read(tmp_path, with_part(SOUND, part, content))

    assert reading.stations or reading.errors


@settings(deadline=None, max_examples=15)
@given(st.binary(max_size=400), st.integers(0, 6000))
def test_a_damaged_workbook_is_always_a_sentence_and_never_a_crash(damage: bytes, place: int) -> None:
    whole = SOUND
    at = place % len(whole)

    with tempfile.TemporaryDirectory() as folder:
        reading = read(Path(folder), whole[:at] + damage + whole[at + len(damage) :])

    assert reading.stations or reading.errors


def test_a_filled_template_needs_no_map_and_no_sheet_name(tmp_path: Path) -> None:
    book = load_workbook(io.BytesIO(template_xlsx()))
    book["inventory"].append(["AC1", "KEBA"])
    stream = io.BytesIO()
    book.save(stream)

    reading = read(tmp_path, stream.getvalue())

    assert [station.identity for station in reading.stations] == ["AC1"]
    assert reading.problems == ()


def test_both_templates_have_the_same_columns(tmp_path: Path) -> None:
    text = read(tmp_path, template_csv() + b"AC1" + b"," * (len(COLUMNS) - 1) + b"\r\n", "fleet.csv")

    assert [station.identity for station in text.stations] == ["AC1"]


def test_ten_times_the_stations_take_about_ten_times_the_work(tmp_path: Path) -> None:
    few, many = a_workbook_of(2_000), a_workbook_of(20_000)

    spent = []
    for book in (few, many):
        begun = process_time()
        reading = read(tmp_path, book)
        spent.append(process_time() - begun)

    assert len(reading.stations) == 20_000
    assert spent[1] < 40 * spent[0]  # a look at every other row for each row would take a hundred times


def a_workbook_of(stations: int) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Stations")
    sheet.append(["identity", "vendor", "model", "firmware", "city", "latitude", "longitude", "country"])
    for number in range(stations):
        sheet.append([f"AC{number:05}", "KEBA", "P30", "1.13", "Gouda", 52.01, 4.71, "nl"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
