"""A campaign over stations of OCPP 2.x that dies in each state in which something is under way, and at a target of one version."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.simulator.behaviour import FAMILIES_201
from migrate.simulator.deal import StationSpec, deal
from migrate.simulator.faults import ENDINGS, Fault, FaultSet, fault_set
from migrate.simulator.wirelog import Kind, commands_repeated_without_read, last_side
from tests.chaos.arena import Arena
from tests.chaos.child import Trigger
from tests.chaos.fleets import Fleet
from tests.chaos.plots import Tally, Theatre, finish
from tests.stories.conftest import how_many

pytestmark = pytest.mark.story

SPEED = 40.0
ROUGH = {Fault.FALLS_BACK: 2, Fault.WITHOUT_EFFECT: 2, Fault.BUSY: 1}
DEATHS = (
    *("writing", "command", "writing", "restarting", "undoing", "restarting", "undoing", "writing"),
    "undoing",
)
"""After which acknowledged state each life ends, one after the other; a kill a moment later hits what goes out then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOf201(Fleet):
    """Slots and variables of OCPP 2.x; two stations refuse the order of slots that they have taken one of."""

    def specs(self) -> list[StationSpec]:
        specs = deal(self.seed, self.size, self.faults, self.families)
        with_slots = [i for i, s in enumerate(specs) if s.fault is Fault.NONE and s.family == "openocpp201"]
        for place in with_slots[:2]:
            ends = ENDINGS[Fault.HALF_WAY_REFUSAL]
            specs[place] = replace(specs[place], fault=Fault.HALF_WAY_REFUSAL, expected=ends)
        return specs


async def test_a_campaign_that_dies_in_every_state_in_which_something_is_under_way_ends_as_its_faults_demand() -> None:
    fleet = FleetOf201(
        name="slots-201", seed=21, size=20, faults=FaultSet(name="rough", counts=ROUGH), families=FAMILIES_201
    )
    said: list[str] = []
    tally, dice = Tally("killed in 2.x"), random.Random(7)

    async def plot(here: Arena) -> str:
        for state in DEATHS:
            life = await here.live(Trigger(on=state, nth=dice.choice((1, 2)), after_ms=dice.choice((0.0, 4.0))))
            tally.count(life)
            if not life.was_killed:
                return "" if life.is_done else f"broke: {life.code} {life.said}; see child.log"
        return await finish(here)

    await Theatre(said.append, dice).play(fleet, tally, plot, speed=SPEED)

    assert tally.is_clean, "\n".join(said)
    assert tally.kills >= 6, "\n".join(said)
    assert all(tally.moments[state] for state in ("writing", "restarting", "undoing")), tally.moments


async def test_a_station_that_prefers_2_1_moves_to_a_target_that_speaks_only_2_0_1(
    field_of: Callable[..., Any],
) -> None:
    specs = deal(5, 2, fault_set("none"), ["everest21"])
    only_201 = {"target": {"speaks": ["ocpp2.0.1"]}}

    async with field_of(specs=specs, csms=only_201) as site:
        ended = await (await site.run()).ended()
        standing, log = await site.standing(), site.log()

        spoken = [(e.side, e.key) for e in log if e.kind is Kind.CONNECTED and e.identity == specs[0].identity]
        assert ended.code == 0, ended.err
        assert how_many(standing, State.SETTLED) == 2
        assert spoken == [("source", "ocpp2.1"), ("target", "ocpp2.0.1")]
        assert set(last_side(log).values()) == {"target"}
        assert commands_repeated_without_read(log) == 0
