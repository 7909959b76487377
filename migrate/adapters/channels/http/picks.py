"""Values picked out of a reply, and the reply itself as a bounded tree.

A station's reply is a stranger's text: how large, how deep and how long a
number in it may be is limited here before anything is built from it.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 64

WHOLE = "$"
"""The path of the whole document."""

_STEP = re.compile(r"\.?([\w-]+)|\[(\d{1,4})\]", re.ASCII)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)  # one that never ends too: else each quote in it is tried anew
_BRACKET = re.compile(rb"[\[\]{}]")
_LONG_NUMBER = re.compile(rb"\d{%d}" % (MAX_DIGITS + 1))


class NotThere(LookupError):
    """A reply does not hold what was looked for."""


class NoDocument(ValueError):
    """A reply is no JSON within bounds; says why in few words."""


def parsed(body: bytes) -> Any:
    """A reply as a tree.  Raises ``NoDocument``.

    >>> parsed(b'{"url": "ws://csms/ocpp"}')
    {'url': 'ws://csms/ocpp'}
    """
    bare = _TEXT.sub(b"", body)
    if _depth(bare) > MAX_DEPTH:
        raise NoDocument(f"it is nested deeper than {MAX_DEPTH} levels")
    if _LONG_NUMBER.search(bare):
        raise NoDocument(f"it holds a number of more than {MAX_DIGITS} digits")
    try:
        text = body.decode("utf-8-sig")  # by RFC 8259; in another encoding its brackets would have gone uncounted
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except ValueError as error:  # not UTF-8, not JSON, NaN, a number beyond all numbers
        raise NoDocument("it is no JSON") from error


def pick(document: Any, path: str) -> Any:
    """What stands at a path.  Raises ``NotThere``.

    >>> pick({"data": {"items": [{"id": 7}]}}, "data.items[0].id")
    7
    """
    if path == WHOLE:
        return document
    node, at = document, 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise NotThere(path)
        node = _one_step(node, step, path)
        at = step.end()
    return node


def as_text(value: Any) -> str:
    """A picked value as text: JSON's own spelling for numbers and booleans.

    >>> as_text(True), as_text(3.5), as_text("ws://csms")
    ('true', '3.5', 'ws://csms')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _one_step(node: Any, step: re.Match[str], path: str) -> Any:
    name, index = step[1], step[2]
    if name is not None and isinstance(node, dict) and name in node:
        return node[name]
    if index is not None and isinstance(node, list) and int(index) < len(node):
        return node[int(index)]
    raise NotThere(path)


def _depth(bare: bytes) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in (b"[", b"{") else -1
        deepest = max(deepest, depth)
    return deepest


def _finite(digits: str) -> float:
    """A number that can be written down again."""
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
