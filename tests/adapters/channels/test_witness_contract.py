"""What every witness promises: the relays' and the double answer the same questions alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.ports import Session, Witness
from tests.adapters.channels.doubles import MemoryWitness

NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Real:
    def __init__(self, site: Any) -> None:
        self.site = site
        self.witness: Witness = RelayWitness(site.client, site.shelf.tail)

    async def arrive(self, identity: str) -> None:
        await self.site.station(identity, side=Side.TARGET)


class Double:
    def __init__(self) -> None:
        self.memory = MemoryWitness()
        self.witness: Witness = self.memory

    async def arrive(self, identity: str) -> None:
        session = Session(id=f"s-{identity}", connected_at=NOW, heard_at=NOW)
        self.memory.sessions[identity] = {Side.TARGET: session}
        await self.memory.tell(Sighting(side=Side.TARGET, kind=Kind.CONNECTED, at=NOW, identity=identity))


@pytest.fixture(params=["relay", "memory"])
async def seen(request: pytest.FixtureRequest, site: Any) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield Double()
        return
    real = Real(site)
    await real.witness.start()  # type: ignore[attr-defined]
    yield real
    await real.witness.stop()  # type: ignore[attr-defined]


async def take(witness: Witness, count: int, *, after: int = 0) -> list[Sighting]:
    found = []
    async with asyncio.timeout(60):
        async for sighting in witness.sightings(after=after):
            found.append(sighting)
            if len(found) == count:
                break
    return found


async def test_what_was_missed_comes_first_and_then_what_happens_now(seen: Any) -> None:
    await seen.arrive("A")
    await seen.arrive("B")
    taking = asyncio.create_task(take(seen.witness, 4))
    await asyncio.sleep(0.05)

    await seen.arrive("C")
    await seen.arrive("D")

    found = await taking
    assert [s.identity for s in found] == ["A", "B", "C", "D"]
    assert [s.seq for s in found] == sorted({s.seq for s in found})


async def test_a_reader_goes_on_where_it_stopped(seen: Any) -> None:
    for identity in "ABCDE":
        await seen.arrive(identity)
    first = await take(seen.witness, 2)

    rest = await take(seen.witness, 3, after=first[-1].seq)

    assert [s.identity for s in rest] == ["C", "D", "E"]


async def test_two_readers_see_the_same(seen: Any) -> None:
    taking = [asyncio.create_task(take(seen.witness, 2)) for _ in range(2)]

    await seen.arrive("A")
    await seen.arrive("B")

    assert [[s.identity for s in await reader] for reader in taking] == [["A", "B"], ["A", "B"]]


async def test_presence_names_the_side_and_the_session(seen: Any) -> None:
    await seen.arrive("A")

    here, nowhere = await seen.witness.presence("A"), await seen.witness.presence("B")

    assert here.on(Side.TARGET) is not None
    assert here.on(Side.SOURCE) is None
    assert here.answering == 1
    assert nowhere.on(Side.TARGET) is None
    assert nowhere.seen == {Side.SOURCE, Side.TARGET}


async def test_both_sides_are_seen_while_all_is_well(seen: Any) -> None:
    assert seen.witness.sees(Side.SOURCE)
    assert seen.witness.sees(Side.TARGET)


async def test_a_backend_that_nobody_has_measured_has_no_latency(seen: Any) -> None:
    await seen.arrive("A")

    assert [seen.witness.latency(side) for side in Side] == [None, None]
