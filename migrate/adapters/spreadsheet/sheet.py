"""A sheet on its way between two processes: columns of texts, each text once.

A list of a hundred thousand stations has a dozen vendors and one country.
Packed like this it crosses a pipe in a fraction of the time that its rows
would take, and equal cells stay one string afterwards.  Nothing that comes
out of the bounded process is trusted: it is read by a schema, never unpickled.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import repeat
from math import isfinite
from typing import Any

import msgspec

from migrate.adapters.spreadsheet.table import Record
from migrate.domain.many import make_many


class Request(msgspec.Struct, frozen=True, array_like=True):
    """What the bounded process is to read."""

    name: str
    kind: str
    asked: str | None
    memory_bytes: int
    cpu_s: int
    data: bytes


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A finding as it crosses."""

    code: str
    message: str
    hint: str


class Fault(msgspec.Struct, frozen=True, array_like=True):
    row: int
    column: int
    told: Told


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """One column: its different texts, which of them were numbers or dates, and by row which text stands there.

    ``index`` is empty when every row has a text of its own, in order.
    """

    texts: list[str]
    numbers: bytes
    index: bytes


class Sheet(msgspec.Struct, frozen=True, array_like=True):
    """The answer: one sheet, or why the file is refused."""

    name: str = ""
    rows: bytes = b""
    columns: list[Packed] = []
    notes: list[Told] = []
    faults: list[Fault] = []
    merged: list[tuple[int, int, int, int]] = []
    hidden: int = 0
    refusal: Told | None = None


class Reach(msgspec.Struct, frozen=True):
    """Said before a reader allocates anything, so that it is known also when that ends the process."""

    far: str
    rows: int
    columns: int


_POSITIONAL = 1e22
"""From here on a float is written with its exponent, as Excel shows it."""


def as_text(value: Any) -> str:
    """A cell as a person would type it: 123 for 123.0, ISO for dates.

    >>> as_text(123.0), as_text(51.5), as_text(None)
    ('123', '51.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not isfinite(value):
            return "#NUM!"  # as Excel shows what is no number
        return f"{value:.0f}" if value.is_integer() and abs(value) < _POSITIONAL else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def pack(values: Sequence[Any]) -> Packed:
    """A column of values as the reader gave them.  Each different one is turned into text once."""
    kinds = set(map(type, values))
    if bool in kinds:  # to Python True is 1, and a sheet can hold both
        values = [as_text(value) if isinstance(value, bool) else value for value in values]
    different = dict.fromkeys(values)
    texts, numbers = list(different), b""
    if kinds != {str}:
        texts = [as_text(value) for value in different]
        numbers = bytes(map(_typed, different)) if kinds & {int, float, *_DATES} else b""
    if len(different) == len(values):
        return Packed(texts, numbers, b"")
    positions = dict(zip(different, range(len(different)), strict=True))
    index = array("I", map(positions.__getitem__, values))
    return Packed(texts, numbers, index.tobytes())


IS_NUMBER, IS_DATE = 1, 2
_DATES = (datetime, date, time, timedelta)


def _typed(value: Any) -> int:
    """What a cell held instead of text."""
    return IS_NUMBER if isinstance(value, int | float) else IS_DATE if isinstance(value, _DATES) else 0


def unpack(packed: Packed) -> tuple[Sequence[str], bytes]:
    """The texts by row, and one byte for each, ``IS_NUMBER`` or ``IS_DATE``; no bytes where every cell is text.

    >>> unpack(pack(["a", 1.0, "a"]))
    (['a', '1', 'a'], b'\\x00\\x01\\x00')
    """
    if not packed.index:
        return packed.texts, packed.numbers
    index = array("I", packed.index)
    texts = list(map(packed.texts.__getitem__, index))
    return texts, bytes(map(packed.numbers.__getitem__, index)) if packed.numbers else b""


def records_of(rows: bytes, columns: Sequence[Sequence[str]]) -> tuple[Record, ...]:
    """Records by row number; every column has as many texts as there are rows."""
    numbers = array("I", rows)
    cells = list(zip(*columns, strict=True))
    return tuple(make_many(Record, len(numbers), {"row": numbers, "line": repeat(None), "cells": cells}))
