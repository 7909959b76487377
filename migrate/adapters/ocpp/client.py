"""Speaking to the listening process from any other process of this host.

Re-dials the local socket when it is gone; never repeats a command by itself:
whether one that was cut off had an effect is for the caller to read back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import tenacity

from migrate.adapters.ocpp.limits import REPORT_WITHIN_S, SEND_WITHIN_S
from migrate.adapters.ocpp.lines import MAX_LINE_BYTES, News, Reply, Request, answer_in, line, raised
from migrate.adapters.ocpp.local_socket import reachable
from migrate.adapters.ocpp.messages import Answer
from migrate.domain.errors import CsmsUnavailable, Unreachable
from migrate.domain.evidence import Side
from migrate.ports import Presence

GONE = (OSError, EOFError)
MARGIN_S = 5.0  # beyond the station's own patience, for the way there and back


class ListenClient:
    """One process's line to ``listen.sock``."""

    def __init__(self, socket_path: Path, *, dial_s: float = 3.0) -> None:
        self._path, self._dial_s = socket_path, dial_s
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._dialling = asyncio.Lock()
        self._open: dict[int, asyncio.Future[Reply]] = {}
        self._number = 0

    async def inject(
        self,
        side: Side,
        identity: str,
        action: str,
        payload: Mapping[str, Any],
        *,
        timeout_s: float,
        send_within_s: float = SEND_WITHIN_S,
        protocol: str = "",
    ) -> Answer:
        """Have a relay call a station; with a ``protocol`` only while its session speaks that.

        Raises ``Unreachable``, and ``CsmsUnavailable`` when no listening
        process is there: no station can be blamed for that.
        """
        request = Request(
            "inject",
            side=side,
            identity=identity,
            action=action,
            payload=dict(payload),
            timeout_s=timeout_s,
            protocol=protocol,
        )
        return await self._called(request, send_within_s, timeout_s)

    async def report(self, side: Side, identity: str, base: str, *, timeout_s: float, protocol: str) -> Answer:
        """Have a relay ask a station for a report of its device model: its answer, and with a yes all that came of it.

        Raises as ``inject`` does.
        """
        payload = {"reportBase": base}
        request = Request(
            "report", side=side, identity=identity, payload=payload, timeout_s=timeout_s, protocol=protocol
        )
        return await self._called(request, SEND_WITHIN_S, timeout_s + REPORT_WITHIN_S)

    async def _called(self, request: Request, send_within_s: float, answer_within_s: float) -> Answer:
        identity = request.identity
        request.not_after_s = asyncio.get_running_loop().time() + send_within_s
        try:
            dial_s = min(self._dial_s, send_within_s)
            reply = await self._ask(request, within_s=send_within_s + answer_within_s + MARGIN_S, dial_s=dial_s)
        except (*GONE, TimeoutError) as error:
            raise Unreachable(
                f"The listening process was lost while {identity} was called.",
                identity=identity,
                sent=True,
                hint="What the station did must be read back.",
            ) from error
        return answer_in(reply)

    async def presence(self, identity: str) -> Presence:
        """Where a station is; without a listening process nothing is seen."""
        try:
            reply = await self._ask(Request("presence", identity=identity), within_s=MARGIN_S)
        except (*GONE, TimeoutError, CsmsUnavailable):
            return Presence(identity=identity)
        return reply.presence or Presence(identity=identity)

    async def drop(self, side: Side, identity: str) -> None:
        """Have a relay hang up on a station, as a lost line would.

        Raises ``Unreachable``, and ``CsmsUnavailable`` when no listening process is there.
        """
        try:
            await self._ask(Request("drop", side=side, identity=identity), within_s=MARGIN_S)
        except (*GONE, TimeoutError) as error:
            raise Unreachable(
                f"The listening process was lost while {identity} was cut off.", identity=identity, sent=True
            ) from error

    async def stats(self) -> dict[str, Any]:
        return await self._plain("stats")

    async def drain(self) -> dict[str, Any]:
        """Ask the listening process to let its stations go and end."""
        return await self._plain("drain")

    async def _plain(self, do: str) -> dict[str, Any]:
        try:
            return (await self._ask(Request(do), within_s=MARGIN_S)).stats or {}
        except (*GONE, TimeoutError) as error:
            raise CsmsUnavailable("The listening process broke off.", side="") from error

    @contextlib.asynccontextmanager
    async def subscribe(self, *, to: str = "subscribe") -> AsyncIterator[AsyncIterator[News]]:
        """A stream of news on a connection of its own; raises ``OSError`` when nobody listens.

        From its first line on, everything recorded will come, or a line that
        says some was dropped; ``to="watch"`` gives the state of the relays
        alone.  The stream ends with the connection.
        """
        reader, writer = await self._connect()
        try:
            writer.write(line(Request(to)))
            yield _news(reader)
        finally:
            writer.close()

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # --- the line -----------------------------------------------------------------

    async def _ask(self, request: Request, *, within_s: float, dial_s: float | None = None) -> Reply:
        writer = await self._dial(dial_s or self._dial_s)
        self._number += 1
        request.number = number = self._number
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[number] = waiting
        try:
            writer.write(line(request))
            async with asyncio.timeout(within_s):
                reply = await waiting
        finally:
            self._open.pop(number, None)
        if reply.failure is not None:
            raise raised(reply.failure)
        return reply

    async def _dial(self, within_s: float) -> asyncio.StreamWriter:
        """The open line, or a new one; nothing has been sent when this fails."""
        async with self._dialling:
            if self._writer is not None and not self._writer.is_closing():
                return self._writer
            try:
                reader, self._writer = await self._redial(within_s)
            except GONE as error:
                raise CsmsUnavailable(
                    f"Nobody listens on {self._path}.", side="", hint="Start it with `migrate listen`."
                ) from error
            self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _redial(self, within_s: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_delay(within_s),
            wait=tenacity.wait_exponential(multiplier=0.02, max=0.5),
            retry=tenacity.retry_if_exception_type(OSError),
            reraise=True,
        )
        return await retrying(self._connect)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with reachable(self._path) as name:
            return await asyncio.open_unix_connection(name, limit=MAX_LINE_BYTES * 4)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand every reply to who waits for it; when the line ends, nobody is left waiting."""
        try:
            while text := await reader.readline():
                reply = msgspec.json.decode(text, type=Reply)
                waiting = self._open.pop(reply.number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
        except (OSError, ValueError, msgspec.MsgspecError):
            pass
        finally:
            writer.close()
            for waiting in self._open.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError("the listening process broke off"))
            self._open.clear()


async def _news(reader: asyncio.StreamReader) -> AsyncIterator[News]:
    """Line by line, until the connection ends, also in the middle of a line: whoever spoke was killed then."""
    with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
        while text := await reader.readline():
            yield msgspec.json.decode(text, type=News)
