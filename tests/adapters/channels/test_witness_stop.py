"""A run that ends while the listening process ends too: the witness must let go, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.lines import News
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.evidence import Sighting


class LineThatEnds:
    """A line to a listening process that says one thing, and ends when told to."""

    def __init__(self) -> None:
        self.hangs_up = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self, *, to: str = "") -> AsyncIterator[AsyncIterator[News]]:
        yield self._news()

    async def _news(self) -> AsyncIterator[News]:
        yield News(sees=[])
        await self.hangs_up.wait()


async def nothing(_: int) -> list[Sighting]:
    return []


@pytest.mark.parametrize("turns", range(8), ids=lambda turns: f"{turns} turns of the loop later")
async def test_the_witness_stops_when_the_line_ends_at_the_same_moment(turns: int) -> None:
    line = LineThatEnds()
    witness = RelayWitness(cast(ListenClient, line), nothing)
    await witness.start()

    line.hangs_up.set()
    for _ in range(turns):
        await asyncio.sleep(0)

    async with asyncio.timeout(60):
        await witness.stop()
