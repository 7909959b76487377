"""Delimited text as published: encoding, delimiter and line ends found out, fields left alone.

Line breaks inside quoted fields stay in the field.  Every line feed, carriage
return or pair of both ends a physical line, as in editors that know all three;
a record is named by the line on which it begins.  A quote that is never closed stops the file with the line
where it was opened, instead of swallowing every station after it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from migrate.adapters.spreadsheet.table import MOST_ROWS, Detected, FileRefused, Record, Table
from migrate.domain.finding import Finding, quoted
from migrate.domain.many import make_many

LARGEST_BYTES = 256 * 1024 * 1024
MOST_LINES = 200
"""A record over more lines than this is an unclosed quote; published lists stay under twenty."""

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_delimited(name: str, data: bytes) -> Table:
    """A text file as a table.  Raises ``FileRefused`` when it cannot be one."""
    text, encoding, notes = decode(data)
    if not text.strip("\ufeff\r\n\t ,;|\0"):
        raise FileRefused("E-FILE-EMPTY", f"{name} holds nothing.", hint="Export it again.")
    text, told = _told_delimiter(text)
    if text.count("\r\r\n") > text.count("\n") // 2:  # written through two text layers
        text = text.replace("\r\r\n", "\r\n")
    delimiter = told or find_delimiter(text)
    records = _records(name, text, delimiter) if '"' in text else _unquoted(name, text, delimiter)
    if told:
        records = [replace(record, row=record.row - 1) for record in records[1:]]
    detected = Detected(file=name, kind="text", encoding=encoding, delimiter=delimiter)
    return Table(detected=detected, records=tuple(records), notes=notes)


def decode(data: bytes) -> tuple[str, str, tuple[Finding, ...]]:
    """Text and the encoding that it was in: what a byte order mark says, else UTF-8, else Windows-1252 with a warning."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding), encoding, ()
    if (wide := _utf16_without_mark(data)) is not None:
        return _strictly(data, wide), wide, ()
    try:
        text = data.decode("utf-8")
        return text, "utf-8", tuple(_encoded_twice(text))
    except UnicodeDecodeError:
        text = _strictly(data, "cp1252")
    hint = "Look at names with accents; export as UTF-8 if they are wrong."
    return text, "cp1252", (Finding("W-FILE-ENCODING", "The file is no UTF-8; it was read as Windows-1252.", hint),)


_TWICE = re.compile("Ã[¤¶¼Ÿ„–œ©¨¡³º±§]|Å[¾¡¼‚›]")
"""Letters of Europe after UTF-8 was read as Windows-1252: MÃ¼ller for Müller."""


def _encoded_twice(text: str) -> Iterator[Finding]:
    if text.isascii() or not (found := _TWICE.search(text)):
        return
    word = re.split(r"[^\w-]", text[max(0, found.start() - 20) : found.start()])[-1] + found[0]
    message = f"Texts such as {quoted(word + '…')} were encoded twice before they came here."
    yield Finding("W-FILE-ENCODING", message, "Export the list anew as UTF-8; names stay as they stand until then.")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"Byte {error.start} is no {encoding} text."
        raise FileRefused("E-FILE-ENCODING", message, hint="Export it again as UTF-8.") from error


def _utf16_without_mark(data: bytes) -> str | None:
    """Half of the bytes of Western text in UTF-16 are NUL, all on one side."""
    sample = data[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) // 5:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _told_delimiter(text: str) -> tuple[str, str]:
    """Excel's own ``sep=;`` line, emptied: Excel itself never counts it as a row."""
    first, _, rest = text.partition("\n")
    bare = first.strip().strip('"')
    if bare.lower().startswith("sep=") and len(bare) == 5:
        return "\n" + rest, bare[4]
    return text, ""


def find_delimiter(text: str) -> str:
    """The delimiter that cuts the first records into the most, and most equal, fields."""
    sample = text[:65_536]
    return max(",;\t|", key=lambda delimiter: _regularity(sample, delimiter))


_PERFECT = 4


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """How regular the first records are; one that cuts all of them alike, the header too, is hardly there by chance."""
    widths: Counter[int] = Counter()
    try:
        for number, fields in enumerate(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)):
            if fields:
                widths[len(fields)] += 1
            if number == 30:
                break
    except csv.Error:
        return (0.0, 0)
    if not widths:
        return (0.0, 0)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1:
        return (0.0, 0)
    return (_PERFECT if count == widths.total() > 2 else 0) + round(count / widths.total(), 1) * min(width, 4), width


class _Lines:
    """The physical lines of a text, counted while ``csv.reader`` pulls them."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.done = 0
        self.current: list[str] = []  # what the present record is made of

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.done += 1
            self.current.append(line)
            yield line


def _unquoted(name: str, text: str, delimiter: str) -> list[Record]:
    """Without a single quote every line is a record, and lines need no counting."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    cells: list[list[str]] = []
    try:
        cells.extend(islice(rows, MOST_ROWS + 1))
    except csv.Error as error:
        raise _too_long(name, len(cells) + 1) from error
    if len(cells) > MOST_ROWS:
        raise _too_many(name)
    numbers = range(1, len(cells) + 1)
    return make_many(Record, len(cells), {"row": numbers, "line": numbers, "cells": cells})


def _records(name: str, text: str, delimiter: str) -> list[Record]:
    lines = _Lines(text)
    reader = csv.reader(iter(lines), delimiter=delimiter)
    records: list[Record] = []
    while True:
        begun = lines.done + 1
        lines.current.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return records
        except csv.Error as error:
            is_open = any('"' in line for line in lines.current)
            raise (_unclosed(name, begun) if is_open else _too_long(name, begun)) from error
        if lines.done - begun > MOST_LINES or _is_open(lines.current, delimiter):
            raise _unclosed(name, begun)
        records.append(Record(len(records) + 1, begun, tuple(cells)))
        if len(records) > MOST_ROWS:
            raise _too_many(name)


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether the text ended inside a quoted field, which ``csv`` passes over in silence."""
    if len(lines) < 2 and not (lines and lines[0].count('"') % 2):
        return False
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _unclosed(name: str, line: int) -> FileRefused:
    message = f"{name}: a quote opened in the record that begins on line {line} is not closed in time."
    return FileRefused("E-FILE-QUOTE", message, hint='Close it, or double it ("") if it belongs to the text.')


def _too_long(name: str, line: int) -> FileRefused:
    message = f"{name}: the record on line {line} holds a field of more than {csv.field_size_limit():,} characters."
    return FileRefused("E-FILE-FIELD", message, hint="Look at that line in an editor: it is no list of stations there.")


def _too_many(name: str) -> FileRefused:
    message = f"{name} has more than {MOST_ROWS:,} rows."
    return FileRefused("E-FILE-ROWS", message, hint="Cut it to the stations of this campaign.")
