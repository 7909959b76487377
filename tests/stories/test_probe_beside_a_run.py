"""A run and a probe come to the same station in the same minute: the one who was first is not disturbed by the other."""

from __future__ import annotations

import asyncio

import pytest

from migrate.domain.attempt import State
from migrate.simulator.wirelog import Kind, Side, WireEvent, last_side
from tests.stories.conftest import LENIENT_POLICY, Field, a_field
from tests.stories.stations import a_station_called

pytestmark = pytest.mark.story

WITHIN_S = 150.0
SPEED = 6.0
SLOW = {"trigger": "silent"}
"""It says yes to a TriggerMessage and sends nothing: the probe waits for each of the two, and no call is open meanwhile."""


QUICK = (*LENIENT_POLICY, ('soak = "2m"', 'soak = "10s"'))


def commands(log: list[WireEvent]) -> list[str]:
    return [event.action for event in log if event.kind is Kind.COMMAND and event.identity == "ASKED"]


async def is_being_triggered(site: Field) -> None:
    async with asyncio.timeout(WITHIN_S):
        while "TriggerMessage" not in commands(site.log()):
            await asyncio.sleep(0.05)


async def test_a_run_writes_to_a_station_only_when_its_probe_has_ended() -> None:
    async with a_field(specs=[a_station_called("ASKED", "everest", ways=SLOW)], speed=SPEED, policy=QUICK) as site:
        probing = await site.migrate("profiles", "probe", "ASKED", "--json")
        await is_being_triggered(site)
        running = await site.run()
        probed, ended = await probing.ended(WITHIN_S), await running.ended(WITHIN_S)

        log = site.log()
        assert probed.code == 0, probed.err
        assert ended.code == 0, ended.err
        assert {s.state for s in (await site.standing()).stations} == {State.SETTLED}
        assert last_side(log) == {"ASKED": Side.TARGET}
        asked = commands(log)
        assert asked.index("ChangeConfiguration") > max(i for i, one in enumerate(asked) if one == "TriggerMessage")
