"""Inside the bounded process: bytes of a workbook in, one packed sheet out.

Values are read by calamine; macros, links and pictures are never touched.
``python -m migrate.adapters.spreadsheet.reader`` reads one request from its
standard input and is not called by people.  It holds no secret and no file:
what a hostile workbook does to it, it does to it alone.
"""

from __future__ import annotations

import gc
import io
import resource
import sys
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from migrate.adapters.spreadsheet.diagnosis import Diagnosis, diagnose
from migrate.adapters.spreadsheet.guard import Kind, damaged, locked, notes_on
from migrate.adapters.spreadsheet.scan import Extent, scan
from migrate.adapters.spreadsheet.sheet import Fault, Packed, Reach, Request, Sheet, Told, pack
from migrate.adapters.spreadsheet.table import MOST_ROWS, OWN_SHEET, FileRefused
from migrate.domain.finding import Finding, nearest, quoted

LARGEST_RECTANGLE = 8_000_000
"""Cells that calamine may allocate at once; beyond, rows are streamed one by one."""

_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, SyntaxError, OSError, zipfile.BadZipFile, zlib.error)
"""What the readers let through when a workbook's XML is well packed and makes no sense (``ParseError`` is a SyntaxError)."""


def main() -> None:
    """One request, one reach, one answer; then the process ends, and with it whatever a collector would look for."""
    gc.disable()
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_s, request.cpu_s + 5))  # told first, then killed
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer(request)))
    sys.stdout.buffer.flush()


def answer(request: Request) -> Sheet:
    """The sheet that was asked for, or why there is none."""
    try:
        return _read(request)
    except FileRefused as refusal:
        return Sheet(refusal=_told(refusal.finding))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        return Sheet(refusal=_told(damaged(request.name, error).finding))
    except (CalamineError, *_MALFORMED) as error:
        if "assword" in str(error):
            return Sheet(refusal=_told(locked(request.name).finding))
        message = f"{request.name} cannot be read as a workbook: {quoted(str(error))}."
        return Sheet(refusal=Told("E-FILE-ZIP", message, "Open it in Excel and save it anew."))


def _read(request: Request) -> Sheet:
    extent, notes = _look(request)
    print(msgspec.json.encode(Reach(extent.far, extent.rows, extent.columns)).decode(), file=sys.stderr, flush=True)
    book = CalamineWorkbook.from_filelike(io.BytesIO(request.data))
    name, odd = _choose(request.name, book, request.asked)
    is_vast = extent.rectangle > LARGEST_RECTANGLE
    sheet = None if is_vast else book.get_sheet_by_name(name)
    rows = _whole(sheet) if sheet else _streamed(request.data, name)
    numbers, columns = _columns(request.name, rows)
    diagnosis = Diagnosis()
    if extent.needs_diagnosis:
        with zipfile.ZipFile(io.BytesIO(request.data)) as archive:
            diagnosis = diagnose(archive, name)
    return Sheet(
        name=name,
        rows=numbers.tobytes(),
        columns=columns,
        notes=[_told(note) for note in (*notes, *odd)],
        faults=[Fault(row, column, _told(found)) for (row, column), found in diagnosis.faults.items()],
        merged=_merged(sheet),
        hidden=diagnosis.hidden,
    )


def _look(request: Request) -> tuple[Extent, tuple[Finding, ...]]:
    with zipfile.ZipFile(io.BytesIO(request.data)) as archive:
        extent = scan(request.name, archive)
        return extent, notes_on(request.name, Kind(request.kind), frozenset(archive.namelist()))


def _choose(name: str, book: CalamineWorkbook, asked: str | None) -> tuple[str, tuple[Finding, ...]]:
    """The sheet that was asked for, our own, or the only visible one; never a guess between two."""
    metas = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in metas]
    if asked in names or len(names) != len(set(names)):
        _refuse_twins(name, asked, names)
    kinds = {meta.name: meta.visible for meta in metas}
    if asked is not None and asked in kinds:
        if kinds[asked] == SheetVisibleEnum.Visible:
            return asked, ()
        message = f"The sheet {quoted(asked)} is hidden."
        return asked, (Finding("W-FILE-SHEET", message, "It was read because --sheet names it."),)
    visible = [sheet for sheet, state in kinds.items() if state == SheetVisibleEnum.Visible]
    if asked is None and OWN_SHEET in visible:
        return OWN_SHEET, ()
    if asked is None and len(visible) == 1:
        return visible[0], ()
    listed = ", ".join(map(quoted, visible[:10])) or "none that is visible"
    listed += f" and {len(visible) - 10:,} more" if len(visible) > 10 else ""
    message = f"{name} has no sheet {quoted(asked)}; it has {listed}." if asked else f"{name} has the sheets {listed}."
    hint = nearest(asked, kinds) if asked else ""
    raise FileRefused("E-FILE-SHEET", message, hint=hint + "Name the one with the stations by --sheet.")


def _refuse_twins(name: str, asked: str | None, names: list[str]) -> None:
    """Two sheets of one name, as some programs write them and Excel does not: nobody can say which is meant."""
    twins = sorted({sheet for sheet in names if names.count(sheet) > 1})
    if twins and (asked is None or asked in twins):
        message = f"{name} has more than one sheet {quoted(twins[0])}."
        raise FileRefused("E-FILE-SHEET", message, hint="Rename one of them in Excel, then repeat.")


def _whole(sheet: CalamineSheet) -> Iterable[tuple[int, list[Any]]]:
    return enumerate(sheet.to_python(skip_empty_area=False), start=1)


def _streamed(data: bytes, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    """Row by row through openpyxl, for sheets with a stray cell far below: slower, but never the whole rectangle."""
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to load, and hardly a list needs it

    worksheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True)[sheet]
    worksheet.reset_dimensions()  # a wrong <dimension> makes openpyxl drop rows in silence
    for number, values in enumerate(worksheet.iter_rows(values_only=True), start=1):
        yield number, ["" if value is None else value for value in values]


def _columns(name: str, rows: Iterable[tuple[int, list[Any]]]) -> tuple[array[int], list[Packed]]:
    """Rows that hold anything, turned into columns of one length."""
    numbers, kept = array("I"), []
    for number, values in rows:
        if any(value != "" for value in values):
            numbers.append(number)
            kept.append(values)
            if len(kept) > MOST_ROWS:
                message = f"{name} has more than {MOST_ROWS:,} rows."
                raise FileRefused("E-FILE-ROWS", message, hint="Cut it to the stations of this campaign.")
    wide = max(map(len, kept), default=0)
    if any(len(values) != wide for values in kept):
        kept = [values + [""] * (wide - len(values)) for values in kept]
    return numbers, [pack(column) for column in zip(*kept, strict=True)]


def _merged(sheet: CalamineSheet | None) -> list[tuple[int, int, int, int]]:
    """Merged cells as top, left, bottom, right: rows from 1, columns from 0."""
    ranges = (sheet.merged_cell_ranges if sheet else None) or []
    return [(top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in ranges]


def _told(finding: Finding) -> Told:
    return Told(finding.code, finding.message, finding.hint)


if __name__ == "__main__":
    main()
