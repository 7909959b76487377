"""Delimited text as operators' systems write it, and as they break it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.adapters.spreadsheet import InventoryReading, read_inventory

LIST = "identity,vendor,city\nAC1,KEBA,Zürich\nAC2,Alfen,Gouda\n"


def read(tmp_path: Path, data: bytes | str, name: str = "fleet.csv", **options: frozenset[int]) -> InventoryReading:
    file = tmp_path / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_inventory([file], **options)


def codes(reading: InventoryReading) -> list[str]:
    return [problem.code for problem in reading.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_encoding_and_delimiter_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    reading = read(tmp_path, LIST.replace(",", delimiter).encode(encoding))

    assert [station.city for station in reading.stations] == ["Zürich", "Gouda"]
    assert reading.detected[0].delimiter == delimiter


def test_windows_text_is_read_with_a_warning_to_look_at_the_accents(tmp_path: Path) -> None:
    assert codes(read(tmp_path, LIST.encode("cp1252"))) == ["W-FILE-ENCODING"]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\r\r\n"], ids=["CRLF", "CR", "CRCRLF"])
def test_any_line_end_counts_rows_as_a_spreadsheet_does(tmp_path: Path, ending: str) -> None:
    reading = read(tmp_path, (LIST + "AC3,,\n,KEBA,\n").replace("\n", ending))

    assert [(p.code, p.row) for p in reading.problems] == [("E-ID-MISSING", 5)]
    assert len(reading.stations) == 3


def test_a_line_break_inside_a_field_stays_and_moves_only_the_line_number(tmp_path: Path) -> None:
    reading = read(tmp_path, 'identity,address,wave\nAC1,"Quay 1\nShed",1\nAC2,,x\n')

    assert reading.stations[0].address == "Quay 1\nShed"
    assert [(p.row, p.line, p.cell) for p in reading.problems] == [(3, 4, "C3")]


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff", ",,,\n,,,\n"], ids=["no byte", "line ends", "mark", "commas"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, data: str) -> None:
    assert codes(read(tmp_path, data)) == ["E-FILE-EMPTY"]


def test_a_header_without_rows_has_nothing_to_import(tmp_path: Path) -> None:
    assert codes(read(tmp_path, "identity,vendor\n")) == ["E-FILE-EMPTY"]


def test_a_quote_that_is_never_closed_stops_at_the_line_where_it_was_opened(tmp_path: Path) -> None:
    reading = read(tmp_path, LIST + 'AC3,"KEBA,Bonn\n' + "AC4,KEBA,Bonn\n" * 30)

    assert codes(reading) == ["E-FILE-QUOTE"]
    assert "line 4" in reading.problems[0].message


def test_a_quote_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    reading = read(tmp_path, LIST + 'AC3,"' + "x" * 200_000)

    assert codes(reading) == ["E-FILE-QUOTE"]


def test_a_row_with_a_stray_delimiter_is_named_and_the_others_are_whole(tmp_path: Path) -> None:
    reading = read(tmp_path, LIST + "AC3,KEBA,Bonn,Beuel\nAC4,KEBA\nAC5,KEBA,Bonn,,,\n")

    assert [(p.code, p.row) for p in reading.errors] == [("E-ROW-RAGGED", 4), ("E-ROW-RAGGED", 5)]
    assert [station.identity for station in reading.stations] == ["AC1", "AC2", "AC5"]


def test_blank_rows_in_the_middle_are_passed_over_and_counted(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,vendor\nAC1,KEBA\n,\n\nAC2,KEBA\n")

    assert (reading.rows, reading.detected[0].blank_rows) == (2, 2)


def test_the_header_may_stand_below_a_title_and_rows_still_count_from_the_top(tmp_path: Path) -> None:
    reading = read(tmp_path, "Chargers of region North,,\nas of May,,\nidentity,vendor,wave\nAC1,KEBA,x\n")

    assert reading.detected[0].header_row == 3
    assert [p.row for p in reading.problems] == [4]


def test_excels_own_separator_line_is_no_row(tmp_path: Path) -> None:
    reading = read(tmp_path, "sep=;\r\nidentity;wave\r\nAC1;x\r\n")

    assert [(p.row, p.line) for p in reading.problems] == [(2, 3)]


def test_a_misspelt_header_stops_and_names_the_nearest(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,firmwre,colour\nAC1,1.2,red\n")

    assert codes(reading) == ["E-HEADER-UNKNOWN", "W-HEADER-IGNORED"]
    assert "firmware" in reading.problems[0].hint
    assert reading.stations == ()


def test_one_column_of_identities_is_an_inventory(tmp_path: Path) -> None:
    assert [s.identity for s in read(tmp_path, "identity\nAC1\nAC2\n").stations] == ["AC1", "AC2"]


def test_text_that_begins_like_a_formula_stays_text(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,notes\nAC1,=cmd|' /C calc'!A0\nAC2,@SUM(1)\n-3,+1\n")

    assert [station.notes for station in reading.stations] == ["=cmd|' /C calc'!A0", "@SUM(1)", "+1"]


def test_leading_zeros_of_text_are_never_lost(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,postcode\n00123,01099\n")

    assert (reading.stations[0].identity, reading.stations[0].postcode) == ("00123", "01099")


def test_a_row_to_leave_out_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    reading = read(tmp_path, LIST, exclude_rows=frozenset({99}))

    assert codes(reading) == ["E-ROW-EXCLUDED"]


def test_a_blank_row_inside_a_range_to_leave_out_is_no_error(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,wave\nAC1,x\n,\nAC2,x\nAC3,1\n", exclude_rows=frozenset({2, 3, 4}))

    assert [station.identity for station in reading.stations] == ["AC3"]
    assert reading.is_importable


def test_one_station_in_two_files_is_told_with_both_files(tmp_path: Path) -> None:
    first, second = tmp_path / "north.csv", tmp_path / "south.csv"
    first.write_text("identity\nAC1\n")
    second.write_text("identity\nAC1\n")

    (problem,) = read_inventory([first, second]).problems

    assert problem.file == str(second)
    assert "north.csv" in problem.message


def test_a_list_that_is_open_in_excel_is_read_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "~$fleet.csv").touch()

    assert codes(read(tmp_path, LIST)) == ["W-FILE-OPEN"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("fleet.xlsx", LIST.encode()),
        ("fleet.xls", b"<html><table><tr><td>identity</td></tr></table></html>"),
        ("fleet.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("fleet.csv", b"%PDF-1.7 ..."),
    ],
    ids=["text named xlsx", "web page named xls", "old xls", "PDF"],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    assert codes(read(tmp_path, data, name)) == ["E-FILE-TYPE"]


def test_a_workbook_behind_a_password_says_how_to_open_it(tmp_path: Path) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")

    (problem,) = read(tmp_path, data, "fleet.xlsx").problems

    assert problem.code == "E-FILE-PASSWORD"
    assert "Remove the password" in problem.hint


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300) | st.text(alphabet='",;\t|\r\n\0 aA1=', max_size=300).map(str.encode))
def test_no_bytes_whatever_end_in_anything_but_stations_or_problems(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reading = read(Path(folder), b"identity,vendor\n" + data)

    assert reading.stations or reading.problems


def test_a_cell_of_thirty_thousand_characters_is_judged_and_quoted_short(tmp_path: Path) -> None:
    reading = read(tmp_path, "identity,wave\nAC1," + "9" * 30_000 + "\n")

    assert codes(reading) == ["E-WAVE"]
    assert len(reading.problems[0].message) < 200
    assert len(reading.problems[0].value) <= 200


@pytest.mark.parametrize(
    ("text", "is_told"),
    [("MÃ¼ller", True), ("StraÃŸe", True), ("Müller", False), ("São João", False), ("Ålesund Ã", False)],
)
def test_texts_that_were_encoded_twice_are_pointed_out_and_kept(tmp_path: Path, text: str, is_told: bool) -> None:
    reading = read(tmp_path, f"identity,site_name\nAC1,{text}\n")

    assert [p.code for p in reading.problems] == (["W-FILE-ENCODING"] if is_told else [])
    assert reading.stations[0].site_name == text


def test_semicolons_in_every_note_do_not_make_a_list_of_two_columns_one_of_four(tmp_path: Path) -> None:
    rows = "".join(f"AC{n},red; blue; green; grey\n" for n in range(3))

    reading = read(tmp_path, f"identity,notes\n{rows}")

    assert [s.notes for s in reading.stations] == ["red; blue; green; grey"] * 3


def test_decimal_commas_in_every_row_do_not_make_commas_the_delimiter(tmp_path: Path) -> None:
    reading = read(tmp_path, "Liste\nidentity;latitude;longitude\nAC1;52,1;4,1\nAC2;52,2;4,2\nAC3;52,3;4,3\n")

    assert [s.latitude for s in reading.stations] == [52.1, 52.2, 52.3]


def test_a_sheet_that_is_asked_of_a_text_file_is_said_not_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    file.write_text("identity\nAC1\n")

    reading = read_inventory([file], sheet="Stations")

    assert [(p.code, p.severity) for p in reading.problems] == [("W-FILE-SHEET", "warning")]
    assert reading.is_importable
