"""The core of ``migrate listen``: relays, what they see, and who wants to know.

Every sighting is recorded first and told afterwards, with its place in the
journal; what cannot be recorded is told to nobody, and the process stops
claiming to see.  It owns the station sockets, so that whoever operates the
move may die and return.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
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
    reachable,
    reply_to,
)
from migrate.adapters.ocpp.relay import Relay
from migrate.domain.errors import JournalError, Locked, MigrateError
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.ports import Presence

Record = Callable[[Sequence[Sighting]], Awaitable[Sequence[int]]]

MAX_BACKLOG = 100_000
MAX_BATCH = 500
MAX_IN_FLIGHT = 4_000  # requests of one connection
MAX_UNREAD_BYTES = 1 << 21  # of one subscriber
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
GRACE_S = 5.0


class ListenServer:
    """The relays of one campaign on this host, behind one local socket.

    ``record`` stores sightings durably and returns their places in the
    journal; it raises ``JournalError`` when it cannot, and nothing was stored.
    """

    def __init__(self, relays: Sequence[Relay], socket_path: Path, record: Record) -> None:
        self._relays = {relay.side: relay for relay in relays}
        self._path, self._record = socket_path, record
        self._backlog: deque[Sighting] = deque()
        self._something, self._nothing = asyncio.Event(), asyncio.Event()
        self._is_recording = True
        self._told: list[Side] = []
        self._subscribers: dict[asyncio.StreamWriter, None] = {}
        self._watchers: dict[asyncio.StreamWriter, None] = {}  # of the state alone
        self._clients: set[asyncio.Task[None]] = set()
        self._lock = -1
        self._server: asyncio.Server | None = None
        self._recorder: asyncio.Task[None] | None = None
        self._pulsing: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self.recorded = self.lost = self.dropped = 0
        for relay in relays:
            relay.sink = self.see

    # --- life ------------------------------------------------------------------

    async def start(self) -> None:
        """Take the socket, then open the relays; raises ``Locked`` when another process has it."""
        self._lock = _take(self._path)
        try:
            await self._open()
        except BaseException:
            await self.drain()
            raise

    async def _open(self) -> None:
        listening = _bind(self._path)
        self._server = await asyncio.start_unix_server(self._attend, sock=listening, limit=MAX_LINE_BYTES)
        self._recorder = asyncio.create_task(self._record_all())
        for relay in self._relays.values():
            await relay.start()
        self._pulse()

    def _pulse(self) -> None:
        """Say regularly what can be seen: a process that hangs falls silent, and who watches it goes blind."""
        self._tell_state()
        self._tell(News(sees=self.sees), self._watchers)
        self._pulsing = asyncio.get_running_loop().call_later(PULSE_S, self._pulse)

    async def wait(self) -> None:
        """Until somebody asks to drain; whatever ends the recorder ends the process too."""
        if self._recorder is None:
            return
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({over, self._recorder}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if self._recorder.done() and not self._recorder.cancelled():
            await self._recorder

    async def drain(self) -> None:
        """Let the stations go, record what they left behind, then leave the socket."""
        if self._pulsing is not None:
            self._pulsing.cancel()
        for relay in self._relays.values():
            await relay.drain(within_s=GRACE_S)
        await self._finish_recording()
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        for writer in [*self._subscribers, *self._watchers]:
            writer.close()
        self._over.set()
        clients = self._clients - {task for task in (asyncio.current_task(),) if task}
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _finish_recording(self) -> None:
        """Bounded: a journal that is gone must not keep the process."""
        if self._backlog and self._is_recording:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nothing.wait(), GRACE_S)
        if self._recorder is not None:
            self._recorder.cancel()
            await asyncio.gather(self._recorder, return_exceptions=True)

    # --- recording ---------------------------------------------------------------

    def see(self, sighting: Sighting) -> None:
        """A relay saw something.  Beyond the bound it is lost, and counted: presence still tells the truth."""
        if len(self._backlog) >= MAX_BACKLOG:
            self.lost += 1
            return
        self._backlog.append(sighting)
        self._something.set()
        self._nothing.clear()
        if sighting.kind in (Kind.CSMS_DOWN, Kind.CSMS_UP):
            self._tell_state()

    async def _record_all(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            await self._something.wait()
            batch = [self._backlog[at] for at in range(min(MAX_BATCH, len(self._backlog)))]
            try:
                places = await self._record(batch) if batch else ()
            except JournalError:
                self._set_recording(False)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause = FIRST_PAUSE_S
            self._recorded(batch, places)

    def _recorded(self, batch: Sequence[Sighting], places: Sequence[int]) -> None:
        self._set_recording(True)
        for sighting, place in zip(batch, places, strict=True):
            self._backlog.popleft()
            self.recorded += 1
            if self._subscribers:
                self._tell(News(sighting=replace(sighting, seq=place)), self._subscribers)
        if not self._backlog:
            self._something.clear()
            self._nothing.set()

    def _set_recording(self, is_recording: bool) -> None:
        self._is_recording = is_recording
        self._tell_state()

    # --- telling -----------------------------------------------------------------

    @property
    def sees(self) -> list[Side]:
        """The sides on which absence means something at this moment."""
        return sorted(side for side, relay in self._relays.items() if relay.is_up and self._is_recording)

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
                writer.write(text)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        """A subscriber too slow for us is told so and sent away: the journal holds what it missed."""
        self.dropped += 1
        self._forget(writer)
        writer.write(line(News(dropped=True)))
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
        self._clients.add(task)
        asked: set[asyncio.Task[None]] = set()
        try:
            await self._listen(reader, writer, asked)
        except (OSError, ValueError, msgspec.MsgspecError):
            pass  # a client that broke off, or said something that is no request
        finally:
            self._forget(writer)
            self._clients.discard(task)
            for request in asked:
                request.cancel()
            writer.close()

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: set[asyncio.Task[None]]
    ) -> None:
        while text := await reader.readline():
            request = msgspec.json.decode(text, type=Request)
            if request.do in ("subscribe", "watch"):
                writer.write(line(News(sees=self.sees)))
                (self._subscribers if request.do == "subscribe" else self._watchers)[writer] = None
                continue
            if len(asked) >= MAX_IN_FLIGHT:
                writer.write(line(Reply(request.number, failure=Failure("MigrateError", "Too many requests at once."))))
                continue
            task = asyncio.create_task(self._serve(request, writer))
            asked.add(task)
            task.add_done_callback(asked.discard)

    async def _serve(self, request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._reply(request)
        except MigrateError as error:
            reply = Reply(request.number, failure=failure(error))
        if not writer.is_closing():
            writer.write(line(reply))

    async def _reply(self, request: Request) -> Reply:
        if request.do == "inject":
            return await self._inject(request)
        if request.do == "presence":
            return Reply(request.number, presence=self.presence(request.identity))
        if request.do == "drain":
            asyncio.get_running_loop().call_soon(self._over.set)
            return Reply(request.number, stats=self.stats())
        if request.do == "stats":
            return Reply(request.number, stats=self.stats())
        raise MigrateError(f"The listening process knows no {request.do!r}.")

    async def _inject(self, request: Request) -> Reply:
        relay = self._relays.get(request.side)
        if relay is None:
            raise MigrateError(f"No relay listens for the {request.side}.", hint="See [relay] in campaign.toml.")
        answer = await relay.inject(
            request.identity,
            request.action,
            request.payload,
            timeout_s=request.timeout_s,
            not_after_s=request.not_after_s,
        )
        return reply_to(request.number, answer)

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
            "recording": self._is_recording,
            "backlog": len(self._backlog),
            "recorded": self.recorded,
            "lost": self.lost,
            "subscribers": len(self._subscribers),
            "dropped": self.dropped,
        }


def _take(path: Path) -> int:
    """Hold the socket's lock for as long as this process lives; the kernel lets go of a dead one's."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Locked(f"Another process listens on {path}.", hint="Use it, or drain it first.") from error
    return lock


def _bind(path: Path) -> socket.socket:
    """The socket, readable by its owner alone from its first moment; a dead process's file is replaced."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Locked(f"{path} is not a socket.", hint="Move it away.")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with reachable(path) as name:
            listening.bind(name)
    finally:
        os.umask(before)
    return listening
