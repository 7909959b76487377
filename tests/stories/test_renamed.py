"""A station that gets another name with the move: confirmed under it, shown with both, and taken back to its old one."""

from __future__ import annotations

import json

import pytest

from migrate.domain.attempt import State
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, last_side
from tests.stories.conftest import LENIENT_POLICY
from tests.stories.secured import Secured, a_secured_field, spec_of

pytestmark = pytest.mark.story


def named_as(log: list[WireEvent], identity: str, side: Side) -> set[str]:
    """The names under which a station dialled a side, by its own log."""
    seen = [e for e in log if e.identity == identity and e.kind is Kind.CONNECTED and e.side is side]
    return {e.value.rpartition("/")[2] for e in seen}


async def test_a_renamed_station_is_confirmed_shown_with_both_names_and_gets_its_old_one_back() -> None:
    def fleet(secured: Secured) -> None:
        for profile in (0, 2):
            secured.station(spec_of(f"OLD-{profile}", "microocpp", "Acme Named"), profile)
            secured.rename(f"OLD-{profile}", f"NL*ACM*E{profile}")
        secured.station(spec_of("STAYS", "microocpp", "Acme Named"), 1)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        moved = await (await site.run()).ended()
        there = await site.standing()
        told = await site.says("station", "NL*ACM*E2", "--json")
        shown = await site.says("status", "--stations", "--json")
        lives = last_side(site.log())
        back = await site.says("rollback", "--stations", "OLD-0,OLD-2", "--reason", "trial", "--yes", "--no-input")

        log, after = site.log(), await site.standing()
        assert moved.code == 0, moved.err
        assert {s.state for s in there.stations} == {State.SETTLED}
        assert set(lives.values()) == {Side.TARGET}
        assert named_as(log, "OLD-2", Side.TARGET) == {"NL%2AACM%2AE2"}
        assert named_as(log, "STAYS", Side.TARGET) == {"STAYS"}
        assert (told.document["identity"], told.document["target_identity"]) == ("OLD-2", "NL*ACM*E2")
        names = {s["identity"]: s.get("target_identity") for s in shown.document["stations"]}
        assert names == {"OLD-0": "NL*ACM*E0", "OLD-2": "NL*ACM*E2", "STAYS": None}
        assert back.code == 0, back.err
        assert {i: last_side(log)[i] for i in ("OLD-0", "OLD-2")} == {"OLD-0": Side.SOURCE, "OLD-2": Side.SOURCE}
        assert named_as(log, "OLD-2", Side.SOURCE) == {"OLD-2"}
        assert {s.identity: s.state for s in after.stations}["OLD-2"] is State.REVERTED
        assert commands_repeated_without_read(log) == 0


async def test_a_station_that_kept_its_old_name_is_not_taken_for_the_one_that_was_to_come() -> None:
    """The target lets it in under its old name as well: it is there, and it is not what was planned."""

    def fleet(secured: Secured) -> None:
        secured.station(spec_of("OLD-1", "microocpp", "Acme Named"), 0)
        secured.rename("OLD-1", "NL-1")

    async with a_secured_field(
        fleet, policy=[*LENIENT_POLICY, ('appear = "10m"', 'appear = "10m"\narrive = "4m"')]
    ) as site:
        standing = await site.standing()
        assert {s.target_identity for s in standing.stations} == {"NL-1"}
        visited = await site.simulator("visit", identity="OLD-1")  # a crew enters the address and forgets the name

        assert visited["sent"]
        await site.until(lambda _: last_side(site.log())["OLD-1"] is Side.TARGET)
        ended = await (await site.run()).ended(150)

        told = json.dumps((await site.says("station", "OLD-1", "--json")).document)
        assert "it dialled as 'OLD-1', not as 'NL-1'" in told, ended.err
        assert {s.state for s in (await site.standing()).stations} <= {State.STUCK, State.ARRIVED}
