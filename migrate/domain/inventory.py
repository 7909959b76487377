"""From the rows of a legacy list to stations, or to problems with their places.

Every row is judged alone, then all rows against each other; everything that
is wrong is told at once.  This module opens no file and repairs nothing: a
row with an error becomes no station, and what could be read two ways is an
error that says how to settle it.

It goes through the list by columns, because a hundred thousand rows repeat
themselves: each distinct text of a column is read once, each distinct set of
values is held against a law once, and only rows with something wrong are
looked at singly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import compress
from typing import Any

from migrate.domain.cell import read_date, read_timezone, spoilt
from migrate.domain.finding import Finding, Read, Severity
from migrate.domain.many import make_many
from migrate.domain.neighbours import against_each_other
from migrate.domain.problem import Origin, Place, Problem, problem
from migrate.domain.readers import COLUMNS, PLAIN, READERS
from migrate.domain.references import References
from migrate.domain.row import Row
from migrate.domain.row_laws import NUMBERS_MATTER, SOUND, Law, laws, number_as_text
from migrate.domain.station import Station
from migrate.domain.totals import is_total

__all__ = [
    "COLUMNS",
    "Finding",
    "Judgement",
    "Origin",
    "Place",
    "Problem",
    "Row",
    "Severity",
    "judge",
    "problem",
]

_BLANK = {f.name: f.default for f in fields(Station)} | {"identity": ""}
"""What a blank cell of each column means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All whole stations of a list, in its order, and everything that is wrong with it."""

    stations: tuple[Station, ...]
    problems: tuple[Problem, ...]


def judge(
    rows: Sequence[Row], *, zones: frozenset[str], twins_allowed: bool = False, references: References | None = None
) -> Judgement:
    """Judge each row, then all against each other.

    Each identity yields at most one station, the first; a later one is an
    error that names both rows.  ``twins_allowed`` is the operator's word that
    identities which look alike are different stations all the same.
    """
    listing = _Listing([row for row in rows if not is_total(row)])
    listing.read(zones)
    for law in laws(references or References()):
        listing.hold_against(law)
    finding = Finding("E-ROW-TOTAL", "This looks like a row of totals.", "Leave it out with --exclude-rows.")
    problems = [problem(row.place, finding) for row in rows if is_total(row)] if listing.is_short_of(rows) else []
    problems += listing.problems
    problems += against_each_other(rows, twins_allowed=twins_allowed)
    problems.sort(key=lambda p: (p.file, p.sheet, p.row or 0))
    return Judgement(stations=listing.stations(), problems=tuple(problems))


@dataclass(slots=True)
class _Listing:
    """Rows as columns of values, while they are judged."""

    rows: Sequence[Row]
    values: dict[str, list[Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoilt: set[int] = field(default_factory=set)  # rows with an error, by their place in the list
    unreadable: dict[int, set[str]] = field(default_factory=dict)  # their published columns, as the file's reader found

    def is_short_of(self, rows: Sequence[Row]) -> bool:
        return len(self.rows) < len(rows)

    def read(self, zones: frozenset[str]) -> None:
        """Read every column that the list has, each distinct text once."""
        self._take_over()
        columns = self._columns()
        for column in (name for name in COLUMNS if name in columns):
            if column == "last_seen_at":
                self._read_dates(column, columns[column])
            else:
                reader = partial(read_timezone, zones=zones) if column == "timezone" else READERS[column]
                self._read_column(column, columns[column], reader)
        for at, row in enumerate(self.rows):
            if row.dates:
                for origin, text in row.dates:
                    self._tell(at, read_date(text, origin.order).findings, origin, text)
            if row.numbers:
                self._numbers(at, row)

    def _take_over(self) -> None:
        """What the reader of the file has found: an error there makes the cell unreadable here."""
        for at, row in enumerate(self.rows):
            for origin, finding, text in row.found:
                self._tell(at, (finding,), origin, text)
                if finding.severity is Severity.ERROR:
                    self.unreadable.setdefault(at, set()).add(origin.column)

    def _columns(self) -> dict[str, Sequence[str]]:
        """The texts of every column that any row has; of a cell that could not be read, none."""
        cells = [row.cells for row in self.rows]
        shapes = dict.fromkeys(map(tuple, cells))
        columns: dict[str, Sequence[str]] = {"identity": [""] * len(cells)}
        if len(shapes) == 1:
            columns |= zip(*shapes, _turned(cells), strict=True)
        else:
            columns |= {name: [row.get(name, "") for row in cells] for shape in shapes for name in shape}
        return self._without_unreadable(columns) if self.unreadable else columns

    def _without_unreadable(self, columns: dict[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        read = {name: list(texts) for name, texts in columns.items()}
        for at in self.unreadable:
            for name in self._unread(at, self.rows[at]):
                read[name][at] = ""
        return dict(read)

    def _read_column(self, column: str, texts: Sequence[str], reader: Any) -> None:
        plain, blank = PLAIN.get(column), _BLANK[column]
        known: dict[str, Any] = {"": blank} if column != "identity" else {}
        odd: dict[str, tuple[Finding, ...]] = {}
        distinct = set(texts) - known.keys()
        if plain is not None:
            looks, value = plain.looks.fullmatch, plain.value
            likely = [text for text in distinct if looks(text)]
            known.update(zip(likely, map(value, likely) if value else likely, strict=True))
            distinct.difference_update(likely)
        for text in distinct:
            read = _careful(text, reader)
            known[text] = blank if read.value is None else read.value
            if read.findings:
                odd[text] = read.findings
        self.values[column] = [known[text] for text in texts]
        self._tell_odd(column, texts, odd)

    def _tell_odd(self, column: str, texts: Sequence[str], odd: dict[str, tuple[Finding, ...]]) -> None:
        if not odd:
            return
        for at, text in enumerate(texts):
            if findings := odd.get(text):
                row = self.rows[at]
                if column in self._unread(at, row):
                    continue
                self._tell(at, findings, row.origin(column), text)

    def _unread(self, at: int, row: Row) -> frozenset[str]:
        """The canonical columns of a row whose cell could not be read."""
        columns = self.unreadable.get(at)
        return frozenset(name for name in row.cells if row.origin(name).column in columns) if columns else frozenset()

    def _read_dates(self, column: str, texts: Sequence[str]) -> None:
        """The order of day and month is the file's, so one text may mean two things in two files."""
        known: dict[tuple[str, Any], Read[Any]] = {}
        values: list[str] = []
        for at, text in enumerate(texts):
            if not text:
                values.append("")
                continue
            origin = self.rows[at].origin(column)
            read = known.get((text, origin.order))
            if read is None:
                read = known[text, origin.order] = _careful(text, partial(read_date, order=origin.order))
            values.append(read.value or "")
            if read.findings:
                self._tell(at, read.findings, origin, text)
        self.values[column] = values

    def _numbers(self, at: int, row: Row) -> None:
        for column in sorted(row.numbers & NUMBERS_MATTER - self._unread(at, row)):
            digits = str(self.values[column][at])
            self._tell(at, (number_as_text(column, digits),), row.origin(column), row.cells.get(column, ""))

    def hold_against(self, law: Law) -> None:
        """One law over all rows; each distinct set of values once."""
        if not any(name in self.values for name in law.columns) or any(name not in self.values for name in law.needs):
            return
        nothing: list[Any] = [None] * len(self.rows)
        sets = list(zip(*(self.values.get(name, nothing) for name in law.columns), strict=True))
        needed = [law.columns.index(name) for name in law.needs]
        odd = {}
        for said in set(sets):
            if all(said[i] is not None and said[i] != "" for i in needed):
                ruling = law.read(*said)
                if ruling is not SOUND:
                    odd[said] = ruling
        for at, said in enumerate(sets) if odd else ():
            if said in odd:
                row = self.rows[at]
                for column, finding in odd[said].findings:
                    self._tell(at, (finding,), row.origin(column), row.cells.get(column, ""))
                for column, value in odd[said].replaced.items():
                    self.values[column][at] = _BLANK[column] if value is None else value

    def _tell(self, at: int, findings: Sequence[Finding], origin: Origin, text: str) -> None:
        for finding in findings:
            self.problems.append(problem(self.rows[at].place, finding, origin, text))
            if finding.severity is Severity.ERROR:
                self.spoilt.add(at)

    def stations(self) -> tuple[Station, ...]:
        """The stations of all whole rows; of an identity that comes twice, the first."""
        columns: dict[str, list[Any]] = self.values
        if self.spoilt:
            whole = [at not in self.spoilt for at in range(len(self.rows))]
            columns = {name: list(compress(values, whole)) for name, values in columns.items()}
        stations = make_many(Station, len(columns["identity"]), columns)
        firsts = {station.identity: station for station in reversed(stations)}
        if len(firsts) == len(stations):
            return tuple(stations)
        return tuple(station for station in stations if firsts[station.identity] is station)


def _turned(cells: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Rows of one shape as columns; so many at a time as a processor keeps at hand, which is three times faster."""
    columns: list[list[str]] = [[] for _ in cells[0]]
    for at in range(0, len(cells), 500):
        for column, part in zip(
            columns, zip(*(row.values() for row in cells[at : at + 500]), strict=True), strict=True
        ):
            column.extend(part)
    return columns


def _careful(text: str, reader: Any) -> Read[Any]:
    if fault := spoilt(text):
        return Read(None, (fault,))
    read: Read[Any] = reader(text)
    return read
