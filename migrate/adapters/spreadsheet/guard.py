"""What kind of file this is, and whether opening it is safe.

Extensions lie, archives can unfold to gigabytes, and one stray cell in the
last corner of a sheet makes a reader allocate the whole rectangle (measured:
867 MB for ``Z1048576``; a process abort for ``XFD1048576``).  This module
looks before anyone reads, and refuses with a sentence.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum

from migrate.adapters.spreadsheet.table import FileRefused
from migrate.domain.finding import Finding

LARGEST_UNFOLDED_BYTES = 64 * 1024 * 1024
LARGEST_RATIO = 100
MOST_ENTRIES = 2_000
MOST_COLUMNS = 2_000
_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 256


class Kind(StrEnum):
    TEXT = "text"
    WORKBOOK = "workbook"


@dataclass(slots=True)
class Sheets:
    """What a look through a workbook's sheets found, before any reader allocates for them."""

    cells: int = 0
    rows: int = 0
    columns: int = 0
    far: str = "A1"
    needs_diagnosis: bool = False  # formulas, error values, merged cells, hidden rows, zero-padded numbers
    notes: tuple[Finding, ...] = ()


_RESAVE = "Open it in the program that made it and save it as .xlsx or .csv."


def kind_of(name: str, data: bytes) -> Kind:
    """What the bytes are, whatever the name says.  Raises ``FileRefused`` for what is neither text nor workbook."""
    suffix = name.rpartition(".")[2].lower()
    if not data.strip():
        raise FileRefused("E-FILE-EMPTY", f"{name} is empty.", hint="Export it again.")
    if data.startswith(b"PK"):
        return Kind.WORKBOOK
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _compound(name, data)
    if data.startswith(b"%PDF"):
        raise FileRefused("E-FILE-TYPE", f"{name} is a PDF.", hint="Ask for the list as .xlsx or .csv.")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if re.match(rb"<(?:!doctype|html|head|table|meta|\?xml)", head):
        message = f"{name} is a web page (HTML or XML) under the name of a spreadsheet."
        raise FileRefused("E-FILE-TYPE", message, hint=_RESAVE)
    if suffix in ("xlsx", "xlsm", "xls", "xlsb", "ods"):
        message = f"{name} is no workbook: it holds plain text."
        raise FileRefused("E-FILE-TYPE", message, hint="If it is delimited text, rename it to .csv.")
    return Kind.TEXT


def _compound(name: str, data: bytes) -> FileRefused:
    """OLE compound files: encrypted workbooks [MS-OFFCRYPTO] and those of Excel 97-2003."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        message = f"{name} is protected by a password."
        return FileRefused("E-FILE-PASSWORD", message, hint="Remove the password in Excel and save it again.")
    return FileRefused("E-FILE-TYPE", f"{name} is an old .xls workbook.", hint=_RESAVE)


def inspect(name: str, data: bytes) -> Sheets:
    """Look through a workbook without unfolding it in memory.  Raises ``FileRefused``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _judge_archive(name, archive)
            notes = _judge_type(name, archive)
            sheets = Sheets(notes=notes)
            for entry in archive.namelist():  # every part, so that damage anywhere is found here, by its checksum
                _scan(name, archive, entry, sheets)
            sheets.needs_diagnosis |= _pads_numbers(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        message = f"{name} is cut short or damaged: {error}."
        raise FileRefused("E-FILE-ZIP", message, hint="Copy or download it again.") from error
    return sheets


def _judge_archive(name: str, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    unfolded = sum(entry.file_size for entry in entries)
    steep = [e for e in entries if e.file_size > _CHUNK_BYTES and e.file_size > LARGEST_RATIO * max(e.compress_size, 1)]
    if len(entries) > MOST_ENTRIES or unfolded > LARGEST_UNFOLDED_BYTES or steep:
        message = f"{name} would unfold to {unfolded / 1048576:,.0f} MiB in {len(entries):,} parts."
        hint = "Save only the sheet with the stations, as .xlsx or .csv, without pictures and unused formats."
        raise FileRefused("E-FILE-BOMB", message, hint=hint)
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or any(".." in part.split("/") or part.startswith("/") for part in names):
        raise FileRefused("E-FILE-ZIP", f"{name} holds parts twice or with forged paths.", hint=_RESAVE)
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileRefused("E-FILE-PASSWORD", f"{name} is protected by a password.", hint="Remove the password.")


def _judge_type(name: str, archive: zipfile.ZipFile) -> tuple[Finding, ...]:
    names = set(archive.namelist())
    if "mimetype" in names or "content.xml" in names:
        raise FileRefused("E-FILE-TYPE", f"{name} is an OpenDocument file.", hint=_RESAVE)
    if "xl/workbook.bin" in names:
        raise FileRefused("E-FILE-TYPE", f"{name} is a binary workbook (.xlsb).", hint=_RESAVE)
    if "xl/workbook.xml" not in names:
        raise FileRefused("E-FILE-TYPE", f"{name} is an archive, but no workbook.", hint="Unpack it, or ask for .xlsx.")
    if "xl/vbaProject.bin" in names:
        message = f"{name} holds macros; they are never run."
        return (Finding("W-FILE-MACRO", message, "Save it as .xlsx if the macros are not needed."),)
    return ()


_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_TELLING = re.compile(rb'<(?:\w+:)?f[ >/]|\bt="e"|<(?:\w+:)?mergeCell |<(?:\w+:)?row [^>]*hidden="(?:1|true)"')
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def _scan(name: str, archive: zipfile.ZipFile, entry: str, sheets: Sheets) -> None:
    """One pass over a part in chunks; a reference cut in two is seen in the overlap."""
    is_sheet, tail = re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry) is not None, b""
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            window = tail + chunk
            if entry.endswith((".xml", ".rels")) and _ENTITIES.search(window):
                raise FileRefused("E-FILE-XML", f"{name} declares XML entities, as no workbook does.", hint=_RESAVE)
            if is_sheet:
                _reach(_CELL.findall(window), sheets)
                sheets.needs_diagnosis |= _TELLING.search(window) is not None
            tail = window[-_OVERLAP_BYTES:]
    if sheets.columns > MOST_COLUMNS:
        message = f"{name} has a cell at {sheets.far}, far outside any list of stations."
        raise FileRefused("E-FILE-CELL", message, hint="Delete the columns to the right of the list and save it again.")


def _reach(references: list[tuple[bytes, bytes]], sheets: Sheets) -> None:
    if not references:
        return
    sheets.cells += len(references)
    letters = max({column for column, _ in references}, key=_column_number)
    rows = max(int(row) for _, row in references)
    if _column_number(letters) > sheets.columns or rows > sheets.rows:
        sheets.far = f"{letters.decode()}{rows}"
    sheets.columns = max(sheets.columns, _column_number(letters))
    sheets.rows = max(sheets.rows, rows)


def _column_number(letters: bytes) -> int:
    number = 0
    for byte in letters:
        number = number * 26 + byte - 64
    return number


def _pads_numbers(archive: zipfile.ZipFile) -> bool:
    """A number format such as ``00000``: what the eye reads is not what the cell holds."""
    if "xl/styles.xml" not in archive.namelist():
        return False
    return re.search(rb'formatCode="0{2,}"', archive.read("xl/styles.xml")) is not None
