"""From a table to rows under canonical names: header, map, exclusions, folding.

What a cell *means* is the domain's to judge.  This module only finds which
cell it is, and stops a row whose cells are not where the header says.  It
works by columns: a list of a hundred thousand rows is taken apart once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

from migrate.adapters.spreadsheet.columns import JOINT, ColumnMap, canonical_map, missing_headers
from migrate.adapters.spreadsheet.expression import Column, Columns, Header
from migrate.adapters.spreadsheet.fold import fold
from migrate.adapters.spreadsheet.heading import Heading, find_heading
from migrate.adapters.spreadsheet.propose import propose
from migrate.adapters.spreadsheet.sheet import IS_DATE, IS_NUMBER
from migrate.adapters.spreadsheet.table import Detected, Record, Table, letter
from migrate.domain.finding import Finding, quoted
from migrate.domain.inventory import Origin, Place, Problem, Row, problem
from migrate.domain.many import make_many
from migrate.domain.row_laws import NUMBERS_MATTER, date_as_text

_DECIMAL_COMMA = re.compile(r"-?\d{1,3},\d+")

_NONE: frozenset[str] = frozenset()
_Found = tuple[Origin, Finding, str]


@dataclass(slots=True)
class Built:
    """The rows of one table, ready to be judged, and what kept others back."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0  # rows that are not blank, the header aside
    detected: Detected | None = None
    proposal: str = ""
    table: Table | None = None  # as it was read, with the header found


def build_rows(table: Table, column_map: ColumnMap | None, excluded: frozenset[int]) -> Built:
    """Bring a table under canonical names.  With an error in header or map no row is read."""
    built = Built(detected=table.detected)
    file = Place(file=table.detected.file, sheet=table.detected.sheet)
    built.problems += (problem(file, note) for note in table.notes)
    heading = find_heading(table, column_map)
    if heading is None:
        finding = Finding("E-HEADER-MISSING", "No row looks like a header.", "Put the column names into the first row.")
        built.problems.append(problem(file, finding))
        return built
    body = [r for r in table.records if r.row > heading.row and not r.is_blank]
    built.count = len(body)
    built.detected = _detected(table, heading, body)
    built.table = replace(table, detected=built.detected)
    at = replace(file, row=heading.row, line=heading.line)
    built.problems += _header_twice(at, heading.cells)
    column_map, odd = (
        (column_map, tuple(missing_headers(column_map, heading.cells))) if column_map else canonical_map(heading.cells)
    )
    built.problems += (problem(at, finding) for finding in odd)
    if not body:
        finding = Finding(
            "E-FILE-EMPTY", "There is a header and no station under it.", "Fill it in, or export it again."
        )
        built.problems.append(problem(at, finding))
    if column_map is None:
        built.proposal = propose(heading.cells, body)
        built.problems.append(problem(at, _unmapped(heading.cells)))
    elif not any(finding.code.startswith("E-") for finding in odd):
        _Reader(table, heading, column_map, at, built).read(body, excluded)
    return built


def _detected(table: Table, heading: Heading, body: Sequence[Record]) -> Detected:
    last = body[-1].row if body else heading.row
    decimals = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for record in body[:50] for cell in record.cells)
    return replace(
        table.detected,
        header_row=heading.row,
        header_top=heading.top,
        decimal_comma=decimals > 0 and table.detected.delimiter != ",",
        blank_rows=last - heading.row - len(body),
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


def _bare(text: str) -> str:
    return text.strip("\ufeff \t\r\n").casefold()


@dataclass(slots=True)
class _Reader:
    """One table under one map."""

    table: Table
    heading: Heading
    column_map: ColumnMap
    at: Place
    built: Built

    def read(self, body: Sequence[Record], excluded: frozenset[int]) -> None:
        self._exclude(body, excluded)
        left = [record for record in body if record.row not in excluded]
        kept = [record for record in self._without_headers(left) if self._is_whole(record)]
        published = self._published(kept)
        texts = {name: form.read(published, len(kept)) for name, form in self.column_map.columns.items()}
        rows = self._rows(kept, published, texts)
        if self.column_map.fold_by:
            keys = [text.strip() for text in published[self.column_map.fold_by]]
            rows, disputes = fold(rows, keys, self.column_map)
            self.built.problems += disputes
        self.built.rows += rows

    def _exclude(self, body: Sequence[Record], excluded: frozenset[int]) -> None:
        if not excluded:
            return
        known = {record.row: record for record in body}
        last = max(known, default=0)
        for number in sorted(excluded):
            if self.heading.row < number < last and number not in known:
                continue  # a blank row inside a range
            if record := known.get(number):
                finding = Finding("W-ROW-EXCLUDED", f"Row {number} is left out, as asked.", "")
                self.built.problems.append(problem(self._place(record), finding))
            else:
                finding = Finding("E-ROW-EXCLUDED", f"There is no row {number} to leave out.", "Mend --exclude-rows.")
                self.built.problems.append(problem(self.at, finding))

    def _place(self, record: Record) -> Place:
        return Place(file=self.at.file, sheet=self.at.sheet, row=record.row, line=record.line)

    def _without_headers(self, body: Sequence[Record]) -> Iterator[Record]:
        """The header comes again where two lists were put together, or a report has pages: it is no station.

        It is known by the name that stands where identities stand; the others may differ from list to list.
        """
        headers, used = self.heading.cells, self.column_map.columns["identity"].headers
        names = [(headers.index(name), _bare(name.rpartition(JOINT)[2])) for name in used if name in headers]
        for record in body:
            cells = record.cells
            if not names or any(at >= len(cells) or _bare(cells[at]) != name for at, name in names):
                yield record
                continue
            message = f"Row {record.row} is a header again: two lists were put together here."
            hint = "Leave it out with --exclude-rows, and see that the columns below it are the same."
            self.built.problems.append(problem(self._place(record), Finding("E-ROW-HEADER", message, hint)))

    def _is_whole(self, record: Record) -> bool:
        """A row with too few or too many fields has its values under the wrong headers: none of them is believed."""
        wide, found = len(self.heading.cells), len(record.cells)
        if found == wide or not self.table.is_text:
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

    def _published(self, kept: Sequence[Record]) -> Columns:
        """Columns by header.  Of two with one header the first counts; no map may use such a header."""
        wide = len(self.heading.cells)
        rows: list[Sequence[str]] = [record.cells for record in kept]
        if any(len(cells) != wide for cells in rows):
            rows = [[*cells[:wide], *[""] * (wide - len(cells))] for cells in rows]
        columns = list(zip(*rows, strict=True)) or [()] * wide
        return dict(zip(reversed(self.heading.cells), reversed(columns), strict=True))

    def _rows(self, kept: Sequence[Record], published: Columns, texts: Mapping[str, Column]) -> list[Row]:
        """Rows for the judge.  They share what is the same for all of them: one list may have a hundred thousand."""
        origins = self._origins()
        numbers = self._numbers(kept)
        found = self._found(kept, published, texts, origins)
        dates = [(self._origin(date), published[date.name]) for date in self.column_map.dates]
        names, file, sheet = tuple(texts), self.at.file, self.at.sheet
        cells = zip(*(column.texts for column in texts.values()), strict=True)
        where: dict[str, Iterable[Any]] = {
            "file": repeat(file),
            "sheet": repeat(sheet),
            "row": [record.row for record in kept],
            "line": [record.line for record in kept],
        }
        said: dict[str, Iterable[Any]] = {
            "place": make_many(Place, len(kept), where),
            "cells": [dict(zip(names, values, strict=True)) for values in cells],
            "origins": repeat(origins),
        }
        if numbers:
            said["numbers"] = [numbers.get(record.row, _NONE) for record in kept]
        if dates:
            orders = [origin for origin, _ in dates]
            said["dates"] = [
                tuple(zip(orders, texts, strict=True)) for texts in zip(*(c for _, c in dates), strict=True)
            ]
        if found:
            said["found"] = [tuple(found.get(index, ())) for index in range(len(kept))]
        return make_many(Row, len(kept), said)

    def _origins(self) -> Mapping[str, Origin]:
        """Where each column's value comes from: its first header, or the canonical name for what stands in no cell."""
        origins = {}
        for name, expression in self.column_map.columns.items():
            first = expression if isinstance(expression, Header) else Header((*expression.headers, name)[0])
            origins[name] = self._origin(first)
        return origins

    def _origin(self, header: Header) -> Origin:
        names = self.heading.cells
        place = letter(names.index(header.name)) if header.name in names else ""
        return Origin(column=header.name, letter=place, order=header.order)

    def _numbers(self, kept: Sequence[Record]) -> Mapping[int, frozenset[str]]:
        """By row, the columns where digits were typed as a number and something may be lost."""
        by_row: dict[int, frozenset[str]] = {}
        present = {record.row for record in kept}
        for name, row in self._typed(IS_NUMBER):
            if row in present:
                by_row[row] = by_row.get(row, frozenset()) | {name}
        return by_row

    def _typed(self, kind: int) -> Iterator[tuple[str, int]]:
        """Columns and rows where a number or a date stands in place of a text that matters to the letter."""
        for name in sorted(NUMBERS_MATTER & self.column_map.columns.keys()):
            expression = self.column_map.columns[name]
            if isinstance(expression, Header):
                mask = self.table.numbers.get(self.heading.cells.index(expression.name), b"")
                if kind in mask:
                    yield from (
                        (name, r.row) for r, typed in zip(self.table.records, mask, strict=False) if typed == kind
                    )

    def _found(
        self, kept: Sequence[Record], published: Columns, texts: Mapping[str, Column], origins: Mapping[str, Origin]
    ) -> Mapping[int, list[_Found]]:
        """What reader and map noticed, by index.  A formula in a column of no interest stops nobody."""
        found: dict[int, list[_Found]] = defaultdict(list)
        if self.table.faults:
            used = {origin.column: origin for origin in origins.values() if origin.letter}
            places = [(origin, self.heading.cells.index(name)) for name, origin in used.items()]
            for index, record in enumerate(kept):
                for origin, column in places:
                    if finding := self.table.faults.get((record.row, column)):
                        found[index].append((origin, finding, published[origin.column][index]))
        dated = {(row, name) for name, row in self._typed(IS_DATE)}
        for index, record in enumerate(kept) if dated else ():
            for name in sorted(NUMBERS_MATTER & texts.keys()):
                if (record.row, name) in dated:
                    text = published[origins[name].column][index]
                    found[index].append((origins[name], date_as_text(name, text), text))
        for name, column_read in texts.items():
            for index, finding in column_read.found.items():
                origin = origins[name]
                found[index].append((origin, finding, published[origin.column][index]))
        return found
