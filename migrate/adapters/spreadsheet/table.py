"""A sheet as it stands in a file: records of text, before anyone asks what the columns mean.

The two readers (delimited text, workbook) end here and everything after them
begins here.  A table knows rows, lines and cells; it knows no stations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrate.domain.errors import RowProblem
from migrate.domain.finding import Finding

MOST_ROWS = 250_000
"""More than any fleet; a sheet beyond it is a formatting accident or an attack."""


class FileRefused(RowProblem):
    """A whole file cannot be read as an inventory.  ``code`` names why, the hint says what to do."""

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.finding = Finding(code, message, hint)


@dataclass(frozen=True, slots=True)
class Record:
    """One row.  ``row`` counts as a spreadsheet does, ``line`` as an editor does; ``numbers`` are cells typed as number."""

    row: int
    line: int | None
    cells: tuple[str, ...]
    numbers: frozenset[int] = frozenset()

    @property
    def is_blank(self) -> bool:
        return not any(cell and not cell.isspace() for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was found out about a file rather than told, reported to the operator."""

    file: str
    kind: str  # "text" or "workbook"
    sheet: str = ""
    encoding: str = ""
    delimiter: str = ""
    header_row: int | None = None
    decimal_comma: bool = False
    blank_rows: int = 0
    hidden_rows: int = 0

    def __str__(self) -> str:
        parts = [f"sheet {self.sheet}" if self.sheet else "", self.encoding]
        parts += [f"delimiter {_DELIMITERS.get(self.delimiter, self.delimiter)}" if self.delimiter else ""]
        parts += [f"header in row {self.header_row}" if self.header_row else "no header found"]
        parts += ["decimal comma" if self.decimal_comma else ""]
        parts += [f"{self.blank_rows} blank rows passed over" if self.blank_rows else ""]
        parts += [f"{self.hidden_rows} hidden rows read too" if self.hidden_rows else ""]
        return f"{self.file}: " + ", ".join(part for part in parts if part)


_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All records of one sheet, blank ones included, with what the reader noticed about file and cells."""

    detected: Detected
    records: tuple[Record, ...]
    notes: tuple[Finding, ...] = ()  # about the file
    faults: Mapping[tuple[int, int], Finding] = field(default_factory=dict)  # by row and column index


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
