"""What is wrong with a whole file: a golden table through ``migrate inventory import``.

The numbers are those of the project's list of bad inputs.  Whatever is refused
ends with exit code 65, a typed error that names the file, and nothing written;
whatever is taken in spite of its oddity says so.
"""

from __future__ import annotations

import io
import json
import threading
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from migrate.adapters.spreadsheet import read_inventory
from migrate.adapters.spreadsheet.guard import Kind
from migrate.adapters.spreadsheet.table import FileRefused
from migrate.adapters.spreadsheet.workbook import Bounds, read_workbook
from migrate.cli import call
from tests.adapters.spreadsheet.books import (
    HEADER,
    SHEET,
    binary_workbook,
    cells,
    open_document,
    part,
    with_part,
    workbook,
)
from tests.cli.campaigns import campaign

LIST = "identity,vendor,city\nAC1,KEBA,Zürich\nAC2,Alfen,Gouda\n"
SOUND = workbook(HEADER, ["AC1", "KEBA"], ["AC2", "Alfen"])
LEGACY = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet><sheetData>&b;</sheetData></worksheet>'
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet><sheetData>&a;</sheetData></worksheet>'


def archive_with(*entries: tuple[str, bytes]) -> bytes:
    """The sound workbook with entries added that no program would add."""
    stream = io.BytesIO(SOUND)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def damaged() -> bytes:
    """The sound workbook with one bit of its sheet turned over, as a bad disk does."""
    with zipfile.ZipFile(io.BytesIO(SOUND)) as archive:
        entry = archive.getinfo(SHEET)
    at = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    return SOUND[:at] + bytes([SOUND[at] ^ 1]) + SOUND[at + 1 :]


def understated() -> bytes:
    """An archive whose list of contents says that a part has ten bytes, and it has a hundred thousand."""
    data = with_part(SOUND, SHEET, b"<worksheet>" + b" " * 100_000 + b"</worksheet>")
    true = (100_023).to_bytes(4, "little")
    assert true in data
    return data.replace(true, (10).to_bytes(4, "little"))


def two_sheets(state: str = "visible", name: str = "Legend") -> bytes:
    def add(sheet: Any) -> None:
        sheet.parent.create_sheet(name).append(["identity"])
        sheet.sheet_state = state

    return workbook(HEADER, ["AC1", "KEBA"], ["AC2", "Alfen"], spoil=add)


def twin_sheets() -> bytes:
    data = two_sheets()
    return with_part(data, "xl/workbook.xml", part(data, "xl/workbook.xml").replace(b'"Legend"', b'"Stations"'))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file under its name, and what the operator is told of it."""

    data: bytes
    name: str = "fleet.xlsx"
    code: str = ""  # the one error; none when it is imported
    says: str = ""
    warns: tuple[str, ...] = ()
    sheet: str | None = None
    stations: int = 2


TABLE = {
    "I1 empty file": Case(data=b"", name="fleet.csv", code="E-FILE-EMPTY", says="is empty"),
    "I1 nothing but blanks": Case(data=b" \r\n\t\n", name="fleet.csv", code="E-FILE-EMPTY", says="is empty"),
    "I1 a workbook with an empty sheet": Case(data=workbook(), code="E-HEADER-MISSING", says="No row"),
    "I2 CSV renamed xlsx": Case(data=LIST.encode(), code="E-FILE-TYPE", says="rename it to .csv"),
    "I3 web page saved as xls": Case(
        data=b"<html><table><tr><td>identity</td></tr></table></html>", name="fleet.xls", code="E-FILE-TYPE", says="web page"
    ),
    "I3 an answer of an interface": Case(
        data=b'[\n  {"identity": "AC1", "vendor": "KEBA"}\n]', name="fleet.csv", code="E-FILE-TYPE", says="is JSON"
    ),
    "I3 an answer of an interface, one object": Case(
        data=b'{"stations": [{"identity": "AC1"}]}', name="fleet.csv", code="E-FILE-TYPE", says="is JSON"
    ),
    "I3 a real old xls": Case(data=LEGACY, name="fleet.xls", code="E-FILE-TYPE", says="save it as .xlsx"),
    "I4 cut in the middle": Case(data=SOUND[: len(SOUND) // 2], code="E-FILE-ZIP", says="cut short"),
    "I4 one byte of a part damaged": Case(data=damaged(), code="E-FILE-ZIP", says="Copy or download"),
    "I5 password": Case(
        data=LEGACY + "EncryptedPackage".encode("utf-16-le"), code="E-FILE-PASSWORD", says="Remove the password"
    ),
    "I6 xlsm": Case(data=archive_with(("xl/vbaProject.bin", b"macro")), name="fleet.xlsm", warns=("W-FILE-MACRO",)),
    "I7 ods": Case(
        data=open_document(["identity", "vendor"], ["AC1", "KEBA"], ["AC2", "Alfen"]), name="fleet.ods", warns=("W-FILE-KIND",)
    ),
    "I7 xlsb": Case(
        data=binary_workbook(["identity", "vendor"], ["AC1", "KEBA"], ["AC2", "Alfen"]), name="fleet.xlsb", warns=("W-FILE-KIND",)
    ),
    "I8 unfolds beyond 64 MiB": Case(
        data=with_part(SOUND, SHEET, b"<worksheet>" + b" " * (65 << 20)), code="E-FILE-BOMB", says="MiB in"
    ),
    "I8 unfolds a thousandfold": Case(data=archive_with(("xl/media/a.png", bytes(5 << 20))), code="E-FILE-BOMB", says="MiB"),
    "I8 two thousand parts": Case(
        data=archive_with(*((f"xl/media/{n}", b"") for n in range(2_000))), code="E-FILE-BOMB", says="parts"
    ),
    "I8 says it is small and is not": Case(data=understated(), code="E-FILE-ZIP", says="damaged"),
    "I9 stray cell A1048576": Case(data=cells(("A1", "identity"), ("A2", "AC1"), ("A1048576", "AC2"))),
    "I10 stray cell Z1048576": Case(data=cells(("A1", "identity"), ("A2", "AC1"), ("A3", "AC2"), ("Z1048576", "x")),
        code="E-ID-MISSING", says="blank", stations=2),
    "I11 stray cell XFD1048576": Case(
        data=cells(("A1", "identity"), ("A2", "AC1"), ("XFD1048576", "x")), code="E-FILE-CELL", says="a sheet has a cell at XFD1048576"
    ),
    "I12 billion laughs": Case(data=with_part(SOUND, SHEET, LAUGHS), code="E-FILE-XML", says="entities"),
    "I12 external entity": Case(data=with_part(SOUND, SHEET, XXE), code="E-FILE-XML", says="entities"),
    "I12 billion laughs in ods": Case(
        data=with_part(open_document(["identity"]), "content.xml", LAUGHS), name="fleet.ods", code="E-FILE-XML", says="entities"
    ),
    "I13 wrong dimension": Case(
        data=cells(("A1", "identity"), ("A2", "AC1"), ("A3", "AC2"), before=b'<dimension ref="A1:A2"/>')
    ),
    "I14 a part that leads out of the archive": Case(
        data=archive_with(("../../etc/cron.d/x", b"x")), code="E-FILE-ZIP", says="forged paths"
    ),
    "I14 a part from the root": Case(data=archive_with(("/etc/passwd", b"x")), code="E-FILE-ZIP", says="forged paths"),
    "I14 a part twice": Case(data=archive_with((SHEET, b"<worksheet/>")), code="E-FILE-ZIP", says="parts twice"),
    "I17 no such sheet": Case(data=SOUND, sheet="stations", code="E-FILE-SHEET", says="Did you mean Stations?"),
    "I17 two sheets and none named": Case(data=two_sheets(), code="E-FILE-SHEET", says="--sheet"),
    "I17 the sheet is hidden and named": Case(data=two_sheets("hidden"), sheet="Stations", warns=("W-FILE-SHEET",)),
    "I17 the sheet is hidden, the other one blank": Case(
        data=two_sheets("hidden"), code="E-FILE-EMPTY", says="no station under it"
    ),
    "I17 two sheets of one name": Case(data=twin_sheets(), sheet="Stations", code="E-FILE-SHEET", says="more than one sheet"),
    "I19 external links": Case(data=archive_with(("xl/externalLinks/externalLink1.xml", b"<x/>")), warns=("W-FILE-LINKS",)),
    "I19 pivot cache": Case(data=archive_with(("xl/pivotCache/pivotCacheRecords1.xml", b"<x/>"))),
    "I19 255 columns of junk": Case(
        data=workbook(HEADER + [""] * 250, ["AC1", *[None] * 253, "x"], ["AC2", *[None] * 253, "y"])
    ),
    "I60 UTF-8 with a mark": Case(data=LIST.encode("utf-8-sig"), name="fleet.csv"),
    "I60 UTF-16 LE with a mark": Case(data=b"\xff\xfe" + LIST.encode("utf-16-le"), name="fleet.csv"),
    "I60 UTF-16 BE with a mark": Case(data=b"\xfe\xff" + LIST.encode("utf-16-be"), name="fleet.csv"),
    "I60 UTF-16 LE without": Case(data=LIST.encode("utf-16-le"), name="fleet.csv"),
    "I60 Windows-1252": Case(data=LIST.encode("cp1252"), name="fleet.csv", warns=("W-FILE-ENCODING",)),
    "I60 semicolons": Case(data=LIST.replace(",", ";").encode(), name="fleet.csv"),
    "I60 CRCRLF": Case(data=LIST.replace("\n", "\r\r\n").encode(), name="fleet.csv"),
    "I60 half a UTF-16 character": Case(
        data=b"\xff\xfe" + LIST.encode("utf-16-le") + b"\x41", name="fleet.csv", code="E-FILE-ENCODING", says="UTF-8"
    ),
    "I60 quote bomb": Case(
        data=(LIST + 'AC3,"' + "x" * 200_000).encode(), name="fleet.csv", code="E-FILE-QUOTE", says="line 4"
    ),
    "I60 quote never closed": Case(
        data=(LIST + 'AC3,"KEBA,Bonn\n' + "AC4,KEBA,Bonn\n" * 300).encode(), name="fleet.csv", code="E-FILE-QUOTE", says="line 4"
    ),
    "I60 field beyond 131,072 characters": Case(
        data=(LIST + "AC3," + "x" * 140_000 + ",Bonn\n").encode(), name="fleet.csv", code="E-FILE-FIELD", says="line 4"
    ),
    "I60 row too long": Case(
        data=(LIST + "AC3,KEBA,Bonn,Beuel\n").encode(), name="fleet.csv", code="E-ROW-RAGGED", says="4 fields, the header has 3"
    ),
    "I60 row too short": Case(data=(LIST + "AC3\n").encode(), name="fleet.csv", code="E-ROW-RAGGED", says="1 fields"),
}  # fmt: skip


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


Import = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def do_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    """Run the import in a campaign of its own; exit code, document and what was said."""
    home = campaign(tmp_path / "cutover", [])

    def run(file: Path, *more: str) -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        code = call(["inventory", "import", str(file), "--campaign", str(home), "--json", *more])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else {}, told.err

    return run


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE)
def test_a_bad_file_is_refused_with_a_sentence_or_taken_with_a_word(
    case: Case, tmp_path: Path, do_import: Import
) -> None:
    file = tmp_path / case.name
    file.write_bytes(case.data)
    before = snapshot(tmp_path / "cutover")

    code, document, said = do_import(file, *(("--sheet", case.sheet) if case.sheet else ()))

    errors = [p for p in document["problems"] if p["severity"] == "error"]
    assert "Traceback" not in said
    assert {p["file"] for p in document["problems"]} <= {str(file)}
    assert {p["code"] for p in document["problems"]} - {p["code"] for p in errors} == set(case.warns)
    assert [p["code"] for p in errors] == ([case.code] if case.code else [])
    if case.code:
        assert case.says in f"{errors[0]['message']} {errors[0]['hint']}"
        assert (code, document["imported"], snapshot(tmp_path / "cutover")) == (65, False, before)
    else:
        assert (code, document["imported"], document["stations"]) == (0, True, case.stations)


def test_i15_a_list_that_is_open_in_excel_is_taken_with_a_warning(tmp_path: Path, do_import: Import) -> None:
    file = tmp_path / "fleet.xlsx"
    file.write_bytes(SOUND)
    (tmp_path / "~$fleet.xlsx").write_bytes(b"J. Bakker")

    code, document, _ = do_import(file)

    assert (code, [p["code"] for p in document["problems"]]) == (0, ["W-FILE-OPEN"])
    assert "Save and close it" in document["problems"][0]["hint"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None], ids=["a folder", "nothing there"])
def test_i15_a_file_that_cannot_be_opened_is_no_bad_data(
    make: Callable[[Path], None], tmp_path: Path, do_import: Import
) -> None:
    make(tmp_path / "fleet.csv")

    code, _, said = do_import(tmp_path / "fleet.csv")

    assert code == 74
    assert "fleet.csv" in said
    assert "Traceback" not in said


def test_i16_a_list_that_is_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file, is_done = tmp_path / "fleet.csv", threading.Event()
    file.write_text(LIST)

    def keep_writing() -> None:
        number = 0
        while not is_done.is_set():
            number += 1
            file.write_text(f"{LIST}AC{number:06},KEBA,Bonn\n" * 200)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        codes = {p.code for _ in range(50) for p in read_inventory([file]).problems}
    finally:
        is_done.set()
        writer.join()

    assert "E-FILE-CHANGED" in codes


def test_i18_a_date_of_a_workbook_that_counts_from_1904_is_the_same_day(tmp_path: Path) -> None:
    def count_from_1904(sheet: Any) -> None:
        sheet.parent.epoch = CALENDAR_MAC_1904

    file = tmp_path / "fleet.xlsx"
    file.write_bytes(workbook(HEADER, ["AC1", "KEBA", None, date(2026, 4, 3)], spoil=count_from_1904))

    assert [station.last_seen_at for station in read_inventory([file]).stations] == ["2026-04-03"]


def test_i59_fifty_thousand_rows_are_read_and_a_million_refused(tmp_path: Path, do_import: Import) -> None:
    fifty, million = tmp_path / "fifty.csv", tmp_path / "million.csv"
    fifty.write_text("identity\n" + "".join(f"AC{n}x\n" for n in range(50_000)))
    million.write_text("identity\n" + "".join(f"AC{n}x\n" for n in range(1_000_000)))

    taken, refused = do_import(fifty), do_import(million)

    assert (taken[0], taken[1]["stations"]) == (0, 50_000)
    assert (refused[0], [p["code"] for p in refused[1]["problems"]]) == (65, ["E-FILE-ROWS"])
    assert "250,000" in refused[1]["problems"][0]["message"]


def test_a_workbook_that_needs_more_memory_than_it_is_given_ends_its_reader_and_not_us(tmp_path: Path) -> None:
    """A rectangle of six million cells, in a process that may not have them: calamine aborts, the cell is named."""
    data = cells(("A1", "identity"), ("A2", "AC1"), ("BH99999", "x"))

    with pytest.raises(FileRefused) as refused:
        read_workbook("fleet.xlsx", Kind.XLSX, data, bounds=Bounds(memory_bytes=192 << 20))

    assert refused.value.finding.code == "E-FILE-CELL"
    assert "a sheet has a cell at BH99999" in refused.value.finding.message


def test_a_workbook_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(FileRefused) as refused:
        read_workbook("fleet.xlsx", Kind.XLSX, SOUND, bounds=Bounds(wall_s=0.001))

    assert refused.value.finding.code == "E-FILE-LIMIT"


def test_the_process_that_reads_a_workbook_gets_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords stand there.  A module that Python would load on the way shows that it is not passed on."""
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    table = read_workbook("fleet.xlsx", Kind.XLSX, SOUND)

    assert len(table.records) == 3
