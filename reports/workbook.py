"""Workbooks that people can open without a second thought.

Every workbook of this room is written through :class:`Sheet`: a string is a
string (never a formula, never a link), free of control and direction
characters, and the same facts give the same bytes.  A sheet of a hundred
thousand rows costs no more memory than one of ten.  No macros, no merged
cells, nothing said by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from reports.words import display

LONGEST = 32_767
"""What a cell can hold."""

Cell = str | int | float | bool | None


class Kind(StrEnum):
    """What a column holds, and so how it is written and aligned."""

    TEXT = "text"
    LONG = "long"  # text that wraps
    NUMBER = "number"
    SHARE = "share"  # 0 to 1
    TIME = "time"  # RFC 3339 in, a date of the campaign's own zone out


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.  A time's header names its zone by itself."""

    header: str
    kind: Kind = Kind.TEXT
    width: float = 14


class Book:
    """A workbook that is being written."""

    def __init__(self, path: Path, *, title: str, at: datetime, zone: tzinfo, streams: bool, parts: str) -> None:
        self.zone = zone
        self.raw = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": streams,
                "tmpdir": parts,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "nan_inf_to_errors": True,
            },
        )
        # The moment of the report, not of the writing: the same facts give the same bytes.
        self.raw.set_properties({"title": display(title), "created": at.replace(tzinfo=None), "author": ""})
        self._formats: dict[str, Any] = {}
        self.plain = {kind: self.format(**look) for kind, look in _LOOKS.items()}
        self._tables = 0

    def format(self, **properties: Any) -> Any:
        """A cell format; the same wish gives the same one."""
        key = repr(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.raw.add_format({"font_name": "Calibri", "font_size": 10.5, **properties})
        return self._formats[key]

    def sheet(self, name: str) -> Sheet:
        return Sheet(self, self.raw.add_worksheet(name))

    def next_table(self) -> str:
        self._tables += 1
        return f"tbl{self._tables}"


@contextmanager
def book(path: Path, *, title: str, at: str, timezone: str, streams: bool = False) -> Iterator[Book]:
    """Open a workbook for writing.  ``streams`` writes row after row and forgets it: cells in the order of rows only.

    Its parts may hold contacts and ways in; whatever happens none of them stays
    behind.  Raises ``OSError`` where the disk has no room for it.
    """
    with TemporaryDirectory(prefix="migrate-workbook-") as parts:
        moment, zone = datetime.fromisoformat(at), ZoneInfo(timezone)
        opened = Book(path, title=title, at=moment, zone=zone, streams=streams, parts=parts)
        try:
            yield opened
            opened.raw.close()
        except FileCreateError as wrapped:  # the library's name for what the disk said
            raise next((arg for arg in wrapped.args if isinstance(arg, OSError)), OSError(str(wrapped))) from wrapped
        finally:
            for sheet in opened.raw.worksheets():
                if sheet.row_data_fh is not None:
                    sheet.row_data_fh.close()


class Sheet:
    """One sheet, A4 landscape, whose header row stays in sight and is repeated in print."""

    def __init__(self, of: Book, raw: Any) -> None:
        self.book, self.raw = of, raw
        raw.set_landscape()
        raw.set_paper(9)  # A4
        raw.fit_to_pages(1, 0)
        raw.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        raw.set_footer("&L&8&F · &A&R&8page &P of &N")
        raw.hide_gridlines(2)

    def put(self, row: int, column: int, value: Cell, kind: Kind = Kind.TEXT, **look: Any) -> None:
        """One cell.  Nothing is written for ``None``: what is unknown is blank, never 0."""
        if value is None:
            return
        form = self.book.format(**{**_LOOKS[kind], **look}) if look else self.book.plain[kind]
        if isinstance(value, bool):
            self.raw.write_string(row, column, "yes" if value else "no", form)
        elif isinstance(value, str):
            self._put_text(row, column, value, kind, form)
        else:
            self.raw.write_number(row, column, value, form)

    def _put_text(self, row: int, column: int, value: str, kind: Kind, form: Any) -> None:
        if kind is Kind.TIME:
            here = datetime.fromisoformat(value).astimezone(self.book.zone).replace(tzinfo=None)
            self.raw.write_datetime(row, column, here, form)
        else:
            self.raw.write_string(row, column, display(value, limit=LONGEST), form)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, row: int = 0) -> int:
        """One Excel Table with its filters, from ``row`` on; the number of its rows.  The header is frozen."""
        headers = [self._header(column) for column in columns]
        self._declare(headers, row)
        top = self.book.format(bold=True, text_wrap=True, valign="top", bottom=2, bg_color="#E8ECF0")
        for index, (column, header) in enumerate(zip(columns, headers, strict=True)):
            self.raw.set_column(index, index, column.width)
            self.raw.write_string(row, index, header, top)
        count = 0
        for count, cells in enumerate(rows, start=1):
            texts = [self._text(value) for value in cells]
            if (lines := _lines(columns, texts)) > 1:
                self.raw.set_row(row + count, _LINE * lines)
            for index, (column, value, text) in enumerate(zip(columns, cells, texts, strict=True)):
                self.put(row + count, index, value, Kind.LONG if _wraps(column, text) else column.kind)
        self._stretch(row, row + max(count, 1), len(columns))
        self.raw.freeze_panes(row + 1, 1)
        self.raw.repeat_rows(row)
        return count

    def _text(self, value: Any) -> str:
        """What of a cell can be too wide."""
        return value if isinstance(value, str) else ""

    def _header(self, column: Column) -> str:
        return f"{column.header} ({self.book.zone})" if column.kind is Kind.TIME else column.header

    def _declare(self, headers: Sequence[str], row: int) -> None:
        """Tell the library of a table of one row.

        It keeps a note of every cell of a table and refuses one while it
        streams, because it would write the headers late.  We write them
        ourselves, in their turn, and give the table its real size at the end.
        """
        streams, self.raw.constant_memory = self.raw.constant_memory, False
        columns = [{"header": header} for header in headers]
        style = {"name": self.book.next_table(), "style": "Table Style Light 1", "columns": columns}
        self.raw.add_table(row, 0, row + 1, len(headers) - 1, style)
        self.raw.constant_memory = streams

    def _stretch(self, first: int, last: int, width: int) -> None:
        span = xlsxwriter.utility.xl_range(first, 0, last, width - 1)
        self.raw.tables[-1] |= {"range": span, "a_range": span, "autofilter": span}


_LINE, _MOST_LINES = 15.0, 12


def _wraps(column: Column, text: str) -> bool:
    """Whether a text takes several lines: one wider than its column would be cut off by the cell beside it."""
    return column.kind is Kind.LONG or (column.kind is Kind.TEXT and len(text) > column.width)


def _lines(columns: Sequence[Column], texts: Sequence[str]) -> int:
    """How many lines the longest wrapped text takes: not every program finds that out by itself."""
    wrapped = (_height(text, column.width) for column, text in zip(columns, texts, strict=True) if _wraps(column, text))
    return min(max(wrapped, default=1), _MOST_LINES)


def _height(text: str, width: float) -> int:
    """Lines of a text between words, with a tenth of each kept free; a word wider than its column is broken.

    >>> _height("one two", 4), _height("x" * 100, 50), _height("short", 50)
    (2, 3, 1)
    """
    if len(text) * 1.1 <= width:
        return 1
    room, lines, used = width / 1.1, 1, 0.0
    for word in text[: int(width * _MOST_LINES)].split():
        if used and used + 1 + len(word) > room:
            lines, used = lines + 1, 0.0
        used += len(word) + bool(used)
        broken = math.ceil(used / room) - 1
        lines, used = lines + broken, used - broken * room
    return lines


_LOOKS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"valign": "top"},
    Kind.LONG: {"valign": "top", "text_wrap": True},
    Kind.NUMBER: {"valign": "top", "num_format": "#,##0"},
    Kind.SHARE: {"valign": "top", "num_format": "0.0%"},
    Kind.TIME: {"valign": "top", "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
}
