"""A listening process that is killed in the middle of a line: its readers go blind, and read on when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.lines import News, line
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.evidence import Kind, Side, Sighting

SEEING = line(News(sees=[Side.SOURCE]))
TOLD = line(
    News(
        sighting=Sighting(side=Side.SOURCE, kind=Kind.STATUS, at=datetime(2026, 11, 20, tzinfo=UTC), seq=1, detail="x")
    )
)
CUT = {"half a line": TOLD[: len(TOLD) // 2], "a line without end": b"x" * (1 << 23), "no JSON": b"{\n"}


class Lines:
    """Says what it sees and then something that is no line, until it is whole again; then what it saw."""

    def __init__(self, cut: bytes) -> None:
        self.cut, self.is_whole = cut, False
        self.was_cut, self.stays = asyncio.Event(), asyncio.Event()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        writer.write(SEEING)
        if self.is_whole:
            writer.write(TOLD if b"subscribe" in asked else b"")
            await self.stays.wait()
        else:
            writer.write(self.cut)
            self.was_cut.set()
        writer.close()


@asynccontextmanager
async def cut_off(folder: Path, cut: bytes) -> AsyncIterator[tuple[Lines, RelayWitness]]:
    lines, path = Lines(cut), folder / "listen.sock"
    server = await asyncio.start_unix_server(lines.attend, path)
    witness = RelayWitness(ListenClient(path), nothing_missed)
    try:
        yield lines, witness
    finally:
        await witness.stop()
        lines.stays.set()
        server.close()


async def nothing_missed(_: int) -> list[Sighting]:
    return []


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
async def test_it_sees_nothing_from_there_on_and_sees_again_when_somebody_listens(tmp_path: Path, cut: bytes) -> None:
    async with asyncio.timeout(60), cut_off(tmp_path, cut) as (lines, witness):
        await witness.start()
        while witness.sees(Side.SOURCE):
            await asyncio.sleep(0.001)

        lines.is_whole = True

        while not witness.sees(Side.SOURCE):
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
async def test_what_comes_afterwards_is_read(tmp_path: Path, cut: bytes) -> None:
    async with asyncio.timeout(60), cut_off(tmp_path, cut) as (lines, witness):
        reading = asyncio.ensure_future(anext(witness.sightings()))
        await lines.was_cut.wait()
        lines.is_whole = True

        assert (await reading).seq == 1
