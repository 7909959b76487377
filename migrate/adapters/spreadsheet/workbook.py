"""An .xlsx workbook as a table of text.

Values are read by calamine; where the look ahead found formulas, error
values, merged cells or hidden rows, openpyxl names each such cell, because a
formula that was never computed and an empty cell look the same to calamine.
Macros, links and pictures are never touched.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from migrate.adapters.spreadsheet.guard import Sheets, inspect
from migrate.adapters.spreadsheet.table import MOST_ROWS, Detected, FileRefused, Record, Table, letter
from migrate.domain.finding import Finding, nearest, quoted

LARGEST_RECTANGLE = 8_000_000
"""Cells that calamine may allocate at once; beyond, rows are streamed one by one."""

LARGEST_DIAGNOSIS = 2_000_000

OWN_SHEET = "inventory"
"""The sheet of our own template, which needs no ``--sheet``."""


def read_workbook(name: str, data: bytes, asked: str | None = None) -> Table:
    """One sheet of a workbook.  Raises ``FileRefused`` when file or sheet cannot be read."""
    sheets = inspect(name, data)
    try:
        return _read(name, data, sheets, asked)
    except (CalamineError, *_MALFORMED) as error:
        message = f"{name} cannot be read as a workbook: {quoted(str(error))}."
        raise FileRefused("E-FILE-ZIP", message, hint="Open it in Excel and save it anew.") from error


_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, SyntaxError, OSError, zipfile.BadZipFile, zlib.error)
"""What openpyxl lets through when a workbook's XML is well packed and makes no sense (``ParseError`` is a SyntaxError)."""


def _read(name: str, data: bytes, sheets: Sheets, asked: str | None) -> Table:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheet, notes = _choose(name, book, asked)
    is_vast = sheets.rows * sheets.columns > LARGEST_RECTANGLE
    rows = _streamed(data, sheet) if is_vast else book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    records = tuple(_records(name, rows))
    faults, hidden = _diagnose(name, data, sheet, sheets)
    detected = Detected(file=name, kind="workbook", sheet=sheet, hidden_rows=hidden)
    return Table(detected=detected, records=records, notes=(*sheets.notes, *notes), faults=faults)


def _choose(name: str, book: CalamineWorkbook, asked: str | None) -> tuple[str, tuple[Finding, ...]]:
    """The sheet that was asked for, our own, or the only visible one; never a guess between two."""
    kinds = {meta.name: meta.visible for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet}
    if asked is not None and asked in kinds:
        if kinds[asked] == SheetVisibleEnum.Visible:
            return asked, ()
        message = f"The sheet {asked!r} is hidden."
        return asked, (Finding("W-FILE-SHEET", message, "It was read because --sheet names it."),)
    visible = [sheet for sheet, state in kinds.items() if state == SheetVisibleEnum.Visible]
    if asked is None and OWN_SHEET in visible:
        return OWN_SHEET, ()
    if asked is None and len(visible) == 1:
        return visible[0], ()
    listed = ", ".join(repr(sheet) for sheet in visible) or "none that is visible"
    message = f"{name} has no sheet {asked!r}; it has {listed}." if asked else f"{name} has the sheets {listed}."
    hint = nearest(asked, kinds) if asked else ""
    raise FileRefused("E-FILE-SHEET", message, hint=hint + "Name the one with the stations by --sheet.")


def _streamed(data: bytes, sheet: str) -> Iterable[Iterable[Any]]:
    """Row by row through openpyxl, for sheets with a stray cell far below: slower, but never the whole rectangle."""
    worksheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True)[sheet]
    worksheet.reset_dimensions()  # a wrong <dimension> makes openpyxl drop rows in silence
    return worksheet.iter_rows(values_only=True)


def _records(name: str, rows: Iterable[Iterable[Any]]) -> Iterable[Record]:
    filled = 0
    for number, values in enumerate(rows, start=1):
        cells = tuple(as_text(value) for value in values)
        record = Record(number, None, cells, _numbers(values))
        filled += not record.is_blank
        if filled > MOST_ROWS:
            message = f"{name} has more than {MOST_ROWS:,} rows."
            raise FileRefused("E-FILE-ROWS", message, hint="Cut it to the stations of this campaign.")
        if not record.is_blank:
            yield record


def _numbers(values: Iterable[Any]) -> frozenset[int]:
    return frozenset(
        i for i, value in enumerate(values) if isinstance(value, int | float) and not isinstance(value, bool)
    )


def as_text(value: Any) -> str:
    """A cell as a person would type it: 123 for 123.0, ISO for dates.

    >>> as_text(123.0), as_text(51.5), as_text(None)
    ('123', '51.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _diagnose(name: str, data: bytes, sheet: str, sheets: Sheets) -> tuple[dict[tuple[int, int], Finding], int]:
    """Cells that do not hold what they show, by row and column index, and how many rows are hidden."""
    if not sheets.needs_diagnosis:
        return {}, 0
    if sheets.cells > LARGEST_DIAGNOSIS:
        message = f"{name} holds formulas or merged cells and is too large to look at each."
        raise FileRefused("E-FILE-FORMULAS", message, hint="Paste it as values into a new sheet, or save it as .csv.")
    worksheet = load_workbook(io.BytesIO(data))[sheet]
    computed = load_workbook(io.BytesIO(data), data_only=True)[sheet]
    faults: dict[tuple[int, int], Finding] = {}
    for row, cells in enumerate(worksheet.iter_rows(), start=1):
        for index, cell in enumerate(cells):
            if finding := _cell_fault(cell, computed):
                faults[row, index] = finding
    for merged in worksheet.merged_cells.ranges:
        faults |= _merged(merged)
    return faults, sum(bool(dimension.hidden) for dimension in worksheet.row_dimensions.values())


def _cell_fault(cell: Any, computed: Any) -> Finding | None:
    if cell.data_type == "f":
        value = computed.cell(cell.row, cell.column).value
        if value is None:
            return Finding(
                "E-CELL-FORMULA", "The formula has no stored result.", "Open it in Excel, save, or paste values."
            )
        return _error_value(value)
    if cell.data_type == "e":
        return _error_value(cell.value)
    if cell.data_type == "n" and cell.value is not None and re.fullmatch("0{2,}", cell.number_format or ""):
        shown = f"{cell.value:0{len(cell.number_format)}.0f}"
        if shown != as_text(float(cell.value)):
            message = f"The cell shows {shown} but holds {cell.value}."
            return Finding("E-CELL-PADDED", message, "Format the column as text and type the digits anew.")
    return None


def _error_value(value: Any) -> Finding | None:
    if isinstance(value, str) and re.fullmatch(r"#(?:[A-Z0-9/_]+[!?]?)", value):
        return Finding("E-CELL-ERROR", f"The cell holds the error {value}.", "Mend the formula or type the value.")
    return None


def _merged(merged: Any) -> dict[tuple[int, int], Finding]:
    """Every merged cell but the first reads as blank, though a person sees the first one's text there."""
    first = f"{letter(merged.min_col - 1)}{merged.min_row}"
    finding = Finding("E-CELL-MERGED", f"The cell is merged into {first}.", "Unmerge the cells and fill each.")
    return {
        (row, column - 1): finding
        for row in range(merged.min_row, merged.max_row + 1)
        for column in range(merged.min_col, merged.max_col + 1)
        if (row, column) != (merged.min_row, merged.min_col)
    }
