"""Backends that are slow, or die of too many boots at once: the tool is a load on them, and knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.simulator.deal import deal
from migrate.simulator.faults import FAULT_SETS
from migrate.simulator.wirelog import boots_on_target
from tests.stories.conftest import LENIENT_POLICY, PATIENCE_S, Field, how_many

pytestmark = pytest.mark.story

STATIONS = 20
FAMILIES = ("microocpp", "everest", "eviq", "evnex", "openevse")  # none that goes home by itself
TINY = {"pool": 1, "work_s": 0.4, "dies_beyond": 4}
LARGER = {"pool": 40, "work_s": 0.4}
SLOW = {"pool": 2, "work_s": 0.4}


async def died(site: Field) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not (await site.simulator("csms_load", side="target"))["deaths"]:
            await asyncio.sleep(0.2)


async def test_a_target_that_dies_of_the_boots_costs_time_and_no_station(field_of: Callable[..., Any]) -> None:
    specs = deal(5, STATIONS, FAULT_SETS["none"], FAMILIES)
    async with field_of(specs=specs, policy=LENIENT_POLICY, csms={"target": {"strength": TINY}}) as site:
        run = await site.run()
        await died(site)
        await asyncio.sleep(4)  # nobody notices at once
        during = await site.standing()
        await site.simulator("csms_up", side="target", strength=LARGER)
        ended = await run.ended(120)
        load = await site.simulator("csms_load", side="target")
        after = await site.standing()

        assert load["deaths"] == 1
        assert how_many(during, State.PLANNED) > 0, "nobody is sent to a backend that is dead"
        assert how_many(during, State.FAILED, State.REVERTED, State.LOST, State.STUCK) == 0
        assert ended.code == 0, ended.err
        assert how_many(after, State.SETTLED) == STATIONS
        assert {incident.side for incident in after.incidents} == {"target"}
        assert all(incident.ended_at for incident in after.incidents)
        assert site.agrees_with_the_stations(after)


async def test_a_slow_source_and_a_target_that_takes_boots_one_by_one_break_nothing(
    field_of: Callable[..., Any],
) -> None:
    specs = deal(6, STATIONS, FAULT_SETS["none"], FAMILIES)
    async with field_of(specs=specs, policy=LENIENT_POLICY, csms={"target": {"strength": SLOW}}) as site:
        await site.simulator("csms_slow", side="source", real_s=0.4)
        ended = await (await site.run()).ended(120)
        load = await site.simulator("csms_load", side="target")
        after = await site.standing()

        assert ended.code == 0, ended.err
        assert load["most_waiting"] > 2
        assert how_many(after, State.SETTLED) == STATIONS
        assert boots_on_target(site.log()) >= STATIONS
        assert site.agrees_with_the_stations(after)
