"""A port for stations: over TLS, in the clear, or both.

It looks at the first byte of every connection before anything is read: a TLS
handshake begins with 22 (RFC 8446, 5.1), an HTTP request does not, and who says
nothing is no station.  How many may stand here at once is bounded, and so is how
long each may.  A fleet that dials again all at once waits its turn in the
kernel's queue; nobody is sent away who has only just come.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.tls import Contexts

HANDSHAKE = b"\x16"
BACKLOG = 4096
AT_A_TIME = 64  # connections, before stations that are in are heard again
CROWDED_PAUSE_S = 0.01

Standing = dict[asyncio.Task[None], tuple[float, socket.socket]]
"""Who stands at the door, in the order in which they came: since when, and by which connection."""


class Crowd(Protocol):
    """Those who are past their TLS handshake and have not said yet who they are."""

    @property
    def undecided(self) -> int: ...
    def make_room(self, before_s: float) -> bool: ...


class Factory(Protocol):
    """Who reads what a connection says."""

    def __call__(self, *, is_tls: bool) -> asyncio.BaseProtocol: ...


class Doorstep:
    """Accepts connections, and hands those that speak as they should to a protocol of ``factory``."""

    def __init__(
        self,
        factory: Factory,
        contexts: Contexts,
        limits: Limits,
        count: Callable[[str], None],
        crowd: Crowd,
    ) -> None:
        self._factory, self._contexts, self._limits, self._count = factory, contexts, limits, count
        self._crowd = crowd
        self._sockets: list[socket.socket] = []
        self._mute: Standing = {}  # nothing has been heard of them
        self._speaking: Standing = {}  # in their TLS handshake
        self._pausing: dict[socket.socket, asyncio.TimerHandle] = {}

    async def open(self, host: str, port: int) -> None:
        """Bind and listen on every address of ``host``; raises ``OSError``."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, address in dict.fromkeys((family, address) for family, *_, address in found):
                listening = socket.create_server(address, family=family, backlog=BACKLOG)
                self._sockets.append(listening)
                listening.setblocking(False)
        except OSError:
            await self.close()
            raise
        for listening in self._sockets:
            loop.add_reader(listening, self._accept, listening)

    @property
    def is_open(self) -> bool:
        return bool(self._sockets)

    @property
    def port(self) -> int:
        """The port that was opened; 0 for none."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets else 0

    async def close(self) -> None:
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()
        for timer in self._pausing.values():
            timer.cancel()
        standing = [*self._mute, *self._speaking]
        for task in standing:
            task.cancel()
        await asyncio.gather(*standing, return_exceptions=True)

    # --- letting in ------------------------------------------------------------

    def _accept(self, listening: socket.socket) -> None:
        """Some of those who knock, as far as there is room."""
        for _ in range(AT_A_TIME):
            if not self._has_room():
                self._pause(listening, CROWDED_PAUSE_S)
                return
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return  # nobody is left, or one has hung up: the loop calls again
            except OSError:  # no file left to open one with: the next may find one
                self._count("overload")
                self._pause(listening, self._limits.sweep_s / 10)
                return
            self._begin(connection)

    def _has_room(self) -> bool:
        """Whether one more may stand here.

        Of a full house the oldest gives way once it has had its time.  A
        station speaks as soon as it is connected: whoever is mute has less.
        """
        now = asyncio.get_running_loop().time()
        standing = len(self._mute) + len(self._speaking) + self._crowd.undecided
        before_s = now - self._limits.crowded_s
        return (
            standing < self._limits.max_opening
            or self._send_away(self._mute, now - self._limits.mute_s)
            or self._send_away(self._speaking, before_s)
            or self._crowd.make_room(before_s)
        )

    def _send_away(self, standing: Standing, before_s: float) -> bool:
        oldest = next(iter(standing), None)
        if oldest is None or standing[oldest][0] > before_s or _has_spoken(standing[oldest][1]):
            return False
        del standing[oldest]
        self._count("crowded_out")
        oldest.cancel()
        return True

    def _pause(self, listening: socket.socket, for_s: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        self._pausing[listening] = loop.call_later(for_s, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        del self._pausing[listening]
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = asyncio.create_task(self._welcome(connection))
        self._mute[task] = asyncio.get_running_loop().time(), connection
        task.add_done_callback(functools.partial(self._done, connection))

    def _done(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._mute.pop(task, None)
        self._speaking.pop(task, None)
        if task.cancelled():
            connection.close()

    async def _welcome(self, connection: socket.socket) -> None:
        limit = self._limits.handshake_s
        try:
            async with asyncio.timeout(limit):
                tls = self._tls_for(await _first_byte(connection))
            self._speaks()
            within_s = None if tls is None else limit
            await asyncio.get_running_loop().connect_accepted_socket(
                functools.partial(self._factory, is_tls=tls is not None),
                connection,
                ssl=tls,
                ssl_handshake_timeout=within_s,
                ssl_shutdown_timeout=within_s,
            )
        except _InTheClear:
            self._count("in_the_clear")
            connection.close()
        except (OSError, TimeoutError):  # also a TLS handshake that failed: the station says why, and dials again
            self._count("failed_handshakes")
            connection.close()

    def _speaks(self) -> None:
        """The connection of this task has said something: it has its full time."""
        task = asyncio.current_task()
        if task is not None and (place := self._mute.pop(task, None)) is not None:
            self._speaking[task] = place

    def _tls_for(self, first: bytes) -> ssl.SSLContext | None:
        """How to speak to whoever begins like this; ``None`` in the clear."""
        tls = self._contexts.stations
        if tls is None or first == HANDSHAKE:
            return tls
        if not self._contexts.files.takes_plain:
            raise _InTheClear
        return None


class _InTheClear(Exception):
    """Somebody speaks in the clear at a door that is for TLS alone."""


def _has_spoken(connection: socket.socket) -> bool:
    """Whether something of it lies there unread: then it waits for us, and not we for it."""
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


async def _first_byte(connection: socket.socket) -> bytes:
    """What a connection begins with; it stays there to be read."""
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
