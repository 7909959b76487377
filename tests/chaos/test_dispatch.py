"""Which batches are dispatched again after a crash, on a real store of dbos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from migrate.domain.record import EventKind, Process
from migrate.engine.beat import RUN
from migrate.engine.durable import Durable, Steps
from migrate.engine.lore import Lore
from migrate.engine.process import CampaignProcess
from tests.doubles.clock import EPOCH
from tests.doubles.rehearsal import FINGERPRINT, Rehearsal, a_plan

CAMPAIGN = "3f9c2a10b7de4411.1"


class Hands:
    """What the workflows do here: batches run until they are let go, waves end at once."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.running = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def _waves(self, _: str) -> list[int]:
        return [0]

    async def _open_wave(self, _: str, number: int) -> list[str]:
        return [f"w{number}.b0"]

    async def _run_batch(self, name: str) -> dict[str, Any]:
        self.ran.append(name)
        self.running.set()
        await self.may_end.wait()
        return {"batch": name}

    async def _judge(self, _: str, __: int) -> str:
        return "shut"

    async def _finish(self, _: str) -> str:
        return "done"

    @property
    def steps(self) -> Steps:
        return Steps(
            waves=self._waves,
            open_wave=self._open_wave,
            run_batch=self._run_batch,
            judge=self._judge,
            finish=self._finish,
        )


@asynccontextmanager
async def durable(store: Path, hands: Hands) -> AsyncIterator[Durable]:
    one = Durable(store / "engine.db", "run-1", hands.steps, poll_s=0.05)
    await one.open()
    try:
        yield one
    finally:
        await one.close()


async def test_a_catch_up_batch_whose_store_was_lost_is_dispatched_once(tmp_path: Path) -> None:
    hands = Hands()
    hands.may_end.clear()
    async with durable(tmp_path, hands) as engine:
        first = await engine.dispatch_again("catch-up.aa.1", "t1")
        await asyncio.wait_for(hands.running.wait(), 10)

        again = await engine.dispatch_again("catch-up.aa.1", "t2")

        hands.may_end.set()

    assert (first, again) == (True, False)
    assert hands.ran == ["catch-up.aa.1"]


async def test_a_batch_that_waits_does_not_hide_another_whose_name_begins_like_its_own(tmp_path: Path) -> None:
    hands = Hands()
    hands.may_end.clear()
    async with durable(tmp_path, hands) as engine:
        await engine.dispatch("catch-up.aa.10")

        assert await engine.dispatch_again("catch-up.aa.1", "t1")

        hands.may_end.set()


@pytest.mark.parametrize("has_run", [False, True], ids=["its campaign has not opened the wave", "it has ended"])
async def test_a_batch_of_a_wave_is_dispatched_again_only_after_its_campaign_did(tmp_path: Path, has_run: bool) -> None:
    async with durable(tmp_path, Hands()) as engine:
        if has_run:
            await engine.run_campaign(CAMPAIGN)

        assert await engine.dispatch_again("w0.b0", "t1", campaign=CAMPAIGN) is has_run


async def test_a_campaign_that_ended_is_over_and_one_that_never_ran_is_not(tmp_path: Path) -> None:
    async with durable(tmp_path, Hands()) as engine:
        await engine.run_campaign(CAMPAIGN)

        assert await engine.is_over(CAMPAIGN)
        assert not await engine.is_over("3f9c2a10b7de4411.2")


async def test_a_journal_that_was_brought_back_from_before_several_runs_begins_a_run_of_its_own(tmp_path: Path) -> None:
    """dbos runs no name twice: under one that it knows, the run would be over before it has begun."""
    async with durable(tmp_path, Hands()) as engine:
        for number in (1, 2, 3):
            await engine.run_campaign(f"{FINGERPRINT}.{number}")
    rehearsal = Rehearsal(a_plan(()))
    process = CampaignProcess(
        rehearsal.outline(),
        rehearsal.ports(),
        Process(executor="run-2", role=RUN, host="here", pid=1, started_at=EPOCH, beat_at=EPOCH),
        tmp_path / "engine.db",
        lore=Lore(rehearsal.journal, {}),
        alive=lambda _: True,
        poll_s=0.05,
    )

    await asyncio.wait_for(process.run(), 60)

    told = [line.event.data for line in rehearsal.journal.lines if line.event.kind is EventKind.PROCESS]
    assert [data["campaign"] for data in told if "campaign" in data][-1] == f"{FINGERPRINT}.4"
