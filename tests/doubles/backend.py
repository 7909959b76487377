"""A CSMS at a real port, seen from its door: it takes handshakes, or does not, and says what it was asked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from tests.doubles.issuer import Issued


@dataclass(kw_only=True)
class Manners:
    """How a backend behaves at its door.  ``known`` is ``None`` for one that takes everybody."""

    known: frozenset[str] | None = None
    subprotocols: tuple[str, ...] = ("ocpp1.6", "ocpp2.0.1")
    status: int = 0  # answered to everything, whatever it is
    unwell_for: int = 0  # so many requests are answered with 503 first
    ahead: timedelta = timedelta(0)
    wants_password: bool = False
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    beside: Issued | None = None  # its certificate with the other kind of key
    handshakes: list[str] = field(default_factory=list)  # the identities that came in
    requests: list[str] = field(default_factory=list)  # plain ones, by path


@contextmanager
def backend(folder: Path, manners: Manners, shown: Issued | None = None) -> Iterator[int]:
    """A backend in a thread of its own; the port it listens on."""
    loop = asyncio.new_event_loop()
    started: list[Server] = []

    async def start() -> int:
        started.append(
            await serve(
                _attend,
                "127.0.0.1",
                0,
                ssl=_context(folder, shown, manners) if shown else None,
                process_request=lambda connection, request: _admit(connection, request, manners),
                process_response=lambda _, __, response: _dated(response, manners),
                subprotocols=list(manners.subprotocols),  # type: ignore[arg-type]
                open_timeout=2,
                close_timeout=0.2,
            )
        )
        return int(next(iter(started[0].sockets)).getsockname()[1])

    async def stop() -> None:
        """Hang up first: a caller in the thread that waits here cannot."""
        for connection in started[0].all_connections:
            connection.transport.abort()
        started[0].close()
        await started[0].wait_closed()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(30)
        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def _context(folder: Path, shown: Issued, manners: Manners) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # a weak certificate could not even be shown otherwise
    context.minimum_version = manners.min_version
    for name, one in (("backend", shown), ("beside", manners.beside)):
        if one is not None:
            context.load_cert_chain(*one.write(folder, name))
    return context


async def _attend(connection: ServerConnection) -> None:
    await connection.wait_closed()


def _admit(connection: ServerConnection, request: Request, manners: Manners) -> Response | None:
    if manners.unwell_for:
        manners.unwell_for -= 1
        return connection.respond(503, "")
    if manners.status:
        return connection.respond(manners.status, "")
    if "Upgrade" not in request.headers:
        manners.requests.append(request.path)
        return connection.respond(426, "")
    identity = unquote(request.path.rpartition("/")[2])
    manners.handshakes.append(identity)
    if manners.wants_password:
        return connection.respond(401, "")
    if manners.known is not None and identity not in manners.known:
        return connection.respond(404, "")
    return None


def _dated(response: Response, manners: Manners) -> Response:
    del response.headers["Date"]
    response.headers["Date"] = format_datetime(datetime.now(UTC) + manners.ahead, usegmt=True)
    return response
