"""Where the column names stand: below titles, and in several rows where headings are merged.

``Standort`` merged over ``PLZ`` and ``Ort`` names two columns, ``Standort / PLZ``
and ``Standort / Ort``: that is how a column map writes them.  Found is the
heading that holds most of the names we look for; nothing is read from it here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from migrate.adapters.spreadsheet.columns import JOINT, ColumnMap, plain
from migrate.adapters.spreadsheet.propose import resemblance
from migrate.adapters.spreadsheet.table import Record, Span, Table
from migrate.domain.cell import parse_number
from migrate.domain.inventory import COLUMNS

_SEARCHED = 20
"""Titles, logos and legends above a list stay under twenty rows."""

_TALLEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One name for each column, and the rows that they were put together from."""

    cells: tuple[str, ...]
    top: int
    row: int  # the last one: stations stand below it
    line: int | None


def find_heading(table: Table, column_map: ColumnMap | None) -> Heading | None:
    """The heading near the top that holds most of the names we look for; else the one that resembles ours most."""
    top = [record for record in table.records[:_SEARCHED] if not record.is_blank]
    rows = _Rows({record.row: record for record in top}, table.merged)
    headings = [rows.heading(record.row) for record in top]
    wanted = column_map.headers if column_map else frozenset(COLUMNS)
    best = max(headings, key=lambda heading: _hits(heading, wanted, exact=column_map is not None), default=None)
    if best is not None and _hits(best, wanted, exact=column_map is not None):
        return best
    named = [heading for heading in headings if _looks_named(heading.cells)]
    return max(named, key=lambda heading: (resemblance(heading.cells), -heading.row), default=None)


def _hits(heading: Heading, wanted: frozenset[str], *, exact: bool) -> int:
    return len(wanted & {cell if exact else plain(cell) for cell in heading.cells})


def _looks_named(cells: Collection[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and not any(parse_number(cell) is not None for cell in filled)


class _Rows:
    """The rows near the top, and which merged cells lie over them."""

    def __init__(self, by_row: Mapping[int, Record], merged: Iterable[Span]) -> None:
        self._by_row = by_row
        self._over: dict[tuple[int, int], Span] = {}
        last = max(by_row, default=0)
        for span in merged:
            for row in range(span.top, min(span.bottom, last) + 1):
                self._over.update(((row, column), span) for column in range(span.left, span.right + 1))

    def heading(self, row: int) -> Heading:
        """The row with those above and below that merged cells tie to it."""
        first = last = row
        while last - first < _TALLEST and self._are_tied(first - 1, first):
            first -= 1
        while last - first < _TALLEST and self._are_tied(last, last + 1):
            last += 1
        line = self._by_row[last].line
        if first == last:
            return Heading(cells=tuple(self._by_row[row].cells), top=row, row=row, line=line)
        width = max(len(self._by_row[number].cells) for number in range(first, last + 1))
        names = tuple(self._name(column, range(first, last + 1)) for column in range(width))
        return Heading(cells=names, top=first, row=last, line=line)

    def _are_tied(self, upper: int, lower: int) -> bool:
        """Whether two rows are one heading: cells merged over both, or names below every heading merged sideways."""
        if upper not in self._by_row or lower not in self._by_row:
            return False
        spans = {span for column in range(len(self._by_row[upper].cells)) if (span := self._over.get((upper, column)))}
        if any(span.bottom >= lower and span.bottom - span.top < _TALLEST and self._said(span) for span in spans):
            return True
        wide = [span for span in spans if span.top == span.bottom and span.right > span.left and self._said(span)]
        filled = [column for column, cell in enumerate(self._by_row[upper].cells) if cell.strip()]
        if not wide or len(filled) < 2 or not _looks_named(self._by_row[lower].cells):
            return False
        alone = [column for column in filled if self._over.get((upper, column)) not in wide]
        return all(self._are_named(lower, span) for span in wide) and not any(self._at(lower, c).strip() for c in alone)

    def _are_named(self, row: int, span: Span) -> bool:
        return sum(bool(self._at(row, column).strip()) for column in range(span.left, span.right + 1)) >= 2

    def _name(self, column: int, rows: Iterable[int]) -> str:
        """The texts above one another, each said once."""
        texts = (" ".join(self._shown(row, column).split()) for row in rows)
        return JOINT.join(dict.fromkeys(text for text in texts if text))

    def _shown(self, row: int, column: int) -> str:
        span = self._over.get((row, column))
        return self._said(span) if span else self._at(row, column)

    def _said(self, span: Span) -> str:
        """The text of merged cells stands in their first one."""
        return self._at(span.top, span.left).strip()

    def _at(self, row: int, column: int) -> str:
        record = self._by_row.get(row)
        return record.cells[column] if record and column < len(record.cells) else ""
