"""A look through the parts of a workbook, in one pass and chunk by chunk, before any reader allocates for it.

One stray cell in the last corner of a sheet makes a reader allocate the whole
rectangle (measured with python-calamine 0.9: 867 MB for ``Z1048576``, a process
abort for ``XFD1048576``).  So the cells' own addresses are read first, and the
``<dimension>`` that a file claims is never believed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from migrate.adapters.spreadsheet.guard import RESAVE
from migrate.adapters.spreadsheet.table import FileRefused

MOST_COLUMNS = 2_000
_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 256


@dataclass(slots=True)
class Extent:
    """How far the sheets of a workbook reach, and whether cells have to be looked at one by one.

    ``rows`` is exact from 10,000 on; counting the rows of short sheets is not worth the time.
    """

    cells: int = 0
    rows: int = 0
    columns: int = 0
    far: str = "A1"
    needs_diagnosis: bool = False  # formulas, error values, merged cells, hidden rows, zero-padded numbers

    @property
    def rectangle(self) -> int:
        """At most so many cells are allocated by a reader that holds a sheet whole."""
        return max(self.rows, 9_999) * self.columns


def scan(name: str, archive: zipfile.ZipFile) -> Extent:
    """Look through every part, so that damage anywhere is found here, by its checksum.  Raises ``FileRefused``."""
    extent = Extent()
    for part in archive.namelist():
        _scan_part(name, archive, part, extent)
    extent.needs_diagnosis |= _pads_numbers(archive)
    return extent


_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def _scan_part(name: str, archive: zipfile.ZipFile, part: str, extent: Extent) -> None:
    is_sheet, is_xml = _SHEET.fullmatch(part) is not None, part.endswith((".xml", ".rels", ".vml"))
    with archive.open(part) as stream:
        for window in _windows(stream):
            if is_xml and b"<!" in window and _ENTITIES.search(window):
                raise FileRefused("E-FILE-XML", f"{name} declares XML entities, as no workbook does.", hint=RESAVE)
            if is_sheet:
                _reach(window, extent)
                extent.needs_diagnosis = extent.needs_diagnosis or _is_telling(window)
    if extent.columns > MOST_COLUMNS:
        message = f"{name}: a sheet has a cell at {extent.far}, far outside any list of stations."
        raise FileRefused("E-FILE-CELL", message, hint="Delete the columns to the right of the list and save it again.")


def _windows(stream: IO[bytes]) -> Iterator[bytes]:
    """A part in chunks that end before a tag, so that every tag is seen whole; one longer than a chunk overlaps."""
    tail = b""
    while chunk := stream.read(_CHUNK_BYTES):
        window = tail + chunk
        cut = window.rfind(b"<")
        if len(window) - cut > _CHUNK_BYTES or cut < 0:
            yield window
            tail = window[-_OVERLAP_BYTES:]
        else:
            yield window[:cut]
            tail = window[cut:]
    yield tail


_LETTERS = re.compile(rb' r="([A-Z]{1,3})\d')
_FAR_ROWS = re.compile(rb' r="[A-Z]{1,3}(\d{5,7})"')
_ANY_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")


def _reach(window: bytes, extent: Extent) -> None:
    """The farthest row and column.  What programs write is read by two quick patterns, any other XML by a slow one."""
    columns, rows = _LETTERS.findall(window), _FAR_ROWS.findall(window)
    if window.count(b"<c") + window.count(b":c") > len(columns):
        cells = _ANY_CELL.findall(window)
        columns, rows = [column for column, _ in cells], [row for _, row in cells]
    extent.cells += len(columns)
    last = max(map(_column_number, set(columns)), default=0)
    row = max(map(int, set(rows)), default=0)
    if last > MOST_COLUMNS and last >= extent.columns:
        there = ((c + r).decode() for c, r in _ANY_CELL.findall(window) if _column_number(c) == last)
        extent.far = next(there, extent.far)  # an address at the end of a chunk is whole in the next one
    elif row > extent.rows and extent.columns <= MOST_COLUMNS:
        extent.far = _in_row(window, row) or extent.far
    extent.columns, extent.rows = max(extent.columns, last), max(extent.rows, row)


def _in_row(window: bytes, row: int) -> str:
    """The last cell of a row, as a person looks for it."""
    end = window.rfind(b"%d" % row)
    found = re.search(rb"[A-Z]{1,3}0*$", window[max(0, end - 10) : end])
    return f"{found[0].decode()}{row}" if found else ""


def _column_number(letters: bytes) -> int:
    number = 0
    for byte in letters:
        number = number * 26 + byte - 64
    return number


_FORMULA = re.compile(rb"<f[ >/]")
_PREFIXED_FORMULA = re.compile(rb":f[ >/]")


def _is_telling(window: bytes) -> bool:
    """Whether there may be a cell that does not hold what it shows.  A false alarm costs a second pass, no more."""
    return (
        any(sign in window for sign in (b' t="e"', b" t='e'", b"mergeCell ", b" hidden="))
        or _FORMULA.search(window) is not None
        or _PREFIXED_FORMULA.search(window) is not None
    )


def _pads_numbers(archive: zipfile.ZipFile) -> bool:
    """A number format such as ``00000``: what the eye reads is not what the cell holds."""
    if "xl/styles.xml" not in archive.namelist():
        return False
    return re.search(rb"""formatCode=["']0{2,}["']""", archive.read("xl/styles.xml")) is not None
