"""The column map: which published header is which canonical column.

A map is a small TOML file, kept beside the list it belongs to.  Everything in
it is checked before a single row is read: unknown keys, forms and headers are
errors with the nearest that exists.  Without a map only canonical headers are
understood; for any other file a map is proposed, never applied.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from migrate.adapters.spreadsheet.expression import (
    CountFilled,
    CountRows,
    Expression,
    Header,
    Malformed,
    parse_expression,
)
from migrate.domain.finding import Finding, nearest, quoted
from migrate.domain.inventory import COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Canonical columns by expression, the key that folds rows into one station, and further dates to judge."""

    columns: Mapping[str, Expression]
    fold_by: str = ""
    dates: tuple[Header, ...] = ()
    twins_allowed: bool = False

    @property
    def headers(self) -> frozenset[str]:
        """Every published header that must exist."""
        used = {name for expression in self.columns.values() for name in expression.headers}
        used |= {date.name for date in self.dates} | ({self.fold_by} if self.fold_by else set())
        return frozenset(used)


@dataclass(slots=True)
class MapReading:
    """A map, or what is wrong with it: each finding with the key that it concerns."""

    column_map: ColumnMap | None = None
    findings: list[tuple[str, Finding]] = field(default_factory=list)

    def found(self, key: str, code: str, message: str, hint: str) -> None:
        self.findings.append((key, Finding(code, message, hint)))


_TABLES = {"columns": frozenset(COLUMNS), "fold": frozenset({"by"}), "check": frozenset({"dates", "twins"})}


def parse_map(text: str) -> MapReading:
    """A column map from TOML, all its mistakes at once."""
    reading = MapReading()
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        hint = "Mend that place; a form in a map is one table deep."
        reading.found("", "E-MAP-SYNTAX", "The map is no TOML: its brackets are nested without end.", hint)
        return reading
    except ValueError as error:  # tomllib's own, and numbers of thousands of digits
        reading.found("", "E-MAP-SYNTAX", f"The map is no TOML: {error}.", "Mend the line; quote headers with blanks.")
        return reading
    _unknown_keys(raw, reading)
    columns = dict(_columns(_table(raw, "columns"), reading))
    if "identity" not in _table(raw, "columns"):
        reading.found(
            "columns", "E-MAP-IDENTITY", "The map has no identity.", 'Add identity = "their header" under [columns].'
        )
    fold_by, check = _table(raw, "fold").get("by", ""), _table(raw, "check")
    if not isinstance(fold_by, str):
        reading.found("fold.by", "E-MAP-FORM", "by wants a header.", 'Write by = "their header".')
        fold_by = ""
    for name, expression in columns.items():
        if isinstance(expression, CountRows) and not fold_by:
            reading.found(name, "E-MAP-FOLD", f"{name} counts rows, but nothing is folded.", 'Add [fold] by = "…".')
    dates, twins = tuple(_dates(check, reading)), check.get("twins", "refused")
    if twins not in ("allowed", "refused"):
        reading.found("check.twins", "E-MAP-FORM", "twins is allowed or refused.", 'Write twins = "allowed".')
    if not reading.findings:
        reading.column_map = ColumnMap(columns=columns, fold_by=fold_by, dates=dates, twins_allowed=twins == "allowed")
    return reading


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = raw.get(name, {})
    return table if isinstance(table, dict) else {}


def _unknown_keys(raw: Mapping[str, Any], reading: MapReading) -> None:
    for name, table in raw.items():
        if name not in _TABLES:
            hint = nearest(name, _TABLES) + f"A map has the tables {', '.join(f'[{t}]' for t in _TABLES)}."
            reading.found(name, "E-MAP-KEY", f"Nothing is called {quoted(name)} in a map.", hint)
        elif not isinstance(table, dict):
            reading.found(name, "E-MAP-FORM", f"{name} is a table.", f"Write [{name}] on a line of its own.")
        else:
            for key in sorted(set(table) - _TABLES[name]):
                hint = nearest(key, _TABLES[name]) or f"[{name}] knows {', '.join(_TABLES[name])}."
                reading.found(f"{name}.{key}", "E-MAP-KEY", f"Nothing is called {quoted(key)} in [{name}].", hint)


def _columns(table: Mapping[str, Any], reading: MapReading) -> Iterator[tuple[str, Expression]]:
    for name, raw in table.items():
        try:
            if name in COLUMNS:
                yield name, parse_expression(raw)
        except Malformed as error:
            reading.findings.append((f"columns.{name}", error.finding))


def _dates(check: Mapping[str, Any], reading: MapReading) -> Iterator[Header]:
    raw = check.get("dates", [])
    for item in raw if isinstance(raw, list) else [raw]:
        try:
            expression = parse_expression(item)
        except Malformed as error:
            reading.findings.append(("check.dates", error.finding))
            continue
        if isinstance(expression, Header):
            yield expression
        else:
            hint = 'Write dates = ["their header", { date = "…", order = "day_first" }].'
            reading.found("check.dates", "E-MAP-FORM", "dates lists headers.", hint)


def missing_headers(column_map: ColumnMap, headers: Sequence[str]) -> Iterator[Finding]:
    """Headers that the map names and the file lacks, or has twice; patterns that match nothing."""
    for name in sorted(column_map.headers):
        if name not in headers:
            hint = nearest(name, [h for h in headers if h]) + "Headers are compared exactly."
            yield Finding("E-HEADER-UNKNOWN", f"The file has no header {quoted(name)}.", hint)
        elif headers.count(name) > 1:
            message = f"The map uses the header {quoted(name)}, which stands {headers.count(name)} times."
            yield Finding("E-HEADER-DUPLICATE", message, "Rename one of the two in the file.")
    for name, expression in column_map.columns.items():
        if isinstance(expression, CountFilled) and not expression.matches(headers):
            message = f"No header matches {quoted(expression.pattern)}, which {name} counts."
            yield Finding("E-HEADER-UNKNOWN", message, "Mend the pattern; * stands for any text.")


JOINT = " / "
"""Between a merged heading and the name below it."""


def plain(header: str) -> str:
    """A header as one compares it loosely: its lowest name, lower case, blanks and hyphens as underscores.

    >>> plain("Station / Serial-No.")
    'serial_no'
    """
    lowest = header.strip().lstrip("\ufeff").rpartition(JOINT)[2]
    return re.sub(r"[\s\-./_:]+", "_", lowest).strip("_").casefold()


def canonical_map(headers: Sequence[str]) -> tuple[ColumnMap | None, tuple[Finding, ...]]:
    """The map of a file that uses our own headers, and what is odd in them; none without an ``identity``."""
    known = {plain(header): header for header in reversed(headers) if plain(header) in COLUMNS}
    if "identity" not in known:
        return None, ()
    column_map = ColumnMap(columns={name: Header(known[name]) for name in COLUMNS if name in known})
    strange = [header for header in headers if header.strip() and plain(header) not in COLUMNS]
    return column_map, (*_twice(headers), *(_strange(header, known) for header in dict.fromkeys(strange)))


def _twice(headers: Sequence[str]) -> Iterator[Finding]:
    """One of our headers over two columns: which of them is meant is not ours to choose."""
    ours = [plain(header) for header in headers if plain(header) in COLUMNS]
    for name in (name for name in dict.fromkeys(ours) if ours.count(name) > 1):
        message = f"The header {name} stands over {ours.count(name)} columns."
        yield Finding("E-HEADER-DUPLICATE", message, "Rename the one that is not meant, or write a column map.")


def _strange(header: str, known: Mapping[str, str]) -> Finding:
    """A column that is nearly one of ours is a typing error and stops; any other is passed over."""
    free = [name for name in COLUMNS if name not in known]
    if close := get_close_matches(plain(header), free, n=1, cutoff=0.8):
        message = f"The header {quoted(header)} is none of ours."
        return Finding("E-HEADER-UNKNOWN", message, f"Did you mean {close[0]}? Correct it, or write a column map.")
    hint = "Map it with --columns if it holds something of ours."
    return Finding("W-HEADER-IGNORED", f"The column {quoted(header)} is passed over.", hint)
