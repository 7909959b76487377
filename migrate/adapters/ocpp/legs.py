"""The two ends of a relayed connection as the event loop sees them.

Each reads its head within its bounds and then hands every byte to the
session.  They decide nothing.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Protocol, cast

from migrate.adapters.ocpp.handshake import END, MAX_HEAD_BYTES, BadHead, Reply, Upgrade, read_reply, read_upgrade
from migrate.adapters.ocpp.session import Session

BUFFER_BYTES = 1 << 16


class Door(Protocol):
    """What a leg asks of its relay."""

    def admit(self, leg: StationLeg) -> bool: ...
    def knock(self, leg: StationLeg, upgrade: Upgrade) -> None: ...
    def turn_away(self, leg: StationLeg, status: int, reason: str = "") -> None: ...
    def gone(self, leg: StationLeg) -> None: ...


def _tune(transport: asyncio.Transport) -> None:
    transport.set_write_buffer_limits(high=BUFFER_BYTES)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class StationLeg(asyncio.BaseProtocol):
    """A station that dialled us."""

    __slots__ = ("address", "door", "early", "opening", "session", "timer", "transport")

    def __init__(self, door: Door) -> None:
        self.door = door
        self.session: Session | None = None
        self.early = b""
        self.address = ""
        self.opening: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        if self.door.admit(self):
            _tune(self.transport)

    def heard(self, data: bytes) -> None:
        if self.session is not None:
            self.session.from_station(data)
        elif not self.transport.is_closing():
            self._read_head(data)

    def _read_head(self, data: bytes) -> None:
        self.early += data
        if self.opening is not None:
            return  # the rest of a slice: it waits for the CSMS's answer
        head, end, rest = self.early.partition(END)
        if len(head) > MAX_HEAD_BYTES:
            self.door.turn_away(self, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif end:
            self.early = rest
            self._knock(head)

    def _knock(self, head: bytes) -> None:
        try:
            upgrade = read_upgrade(head)
        except BadHead as error:
            self.door.turn_away(self, error.status, str(error))
            return
        self.transport.pause_reading()
        self.door.knock(self, upgrade)

    def pause_writing(self) -> None:
        if self.session is not None:
            self.session.station_stuck(True)

    def resume_writing(self) -> None:
        if self.session is not None:
            self.session.station_stuck(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.gone(self)
        if self.opening is not None:
            self.opening.cancel()
        if self.session is not None:
            self.session.end("the station closed" if exc is None else "the station's connection broke")
            self.session = None


class PlainLeg(StationLeg, asyncio.Protocol):
    """A station in the clear."""

    __slots__ = ()

    data_received = StationLeg.heard


_READ = memoryview(bytearray(BUFFER_BYTES))


class TlsLeg(StationLeg, asyncio.BufferedProtocol):
    """A station over TLS.

    It is read into one buffer that all of them share, as whoever reads takes
    out what is there before anybody else is read: the event loop would else
    allocate a quarter of a megabyte for every message, twice.
    """

    __slots__ = ()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _READ

    def buffer_updated(self, nbytes: int) -> None:
        self.heard(bytes(_READ[:nbytes]))


def leg_for(door: Door, *, is_tls: bool) -> StationLeg:
    return TlsLeg(door) if is_tls else PlainLeg(door)


class UpstreamLeg(asyncio.Protocol):
    """The CSMS that we dialled for one station."""

    __slots__ = ("early", "lost", "reply", "session", "transport")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.session: Session | None = None
        self.early = b""
        self.reply: asyncio.Future[Reply] | None = loop.create_future()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        _tune(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.session is not None:
            self.session.from_csms(data)
            return
        self.early += data
        if self.reply is not None and not self.reply.done():
            self._read_head(self.reply)

    def _read_head(self, reply: asyncio.Future[Reply]) -> None:
        head, end, rest = self.early.partition(END)
        if len(head) > MAX_HEAD_BYTES:
            reply.set_exception(BadHead(HTTPStatus.BAD_GATEWAY, "the CSMS's answer has no end"))
        elif end:
            self.early = rest
            self.transport.pause_reading()
            try:
                reply.set_result(read_reply(head))
            except BadHead as error:
                reply.set_exception(error)

    def pause_writing(self) -> None:
        if self.session is not None:
            self.session.csms_stuck(True)

    def resume_writing(self) -> None:
        if self.session is not None:
            self.session.csms_stuck(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(exc or ConnectionResetError("the CSMS closed before it answered"))
        if self.session is not None:
            self.session.end("the CSMS closed" if exc is None else "the CSMS's connection broke", by_csms=True)
            self.session = None
