"""The core of ``migrate listen``: relays, what they see, and who wants to know.

Every sighting is recorded first and told afterwards, with its place in the
journal; what cannot be recorded is told to nobody, and the process stops
claiming to see.  It owns the station sockets, so that whoever operates the
move may die and return.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from migrate.adapters.ocpp.lines import (
    MAX_LINE_BYTES,
    PULSE_S,
    Failure,
    News,
    Reply,
    Request,
    failure,
    line,
    reply_to,
)
from migrate.adapters.ocpp.local_socket import bind, take
from migrate.adapters.ocpp.recorder import Record, Recorder
from migrate.adapters.ocpp.relay import Relay
from migrate.domain.errors import MigrateError
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.ports import Latency, Presence

MAX_IN_FLIGHT = 4_000  # requests of one connection
MAX_UNREAD_BYTES = 1 << 21  # of one subscriber
GRACE_S = 5.0


class ListenServer:
    """The relays of one campaign on this host, behind one local socket.

    ``record`` stores sightings durably and returns their places in the
    journal; it raises ``JournalError`` when it cannot, and nothing was stored.
    """

    def __init__(self, relays: Sequence[Relay], socket_path: Path, record: Record) -> None:
        self._relays = {relay.side: relay for relay in relays}
        self._path = socket_path
        self._recorder = Recorder(record, self._tell_sighting, self._tell_state)
        self._told: list[Side] = []
        self._subscribers: dict[asyncio.StreamWriter, None] = {}
        self._watchers: dict[asyncio.StreamWriter, None] = {}  # of the state alone
        self._clients: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._lock = -1
        self._server: asyncio.Server | None = None
        self._recording: asyncio.Task[None] | None = None
        self._pulsing: asyncio.TimerHandle | None = None
        self._draining: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self.dropped = 0
        for relay in relays:
            relay.sink = self.see

    # --- life ------------------------------------------------------------------

    async def start(self) -> None:
        """Take the socket, then open the relays; raises ``Locked`` when another process has it."""
        self._lock = take(self._path)
        try:
            await self._open()
        except BaseException:  # whatever it was: nothing half open stays behind, and it is raised on
            await self.drain()
            raise

    async def _open(self) -> None:
        listening = bind(self._path)
        self._server = await asyncio.start_unix_server(self._attend, sock=listening, limit=MAX_LINE_BYTES)
        self._recording = asyncio.create_task(self._recorder.run())
        for relay in self._relays.values():
            await relay.start()
        self._pulse()

    def _pulse(self) -> None:
        """Say regularly what can be seen: a process that hangs falls silent, and who watches it goes blind."""
        self._tell_state()
        self._tell(News(sees=self.sees, latency=self.latency), self._watchers)
        self._pulsing = asyncio.get_running_loop().call_later(PULSE_S, self._pulse)

    async def wait(self) -> None:
        """Until everything is drained, whoever asked for it; whatever ends the recorder ends the process too."""
        if self._recording is None:
            return
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({over, self._recording}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if self._recording.done() and not self._recording.cancelled():
            await self._recording
        await self.drain()

    async def drain(self) -> None:
        """Let the stations go, record what they left behind, then leave the socket; once, however many ask."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        await asyncio.shield(self._draining)

    async def _drain(self) -> None:
        if self._pulsing is not None:
            self._pulsing.cancel()
        for relay in self._relays.values():
            await relay.drain(within_s=GRACE_S)
        await self._recorder.finish(within_s=GRACE_S)
        if self._recording is not None:
            self._recording.cancel()
            await asyncio.gather(self._recording, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        self._over.set()
        await self._part()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _part(self) -> None:
        """Hang up on every client; each hears what was already said to it, unless it is too slow to."""
        clients = dict(self._clients)
        for writer in clients.values():
            writer.close()
        if clients:
            _, slow = await asyncio.wait(clients, timeout=GRACE_S)
            for task in slow:
                clients[task].transport.abort()
            await asyncio.gather(*clients, return_exceptions=True)

    # --- telling -----------------------------------------------------------------

    def see(self, sighting: Sighting) -> None:
        """A relay saw something: first into the journal."""
        self._recorder.put(sighting)
        if sighting.kind in (Kind.CSMS_DOWN, Kind.CSMS_UP):
            self._tell_state()

    def _tell_sighting(self, sighting: Sighting) -> None:
        if self._subscribers:
            self._tell(News(sighting=sighting), self._subscribers)

    @property
    def sees(self) -> list[Side]:
        """The sides on which absence means something at this moment."""
        return sorted(side for side, relay in self._relays.items() if relay.is_up and self._recorder.is_recording)

    @property
    def latency(self) -> dict[Side, Latency]:
        """How quickly the CSMS of each side answers its stations, where that was measured lately."""
        measured = {side: relay.latency() for side, relay in self._relays.items()}
        return {side: latency for side, latency in measured.items() if latency is not None}

    def _tell_state(self) -> None:
        if (sees := self.sees) != self._told:
            self._told = sees
            self._tell(News(sees=sees), {**self._subscribers, **self._watchers})

    def _tell(self, news: News, to: Iterable[asyncio.StreamWriter]) -> None:
        text = line(news)
        for writer in list(to):
            if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                self._drop(writer)
            else:
                _say(writer, text)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        """A subscriber too slow for us is told so and sent away: the journal holds what it missed."""
        self.dropped += 1
        self._forget(writer)
        _say(writer, line(News(dropped=True)))
        writer.close()
        asyncio.get_running_loop().call_later(GRACE_S, writer.transport.abort)

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        self._subscribers.pop(writer, None)
        self._watchers.pop(writer, None)

    # --- being asked -------------------------------------------------------------

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, line by line; what it asked for ends with it."""
        task = asyncio.current_task()
        if task is None:
            return
        self._clients[task] = writer
        asked: set[asyncio.Task[None]] = set()
        try:
            await self._listen(reader, writer, asked)
        except (OSError, ValueError, msgspec.MsgspecError):
            pass  # a client that broke off, or said something that is no request
        finally:
            self._forget(writer)
            for request in asked:
                request.cancel()
            await _hung_up(writer)
            self._clients.pop(task, None)

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: set[asyncio.Task[None]]
    ) -> None:
        while text := await reader.readline():
            request = msgspec.json.decode(text, type=Request)
            if request.do in ("subscribe", "watch"):
                _say(writer, line(News(sees=self.sees, latency=self.latency)))
                (self._subscribers if request.do == "subscribe" else self._watchers)[writer] = None
                continue
            if len(asked) >= MAX_IN_FLIGHT:
                _say(writer, line(Reply(request.number, failure=Failure("MigrateError", "Too many requests at once."))))
                continue
            task = asyncio.create_task(self._serve(request, writer))
            asked.add(task)
            task.add_done_callback(asked.discard)

    async def _serve(self, request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._reply(request)
        except MigrateError as error:
            reply = Reply(request.number, failure=failure(error))
        _say(writer, line(reply))

    async def _reply(self, request: Request) -> Reply:
        if request.do == "inject":
            return await self._inject(request)
        if request.do == "report":
            return await self._report(request)
        if request.do == "drop":
            self._relay(request.side).drop(request.identity)
            return Reply(request.number, stats={})
        if request.do == "presence":
            return Reply(request.number, presence=self.presence(request.identity))
        if request.do == "drain":
            asyncio.get_running_loop().call_soon(self._over.set)
            return Reply(request.number, stats=self.stats())
        if request.do == "stats":
            return Reply(request.number, stats=self.stats())
        raise MigrateError(f"The listening process knows no {request.do!r}.")

    async def _inject(self, request: Request) -> Reply:
        answer = await self._relay(request.side).inject(
            request.identity,
            request.action,
            request.payload,
            timeout_s=request.timeout_s,
            not_after_s=request.not_after_s,
            protocol=request.protocol,
        )
        return reply_to(request.number, answer)

    async def _report(self, request: Request) -> Reply:
        answer = await self._relay(request.side).report(
            request.identity,
            str(request.payload.get("reportBase", "")),
            timeout_s=request.timeout_s,
            not_after_s=request.not_after_s,
            protocol=request.protocol,
        )
        return reply_to(request.number, answer)

    def _relay(self, side: Side) -> Relay:
        relay = self._relays.get(side)
        if relay is None:
            raise MigrateError(f"No relay listens for the {side}.", hint="See [relay] in campaign.toml.")
        return relay

    def presence(self, identity: str) -> Presence:
        """Where a station is now.  Two sessions are both asked whether they live, so that the next look is surer."""
        relays: Iterable[Relay] = self._relays.values()
        count = sum(relay.answering(identity) for relay in relays)
        if count > 1:
            count = sum(relay.answering(identity, ask=True) for relay in relays)
        return Presence(
            identity=identity,
            sessions={side: relay.session(identity) for side, relay in self._relays.items()},
            seen=frozenset(self.sees),
            answering=count,
        )

    def stats(self) -> dict[str, Any]:
        return {
            "relays": [relay.stats() for relay in self._relays.values()],
            "recording": self._recorder.is_recording,
            "backlog": self._recorder.backlog,
            "recorded": self._recorder.recorded,
            "lost": self._recorder.lost,
            "subscribers": len(self._subscribers),
            "dropped": self.dropped,
        }


def _say(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Nothing to one that has gone: it is forgotten a moment later than its end, and an event loop may raise meanwhile."""
    if not writer.is_closing():
        writer.write(text)


async def _hung_up(writer: asyncio.StreamWriter) -> None:
    """Close, and take note of how it ended: one that was reset has ended like any other."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
