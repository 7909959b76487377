"""Several rows of one station folded into one: a row per connector is the common form.

What all rows of a station say, or only some of them say, holds.  What they
dispute makes no station, and both rows are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from migrate.adapters.spreadsheet.columns import ColumnMap
from migrate.adapters.spreadsheet.expression import CountRows
from migrate.domain.finding import Finding, quoted
from migrate.domain.inventory import Problem, Row, problem


def fold(rows: Sequence[Row], keys: Sequence[str], column_map: ColumnMap) -> tuple[list[Row], list[Problem]]:
    """One row per key, in the order of their first; rows without a key stay alone."""
    by_key: dict[str, list[Row]] = {}
    for row, key in zip(rows, keys, strict=True):
        by_key.setdefault(key or f"\0{row.place.row}", []).append(row)
    folded: list[Row] = []
    disputes: list[Problem] = []
    for group in by_key.values():
        if found := list(_disputes(group, column_map)):
            disputes += found
        else:
            folded.append(_folded(group, column_map))
    return folded, disputes


def _folded(group: Sequence[Row], column_map: ColumnMap) -> Row:
    cells = {}
    for name, expression in column_map.columns.items():
        texts = [row.cells[name] for row in group]
        if isinstance(expression, CountRows):
            cells[name] = expression.count(texts)
        else:
            cells[name] = next((text for text in texts if text.strip()), "")
    dates = tuple(dict.fromkeys(date for row in group for date in row.dates))
    found = tuple(dict.fromkeys(finding for row in group for finding in row.found))
    numbers = frozenset().union(*(row.numbers for row in group))
    return replace(group[0], cells=cells, dates=dates, found=found, numbers=numbers)


def _disputes(group: Sequence[Row], column_map: ColumnMap) -> Iterator[Problem]:
    for name, expression in column_map.columns.items():
        said = dict.fromkeys(text for row in group if (text := row.cells[name]).strip())
        if len(said) < 2 or isinstance(expression, CountRows):
            continue
        first, second, *_ = said
        earlier, later = (next(row for row in group if row.cells[name] == text) for text in (first, second))
        message = (
            f"The rows of one station differ in {name}: "
            f"{quoted(first)} in row {earlier.place.row}, {quoted(second)} here."
        )
        hint = "Mend the list, or map a column that is the same for all its rows."
        yield problem(later.place, Finding("E-FOLD-DIFFERS", message, hint), later.origin(name), second)
