"""What is wrong with a list, as a workbook: a summary, every finding with a link to its cell, and the list itself.

The list keeps its rows and columns, so that F17 here is F17 there; what is
said of each row stands in a column at its right end.  A cell at fault is
coloured, framed and wears its letter in brackets, so that it is found on a
black and white print too; the letter is a format, the text stays as it was.
Nothing is mended here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from migrate.domain.problem import Problem
from reports.sheet_names import headers, letters, sheet_names, storable
from reports.words import display
from reports.workbook import Book, Column, Kind, Sheet, book

MOST_LINKS = 65_000
"""A sheet holds 65,530 links; findings beyond are named by their cell."""

MOST_FINDINGS = 1_000_000
"""A sheet holds 1,048,576 rows."""

_WIDE = 12  # columns beyond which a printed page cannot hold them side by side
_LOOKS: dict[str, dict[str, Any]] = {
    "E": {"bg_color": "#FFC7CE", "font_color": "#9C0006", "bold": True, "border": 2, "num_format": '"[E] "@'},
    "W": {"bg_color": "#FFF2CC", "font_color": "#3F3000", "border": 4, "num_format": '"[W] "@'},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSheet:
    """One sheet as it was read: ``records`` are its rows with their numbers, titles above the header included."""

    file: str
    sheet: str
    header_row: int | None
    records: Sequence[tuple[int, Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A list that was judged, whatever came of it."""

    verdict: str  # the sentence that the terminal ends with
    detected: Sequence[str]
    problems: Sequence[Problem]
    sheets: Sequence[CheckedSheet]


class _Verbatim(NamedTuple):
    """A text as it stood in somebody's file; ``letter`` says what was found in it."""

    text: str
    letter: str = ""


class _Link(NamedTuple):
    """A text that leads to a cell of this workbook."""

    text: str
    to: str


class _Sheet(Sheet):
    """A sheet that also holds foreign texts to the letter, and links."""

    def __init__(self, of: Book, raw: Any) -> None:
        super().__init__(of, raw)
        looks = {"": {"num_format": "@"}, **_LOOKS}
        self._looks = {
            (letter, wraps): of.format(valign="top", **look, **({"text_wrap": True} if wraps else {}))
            for letter, look in looks.items()
            for wraps in (False, True)
        }
        self._linked = of.format(valign="top", font_color="#0563C1", underline=1)

    def put(self, row: int, column: int, value: Any, kind: Kind = Kind.TEXT, **look: Any) -> None:
        if isinstance(value, _Link):
            self.raw.write_url(row, column, f"internal:{value.to}", self._linked, display(value.text, limit=250))
        elif isinstance(value, _Verbatim):
            self._put_verbatim(row, column, value, self._looks[value.letter, kind is Kind.LONG])
        else:
            super().put(row, column, value, kind, **look)

    def _text(self, value: Any) -> str:
        return value.text if isinstance(value, _Verbatim) else super()._text(value)

    def _put_verbatim(self, row: int, column: int, value: _Verbatim, form: Any) -> None:
        if value.text:
            self.raw.write_string(row, column, storable(value.text), form)
        elif value.letter:
            self.raw.write_blank(row, column, None, form)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Any]], *, row: int = 0) -> int:
        self.raw.set_row(row, 18)
        return super().table(columns, rows, row=row)

    def print_wide(self) -> None:
        """More columns than a page can hold go on several pages, each with the first column and the header."""
        self.raw.set_print_scale(65)
        self.raw.repeat_columns(0)


def write_findings(path: Path, checked: Checked, *, at: str, timezone: str = "UTC") -> None:
    """Write the workbook; a list of a hundred thousand rows costs little memory."""
    names = sheet_names((sheet.file, sheet.sheet) for sheet in checked.sheets)
    by_row: dict[tuple[str, str, int], list[Problem]] = defaultdict(list)
    for problem in checked.problems:
        if problem.row is not None:
            by_row[problem.file, problem.sheet, problem.row].append(problem)
    with book(path, title="Findings of an inventory", at=at, timezone=timezone, streams=True) as made:
        links = _Links(names)
        _summary(_sheet(made, "Summary"), checked, links)
        _findings(_sheet(made, "Findings"), checked.problems, links)
        for sheet in checked.sheets:
            _data(_sheet(made, names[sheet.file, sheet.sheet]), sheet, by_row)


def _sheet(made: Book, name: str) -> _Sheet:
    return _Sheet(made, made.raw.add_worksheet(name))


@dataclass(slots=True)
class _Links:
    """Where the cells of the lists are in this workbook, as long as a sheet can hold links to them."""

    names: Mapping[tuple[str, str], str]
    given: Counter[str] = field(default_factory=Counter)

    def to(self, problem: Problem, of: str) -> _Link | str | None:
        """The cell of a problem, as a link where it can be one."""
        place = problem.cell or (f"row {problem.row}" if problem.row else "")
        name = self.names.get((problem.file, problem.sheet))
        if not place or name is None or self.given[of] >= MOST_LINKS:
            return place or None
        self.given[of] += 1
        return _Link(place, f"'{name}'!{problem.cell or f'A{problem.row}'}")


def _letter(problem: Problem) -> str:
    return "E" if problem.is_error else "W"


def _summary(sheet: _Sheet, checked: Checked, links: _Links) -> None:
    """What a person reads first: the verdict, what was found out, and each kind of finding with its first cell."""
    sheet.raw.set_row(0, 24)
    sheet.put(0, 0, "Findings", bold=True, font_size=16)
    sheet.put(1, 0, checked.verdict, bold=True)
    row = 2
    for line in checked.detected:
        sheet.put(row, 0, line)
        row += 1
    sheet.put(row, 0, "E (error) stops the import. W (warning) does not, and is for a person to look at.")
    kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in checked.problems:
        kinds[problem.code, problem.column].append(problem)
    ordered = sorted(kinds.values(), key=lambda group: (not group[0].is_error, -len(group)))
    columns = (
        Column(header="E/W", width=6),
        Column(header="Code", width=21),
        Column(header="Column", width=22),
        Column(header="Count", kind=Kind.NUMBER, width=9),
        Column(header="First", width=11),
        Column(header="What, in the first of them", kind=Kind.LONG, width=58),
        Column(header="What to do", kind=Kind.LONG, width=48),
    )
    rows: Iterator[list[Any]] = (
        [
            _letter(group[0]),
            group[0].code,
            group[0].column,
            len(group),
            links.to(group[0], "summary"),
            group[0].message,
            group[0].hint,
        ]
        for group in ordered
    )
    sheet.table(columns, rows, row=row + 2)
    sheet.raw.freeze_panes(row + 3, 0)


_FINDINGS = (
    Column(header="E/W", width=6),
    Column(header="Cell", width=11),
    Column(header="Column", width=20),
    Column(header="Value", kind=Kind.LONG, width=26),
    Column(header="What", kind=Kind.LONG, width=58),
    Column(header="What to do", kind=Kind.LONG, width=46),
    Column(header="Code", width=20),
    Column(header="Sheet", width=14),
    Column(header="File", width=26),
    Column(header="Row", kind=Kind.NUMBER, width=8),
)


def _findings(sheet: _Sheet, problems: Sequence[Problem], links: _Links) -> None:
    """Every finding singly, errors first, as far as a sheet goes."""
    ordered = sorted(problems, key=lambda problem: not problem.is_error)
    rows: Iterator[list[Any]] = (
        [
            _letter(problem),
            links.to(problem, "findings"),
            problem.column,
            problem.value,
            problem.message,
            problem.hint,
            problem.code,
            problem.sheet,
            PurePath(problem.file).name,
            problem.row,
        ]
        for problem in islice(ordered, MOST_FINDINGS)
    )
    sheet.table(_FINDINGS, rows)


def _data(sheet: _Sheet, of: CheckedSheet, by_row: Mapping[tuple[str, str, int], Sequence[Problem]]) -> None:
    """The list in its own cells, and what was found of each row at its right end."""
    header_row = of.header_row or 1
    for number, cells in of.records:
        if number < header_row:
            for index, text in enumerate(cells):
                sheet.put(number - 1, index, _Verbatim(text))
    titles = next((cells for number, cells in of.records if number == header_row), ())
    body = [(number, cells) for number, cells in of.records if number > header_row]
    width = max([len(titles), *(len(cells) for _, cells in body)])
    columns = [
        Column(header=name, width=_width(body, index, name)) for index, name in enumerate(headers(titles, width))
    ]
    columns.append(Column(header=_free("Issues", columns), kind=Kind.LONG, width=100))
    if width > _WIDE:
        sheet.print_wide()
    sheet.table(columns, _rows(of, body, header_row, width, by_row), row=header_row - 1)


def _rows(
    of: CheckedSheet,
    body: Iterable[tuple[int, Sequence[str]]],
    header_row: int,
    width: int,
    by_row: Mapping[tuple[str, str, int], Sequence[Problem]],
) -> Iterator[list[Any]]:
    """Each row at its own place; rows that the list passes over stay blank."""
    at, names = header_row + 1, letters(width)
    for number, cells in body:
        yield from ([None] * (width + 1) for _ in range(at, number))
        at = number + 1
        problems = by_row.get((of.file, of.sheet, number), ())
        padded = [*cells[:width], *[""] * (width - len(cells))]
        if not problems:
            yield [*map(_Verbatim, padded), None]
            continue
        found: dict[str, str] = {}
        for problem in problems:
            cell = problem.cell or f"A{number}"  # what is said of a whole row marks its first cell
            found[cell] = "E" if problem.is_error else found.get(cell, "W")
        marked = (_Verbatim(text, found.get(f"{name}{number}", "")) for name, text in zip(names, padded, strict=True))
        yield [*marked, " | ".join(_told(p) for p in sorted(problems, key=lambda p: not p.is_error))]


def _told(problem: Problem) -> str:
    return (
        f"{_letter(problem)} {problem.cell}: {problem.message}"
        if problem.cell
        else f"{_letter(problem)}: {problem.message}"
    )


def _free(wish: str, columns: Sequence[Column]) -> str:
    taken = {column.header.casefold() for column in columns}
    return wish if wish.casefold() not in taken else f"{wish} (of the check)"


def _width(body: Sequence[tuple[int, Sequence[str]]], index: int, header: str) -> float:
    """As wide as most of its texts, within reason."""
    longest = max((len(cells[index]) for _, cells in body[:200] if index < len(cells)), default=0)
    return min(40, max(8, len(header) + 4, longest + 6))
