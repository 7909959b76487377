"""The old slot of stations of OCPP 2.x taken out of their order, on order only: from then on they go back no more by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.simulator.deal import StationSpec
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, last_side
from tests.stories.conftest import LENIENT_POLICY
from tests.stories.secured import Secured, a_secured_field, spec_of

pytestmark = pytest.mark.story

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
CLEANED = ("CLEAN-EVEREST", "CLEAN-21", "CLEAN-OPENOCPP")
DECLINED = "DECLINED"
WITHIN_S = 60.0


def fleet() -> list[StationSpec]:
    return [
        spec_of("CLEAN-EVEREST", "everest201", "EVerest"),
        spec_of("CLEAN-21", "everest21", "EVerest"),
        spec_of("CLEAN-OPENOCPP", "openocpp201", "ChargeLab"),
        spec_of(DECLINED, "everest201", "EVerest"),
        spec_of("NO-SLOTS", "microocpp201", "MicroOcpp"),
    ]


def orders(log: list[WireEvent], identity: str) -> list[str]:
    """Every order of its slots that a station was told."""
    return [e.value for e in log if e.identity == identity and e.kind is Kind.COMMAND and e.key == PRIORITY]


async def test_a_cleaned_up_station_stays_with_the_target_and_one_that_was_not_still_has_its_way_back(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(specs=fleet(), policy=LENIENT_POLICY, speed=60.0) as site:
        words = ("finish", "clean_up", "--reason", "the source is switched off", "--yes", "--no-input", "--json")
        too_early = await site.says(*words, "--stations", CLEANED[0])
        await (await site.run()).ended()
        moved = site.log()

        cleaned = await site.says(*words, "--stations", ",".join((*CLEANED, "NO-SLOTS")))
        again = await site.says(*words, "--stations", CLEANED[0])
        after = await site.standing()
        await site.simulator("csms_down", side="target")
        async with asyncio.timeout(WITHIN_S):
            while last_side(site.log())[DECLINED] is not Side.SOURCE:
                await asyncio.sleep(0.2)
        in_the_dark = site.log()[len(moved) :]
        await site.simulator("csms_up", side="target")
        back = await site.says("rollback", "--stations", "CLEAN-21", "--reason", "trial", "--yes", "--no-input")

        log = site.log()
        assert too_early.code == 65
        assert cleaned.code == 0, cleaned.err
        assert cleaned.document["outcomes"] == {"done": 3}
        assert [p["identity"] for p in cleaned.document["passed_over"]] == ["NO-SLOTS"]
        assert again.document["outcomes"] == {"already": 1}
        assert {s.state for s in after.stations} == {State.SETTLED}
        for identity in CLEANED:
            assert orders(log, identity)[:2] == ["2,1", "2"]
            assert all(e.side is not Side.SOURCE for e in in_the_dark if e.identity == identity)
        assert orders(log, DECLINED) == ["2,1"]
        assert back.code == 0, back.err
        assert orders(log, "CLEAN-21")[2:] == ["1"], "an order of a person still takes it back"
        assert last_side(log)["CLEAN-21"] is Side.SOURCE
        assert commands_repeated_without_read(log) == 0


async def test_a_security_profile_is_raised_by_the_slot_that_a_clean_up_has_freed_and_only_once() -> None:
    def dealt(secured: Secured) -> None:
        for name, family, vendor in (
            ("UP-EVEREST", "everest201", "EVerest"),
            ("UP-OPENOCPP", "openocpp201", "ChargeLab"),
        ):
            secured.station(spec_of(name, family, vendor), 1)

    async with a_secured_field(dealt, policy=LENIENT_POLICY) as site:
        await (await site.run()).ended()

        async def finish(step: str, *words: str) -> Any:
            ordered = ("--reason", "change 4711", "--no-input", "--json", "--stations", "UP-EVEREST,UP-OPENOCPP")
            return (await site.says("finish", step, *ordered, *words)).document["outcomes"]

        too_early = await finish("raise_security", "--accept-one-way", "2")
        cleaned = await finish("clean_up", "--yes")
        raised = await finish("raise_security", "--accept-one-way", "2")
        again = await finish("raise_security", "--accept-one-way", "2")

        log = site.log()
        assert too_early == {"refused": 2}, "both slots stand in the order"
        assert (cleaned, raised, again) == ({"done": 2}, {"done": 2}, {"already": 2})
        for identity in ("UP-EVEREST", "UP-OPENOCPP"):
            dialled = [e.value for e in log if e.identity == identity and e.kind is Kind.CONNECTED]
            filled = [
                e for e in log if e.identity == identity and e.action == "SetNetworkProfile" and e.kind is Kind.COMMAND
            ]
            assert (dialled[0][:3], dialled[-1][:4]) == ("ws:", "wss:")
            assert [e.key for e in filled] == ["NetworkProfile[2]", "NetworkProfile[1]"]
        assert set(last_side(log).values()) == {Side.TARGET}
        assert {s.state for s in (await site.standing()).stations} == {State.SETTLED}
        assert commands_repeated_without_read(log) == 0
