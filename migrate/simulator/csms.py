"""A simulated CSMS: takes boots, heartbeats, statuses and transactions, and can go down and come back.

It sends commands only when asked to, one at a time, and judges no schema: it is
the far end of a relay.  Frames that are not OCPP are passed over; none ends a
connection.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from migrate.simulator import csms201
from migrate.simulator.guarding import OPEN, Guard

BOOT = '"BootNotification"'
CALL, CALLRESULT, CALLERROR = 2, 3, 4
MAX_FRAME_BYTES = 1 << 20
NOT_JSON = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How much a backend can take.  Real seconds: it is the machine that is weak, not the campaign.

    Each boot holds one connection of a pool of `pool` for `work_s`.  When more
    than `dies_beyond` boots wait for one, the backend is down until somebody
    brings it up: seen on one CSMS under a hundred Resets at once.
    """

    pool: int = 0  # 0: without end
    work_s: float = 0.0
    dies_beyond: int = 0  # 0: it slows down and lives

    def __post_init__(self) -> None:
        if min(self.pool, self.work_s, self.dies_beyond) < 0:
            raise ValueError("a backend's strength is counted from 0 up")


STRONG = Strength()


class Pool:
    """The connections of one life of a backend; who waits for one when it dies waits for nothing."""

    def __init__(self, strength: Strength) -> None:
        self._strength = strength
        self._free = asyncio.Semaphore(strength.pool or 1)
        self.waiting = 0

    @property
    def is_overrun(self) -> bool:
        return bool(self._strength.dies_beyond) and self.waiting > self._strength.dies_beyond

    async def work(self) -> None:
        async with self._free:
            await asyncio.sleep(self._strength.work_s)


class SimulatedCsms:
    """One backend on loopback; every identity is welcome unless a register is given."""

    def __init__(
        self,
        *,
        port: int = 0,
        path: str = "/ocpp",
        register: frozenset[str] | None = None,
        interval_s: int = 30,
        strength: Strength = STRONG,
        speaks: tuple[str, ...] = csms201.SPOKEN,
        guard: Guard = OPEN,
    ) -> None:
        self.guard = guard
        self._speaks = speaks
        self._port = port
        self._path = path.rstrip("/")
        self._register = register
        self._interval_s = interval_s
        self._server: Server | None = None
        self._transactions = 0
        self.boot_answers: dict[str, str] = {}  # by identity: Pending or Rejected instead of Accepted
        self.boots: Counter[str] = Counter()
        self.sessions: Counter[str] = Counter()
        self._newest: dict[str, ServerConnection] = {}
        self._asked: dict[str, tuple[ServerConnection, asyncio.Future[list[Any]]]] = {}
        self._strength = strength
        self._pool = Pool(strength)
        self._death: asyncio.Task[None] | None = None
        self.most_waiting = 0
        self.deaths = 0
        self.slow_s = 0.0  # real: before every answer

    @property
    def url(self) -> str:
        return f"{'wss' if self.guard.certificate else 'ws'}://127.0.0.1:{self._port}{self._path}"

    @property
    def is_up(self) -> bool:
        return self._server is not None

    async def up(self, strength: Strength | None = None) -> None:
        """Listen, on the same port as before if there was one; made stronger if somebody has seen to that."""
        if self._server is not None:
            return
        if strength is not None:
            self._strength, self._pool = strength, Pool(strength)
        self._server = await serve(
            self._attend,
            "127.0.0.1",
            self._port,
            ssl=self.guard.context,
            process_request=self._admit,
            select_subprotocol=lambda _connection, offered: csms201.agreed(offered, self._speaks),
            compression=None,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            server_header=None,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def down(self) -> None:
        """Stop listening and cut every session without a close frame, as a crashed backend does."""
        if self._server is None:
            return
        server, self._server, self._pool = self._server, None, Pool(self._strength)
        for connection in list(server.connections):
            connection.transport.abort()
        server.close()
        await server.wait_closed()

    async def call(self, identity: str, action: str, payload: Mapping[str, Any], timeout_s: float = 5.0) -> list[Any]:
        """Send one CALL over a station's newest session; the whole answering frame.

        KeyError when the station is not here, TimeoutError when it says
        nothing, ConnectionError when it leaves instead.
        """
        message_id, connection = str(uuid.uuid4()), self._newest[identity]
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._asked[message_id] = (connection, answer)
        try:
            await connection.send(json.dumps([CALL, message_id, action, payload]))
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            del self._asked[message_id]

    def drop(self, identity: str) -> bool:
        """Cut a station's newest session off without a close frame; False when it has none."""
        connection = self._newest.get(identity)
        if connection:
            connection.transport.abort()
        return connection is not None

    async def is_alive(self, identity: str, timeout_s: float = 1.0) -> bool:
        """Whether a station's newest session answers a ping."""
        try:
            async with asyncio.timeout(timeout_s):
                await (await self._newest[identity].ping())
        except TimeoutError:
            return False
        return True

    async def send_raw(self, identity: str, frame: str | bytes) -> None:
        """Send any frame at all to a station's newest session: some backends do."""
        await self._newest[identity].send(frame)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """404 for a path that is not ours or an identity that nobody registered, 401 for who cannot show who it is."""
        path, identity = _split(request)
        is_known = bool(identity) and (self._register is None or identity in self._register)
        if path.rstrip("/") != self._path or not is_known:
            return connection.respond(HTTPStatus.NOT_FOUND, "unknown station\n")
        certificate = connection.transport.get_extra_info("peercert")
        if status := self.guard.against(identity, request.headers.get("Authorization", ""), certificate):
            return connection.respond(status, "")
        return None

    async def _attend(self, connection: ServerConnection) -> None:
        assert connection.request is not None  # the handshake is over
        _, identity = _split(connection.request)
        self.sessions[identity] += 1
        self._newest[identity] = connection
        try:
            async for frame in connection:
                if answer := self._answer(identity, frame, connection.subprotocol or ""):
                    await self._labour(frame)
                    await connection.send(answer)
        except ConnectionClosed:
            pass
        finally:
            self.sessions[identity] -= 1
            if self._newest.get(identity) is connection:
                del self._newest[identity]
            for asked, awaited in self._asked.values():
                if asked is connection and not awaited.done():
                    awaited.set_exception(ConnectionResetError("the station left"))

    async def _labour(self, frame: str | bytes) -> None:
        """Take the time that an answer takes; a boot takes a connection of the pool too."""
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if not self._strength.pool or BOOT not in (frame if isinstance(frame, str) else frame.decode(errors="replace")):
            return
        pool = self._pool
        pool.waiting += 1
        self.most_waiting = max(self.most_waiting, pool.waiting)
        try:
            if pool.is_overrun:
                self._die()
            await pool.work()
        finally:
            pool.waiting -= 1

    def _die(self) -> None:
        if self.is_up and (self._death is None or self._death.done()):
            self.deaths += 1
            self._death = asyncio.create_task(self.down())

    def _answer(self, identity: str, frame: str | bytes, protocol: str) -> str | None:
        """The answer to one frame; None for what is no CALL."""
        try:
            call = json.loads(frame)
        except NOT_JSON:
            return None
        if not isinstance(call, list) or len(call) < 3:
            return None
        if call[0] in (CALLRESULT, CALLERROR):
            self._take_answer(call)
        if call[0] != CALL or len(call) != 4:
            return None
        _, message_id, action, payload = call
        said = self._payload(identity, str(action), payload, protocol)
        if said is None:
            return json.dumps([CALLERROR, message_id, "NotImplemented", "", {}])
        return json.dumps([CALLRESULT, message_id, said])

    def _payload(self, identity: str, action: str, payload: Any, protocol: str) -> dict[str, Any] | None:
        if protocol.startswith("ocpp2"):
            return csms201.answer(action, payload, lambda: self._boot(identity, payload), _now())
        respond = ANSWERS.get(action)
        return respond(self, identity, payload) if respond else None

    def _take_answer(self, frame: list[Any]) -> None:
        _, asked = self._asked.get(frame[1], (None, None)) if isinstance(frame[1], str) else (None, None)
        if asked and not asked.done():
            asked.set_result(frame)

    def _boot(self, identity: str, _payload: Any) -> dict[str, Any]:
        status = self.boot_answers.get(identity, "Accepted")
        self.boots[identity] += status == "Accepted"
        return {"status": status, "currentTime": _now(), "interval": self._interval_s}

    def _start(self, _identity: str, _payload: Any) -> dict[str, Any]:
        self._transactions += 1
        return {"transactionId": self._transactions, "idTagInfo": {"status": "Accepted"}}


def _split(request: Request) -> tuple[str, str]:
    """The base path and the decoded identity of a request."""
    path, _, segment = urlsplit(request.path).path.rpartition("/")
    return path, unquote(segment)


def _now() -> str:
    """With fractions of a second: one maker's firmware crashes without (evcc-io/evcc PR#31158)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _empty(_csms: SimulatedCsms, _identity: str, _payload: Any) -> dict[str, Any]:
    return {}


def _tag_accepted(_csms: SimulatedCsms, _identity: str, _payload: Any) -> dict[str, Any]:
    return {"idTagInfo": {"status": "Accepted"}}


ANSWERS: Mapping[str, Callable[[SimulatedCsms, str, Any], dict[str, Any]]] = {
    "BootNotification": SimulatedCsms._boot,
    "Heartbeat": lambda _csms, _identity, _payload: {"currentTime": _now()},
    "StatusNotification": _empty,
    "MeterValues": _empty,
    "FirmwareStatusNotification": _empty,
    "DiagnosticsStatusNotification": _empty,
    "SecurityEventNotification": _empty,
    "Authorize": _tag_accepted,
    "StartTransaction": SimulatedCsms._start,
    "StopTransaction": _tag_accepted,
    "DataTransfer": lambda _csms, _identity, _payload: {"status": "Accepted"},
}
