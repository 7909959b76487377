"""The station's other doors, played from a transcript: what is asked is handed to the player, which knows the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.profiles.shell_end import Answer
from tests.profiles.tap import asked
from tests.profiles.transcripts import Order, Player


@asynccontextmanager
async def http_interface(player: Player, port: int) -> AsyncIterator[None]:
    """A station's interface, or its maker's cloud, on the loopback."""

    async def answer(request: web.Request) -> web.Response:
        order = Order(asked(request, await request.read()), asyncio.get_running_loop().create_future())
        player.orders.put_nowait(order)
        heard = await order.answer
        return web.Response(status=heard["status"], text=heard["body"], content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def by_player(player: Player) -> Answer:
    """What a station answers over SSH, as the transcript has it."""

    async def answer(said: dict[str, Any], _content: bytes) -> dict[str, Any]:
        order = Order(said, asyncio.get_running_loop().create_future())
        player.orders.put_nowait(order)
        return await order.answer

    return answer
