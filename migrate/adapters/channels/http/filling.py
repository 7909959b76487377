"""A declared request filled in for one station.

Each text is filled in for the place it stands in: a segment of a path, a value
of a query, a header, a leaf of a JSON tree, a field of a form.  What is filled
in stays there: it can open no other segment, field or header, and JSON is
built as a tree and never as text.  It sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from migrate.adapters.channels.http.picks import as_text
from migrate.domain.errors import Mismatch
from migrate.domain.ways import Call

SPREAD = "..."
"""The name of a field whose picked object is spread out before the fields beside it."""

VALUE_JSON = "value_json"
"""The value as JSON text, for interfaces that want JSON inside a query."""

_HOLE = re.compile(r"\$(?:\$|\{(?P<name>[a-z][a-z0-9_]*)\})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, ready to be sent.  ``shown`` is its declared form, the only one that may be printed."""

    shown: str
    method: str
    target: str  # path and query, percent-encoded
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


def names_of(call: Call) -> frozenset[str]:
    """Everything that a request names."""
    return frozenset(name for text in _texts(call) for name in holes(text))


def holes(text: str) -> Iterator[str]:
    return (match["name"] for match in _HOLE.finditer(text) if match["name"])


def fill(call: Call, names: Mapping[str, Any], identity: str) -> Request:
    """A request with everything that it names put in its place.

    Raises ``Mismatch`` where a name has no value, or one that its place cannot hold.
    """
    sink = _Sink(names, identity, f"{call.method} {call.path}")
    target = "/".join(sink.segment(part) for part in call.path.split("/"))
    if call.query:
        target += "?" + "&".join(f"{quote_plus(name)}={quote_plus(sink.text(t))}" for name, t in call.query.items())
    headers = {name: sink.header(text) for name, text in call.headers.items()}
    body: bytes | None = None
    if call.json is not None:
        body = sink.encoded(json.dumps(sink.tree(call.json), ensure_ascii=False, allow_nan=False))
        headers["Content-Type"] = "application/json"
    elif call.form is not None:
        fields = (f"{quote_plus(name)}={quote_plus(sink.text(text))}" for name, text in call.form.items())
        body = "&".join(fields).encode("ascii")
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return Request(shown=sink.shown, method=call.method, target=target, headers=headers, body=body)


class _Sink:
    """The places of one request; every method answers what may stand in its own."""

    def __init__(self, names: Mapping[str, Any], identity: str, shown: str) -> None:
        self._names, self._identity, self.shown = names, identity, shown

    def segment(self, template: str) -> str:
        """One segment of a path: slash, question mark and number sign are encoded, and it cannot climb."""
        text = self.text(template)
        if template != text and text in ("", ".", ".."):
            raise self._misplaced(template, "would leave its segment of the path")
        if _CONTROL.search(text):
            raise self._misplaced(template, "holds control characters")
        return quote(text, safe="")

    def header(self, template: str) -> str:
        text = self.text(template)
        if _CONTROL.search(text) or not text.isascii():
            raise self._misplaced(template, "holds characters that no header may hold")
        return text

    def tree(self, node: Any) -> Any:
        """A JSON tree with its leaves filled in; a leaf that is nothing but a name takes the value as it is."""
        if isinstance(node, Mapping):
            spread = self._spread(node[SPREAD]) if SPREAD in node else {}
            return {**spread, **{name: self.tree(leaf) for name, leaf in node.items() if name != SPREAD}}
        if isinstance(node, list | tuple):
            return [self.tree(leaf) for leaf in node]
        if not isinstance(node, str):
            return node
        only = _HOLE.fullmatch(node)
        return self._named(only["name"]) if only and only["name"] else self.text(node)

    def text(self, template: str) -> str:
        filled = _HOLE.sub(lambda hole: self._in_text(hole["name"]) if hole["name"] else "$", template)
        if _SURROGATE.search(filled):
            raise self._misplaced(template, "holds half a character")
        return filled

    def encoded(self, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise self._misplaced("its body", "holds half a character") from error

    def _spread(self, template: Any) -> Mapping[str, Any]:
        picked = self.tree(template)
        if not isinstance(picked, Mapping):
            raise self._misplaced(str(template), "is no object whose fields could be kept")
        return picked

    def _in_text(self, name: str) -> str:
        value = self._named(name)
        if value is None or isinstance(value, list | dict):
            raise self._misplaced(f"${{{name}}}", "is no text, number or boolean")
        return as_text(value)

    def _named(self, name: str) -> Any:
        if name not in self._names:
            raise Mismatch(
                f"{self._identity} has nothing that could stand for ${{{name}}} in {self.shown}.",
                identity=self._identity,
                hint=f"Give its {name} in the inventory, or mend the profile.",
            )
        return self._names[name]

    def _misplaced(self, template: str, why: str) -> Mismatch:
        """The value itself is not shown: it may be a secret."""
        return Mismatch(
            f"{self._identity}: what stands for {template} in {self.shown} {why}.",
            identity=self._identity,
            hint="Look at the station in the inventory, and at what it answered.",
        )


def _texts(call: Call) -> Iterator[str]:
    yield call.path
    for texts in (call.query, call.headers, call.form or {}):
        yield from texts.values()
    yield from _leaves(call.json)


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for leaf in node.values():
            yield from _leaves(leaf)
    elif isinstance(node, list | tuple):
        for leaf in node:
            yield from _leaves(leaf)
