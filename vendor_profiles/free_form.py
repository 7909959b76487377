"""Kinds of value whose keys the file chooses itself: headers, picks, exit codes, the body of a request.

They are read as plainly as everything else: what stands there is data, with
its place, and nothing in it is run or filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Mapped
from typing import Any

from vendor_profiles.readers import MAX_TEXT, Bad, Kind, Notes, struct
from vendor_profiles.tree import Mapping, Node, Scalar, Sequence

MAX_NAME = 100
_WHOLE = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?", re.ASCII)


def named(kind: Kind) -> Kind:
    """A mapping whose keys are names of the file's own."""

    def read(node: Node, key: str, notes: Notes) -> dict[str, Any]:
        table = dict.fromkeys(_names(node, key, notes), kind)
        return struct(node, key, notes, table, ())

    names = {"minLength": 1, "maxLength": MAX_NAME}
    return Kind(read, {"type": "object", "propertyNames": names, "additionalProperties": dict(kind.schema)})


def _names(node: Node, key: str, notes: Notes) -> tuple[str, ...]:
    if not isinstance(node, Mapping):
        raise notes.bad(node.place, key, "This is a group of names, each with what belongs to it.")
    for name in node.entries:
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            place = node.keys[name]
            raise notes.bad(place, key, f"A name has 1 to {MAX_NAME} characters that can be printed.")
    return tuple(node.entries)


def by_number(kind: Kind, highest: int) -> Kind:
    """A mapping whose keys are whole numbers from 0 on."""

    def read(node: Node, key: str, notes: Notes) -> dict[int, Any]:
        names = _names(node, key, notes)
        for name in names:
            assert isinstance(node, Mapping)
            if not _WHOLE.fullmatch(name) or int(name) > highest:
                raise notes.bad(node.keys[name], f"{key}.{name}", f"This is a whole number from 0 to {highest}.")
        return {int(name): value for name, value in struct(node, key, notes, dict.fromkeys(names, kind), ()).items()}

    pattern = {"^(0|[1-9][0-9]{0,8})$": dict(kind.schema)}
    return Kind(read, {"type": "object", "patternProperties": pattern, "additionalProperties": False})


def whole_number(lowest: int, highest: int) -> Kind:
    """A whole number within bounds."""

    def read(node: Node, key: str, notes: Notes) -> int:
        text = node.text if isinstance(node, Scalar) and not node.is_text else ""
        if _WHOLE.fullmatch(text) and lowest <= int(text) <= highest:
            return int(text)
        raise notes.bad(node.place, key, f"This is a whole number from {lowest} to {highest}.")

    return Kind(read, {"type": "integer", "minimum": lowest, "maximum": highest})


def _tree(node: Node, key: str, notes: Notes) -> Any:
    match node:
        case Mapping():
            return {name: _tree(entry, f"{key}.{name}", notes) for name, entry in _checked(node, key, notes).items()}
        case Sequence():
            return [_tree(item, f"{key}[{i}]", notes) for i, item in enumerate(node.items)]
        case Scalar():
            return _leaf(node, key, notes)


def _checked(node: Mapping, key: str, notes: Notes) -> Mapped[str, Node]:
    _names(node, key, notes)
    return node.entries


def _leaf(node: Scalar, key: str, notes: Notes) -> str | int | float | bool | None:
    if node.is_null:
        return None
    if node.is_text:
        if len(node.text) > MAX_TEXT or not node.text.isprintable():
            raise _not_json(node, key, notes)
        return node.text
    if node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    if not _NUMBER.fullmatch(node.text):
        raise _not_json(node, key, notes)
    return float(node.text) if "." in node.text else int(node.text)


def _not_json(node: Scalar, key: str, notes: Notes) -> Bad:
    return notes.bad(node.place, key, "This is no text, number, true, false or null.", "Put a text in quotes.")


TREE = Kind(_tree, {"type": ["object", "array", "string", "number", "boolean", "null"]})
"""The body of a JSON request: texts are templates, everything else stands as it is."""
