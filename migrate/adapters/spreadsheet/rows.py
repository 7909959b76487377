"""From a table to rows under canonical names: header, map, exclusions, folding.

What a cell *means* is the domain's to judge.  This module only finds which
cell it is, and stops a row whose cells are not where the header says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate.adapters.spreadsheet.columns import ColumnMap, canonical_map, missing_headers, plain
from migrate.adapters.spreadsheet.expression import CountRows, Header
from migrate.adapters.spreadsheet.propose import propose, resemblance
from migrate.adapters.spreadsheet.table import Detected, Record, Table, letter
from migrate.domain.cell import parse_number
from migrate.domain.finding import Finding, quoted
from migrate.domain.inventory import COLUMNS, Origin, Place, Problem, Row, problem

_SEARCHED_FOR_HEADER = 20
_DECIMAL_COMMA = re.compile(r"-?\d{1,3},\d+")


@dataclass(slots=True)
class Built:
    """The rows of one table, ready to be judged, and what kept others back."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0  # rows that are not blank, the header aside
    detected: Detected | None = None
    proposal: str = ""


def build_rows(table: Table, column_map: ColumnMap | None, excluded: frozenset[int]) -> Built:
    """Bring a table under canonical names.  With an error in header or map no row is read."""
    built = Built(detected=table.detected)
    file = Place(file=table.detected.file, sheet=table.detected.sheet)
    built.problems += (problem(file, note) for note in table.notes)
    header = _find_header(table.records, column_map)
    if header is None:
        finding = Finding("E-HEADER-MISSING", "No row looks like a header.", "Put the column names into the first row.")
        built.problems.append(problem(file, finding))
        return built
    body = [r for r in table.records if r.row > header.row and not r.is_blank]
    built.count = len(body)
    built.detected = _detected(table, header, body)
    at = replace(file, row=header.row, line=header.line)
    built.problems += _header_twice(at, header.cells)
    column_map, odd = (
        (column_map, tuple(missing_headers(column_map, header.cells))) if column_map else canonical_map(header.cells)
    )
    built.problems += (problem(at, finding) for finding in odd)
    if not body:
        finding = Finding(
            "E-FILE-EMPTY", "There is a header and no station under it.", "Fill it in, or export it again."
        )
        built.problems.append(problem(at, finding))
    if column_map is None:
        built.proposal = propose(header.cells, body)
        built.problems.append(problem(at, _unmapped(header.cells)))
    elif not any(finding.code.startswith("E-") for finding in odd):
        _Reader(table, header, column_map, at, built).read(body, excluded)
    return built


def _find_header(records: Sequence[Record], column_map: ColumnMap | None) -> Record | None:
    """The row near the top that holds most of the names we look for; else the first with several names."""
    top = [record for record in records[:_SEARCHED_FOR_HEADER] if not record.is_blank]
    wanted = column_map.headers if column_map else frozenset(COLUMNS)
    best = max(top, key=lambda record: _hits(record, wanted, exact=column_map is not None), default=None)
    if best is not None and _hits(best, wanted, exact=column_map is not None):
        return best
    named = (record for record in top if _looks_named(record))
    return max(named, key=lambda record: (resemblance(record.cells), -record.row), default=None)


def _hits(record: Record, wanted: frozenset[str], *, exact: bool) -> int:
    return len(wanted & {cell if exact else plain(cell) for cell in record.cells})


def _looks_named(record: Record) -> bool:
    filled = [cell for cell in record.cells if cell.strip()]
    return bool(filled) and not any(parse_number(cell) is not None for cell in filled)


def _detected(table: Table, header: Record, body: Sequence[Record]) -> Detected:
    last = max((record.row for record in body), default=header.row)
    decimals = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for record in body[:50] for cell in record.cells)
    return replace(
        table.detected,
        header_row=header.row,
        decimal_comma=decimals > 0 and table.detected.kind == "text" and table.detected.delimiter != ",",
        blank_rows=last - header.row - len(body),
    )


def _header_twice(at: Place, headers: Sequence[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, header in enumerate(headers):
        if header.strip() and header in seen:
            message = (
                f"The header {quoted(header)} stands in column {letter(seen[header])} and again in {letter(index)}."
            )
            finding = Finding("W-HEADER-DUPLICATE", message, "It does no harm while nothing is mapped from it.")
            yield problem(at, finding, Origin(column=header, letter=letter(index)), header)
        seen.setdefault(header, index)


def _unmapped(headers: Sequence[str]) -> Finding:
    listed = ", ".join(quoted(header, 30) for header in headers[:8] if header.strip())
    message = f"None of the headers is identity; the file has {listed}{', …' if len(headers) > 8 else ''}."
    return Finding("E-MAP-MISSING", message, "Save the proposed map, correct it, and name it by --columns.")


@dataclass(slots=True)
class _Reader:
    """One table under one map."""

    table: Table
    header: Record
    column_map: ColumnMap
    at: Place
    built: Built

    def read(self, body: Sequence[Record], excluded: frozenset[int]) -> None:
        self._exclude(body, excluded)
        kept = [record for record in body if record.row not in excluded and self._is_whole(record)]
        origins = self._origins()
        by_key: dict[str, list[Row]] = defaultdict(list)
        for record in kept:
            row = self._row(record, origins)
            by_key[self._key(record)].append(row)
        folded = (self._fold(group) for group in by_key.values())
        self.built.rows += (row for row in folded if row is not None)

    def _exclude(self, body: Sequence[Record], excluded: frozenset[int]) -> None:
        known = {record.row: record for record in body}
        last = max(known, default=0)
        for number in sorted(excluded):
            if self.header.row < number < last and number not in known:
                continue  # a blank row inside a range
            if record := known.get(number):
                finding = Finding("W-ROW-EXCLUDED", f"Row {number} is left out, as asked.", "")
                self.built.problems.append(problem(self._place(record), finding))
            else:
                finding = Finding("E-ROW-EXCLUDED", f"There is no row {number} to leave out.", "Mend --exclude-rows.")
                self.built.problems.append(problem(self.at, finding))

    def _place(self, record: Record) -> Place:
        return replace(self.at, row=record.row, line=record.line)

    def _is_whole(self, record: Record) -> bool:
        """A row with too few or too many fields has its values under the wrong headers: none of them is believed."""
        wide, found = len(self.header.cells), len(record.cells)
        if found == wide or self.table.detected.kind == "workbook":
            return True
        if found > wide and not any(cell.strip() for cell in record.cells[wide:]):
            return True
        message = (
            f"Row {record.row} has {found} fields, the header has {wide}: it is a fragment or holds a stray delimiter."
        )
        hint = "Mend it in the source, or leave it out with --exclude-rows."
        value = self.table.detected.delimiter.join(record.cells)
        self.built.problems.append(problem(self._place(record), Finding("E-ROW-RAGGED", message, hint), value=value))
        return False

    def _origins(self) -> Mapping[str, Origin]:
        """Where each column's value comes from: its first header, or the canonical name for what stands in no cell."""
        origins = {}
        for name, expression in self.column_map.columns.items():
            first = expression if isinstance(expression, Header) else Header((*expression.headers, name)[0])
            origins[name] = self._origin(first)
        return origins

    def _origin(self, header: Header) -> Origin:
        names = self.header.cells
        place = letter(names.index(header.name)) if header.name in names else ""
        return Origin(column=header.name, letter=place, order=header.order)

    def _row(self, record: Record, origins: Mapping[str, Origin]) -> Row:
        published = self._published(record)
        cells: dict[str, str] = {}
        found: list[tuple[Origin, Finding, str]] = list(self._faults(record, origins))
        for name, expression in self.column_map.columns.items():
            read = expression.read(published)
            cells[name] = read.value
            found += ((origins[name], finding, published.get(origins[name].column, "")) for finding in read.findings)
        dates = tuple((self._origin(date), published[date.name]) for date in self.column_map.dates)
        return Row(
            place=self._place(record),
            cells=cells,
            origins=origins,
            numbers=self._numbers(record),
            dates=dates,
            found=tuple(found),
        )

    def _numbers(self, record: Record) -> frozenset[str]:
        if not record.numbers:
            return frozenset()
        plain_columns = ((n, e.name) for n, e in self.column_map.columns.items() if isinstance(e, Header))
        return frozenset(name for name, header in plain_columns if self.header.cells.index(header) in record.numbers)

    def _published(self, record: Record) -> dict[str, str]:
        """Cells by header.  Of two columns with one header the first counts; no map may use such a header."""
        padded = record.cells + ("",) * (len(self.header.cells) - len(record.cells))
        return dict(zip(reversed(self.header.cells), reversed(padded[: len(self.header.cells)]), strict=True))

    def _faults(self, record: Record, origins: Mapping[str, Origin]) -> Iterator[tuple[Origin, Finding, str]]:
        """Only faults in columns that are used: a formula in a column of no interest stops nobody."""
        if not self.table.faults:
            return
        for origin in {origin.column: origin for origin in origins.values() if origin.letter}.values():
            index = self.header.cells.index(origin.column)
            if finding := self.table.faults.get((record.row, index)):
                yield origin, finding, record.cells[index] if index < len(record.cells) else ""

    def _key(self, record: Record) -> str:
        key = self._published(record)[self.column_map.fold_by].strip() if self.column_map.fold_by else ""
        return key or f"\0{record.row}"

    def _fold(self, group: Sequence[Row]) -> Row | None:
        """Rows of one station.  What they all say, or only some of them say, holds; what they dispute is an error."""
        if not self.column_map.fold_by:
            return group[0]
        cells, whole = {}, True
        for name, expression in self.column_map.columns.items():
            texts = [row.cells[name] for row in group]
            if isinstance(expression, CountRows):
                cells[name] = expression.count(texts)
                continue
            said = list(dict.fromkeys(text for text in texts if text.strip()))
            cells[name] = said[0] if said else ""
            if len(said) > 1:
                whole = False
                self._dispute(group, name, said)
        dates = tuple(dict.fromkeys(date for row in group for date in row.dates))
        found = tuple(dict.fromkeys(finding for row in group for finding in row.found))
        return replace(group[0], cells=cells, dates=dates, found=found) if whole else None

    def _dispute(self, group: Sequence[Row], name: str, said: Sequence[str]) -> None:
        later = next(row for row in group if row.cells[name] == said[1])
        message = f"The rows of one station differ in {name}: {quoted(said[0])} in row {group[0].place.row}, {quoted(said[1])} here."
        finding = Finding(
            "E-FOLD-DIFFERS", message, "Mend the list, or map a column that is the same for all its rows."
        )
        self.built.problems.append(problem(later.place, finding, later.origin(name), said[1]))
