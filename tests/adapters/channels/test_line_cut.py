"""A station's line cut on order: as a lost line, seen by all, and nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from migrate.domain.errors import Unreachable
from migrate.domain.evidence import Kind, Side
from tests.adapters.ocpp.wire import PATIENCE_S


def kinds(site: Any, identity: str) -> list[Kind]:
    return [sighting.kind for sighting in site.shelf.kept if sighting.identity == identity]


async def test_a_station_whose_line_is_cut_loses_it_at_once_and_its_neighbour_keeps_his(site: Any) -> None:
    peer = await site.station("AC1")
    await site.station("AC2")

    await site.client.drop(Side.SOURCE, "AC1")

    async with asyncio.timeout(PATIENCE_S):
        await peer.ended.wait()
        while Kind.DISCONNECTED not in kinds(site, "AC1"):
            await asyncio.sleep(0.002)
    assert (await site.client.presence("AC1")).on(Side.SOURCE) is None
    assert (await site.client.presence("AC2")).on(Side.SOURCE) is not None


async def test_nobody_can_be_cut_off_who_is_not_there(site: Any) -> None:
    with pytest.raises(Unreachable, match=r"AC9 has no session on the source"):
        await site.client.drop(Side.SOURCE, "AC9")
