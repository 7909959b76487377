"""A sheet as it stands in a file: records of text, before anyone asks what the columns mean.

The two readers (delimited text, workbook) end here and everything after them
begins here.  A table knows rows, lines and cells; it knows no stations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate.domain.errors import RowProblem
from migrate.domain.finding import Finding

MOST_ROWS = 250_000
"""More than any fleet; a sheet beyond it is a formatting accident or an attack."""

OWN_SHEET = "inventory"
"""The sheet of our own template, which needs no ``--sheet``."""


class FileRefused(RowProblem):
    """A whole file cannot be read as an inventory.  ``code`` names why, the hint says what to do."""

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.finding = Finding(code, message, hint)


@dataclass(frozen=True, slots=True)
class Record:
    """One row.  ``row`` counts as a spreadsheet does, ``line`` as an editor does."""

    row: int
    line: int | None
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        cells = self.cells
        if cells and cells[0] and not cells[0].isspace():  # nearly all of them
            return False
        return not any(cell and not cell.isspace() for cell in cells)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Merged cells: rows as a spreadsheet counts, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> int:
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was found out about a file rather than told, reported to the operator."""

    file: str
    kind: str  # "text" or "workbook"
    sheet: str = ""
    encoding: str = ""
    delimiter: str = ""
    header_row: int | None = None  # the last one, where a heading stands in several
    header_top: int | None = None
    decimal_comma: bool = False
    blank_rows: int = 0
    hidden_rows: int = 0

    def __str__(self) -> str:
        parts = [f"sheet {self.sheet}" if self.sheet else "", self.encoding]
        parts += [f"delimiter {_DELIMITERS.get(self.delimiter, self.delimiter)}" if self.delimiter else ""]
        parts += [self._header()]
        parts += ["decimal comma" if self.decimal_comma else ""]
        parts += [f"{self.blank_rows} blank rows passed over" if self.blank_rows else ""]
        parts += [f"{self.hidden_rows} hidden rows read too" if self.hidden_rows else ""]
        return f"{self.file}: " + ", ".join(part for part in parts if part)

    def _header(self) -> str:
        if self.header_row is None:
            return "no header found"
        is_tall = self.header_top is not None and self.header_top < self.header_row
        return (
            f"header in rows {self.header_top} to {self.header_row}" if is_tall else f"header in row {self.header_row}"
        )


_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All records of one sheet, title rows included, with what the reader noticed about file and cells.

    ``numbers`` tells by column index which cells held a number or a date
    instead of text: one byte for each record, as :mod:`sheet` writes them.
    """

    detected: Detected
    records: tuple[Record, ...]
    notes: tuple[Finding, ...] = ()  # about the file
    faults: Mapping[tuple[int, int], Finding] = field(default_factory=dict)  # by row and column index
    numbers: Mapping[int, bytes] = field(default_factory=dict)
    merged: tuple[Span, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it was cut at delimiters, so that a row of another width has its cells under wrong headers."""
        return self.detected.kind == "text"


def letter(index: int) -> str:
    """A column's letters in a spreadsheet, counted from 0.

    >>> letter(0), letter(26), letter(157)
    ('A', 'AA', 'FB')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The other way round.

    >>> column_index("A"), column_index("FB")
    (0, 157)
    """
    number = 0
    for character in letters:
        number = number * 26 + ord(character) - 64
    return number - 1
