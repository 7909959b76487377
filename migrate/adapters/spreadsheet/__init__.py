"""Legacy lists in: CSV and XLSX files become stations, or problems with their places.

:func:`read_inventory` is the whole of it.  It tells every problem at once,
writes nothing, and reads each file exactly once, into memory, so that a file
saved in the meantime is noticed and never half-read.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import available_timezones

from migrate.adapters.spreadsheet.columns import ColumnMap, parse_map
from migrate.adapters.spreadsheet.guard import Kind, kind_of
from migrate.adapters.spreadsheet.rows import Built, build_rows
from migrate.adapters.spreadsheet.table import Detected, FileRefused, Table
from migrate.adapters.spreadsheet.template import EXPLANATIONS, template_csv, template_xlsx
from migrate.adapters.spreadsheet.text import LARGEST_BYTES, read_delimited
from migrate.adapters.spreadsheet.workbook import read_workbook
from migrate.domain.finding import Finding, quoted
from migrate.domain.inventory import Origin, Place, Problem, judge, problem
from migrate.domain.references import References
from migrate.domain.station import Station

__all__ = ["EXPLANATIONS", "Detected", "InventoryReading", "read_inventory", "template_csv", "template_xlsx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryReading:
    """What one reading of a legacy list gave: its whole stations, everything that is wrong, and what was detected.

    ``rows`` counts rows that are not blank, headers aside.  ``proposal`` is a
    column map in TOML when the file had foreign headers and no map was given.
    ``tables`` are the sheets as they stand, kept only when asked for.
    """

    stations: tuple[Station, ...]
    problems: tuple[Problem, ...]
    rows: int
    files: tuple[str, ...]
    detected: tuple[Detected, ...] = ()
    proposal: str = ""
    tables: tuple[Table, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.is_error)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if not p.is_error)

    @property
    def sites(self) -> int:
        return len({station.site for station in self.stations})

    @property
    def is_importable(self) -> bool:
        """Nothing is written while an error remains, or when there is nothing to write."""
        return not self.errors and bool(self.stations)


def read_inventory(
    files: Sequence[Path],
    columns: Path | None = None,
    *,
    sheet: str | None = None,
    exclude_rows: frozenset[int] = frozenset(),
    references: References | None = None,
    keep_tables: bool = False,
) -> InventoryReading:
    """Read legacy lists as one inventory.

    What is wrong with a file, a map or a row is a problem in the answer; a
    file that cannot be opened at all raises ``OSError``.  ``exclude_rows``
    counts as spreadsheets do and is for one file at a time.
    """
    column_map, problems = _column_map(columns)
    if exclude_rows and len(files) > 1:
        message, hint = "Row numbers do not say which of the files they mean.", "Import the files one at a time."
        problems.append(problem(Place(file=str(files[0])), Finding("E-ROW-EXCLUDED", message, hint)))
    names = tuple(str(path) for path in files)
    if problems:
        return InventoryReading(stations=(), problems=tuple(problems), rows=0, files=names)
    with _uncollected():
        parts = [_part(path, column_map, sheet, exclude_rows) for path in files]
        twins_allowed = column_map is not None and column_map.twins_allowed
        judgement = judge(
            [row for part in parts for row in part.rows],
            zones=frozenset(available_timezones()),
            twins_allowed=twins_allowed,
            references=references,
        )
    problems = [*(p for part in parts for p in part.problems), *judgement.problems]
    return InventoryReading(
        stations=judgement.stations,
        problems=tuple(sorted(problems, key=lambda p: (names.index(p.file), p.row or 0))),
        rows=sum(part.count for part in parts),
        files=names,
        detected=tuple(part.detected for part in parts if part.detected),
        proposal=next((part.proposal for part in parts if part.proposal), ""),
        tables=tuple(part.table for part in parts if part.table) if keep_tables else (),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the garbage collector while a list is read: it would walk millions of texts, again and again, for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.unfreeze()  # both together: what was read counts as old, and is not walked at the next allocation
            gc.enable()


def _part(path: Path, column_map: ColumnMap | None, sheet: str | None, excluded: frozenset[int]) -> Built:
    """One file, refused or brought under canonical names."""
    name = str(path)
    try:
        data, notes = _read_once(path)
        kind = kind_of(name, data)
        table = read_delimited(name, data) if kind is Kind.TEXT else read_workbook(name, kind, data, sheet)
        notes = (*notes, *_without_sheets(name, kind, sheet))
    except FileRefused as refusal:
        return Built(problems=[problem(Place(file=name), refusal.finding)])
    return build_rows(replace(table, notes=(*notes, *table.notes)), column_map, excluded)


def _without_sheets(name: str, kind: Kind, sheet: str | None) -> Iterator[Finding]:
    if kind is Kind.TEXT and sheet is not None:
        message = f"{name} is delimited text and has no sheets; {quoted(sheet)} was not looked for in it."
        yield Finding("W-FILE-SHEET", message, "See that this is the file that is meant.")


def _read_once(path: Path) -> tuple[bytes, tuple[Finding, ...]]:
    """A file's bytes, if nobody wrote to it meanwhile: it is read again and compared."""
    before = path.stat()
    if before.st_size > LARGEST_BYTES:
        message = f"{path} has {before.st_size / 1048576:,.0f} MiB."
        raise FileRefused("E-FILE-BOMB", message, hint="Cut it to the stations of this campaign.")
    data = path.read_bytes()
    with path.open("rb") as again:
        digest = hashlib.file_digest(again, hashlib.sha256).digest()
    after = path.stat()
    if before.st_mtime_ns != after.st_mtime_ns or hashlib.sha256(data).digest() != digest:
        raise FileRefused(
            "E-FILE-CHANGED", f"{path} changed while it was read.", hint="Close it elsewhere, then repeat."
        )
    if any(path.with_name(twin).exists() for twin in (f"~${path.name}", f"~${path.name[2:]}", f".~lock.{path.name}#")):
        hint = "Save and close it there first, or what was typed last is missing here."
        return data, (Finding("W-FILE-OPEN", f"{path} is open in Excel or LibreOffice.", hint),)
    return data, ()


def _column_map(path: Path | None) -> tuple[ColumnMap | None, list[Problem]]:
    if path is None:
        return None, []
    place = Place(file=str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        finding = Finding("E-MAP-SYNTAX", f"{path} is no UTF-8 text.", "Save the map as UTF-8.")
        return None, [problem(place, finding)]
    reading = parse_map(text)
    problems = [problem(place, finding, Origin(column=key)) for key, finding in reading.findings]
    return reading.column_map, problems
