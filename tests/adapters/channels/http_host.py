"""A stranger who speaks HTTP: records what came over the wire, byte for byte, and answers as a test wants."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from migrate.adapters.channels.http.doors import HttpDoors
from migrate.adapters.channels.http.reach import HttpSettings
from migrate.adapters.clock import CampaignClock
from migrate.domain.errors import NotAllowed
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Proof, Restart, Rollback, Selector, TurningPoint, Write
from migrate.domain.station import Station
from migrate.domain.ways import Call, HttpApi, HttpKey, Way
from migrate.ports import Door

URL = "ws://new.example/ocpp"


@dataclass(frozen=True)
class Heard:
    """One request as it stood on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Heard], "bytes | Awaitable[bytes]"]


def reply(status: int = 200, body: Any = None, **headers: str) -> bytes:
    """A whole reply; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(raw)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


@dataclass
class Host:
    """Answers with ``answer``; ``heard`` is everything that was asked."""

    answer: Answer
    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            heard = Heard(method, target, headers, body)
            self.heard.append(heard)
            answer = self.answer(heard)
            writer.write(answer if isinstance(answer, bytes) else await answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open_now -= 1
            writer.close()


@asynccontextmanager
async def a_host(answer: Answer, *, context: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    host = Host(answer)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    async with server:
        yield host


class Secrets:
    """A vault in memory."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def secret(self, name: str) -> bytes:
        if name not in self.known:
            raise NotAllowed(f"The secret {name} is nowhere.", hint="Write it.")
        return self.known[name].encode()


class StillDice:
    """Chance that always falls low."""

    def between(self, low: float, high: float) -> float:
        return low

    def token(self) -> str:
        return "token"


READ = Call(path="/ocpp/config", picks={"config": "$", "value": "url"})
WRITE = Call(path="/ocpp/config", method="PUT", json={"...": "${config}", "url": "${value}"}, busy=(409,))
API = HttpApi(base="http://${ip}", keys={"url": HttpKey(read=(READ,), write=(WRITE,))}, timeout=timedelta(seconds=5))
STATION = Station(identity="AC-1", serial="S1", ip_address="127.0.0.1")


def with_key(**changes: Any) -> HttpApi:
    """The interface with its one key read or written otherwise."""
    return replace(API, keys={"url": replace(API.keys["url"], **changes)})


def a_profile(api: HttpApi | None = API) -> Profile:
    return Profile(
        name="acme_web",
        title="Acme by HTTP",
        selector=Selector(vendors=("Acme",)),
        method=Method.HTTP,
        rollback=Rollback.REMOTE,
        turning_point=TurningPoint.WRITE,
        proof=Proof.DOCUMENTED,
        writes=(Write(key="url", value="${url}", via=Way.HTTP),),
        restart=Restart.NONE,
        http=api,
    )


@asynccontextmanager
async def doors_to(
    host: Host | None = None, settings: HttpSettings | None = None, secrets: Secrets | None = None, speed: float = 1.0
) -> AsyncIterator[HttpDoors]:
    told = settings or HttpSettings(port=host.port if host else 80)
    since = CampaignClock().now() if speed != 1.0 else None
    doors = HttpDoors(told, secrets or Secrets(), clock=CampaignClock(speed=speed, since=since), dice=StillDice())
    try:
        yield doors
    finally:
        await doors.close()


@asynccontextmanager
async def a_door(
    host: Host, api: HttpApi = API, *, station: Station = STATION, secrets: Secrets | None = None, speed: float = 1.0
) -> AsyncIterator[Door]:
    """The door to one station whose interface is this host."""
    async with doors_to(host, secrets=secrets, speed=speed) as doors:
        yield doors.to(station, a_profile(api), Side.SOURCE)
