"""The hash chain: what makes a changed or missing line of the journal show.

Each writing process has a chain of its own.  A line's hash covers its place,
its content and the hash of the line before it.  This module computes; it
stores nothing and reads nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

GENESIS = ""
"""What the first line of a chain holds in place of a predecessor's hash."""


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=_plain
).encode
"""JSON with one spelling per value: sorted keys, no blanks, ASCII only, so that any text a station sends survives."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_encode = msgspec.json.Encoder().encode


class Line(NamedTuple):
    """An event as columns, before it has its place."""

    kind: str
    at: str
    identity: str
    attempt: str
    data: str


def hash_of(seq: int, writer: str, link: int, prev_hash: str, line: Line) -> str:
    """SHA-256 over the compact JSON list of a line's columns in UTF-8, in hexadecimal: anyone can compute it again."""
    return hashlib.sha256(_encode((seq, writer, link, prev_hash, *line))).hexdigest()


@dataclass(slots=True)
class Pen:
    """The end of one chain inside one transaction.  Each line it writes is the next of its chain."""

    writer: str
    seq: int  # the newest line of the whole journal
    link: int
    hash: str

    def write(self, line: Line) -> dict[str, Any]:
        """The row of the next line."""
        self.seq += 1
        self.link += 1
        before, self.hash = self.hash, hash_of(self.seq, self.writer, self.link, self.hash, line)
        row: dict[str, Any] = line._asdict()
        row.update(seq=self.seq, writer=self.writer, link=self.link, prev_hash=before, hash=self.hash)
        return row
