"""Raw ends of a wire: a station and a CSMS that speak bytes, so that bytes can be compared."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from datetime import UTC, datetime
from typing import Any

from migrate.adapters.ocpp.framing import FrameReader, Opcode, encode
from migrate.adapters.ocpp.handshake import accept_key
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.relay import Relay
from migrate.adapters.ocpp.tap import Place
from migrate.domain.evidence import Kind, Side, Sighting

PATIENCE_S = 60.0


class Peer:
    """One end of a WebSocket: what it received, as bytes and as texts."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, mask: bytes = b"") -> None:
        self.reader, self.writer, self.mask = reader, writer, mask
        self.received = bytearray()
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.controls: asyncio.Queue[tuple[Opcode | None, bytes]] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.answers_pings = True
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        frames, text = FrameReader(), b""
        try:
            while data := await self.reader.read(65536):
                self.received += data
                for piece in frames.feed(data):
                    if piece.is_control:
                        self._control(piece.opcode, piece.payload)
                        continue
                    text = piece.payload if piece.begins else text + piece.payload
                    if piece.ends:
                        self.texts.put_nowait(text)
        except OSError:
            pass
        self.ended.set()

    def _control(self, opcode: Opcode | None, payload: bytes) -> None:
        self.controls.put_nowait((opcode, payload))
        if opcode is Opcode.PING and self.answers_pings:
            self.raw(encode(Opcode.PONG, payload, mask=self.mask))

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, *message: Any) -> None:
        self.raw(encode(Opcode.TEXT, json.dumps(message).encode(), mask=self.mask))

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self.texts.get(), PATIENCE_S))

    async def is_silent(self, for_s: float = 0.05) -> bool:
        await asyncio.sleep(for_s)
        return self.texts.empty()

    async def received_all(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.received) < size:
                await asyncio.sleep(0.001)
        return bytes(self.received)

    async def is_gone(self) -> None:
        await asyncio.wait_for(self.ended.wait(), PATIENCE_S)

    def leave(self) -> None:
        self.writer.close()

    async def stop(self) -> None:
        self.writer.transport.abort()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Csms:
    """A CSMS of bytes.  ``refuse`` gives identities an HTTP status instead of a welcome."""

    def __init__(self) -> None:
        self.refuse: dict[str, str] = {}
        self.heads: list[str] = []
        self.peers: dict[str, asyncio.Queue[Peer]] = {}
        self.all: list[Peer] = []
        self.silent = False
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.shown: dict[str, Any] = {}  # by identity: the certificate with which it was dialled
        self._server: asyncio.Server | None = None

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._attend, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for peer in self.all:
            await peer.stop()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        self.heads.append(head)
        identity = head.split()[1].rpartition("/")[2]
        self.shown[identity] = writer.get_extra_info("peercert")
        if self.silent:
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()
            return
        if status := self.refuse.get(identity):
            writer.write(
                f'HTTP/1.1 {status}\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 3\r\n\r\nno\n'.encode()
            )
            writer.close()
            return
        key = next(line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        spoken = next((one for one in ("ocpp1.6", "ocpp2.0.1") if one in head), "")
        chosen = f"Sec-WebSocket-Protocol: {spoken}\r\n" if spoken else ""
        writer.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{chosen}"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        )
        peer = Peer(reader, writer)
        self.all.append(peer)
        self.peers.setdefault(identity, asyncio.Queue()).put_nowait(peer)

    async def peer(self, identity: str) -> Peer:
        return await asyncio.wait_for(self.peers.setdefault(identity, asyncio.Queue()).get(), PATIENCE_S)


class Field:
    """One relay between a CSMS of bytes and stations of bytes."""

    def __init__(self, csms: Csms) -> None:
        self.csms = csms
        self.sightings: list[Sighting] = []
        self.notes: list[Place] = []
        self.stations: list[Peer] = []
        self.relay: Relay

    async def start(
        self, *, upstream: str | None = None, limits: Limits | None = None, side: Side = Side.SOURCE, **more: Any
    ) -> None:
        self.relay = Relay(
            side=side,
            listen=("127.0.0.1", 0),
            upstream=upstream or f"ws://127.0.0.1:{self.csms.port}/ocpp",
            sink=self.sightings.append,
            now=lambda: datetime.now(UTC),
            tag_key=b"a key for tests",
            limits=limits or Limits(sweep_s=0.02),
            note=lambda place, _text: self.notes.append(place),
            **more,
        )
        await self.relay.start()

    async def knock(
        self, path: str, *, headers: str = "", protocol: str = "ocpp1.6", tls: ssl.SSLContext | None = None
    ) -> tuple[str, Peer | None]:
        """Dial the relay; the answer's head, and the open end of the wire if it was a welcome."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay.port, ssl=tls)
        offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{offered}{headers}"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode("latin-1")
        )
        async with asyncio.timeout(PATIENCE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if " 101 " not in head:
            writer.close()
            return head, None
        peer = Peer(reader, writer, mask=os.urandom(4))
        self.stations.append(peer)
        return head, peer

    async def station(self, identity: str = "AC1", *, protocol: str = "ocpp1.6") -> Peer:
        head, peer = await self.knock(f"/any/{identity}", protocol=protocol)
        assert peer is not None, head
        return peer

    async def pair(self, identity: str = "AC1") -> tuple[Peer, Peer]:
        """A station, and the CSMS's end of it."""
        station = await self.station(identity)
        return station, await self.csms.peer(identity)

    def seen(self, kind: Kind) -> list[Sighting]:
        return [s for s in self.sightings if s.kind is kind]

    async def sees(self, kind: Kind, *, times: int = 1) -> Sighting:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.seen(kind)) < times:
                await asyncio.sleep(0.001)
        return self.seen(kind)[times - 1]

    async def stop(self) -> None:
        await self.relay.drain(within_s=0.5)
        for station in self.stations:
            await station.stop()
