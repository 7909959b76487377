"""Taps: they stand between a station and the program, pass everything on, and keep what was said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from migrate.adapters.ocpp.framing import FrameReader, Opcode
from migrate.domain.evidence import Side
from tests.profiles.transcripts import HTTP, Line


class Tap:
    """Stands where the station dials, passes every byte on to the relay, and keeps the messages."""

    def __init__(self, lines: list[Line], host: str = "127.0.0.1") -> None:
        self.lines = lines
        self._host = host
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def stand(self, side: Side, port: int, relay_port: int) -> None:
        """Listen where the station of this side dials."""

        def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.add(asyncio.ensure_future(self._attend(side, reader, writer, relay_port)))

        server = await asyncio.start_server(attend, self._host, port)
        self._servers.append(server)

    async def _attend(
        self, side: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, relay_port: int
    ) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", relay_port)
        up_writer.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await up_reader.readuntil(b"\r\n\r\n"))
        self.lines.append(Line(on=side, does="connects"))
        both = [
            asyncio.ensure_future(_pump(reader, up_writer, self._keeper(side, "station"))),
            asyncio.ensure_future(_pump(up_reader, writer, self._keeper(side, "csms"))),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lines.append(Line(on=side, does="leaves"))
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            writer.close()
            up_writer.close()

    def _keeper(self, side: Side, sender: str) -> Callable[[bytes], None]:
        frames, text = FrameReader(), bytearray()

        def keep(data: bytes) -> None:
            for piece in frames.feed(data):
                if piece.is_control or piece.opcode not in (Opcode.TEXT, Opcode.CONTINUATION):
                    continue
                text.extend(piece.payload)
                if piece.ends:
                    self.lines.append(Line(on=side, sender=sender, frame=msgspec.json.decode(bytes(text))))
                    text.clear()

        return keep

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: Callable[[bytes], None]) -> None:
    while data := await reader.read(65536):
        keep(data)
        writer.write(data)


class HttpTap:
    """Stands where a station's own interface, or its maker's cloud, is asked."""

    def __init__(self, lines: list[Line], address: str, port: int, beyond: str) -> None:
        self._lines, self._address, self._port, self._beyond = lines, address, port, beyond
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, self._port).start()

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body = await request.read()
        kept = {name: value for name, value in request.headers.items() if name in ("Authorization", "Content-Type")}
        url = self._beyond + request.path_qs
        async with self._session.request(request.method, url, data=body, headers=kept) as reply:
            text = await reply.text()
        said = asked(request, body)
        self._lines.append(Line(on=Side.SOURCE, by=HTTP, said=said, heard={"status": reply.status, "body": text}))
        return web.Response(status=reply.status, text=text, content_type=reply.content_type)

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()


def asked(request: web.Request, body: bytes) -> dict[str, Any]:
    """A request as a transcript holds it: what proves who we are stays out of it."""
    said: dict[str, Any] = {"method": request.method, "path": request.path_qs}
    if body:
        is_json = request.content_type == "application/json"
        said["body"] = json.loads(body) if is_json else body.decode()
    if isinstance(said.get("body"), dict) and "password" in said["body"]:
        said["body"]["password"] = "(secret)"
    return said
