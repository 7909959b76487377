"""A campaign against backends that slow down, stall and recover: it waits for them, and nothing ends badly for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from batches.pace import FULL
from migrate.domain.evidence import Side
from migrate.domain.policy import Caps, Share
from migrate.domain.record import EventKind
from migrate.ports import Latency
from tests.doubles.clock import EPOCH
from tests.doubles.rehearsal import POLICY, Rehearsal

WIDE = replace(POLICY, caps=Caps(stations=40, per_model=40, per_site_share=Share(1.0)))


class Answering(dict[Side, Latency]):
    """A target that answers more slowly the more stations were restarted lately, as one with a small pool does."""

    def __init__(self, rehearsal: Rehearsal, *, s_per_restart: float = 0.0, at_least_s: float = 0.01) -> None:
        super().__init__()
        self.rehearsal, self.s_per_restart, self.at_least_s = rehearsal, s_per_restart, at_least_s
        self.worst_s = 0.0

    def get(self, side: Side, default: Latency | None = None) -> Latency | None:  # type: ignore[override]
        if side is not Side.TARGET:
            return default
        now_s = asyncio.get_running_loop().time()
        lately = sum(now_s - 50 <= at_s <= now_s for at_s in self.rehearsal.moved("restarting"))
        median_s = max(lately * self.s_per_restart, self.at_least_s)
        self.worst_s = max(self.worst_s, median_s)
        return Latency(median_s=median_s, slowest_s=median_s, samples=20, at=EPOCH + timedelta(seconds=now_s))


def incidents(rehearsal: Rehearsal) -> list[tuple[str, bool]]:
    lines = [line.event.data for line in rehearsal.journal.lines if line.event.kind is EventKind.INCIDENT]
    return [(data["detail"], bool(data.get("over"))) for data in lines if data["title"] == "CSMS slow"]


async def test_a_healthy_backend_is_worked_on_at_full_speed_and_nothing_is_told_of_it() -> None:
    async with Rehearsal.of(40, policy=WIDE) as rehearsal:
        rehearsal.world.latencies = Answering(rehearsal)

        ended = await rehearsal.run()

        restarted = rehearsal.moved("restarting")
        assert ended == "done"
        assert max(restarted) - min(restarted) <= 40 / FULL.restarts_per_s
        assert incidents(rehearsal) == []


async def test_a_backend_that_would_break_under_all_at_once_is_never_brought_there_and_every_station_arrives() -> None:
    stations, s_per_restart = 120, 0.1
    policy = replace(WIDE, caps=replace(WIDE.caps, stations=stations, per_model=stations))
    async with Rehearsal.of(stations, policy=policy) as rehearsal:
        target = Answering(rehearsal, s_per_restart=s_per_restart)
        rehearsal.world.latencies = target

        ended = await rehearsal.run(within=timedelta(days=2))

        assert ended == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}
        assert target.worst_s < FULL.stalled_s < stations * s_per_restart
        assert incidents(rehearsal)[0][0].startswith("target answers in ")


async def test_while_a_backend_is_stalled_nothing_is_begun_and_afterwards_everything_goes_on() -> None:
    async with Rehearsal.of(3, 6, policy=WIDE) as rehearsal:
        target = Answering(rehearsal, at_least_s=30.0)
        rehearsal.world.latencies = target
        running = asyncio.ensure_future(rehearsal.run(within=timedelta(days=2)))
        await asyncio.sleep(3600)
        meanwhile = rehearsal.world.sent()

        target.at_least_s = 0.01
        ended = await running

        assert meanwhile == []
        assert ended == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}
        told = incidents(rehearsal)
        assert [is_over for _, is_over in told] == [False, True]
        assert told[0][0] == "target answers in 30.0 s: nothing is sent until it recovers"


@pytest.mark.parametrize("stalls_after_s", [0.5, 5, 30])
async def test_a_backend_that_stalls_in_the_middle_costs_no_station_its_attempt(stalls_after_s: float) -> None:
    async with Rehearsal.of(40, policy=WIDE) as rehearsal:
        target = Answering(rehearsal)
        rehearsal.world.latencies = target
        loop = asyncio.get_running_loop()
        loop.call_later(stalls_after_s, setattr, target, "at_least_s", 30.0)
        loop.call_later(stalls_after_s + 900, setattr, target, "at_least_s", 0.01)

        ended = await rehearsal.run(within=timedelta(days=2))

        assert ended == "done"
        assert set((await rehearsal.states()).values()) == {"settled"}
