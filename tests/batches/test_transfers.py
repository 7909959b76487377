"""How many stations load at once behind one APN: so many and no more, and whoever waits holds up no other group."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from batches.transfers import Transfers, by
from migrate.domain.bandwidth import Share
from migrate.domain.station import Station


def behind(apn: str, number: int) -> Station:
    return Station(identity=f"AC{number}", apn=apn)


async def test_behind_one_apn_so_many_load_at_once_and_the_next_waits_until_one_has_done() -> None:
    transfers = Transfers(at_once=2, group=by(Share.APN))
    async with AsyncExitStack() as loading:
        first = await loading.enter_async_context(AsyncExitStack())
        await first.enter_async_context(transfers.place(behind("m2m", 1)))
        await loading.enter_async_context(transfers.place(behind("m2m", 2)))
        third = asyncio.ensure_future(loading.enter_async_context(transfers.place(behind("m2m", 3))))
        await asyncio.sleep(0)
        had_to_wait = not third.done()

        await first.aclose()
        await third

    assert had_to_wait


async def test_a_full_apn_holds_up_nobody_behind_another() -> None:
    transfers = Transfers(at_once=1, group=by(Share.APN))
    async with transfers.place(behind("m2m", 1)), asyncio.timeout(60), transfers.place(behind("other", 2)):
        pass


async def test_who_stops_waiting_leaves_the_line() -> None:
    transfers = Transfers(at_once=1)
    async with transfers.place(behind("m2m", 1)):
        waiting = asyncio.ensure_future(transfers.place(behind("m2m", 2)).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async with asyncio.timeout(60), transfers.place(behind("m2m", 3)):
        pass
