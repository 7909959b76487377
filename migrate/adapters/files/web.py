"""Firmware over HTTP and HTTPS: GET and HEAD of sealed links, with ranges, and nothing else.

Answers follow RFC 9110: one range of bytes, from a place on or the last so
many; If-Range by the file's own checksum.  A request for several ranges gets
the whole file, which the standard allows and every station understands.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import http_exceptions, web

from migrate.adapters.files.desk import Changed, Desk, NoPlace, Transfer

HEADERS_BYTES = 320
"""About what the head of an answer weighs."""

KEEP_ALIVE_S = 30.0
HEAD_WITHIN_S = 60.0
"""From a connection to its first request: over GPRS a handshake takes its time."""

DEAD_AFTER_S = 600.0
"""A station that takes nothing for so long has hung; it has few places, and would get no other."""

MOST_CONNECTIONS = 2000
STOP_S = 2.0
SEND_BUFFER = 32 * 1024
"""What the kernel keeps per transfer: more would leave our hands long before it leaves the machine."""

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE | re.ASCII)


class _WithoutRequests(logging.Filter):
    """A request that cannot be read may hold a link, and a line that breaks is no news: neither fills a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        record.exc_info = None
        if error is not None:
            record.msg = f"{record.msg} ({type(error).__name__})"
        return not isinstance(error, http_exceptions.HttpProcessingError | ConnectionResetError)


_LOG = logging.getLogger("migrate.firmware")
_LOG.addFilter(_WithoutRequests())


class Stretch(NamedTuple):
    """From a first byte up to, and without, another."""

    begin: int
    end: int


class Unsatisfiable(Exception):
    """A range that lies outside of the file."""


def stretch_of(asked: str, size: int) -> Stretch | None:
    """The range that is asked for; ``None`` for the whole file.  What is no range of bytes counts as not asked.

    >>> stretch_of("bytes=-4", 10), stretch_of("bytes=2-", 10), stretch_of("bytes=0-1,4-5", 10)
    (Stretch(begin=6, end=10), Stretch(begin=2, end=10), None)
    """
    found = _RANGE.fullmatch(asked.strip())
    first, last = found.groups() if found else ("", "")
    if not first and not last:
        return None
    if not first:
        if int(last) == 0:
            raise Unsatisfiable
        return Stretch(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None  # no range by the grammar: ignored
    if int(first) >= size:
        raise Unsatisfiable
    return Stretch(int(first), min(int(last) + 1, size) if last else size)


class WebFiles:
    """One listening address.

    The process behind it holds the stations' sockets too: connections beyond
    ``most``, and those that ask for nothing within ``head_within_s``, are cut.
    """

    def __init__(
        self,
        desk: Desk,
        listen: tuple[str, int],
        tls: ssl.SSLContext | None = None,
        *,
        most: int = MOST_CONNECTIONS,
        head_within_s: float = HEAD_WITHIN_S,
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        self._desk, self._listen, self._tls = desk, listen, tls
        self._most, self._head_within_s, self._dead_after_s = most, head_within_s, dead_after_s
        self._web = web.Server(self._serve, access_log=None, logger=_LOG, keepalive_timeout=KEEP_ALIVE_S)
        self._silent: set[asyncio.BaseProtocol] = set()  # have asked for nothing yet
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen.  Raises ``OSError`` when the address cannot be had."""
        sock = listening(self._listen)
        self.port = sock.getsockname()[1]
        within_s = self._head_within_s if self._tls else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._guest, sock=sock, ssl=self._tls, ssl_handshake_timeout=within_s)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._web.shutdown(STOP_S)

    def _guest(self) -> asyncio.BaseProtocol:
        if (
            len(self._silent.union(self._web.connections)) >= self._most
        ):  # who does not finish a handshake holds a line too
            return _Turned()
        guest = self._web()
        self._silent.add(guest)
        asyncio.get_running_loop().call_later(self._head_within_s, self._cut_if_silent, guest)
        return guest

    def _cut_if_silent(self, guest: web.RequestHandler) -> None:
        if guest in self._silent:
            self._silent.discard(guest)
            guest.force_close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._silent.discard(request.protocol)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        link = self._desk.link_at(request.raw_path)
        if link is None:
            return _nothing()
        try:
            transfer = await self._desk.open(link)
        except NoPlace:
            return web.Response(status=503, headers={"Retry-After": "30"})
        if transfer is None:
            return _nothing()
        try:
            return await _answer(request, transfer, self._dead_after_s)
        except (Changed, TimeoutError) as error:  # the line is cut, or it would wait for the rest
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from error
        finally:
            self._desk.close(transfer)


class _Turned(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _answer(request: web.BaseRequest, transfer: Transfer, dead_after_s: float) -> web.StreamResponse:
    size, headers = transfer.file.size, {"ETag": transfer.etag, "Accept-Ranges": "bytes"}
    try:
        asked = _range(request.headers, transfer.etag) if request.method == "GET" else ""  # RFC 9110, 14.2
        stretch = stretch_of(asked, size)
    except Unsatisfiable:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    begin, end = stretch or Stretch(0, size)
    if stretch:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    response = web.StreamResponse(status=206 if stretch else 200, headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = end - begin
    if request.method == "GET":
        transfer.begin()
    await transfer.overhead(HEADERS_BYTES)
    await response.prepare(request)
    if request.method == "GET":
        await _pour(transfer, response, Stretch(begin, end), dead_after_s)
    await response.write_eof()
    return response


async def _pour(transfer: Transfer, response: web.StreamResponse, stretch: Stretch, dead_after_s: float) -> None:
    """Raises ``TimeoutError`` where the station takes nothing any more."""
    transfer.seek(stretch.begin)
    left = stretch.end - stretch.begin
    while left and (data := await transfer.read(left)):
        async with asyncio.timeout(dead_after_s):
            await response.write(data)
        left -= len(data)


def _range(headers: Mapping[str, str], etag: str) -> str:
    """The range asked for, unless it was asked for of another file: a date proves nothing here."""
    condition = headers.get("If-Range")
    return headers.get("Range", "") if condition is None or condition.strip() == etag else ""


def _nothing() -> web.Response:
    """No link, no file, not yours: one answer for all."""
    return web.Response(status=404, text="not found\n")


def listening(address: tuple[str, int]) -> socket.socket:
    """A bound socket whose connections keep little in the kernel."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
