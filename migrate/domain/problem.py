"""A finding in its place: which file, sheet, row, line, column and cell.

This is what an operator reads and what ``migrate.inventory/1`` carries.  It
knows places and words, and no laws: those are found elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrate.domain.cell import DateOrder
from migrate.domain.finding import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands: ``row`` as a spreadsheet counts (header = 1 if it is the first), ``line`` as an editor does."""

    file: str
    sheet: str = ""
    row: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The column a value came from, under its published header, and its letter in a spreadsheet."""

    column: str
    letter: str = ""
    order: DateOrder = DateOrder.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, with its place and the way out."""

    file: str
    sheet: str
    row: int | None
    line: int | None
    column: str
    cell: str
    code: str
    severity: Severity
    message: str
    hint: str
    value: str

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def to_json(self) -> dict[str, str | int | None]:
        """As ``migrate.inventory/1`` has it; what does not stand in a place is ``null``."""
        return {
            "file": self.file,
            "sheet": self.sheet or None,
            "row": self.row,
            "line": self.line,
            "column": self.column or None,
            "cell": self.cell or None,
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "value": self.value.encode("utf-8", "backslashreplace").decode(),
        }


def problem(place: Place, finding: Finding, origin: Origin | None = None, value: str = "") -> Problem:
    """A finding, put in its place."""
    origin = origin or Origin(column="")
    return Problem(
        file=place.file,
        sheet=place.sheet,
        row=place.row,
        line=place.line,
        column=origin.column,
        cell=f"{origin.letter}{place.row}" if origin.letter and place.row else "",
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        hint=finding.hint,
        value=value if len(value) <= 200 else value[:199] + "…",
    )
