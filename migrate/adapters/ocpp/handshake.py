"""The HTTP request that opens a WebSocket, and its answer.

Reads bounded heads, and writes the ones the relay sends.  What is passed on is
a closed list: the identity's raw segment, the subprotocols, the credentials,
the station's own key.  Extensions are never passed on (compression would blind
the tap), nor is a query, a cookie or any other header.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from migrate.domain.address import Backend

MAX_HEAD_BYTES = 8192
MAX_IDENTITY = 128  # the contract says 48; the CSMS judges, not the relay
END = b"\r\n\r\n"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_REQUEST = re.compile(rb"GET ([\x21-\x7e]+) HTTP/1\.1")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_ANSWER_HEADERS = ("www-authenticate", "retry-after")
_PASSED_HEADERS = ("authorization", "sec-websocket-protocol", "user-agent")


class BadHead(Exception):
    """A head that is not what it should be, with the HTTP status that says so."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A station at the door.  Its headers may carry its password and are never shown."""

    segment: str  # raw, as dialled
    identity: str
    key: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def subprotocols(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.headers.get("sec-websocket-protocol", "").split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class Reply:
    """How the CSMS answered at its door."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def is_open(self) -> bool:
        return self.status == HTTPStatus.SWITCHING_PROTOCOLS

    @property
    def subprotocol(self) -> str:
        return self.headers.get("sec-websocket-protocol", "")


def read_upgrade(head: bytes) -> Upgrade:
    """A station's request, without its final blank line; raises ``BadHead``."""
    first, _, rest = head.partition(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise BadHead(HTTPStatus.BAD_REQUEST, "no GET request of HTTP/1.1")
    headers = _headers(rest)
    segment, identity = _identity(request[1])
    if "websocket" not in headers.get("upgrade", "").lower():
        raise BadHead(HTTPStatus.UPGRADE_REQUIRED, "no WebSocket upgrade")
    key = headers.get("sec-websocket-key", "")
    if not key or "content-length" in headers or "transfer-encoding" in headers:
        raise BadHead(HTTPStatus.BAD_REQUEST, "no key, or a body")
    return Upgrade(segment, identity, key, headers)


def _identity(target: bytes) -> tuple[str, str]:
    """The raw last segment of the path, and the identity it encodes; a query is dropped."""
    segment = target.partition(b"?")[0].partition(b"#")[0].rpartition(b"/")[2]
    try:
        identity = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError as error:
        raise BadHead(HTTPStatus.NOT_FOUND, "an identity that is no text") from error
    if not identity or len(identity) > MAX_IDENTITY or not identity.isprintable() or identity in (".", ".."):
        raise BadHead(HTTPStatus.NOT_FOUND, "no identity in the path")
    return segment.decode(), identity


def _headers(rest: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in rest.split(b"\r\n") if rest else ():
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadHead(HTTPStatus.BAD_REQUEST, "a header that is none")
        key, text = name.decode().lower(), value.strip().decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def read_reply(head: bytes) -> Reply:
    """The CSMS's answer, without its final blank line; raises ``BadHead``."""
    first, _, rest = head.partition(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise BadHead(HTTPStatus.BAD_GATEWAY, "the CSMS answered no HTTP")
    reply = Reply(int(status[1]), (status[2] or b"").decode("latin-1"), _headers(rest))
    if reply.is_open and reply.headers.get("sec-websocket-extensions"):
        raise BadHead(HTTPStatus.BAD_GATEWAY, "the CSMS insists on an extension nobody offered")
    return reply


def write_upgrade(upgrade: Upgrade, upstream: Backend) -> bytes:
    """What the CSMS is dialled with: the configured base and the raw last segment, nothing else."""
    lines = [
        f"GET {upstream.path.rstrip('/')}/{upgrade.segment} HTTP/1.1",
        f"Host: {upstream.origin.partition('://')[2]}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {upgrade.key}",
        "Sec-WebSocket-Version: 13",
    ]
    lines += [f"{name.title()}: {upgrade.headers[name]}" for name in _PASSED_HEADERS if name in upgrade.headers]
    return _head(lines)


def write_welcome(accept: str, subprotocol: str) -> bytes:
    """The answer that opens the station's socket."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines.append(f"Sec-WebSocket-Accept: {accept}")
    return _head([*lines, f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else lines)


def write_refusal(status: int, reason: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """An answer that keeps the door shut, with the CSMS's own status where it gave one."""
    if not reason and status in HTTPStatus._value2member_map_:
        reason = HTTPStatus(status).phrase
    passed = [f"{name.title()}: {value}" for name, value in (headers or {}).items() if name in _ANSWER_HEADERS]
    return _head([f"HTTP/1.1 {status} {reason}", *passed, "Content-Length: 0", "Connection: close"])


def _head(lines: list[str]) -> bytes:
    return "\r\n".join(lines).encode("latin-1") + END


def accept_key(key: str) -> str:
    """The proof that a key was read (RFC 6455, 4.2.2)."""
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
