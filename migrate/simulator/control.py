"""The simulator's control socket: JSON lines in, JSON lines out, on a Unix socket of its owner's only.

What can be ordered stands in `orders`.  An order that cannot be understood is
answered with what is wrong with it; it ends nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Order = Mapping[str, Any]
Handler = Callable[[Order], Awaitable[dict[str, Any]]]
LONGEST_LINE = 1 << 20
LONGEST_PATH = 107  # sun_path on Linux, less its end mark


class BadOrder(Exception):
    """What is wrong with an order, for whoever sent it."""


class Control:
    """Serves one socket; a stale one from a killed process is replaced."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise ValueError(f"control socket path is longer than {LONGEST_PATH} bytes: {self._path}")
        if self._path.is_socket():
            self._path.unlink()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._attend, self._path, limit=LONGEST_LINE)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._obey(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # the other side left, or sent a line without end
        finally:
            writer.close()

    async def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
            return {"ok": True} | await self._handler(order)(order)
        except (BadOrder, ValueError, RecursionError) as error:
            return {"ok": False, "error": str(error)}

    def _handler(self, order: object) -> Handler:
        if not isinstance(order, dict):
            raise BadOrder("an order is a JSON object")
        handler = self._handlers.get(str(order.get("op")))
        if handler is None:
            raise BadOrder(f"no order {order.get('op')!r}; there are: {', '.join(sorted(self._handlers))}")
        return handler


async def ask(path: Path, **order: Any) -> dict[str, Any]:
    """Send one order and wait for its answer; OSError when nobody listens."""
    reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE << 4)
    try:
        writer.write(json.dumps(order).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer
    finally:
        writer.close()
