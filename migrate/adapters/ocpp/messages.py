"""OCPP-J messages as stations really send them.

Reads one text into a call, a result, an error or *malformed with a reason*.
It never raises and never judges a payload against a schema: a station with a
21-character vendor is still a station.  Size, depth and digits are bounded
before anything is decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

MAX_TEXT_BYTES = 1 << 18
MAX_DEPTH = 64
MAX_DIGITS = 400
MAX_ID = 255  # the standard says 36; longer ones are seen
MAX_WORDS = 255  # of a text from a station that we keep
MAX_VALUE = 4096  # 1.6 says 500, 2.0.1 2500 (ReportingValueSize); longer ones are seen

NOT_JSON = (ValueError, RecursionError, msgspec.MsgspecError)
_BOM = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
_HEAD = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\[\s*+([234])\s*+,\s*+"([^"\\]{0,255})"\s*+(?:,\s*+"([^"\\]{0,64})")?')
_KIND = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\[\s*+([0-9])")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Call:
    """Someone asks the other side to do something."""

    id: str
    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a call."""

    id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """The refusal of a call, or the failure to understand it."""

    id: str
    code: str
    description: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is no OCPP-J message, and why not."""

    reason: str


Answer = Result | Error
Message = Call | Result | Error | Malformed


def parse(text: bytes) -> Message:
    """Read one message; whatever is wrong with it comes back as ``Malformed``.

    >>> parse(b'[2,"1","Heartbeat",{}]')
    Call(id='1', action='Heartbeat', payload={})
    >>> parse(b'[2,"1"').reason
    'not JSON'
    """
    if why := _unsafe(text):
        return Malformed(why)
    try:
        parts = msgspec.json.decode(text)
    except NOT_JSON:
        parts = _decode_leniently(text)
    if not isinstance(parts, list):
        return Malformed("not JSON" if parts is _NOTHING else "not a list")
    return _flawless(parts) or _forgiven(parts)


def _unsafe(text: bytes) -> str:
    """Why this must not be decoded at all; empty when it may be."""
    if len(text) > MAX_TEXT_BYTES:
        return "too long"
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return "too deep"
    if len(text) > MAX_DIGITS and _LONG_NUMBER.search(_STRING.sub(b"", text)):
        return "too many digits"
    return ""


def _depth(text: bytes) -> int:
    deepest = depth = 0
    for byte in re.findall(rb"[\[\]{}]", _STRING.sub(b"", text)):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


_NOTHING = object()


def _decode_leniently(text: bytes) -> object:
    """A byte order mark, broken UTF-8 and lone surrogates are forgiven; broken JSON is not."""
    try:
        parts = json.loads(text.removeprefix(_BOM).decode("utf-8", "replace"), strict=False)
        return json.loads(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace"))
    except NOT_JSON:
        return _NOTHING


def _flawless(parts: list[Any]) -> Message | None:
    """What nearly all are; only a shortcut."""
    if len(parts) == 4 and parts[0] == 2:
        _, id_, action, payload = parts
        if type(id_) is str and type(action) is str and type(payload) is dict and len(id_) <= MAX_ID:
            return Call(id_, clean(action), payload)
    elif len(parts) == 3 and parts[0] == 3:
        _, id_, payload = parts
        if type(id_) is str and type(payload) is dict and len(id_) <= MAX_ID:
            return Result(id_, payload)
    return None


def _forgiven(parts: list[Any]) -> Message:
    match parts:
        case [2, id_, str(action), *rest] if _is_id(id_) and len(rest) <= 1:
            return Call(str(id_), clean(action), _mapping(rest))
        case [3, id_, *rest] if _is_id(id_) and len(rest) <= 1:
            return Result(str(id_), _mapping(rest))
        case [4, id_, *rest] if _is_id(id_):
            code, description = [*rest, "", ""][:2]
            return Error(str(id_), clean(code), clean(description))
        case [2 | 3 | 4, *_]:
            return Malformed("wrong elements")
    return Malformed("unknown message type")


def _is_id(value: object) -> bool:
    """Ids that are numbers are seen in the field; they are matched by their text."""
    return isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= MAX_ID


def _mapping(rest: list[Any]) -> Mapping[str, Any]:
    return rest[0] if rest and isinstance(rest[0], dict) else {}


def clean(value: object, limit: int = MAX_WORDS) -> str:
    """A text from a station made safe to keep: bounded, and without what could steer a terminal or break a store.

    What is not text is unknown, therefore empty.
    """
    if not isinstance(value, str):
        return ""
    if value.isprintable() and len(value) <= limit:
        return value
    return _UNPRINTABLE.sub("\ufffd", value[:limit])


def held_value(value: object) -> str | None:
    """What a station says that it holds: text as it is, numbers and booleans that some send bare in JSON's spelling.

    Bounded by `MAX_VALUE`; what is none of the three is no value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value[:MAX_VALUE] if isinstance(value, str) else None


def list_of(value: object) -> list[Any]:
    """A list where a list should be; anything else holds nothing."""
    return value if isinstance(value, list) else []


def peek(text: bytes) -> tuple[int, str, str] | None:
    """Type, id and (of a call) action, from the first bytes alone; ``None`` when they do not show it."""
    found = _HEAD.match(text)
    if found is None:
        return None
    kind, id_, action = found.groups(b"")
    return kind[0] - 48, str(id_, "utf-8", "replace"), str(action, "utf-8", "replace")


def kind_of(text: bytes) -> int | None:
    """The message type from its very first bytes: 2 call, 3 result, 4 error; ``None`` when they do not show one."""
    found = _KIND.match(text)
    return found[1][0] - 48 if found else None


def may_begin_message(text: bytes) -> bool:
    """Whether more bytes could still turn this into a message."""
    return text.removeprefix(_BOM).lstrip()[:1] in (b"", b"[")


def call_text(id_: str, action: str, payload: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode([2, id_, action, payload])


def answer_text(answer: Answer) -> bytes:
    if isinstance(answer, Result):
        return msgspec.json.encode([3, answer.id, answer.payload])
    return msgspec.json.encode([4, answer.id, answer.code, answer.description, answer.details])
