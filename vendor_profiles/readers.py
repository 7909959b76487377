"""Kinds of value in a profile file: texts, numbers, choices, groups.

A reader returns a value, or notes what is wrong with its place and raises
``Bad``; whoever holds several nodes goes on with the next, so that one pass
finds every problem.  Each kind says beside how it is read what it looks like in
JSON Schema, so that the two cannot drift apart.  Nothing here knows what a
profile is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as Mapped
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from vendor_profiles.tree import Mapping, Node, Place, Scalar, Sequence

MAX_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a profile file, and where."""

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        key = f" {self.key}:" if self.key else ""
        return f"{where}{key} {self.message}" + (f" {self.hint}" if self.hint else "")


class Bad(Exception):
    """A part could not be read; what is wrong with it is noted already."""


@dataclass(slots=True)
class Notes:
    """The problems found so far in one file."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Place, key: str, message: str, hint: str = "") -> None:
        found = Problem(file=self.file, line=place.line, column=place.column, key=key, message=message, hint=hint)
        self.problems.append(found)

    def bad(self, place: Place, key: str, message: str, hint: str = "") -> Bad:
        self.add(place, key, message, hint)
        return Bad()


Reader = Callable[[Node, str, Notes], Any]


def struct(node: Node, key: str, notes: Notes, table: Mapped[str, Kind], required: Collection[str]) -> dict[str, Any]:
    """A mapping with known keys.  Goes through all of them before it gives up."""
    if not isinstance(node, Mapping):
        raise notes.bad(node.place, key, f"This holds keys: {', '.join(table)}.")
    before = len(notes.problems)
    for name in sorted(set(required) - set(node.entries)):
        notes.add(node.place, _join(key, name), f"The key {name} is missing.")
    values: dict[str, Any] = {}
    for name, entry in node.entries.items():
        if name not in table:
            near = get_close_matches(name, table, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(table)}."
            notes.add(node.keys[name], _join(key, name), f"The key {name!r} is unknown.", hint)
            continue
        try:
            values[name] = table[name].read(entry, _join(key, name), notes)
        except Bad:
            continue
    if len(notes.problems) > before:
        raise Bad
    return values


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def text_of(node: Node, key: str, notes: Notes) -> str:
    text = any_text(node, key, notes)
    if not text.strip():
        raise notes.bad(node.place, key, "This is empty.")
    return text


def any_text(node: Node, key: str, notes: Notes) -> str:
    if not isinstance(node, Scalar):
        raise notes.bad(node.place, key, "This is one text, not a list or a group of keys.")
    if node.is_null:
        raise notes.bad(node.place, key, "This is empty.")
    if not node.is_text:
        raise notes.bad(node.place, key, f"YAML reads {node.text} as no text.", "Put it in quotes.")
    text = node.text.strip()
    if len(text) > MAX_TEXT or not text.replace("\n", " ").isprintable():
        raise notes.bad(node.place, key, f"This is longer than {MAX_TEXT} characters or holds control characters.")
    return text


def texts(node: Node, key: str, notes: Notes) -> tuple[str, ...]:
    if not isinstance(node, Sequence):
        raise notes.bad(node.place, key, "This is a list.", "Write [first, second], or a dash before each.")
    return _each(node, key, notes, text_of)


def _each(node: Sequence, key: str, notes: Notes, reader: Reader) -> tuple[Any, ...]:
    before = len(notes.problems)
    found = []
    for i, item in enumerate(node.items):
        try:
            found.append(reader(item, f"{key}[{i}]", notes))
        except Bad:
            continue
    if len(notes.problems) > before:
        raise Bad
    return tuple(found)


def boolean(node: Node, key: str, notes: Notes) -> bool:
    if isinstance(node, Scalar) and not node.is_text and node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    raise notes.bad(node.place, key, "This is true or false.")


def count(node: Node, key: str, notes: Notes) -> int:
    if isinstance(node, Scalar) and not node.is_text and re.fullmatch(r"[1-9]\d{0,5}", node.text, re.ASCII):
        return int(node.text)
    raise notes.bad(node.place, key, "This is a whole number from 1 on.")


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(node: Node, key: str, notes: Notes) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", node.text, re.ASCII) if isinstance(node, Scalar) else None
    if not found:
        raise notes.bad(node.place, key, "This is a time with its unit.", "Write 90s, 5m or 4h.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand behind a key: how it is read, and how the published JSON Schema says so."""

    read: Reader
    schema: Mapped[str, Any]

    def meaning(self, words: str) -> Kind:
        """The same kind with what it means at this key."""
        return replace(self, schema={**self.schema, "description": words})


TEXT = Kind(text_of, {"type": "string", "maxLength": MAX_TEXT, "pattern": r"\S"})
ANY_TEXT = Kind(any_text, {"type": "string", "maxLength": MAX_TEXT})
TEXTS = Kind(texts, {"type": "array", "items": TEXT.schema})
BOOLEAN = Kind(boolean, {"type": "boolean"})
COUNT = Kind(count, {"type": "integer", "minimum": 1, "maximum": 999_999})
DURATION = Kind(duration, {"type": "string", "pattern": r"^[1-9][0-9]{0,5}[smhd]$"})


def choice(kind: type[StrEnum], only: Collection[StrEnum] | None = None) -> Kind:
    """One word of a few.  ``only`` narrows what is published, where a law refuses the rest by name."""
    known = [member.value for member in kind]

    def read(node: Node, key: str, notes: Notes) -> StrEnum:
        text = text_of(node, key, notes)
        if text in known:
            return kind(text)
        near = get_close_matches(text, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
        raise notes.bad(node.place, key, f"{text!r} is unknown.", hint)

    return Kind(read, {"enum": [word for word in known if only is None or word in only]})


def group(kind: Callable[..., Any], table: Mapped[str, Kind], required: Collection[str] = ()) -> Kind:
    """A mapping with known keys, made into one value."""

    def read(node: Node, key: str, notes: Notes) -> Any:
        return kind(**struct(node, key, notes, table, required))

    return Kind(read, shape(table, required))


def shape(table: Mapped[str, Kind], required: Collection[str]) -> dict[str, Any]:
    """A mapping with known keys, as JSON Schema says it."""
    properties = {name: dict(kind.schema) for name, kind in table.items()}
    said = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**said, "required": sorted(required)} if required else said


def list_of(kind: Kind) -> Kind:
    def read(node: Node, key: str, notes: Notes) -> tuple[Any, ...]:
        if not isinstance(node, Sequence):
            raise notes.bad(node.place, key, "This is a list, each part begun with a dash.")
        return _each(node, key, notes, kind.read)

    return Kind(read, {"type": "array", "items": dict(kind.schema)})
