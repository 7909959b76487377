"""Transcripts: what went over the wire when one station was moved, line by line, and the player that repeats the station's part.

One JSON object a line.  The first says what was moved and how the transcript
was made; the others are frames (``from`` station or csms, on the source or the
target), what the socket did (``does`` connects or leaves), and what went by
another way (``by`` http or ssh: what was ``said`` to the station and what was
``heard``), in the order in which the station met them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from migrate.domain.evidence import Side
from tests.adapters.ocpp.wire import Peer

SCHEMA = "migrate.transcript/1"
FOLDER = Path(str(files("vendor_profiles"))) / "transcripts"
CASES = ("accepted", "refused")
VISITED = "visited"  # the case of a profile that needs a crew
CALL = 2
HTTP, SSH = "http", "ssh"
PATIENCE_S = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first line: which station, moved where, how it ended, and how honest the rest is."""

    profile: str
    case: str
    made: str  # against what the transcript was recorded, and when
    identity: str
    vendor: str
    model: str
    firmware: str
    serial: str
    target: str
    ends: str  # the state in which the attempt ended
    ocpp: str = "1.6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A frame, what the station's socket did, or an order that went by another way and its answer."""

    on: Side
    does: str = ""
    sender: str = ""  # station or csms
    frame: list[Any] = field(default_factory=list)
    by: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    heard: dict[str, Any] = field(default_factory=dict)

    @property
    def is_our_call(self) -> bool:
        return self.sender == "csms" and self.frame[0] == CALL

    @property
    def is_ours(self) -> bool:
        """Whether the program began it, by whichever way."""
        return self.is_our_call or bool(self.by)


def timeless(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload without the moment and the number that are others in each life."""
    return {name: "(any)" if name in ("retrieveDate", "requestId") else value for name, value in payload.items()}


def path_of(profile: str, case: str) -> Path:
    return FOLDER / profile / f"{case}.jsonl"


def write(path: Path, head: Head, lines: list[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = [{"schema": SCHEMA, **asdict(head)}, *(_told(line) for line in lines)]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in told), encoding="utf-8")


def read(path: Path) -> tuple[Head, list[Line]]:
    """A transcript from its file.  Raises ``ValueError`` for one of another form."""
    first, *rest = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    if first.pop("schema", None) != SCHEMA:
        raise ValueError(f"{path} is no {SCHEMA}")
    return Head(**first), [_line(one) for one in rest]


def _told(line: Line) -> dict[str, Any]:
    if line.by:
        return {"by": line.by, "said": line.said, "heard": line.heard}
    said = {"does": line.does} if line.does else {"from": line.sender, "frame": line.frame}
    return {"on": line.on.value, **said}


def _line(one: dict[str, Any]) -> Line:
    if "by" in one:
        return Line(on=Side.SOURCE, by=one["by"], said=one["said"], heard=one["heard"])
    return Line(on=Side(one["on"]), does=one.get("does", ""), sender=one.get("from", ""), frame=one.get("frame", []))


@dataclass(frozen=True, slots=True)
class Order:
    """Something that came by another way than OCPP, and waits for what the transcript has to say."""

    said: dict[str, Any]
    answer: asyncio.Future[dict[str, Any]]


class Surprise(AssertionError):
    """The program sent something else than the transcript holds."""


class Player:
    """Plays the station's part of a transcript, and compares every call that it is sent."""

    def __init__(self, head: Head, lines: list[Line], ports: dict[Side, int]) -> None:
        self._head, self._lines, self._ports = head, lines, ports
        self._peers: dict[Side, Peer] = {}
        self._gone: list[Peer] = []  # left; whoever is slow has not closed yet
        self._calls: dict[Side, asyncio.Queue[list[Any]]] = {side: asyncio.Queue() for side in Side}
        self._listening: list[asyncio.Task[None]] = []
        self._ids: dict[str, str] = {}  # of a call in the transcript: of the same call now
        self.orders: asyncio.Queue[Order] = asyncio.Queue()  # what came by another way
        self.sent: list[Any] = []  # what came, in order: action and payload of a call, or what was said otherwise

    @property
    def expected(self) -> list[Any]:
        return [line.said if line.by else line.frame[2:4] for line in self._lines if line.is_ours]

    async def play(self) -> None:
        """From the first line to the last.  Raises ``Surprise`` at the first call that differs."""
        await self.play_lines(self._lines)

    async def play_lines(self, lines: Iterable[Line]) -> None:
        """A part of the transcript, where something else has to happen before the rest.  Raises ``Surprise`` as ``play``."""
        for line in lines:
            await self._play(line)

    @property
    def unmet(self) -> list[Any]:
        """Calls that came and that no line played so far has answered: action and payload."""
        waiting = [calls.get_nowait() for calls in self._calls.values() for _ in range(calls.qsize())]
        return [call[2:4] for call in waiting] + [self.orders.get_nowait().said for _ in range(self.orders.qsize())]

    async def _play(self, line: Line) -> None:
        if line.does == "connects":
            self._peers[line.on] = await self._dial(line.on)
        elif line.does == "leaves":
            self._peers[line.on].leave()
            self._gone.append(self._peers.pop(line.on))
        elif line.by:
            await self._answer(line)
        elif line.is_our_call:
            await self._meet(line)
        elif line.sender == "station":
            kind, id_, *rest = line.frame
            self._peers[line.on].say(kind, id_ if kind == CALL else self._ids[id_], *rest)
        # What the CSMS answered to the station's own calls is on record; here the lab CSMS answers anew.

    async def _meet(self, line: Line) -> None:
        async with asyncio.timeout(PATIENCE_S):
            _, id_, action, payload = await self._calls[line.on].get()
        payload = timeless(payload)
        self.sent.append([action, payload])
        if [action, payload] != line.frame[2:4]:
            raise Surprise(f"{action} {payload} was sent, the transcript has {line.frame[2]} {line.frame[3]}")
        self._ids[line.frame[1]] = id_

    async def _answer(self, line: Line) -> None:
        async with asyncio.timeout(PATIENCE_S):
            order = await self.orders.get()
        self.sent.append(order.said)
        if order.said != line.said:
            order.answer.cancel()
            raise Surprise(f"{order.said} was asked, the transcript has {line.said}")
        order.answer.set_result(line.heard)

    async def _dial(self, side: Side) -> Peer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ports[side])
        writer.write(
            f"GET /ocpp/{self._head.identity} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: ocpp{self._head.ocpp}\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        if b" 101 " not in head:
            raise Surprise(f"the relay refused the station: {head[:40]!r}")
        peer = Peer(reader, writer, mask=os.urandom(4))
        self._listening.append(asyncio.ensure_future(self._sort(peer, side)))
        return peer

    async def _sort(self, peer: Peer, side: Side) -> None:
        """Calls are for the transcript to answer; answers of the lab CSMS need none."""
        while True:
            message = json.loads(await peer.texts.get())
            if message[0] == CALL:
                self._calls[side].put_nowait(message)

    @classmethod
    @asynccontextmanager
    async def of(cls, head: Head, lines: list[Line], ports: dict[Side, int]) -> AsyncIterator[Player]:
        player = cls(head, lines, ports)
        try:
            yield player
        finally:
            for task in player._listening:
                task.cancel()
            await asyncio.gather(*player._listening, return_exceptions=True)
            for peer in (*player._gone, *player._peers.values()):
                await peer.stop()
