"""YAML as a small tree that remembers where everything stood.

A profile file comes from a vendor engineer, a colleague or the internet.  This
module turns its text into nodes with line and column, and refuses what has no
place in data: aliases, tags, duplicate keys, several documents, deep nesting.
It constructs no object of any kind and knows nothing about profiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20  # a body of JSON in a request of a key of an interface of a profile
MAX_NODES = 10_000

_NO_TEXT = re.compile(
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?\d+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
"""What an unquoted scalar is under the core schema of YAML 1.2 when it is not text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    place: Place
    is_text: bool  # quoted, or nothing that YAML reads as number, boolean or null

    @property
    def is_null(self) -> bool:
        return not self.is_text and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: dict[str, Node]
    keys: dict[str, Place]  # where each key stands, for complaints about the key itself
    place: Place


Node = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """Text that is no acceptable YAML.  The first thing wrong ends the reading: what follows cannot be trusted."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(slots=True)
class _Open:
    """A collection that is still being read."""

    place: Place
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    key: str | None = None

    def take(self, node: Node) -> None:
        if not self.is_mapping:
            self.items.append(node)
        elif self.key is None:
            self._take_key(node)
        else:
            if isinstance(node, Scalar) and not node.text and not node.is_text:
                node = Scalar("", self.keys[self.key], is_text=False)  # nothing stands nowhere: show its key
            self.entries[self.key] = node
            self.key = None

    def _take_key(self, node: Node) -> None:
        if not isinstance(node, Scalar) or node.is_null:
            raise Unreadable("A key must be a plain word.", node.place)
        if node.text in self.keys:
            raise Unreadable(f"The key {node.text!r} appears twice.", node.place)
        self.keys[node.text] = node.place
        self.key = node.text

    def closed(self) -> Node:
        if self.is_mapping:
            return Mapping(self.entries, self.keys, self.place)
        return Sequence(tuple(self.items), self.place)


def read_tree(text: str) -> Node | None:
    """The one document of a YAML 1.2 text, or ``None`` for an empty one.  Raises ``Unreadable``."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Unreadable(f"The file is larger than {MAX_BYTES // 1024} KiB.", Place(1, 1))
    try:
        return _grow(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise Unreadable(f"This is no YAML: {error.problem or error.context}.", place) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise Unreadable("This is no YAML: it holds characters or nesting that YAML forbids.", Place(1, 1)) from error


def _grow(events: Iterator[Any]) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    documents = 0
    for count, event in enumerate(events):
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        documents += isinstance(event, DocumentStartEvent)
        _refuse(event, place, depth=len(stack), count=count, documents=documents)
        node = _step(event, place, stack)
        if node is not None and stack:
            stack[-1].take(node)
        elif node is not None:
            root = node
    return root


def _refuse(event: Any, place: Place, *, depth: int, count: int, documents: int) -> None:
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
        raise Unreadable("Anchors and aliases are not used in profiles: write the value out.", place)
    if getattr(event, "tag", None):
        raise Unreadable(f"The tag {event.tag!s:.60} is not used in profiles: they are plain data.", place)
    if depth > MAX_DEPTH:
        raise Unreadable(f"The nesting is deeper than {MAX_DEPTH} levels.", place)
    if count > MAX_NODES:
        raise Unreadable(f"The file has more than {MAX_NODES} parts.", place)
    if documents > 1:
        raise Unreadable("A file holds one document: remove the second '---'.", place)


def _step(event: Any, place: Place, stack: list[_Open]) -> Node | None:
    """One event: open a collection, or hand out a finished node."""
    match event:
        case ScalarEvent():
            is_text = event.style is not None or not _NO_TEXT.fullmatch(event.value)
            return Scalar(event.value, place, is_text)
        case MappingStartEvent() | SequenceStartEvent():
            stack.append(_Open(place, isinstance(event, MappingStartEvent)))
        case MappingEndEvent() | SequenceEndEvent():
            return stack.pop().closed()
        case StreamStartEvent() | StreamEndEvent() | DocumentStartEvent() | DocumentEndEvent():
            pass
        case _:
            raise Unreadable("This is no plain YAML.", place)
    return None
