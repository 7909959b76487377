"""A TLS port for stations, which may take stations in the clear as well.

Looks at the first byte of every connection before anything is read: a TLS
handshake begins with 22 (RFC 8446, 5.1), an HTTP request does not.  How many
may stand here at once is bounded, and so is how long each may.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.tls import Contexts

HANDSHAKE = b"\x16"
BACKLOG = 4096


class Doorstep:
    """Accepts connections, and hands those that speak as they should to a protocol of ``factory``.

    A door without a certificate is an ordinary one: the loop accepts by itself.
    """

    def __init__(
        self,
        factory: Callable[[], asyncio.Protocol],
        contexts: Contexts,
        limits: Limits,
        count: Callable[[str], None],
    ) -> None:
        self._factory, self._contexts, self._limits, self._count = factory, contexts, limits, count
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._waiting: dict[asyncio.Task[None], socket.socket] = {}

    async def open(self, host: str, port: int) -> None:
        """Bind and listen; raises ``OSError``."""
        if self._contexts.stations is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._factory, host, port, backlog=BACKLOG)
            return
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._socket))

    @property
    def is_open(self) -> bool:
        return self._server is not None or self._socket is not None

    @property
    def port(self) -> int:
        """The port that was opened; 0 for none."""
        listening = self._socket or (self._server.sockets[0] if self._server is not None else None)
        return int(listening.getsockname()[1]) if listening is not None else 0

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [*self._waiting, *filter(None, [self._accepting])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:  # no file left to open one with: the next may find one
                self._count("overload")
                await asyncio.sleep(self._limits.sweep_s / 10)
                continue
            task = asyncio.create_task(self._welcome(connection))
            self._waiting[task] = connection
            task.add_done_callback(self._done)
            if len(self._waiting) > self._limits.max_opening:
                self._count("crowded_out")
                next(iter(self._waiting)).cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        connection = self._waiting.pop(task)
        if task.cancelled():
            connection.close()

    async def _welcome(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        limit = self._limits.handshake_s
        try:
            async with asyncio.timeout(limit):
                is_tls = await _first_byte(connection) == HANDSHAKE
            if not is_tls and not self._contexts.files.takes_plain:
                self._count("in_the_clear")
                connection.close()
                return
            if is_tls:
                await loop.connect_accepted_socket(
                    self._factory, connection, ssl=self._contexts.stations, ssl_handshake_timeout=limit
                )
            else:
                await loop.connect_accepted_socket(self._factory, connection)
        except (OSError, TimeoutError):  # also a TLS handshake that failed: the station says why, and dials again
            self._count("failed_handshakes")
            connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """What a connection begins with; it stays there to be read."""
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(connection.fileno(), tell)
    try:
        await readable
    finally:
        loop.remove_reader(connection.fileno())
    return connection.recv(1, socket.MSG_PEEK)
