"""Waves that are taken back over real sockets, judged by what the stations themselves wrote down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.record import Direction
from migrate.simulator.wirelog import commands_repeated_without_read, last_side
from tests.chaos.child import BACK, Trigger
from tests.stories.conftest import PATIENCE_S, Ended, how_many
from tests.stories.killing import KILLED, dies

pytestmark = pytest.mark.story


def outcomes(ended: Ended) -> dict[str, int]:
    return dict(json.loads(ended.out)["outcomes"])


async def test_a_wave_that_is_taken_back_stands_on_the_source_by_the_stations_own_log(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(14) as site:
        await (await site.run()).ended()
        moved = last_side(site.log())
        ordered = site.plan.waves[0]

        back = await site.says("rollback", "--wave", "0", "--reason", "bills twice", "--yes", "--json", "--no-input")

        lives, log = last_side(site.log()), site.log()
        taken = [s.identity for s in ordered.stations]
        attempts = {a.identity: a for a in await site.wired.journal.attempts(identities=taken)}
        after = await site.standing()
        assert set(moved.values()) == {"target"}
        assert back.code == 0, back.err
        assert outcomes(back) == {"done": len(taken)}
        assert {lives[i] for i in taken} == {"source"}
        assert {lives[s.identity] for s in site.plan.stations if s.identity not in taken} <= {"target"}
        assert {a.direction for a in attempts.values()} == {Direction.BACK}
        assert min(a.evidence for a in attempts.values()) >= Grade.E3
        assert {s.state for s in after.stations if s.identity in taken} == {State.REVERTED}
        assert commands_repeated_without_read(log) == 0


async def test_a_rollback_that_is_killed_goes_on_with_the_next_order_and_nothing_is_sent_twice_blindly(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(10) as site:
        await (await site.run()).ended()
        names = [s.identity for s in site.plan.stations]

        death = await dies(site, Trigger(on=f"{BACK}restarting", nth=2), PATIENCE_S, taking_back=names)
        again = await (await site.run()).ended()

        lives, after = last_side(site.log()), await site.standing()
        assert death == KILLED
        assert again.code in (1, 3), again.err  # every station counts as reverted
        assert set(lives.values()) == {"source"}
        assert how_many(after, State.REVERTED) == len(site.plan.stations)
        assert commands_repeated_without_read(site.log()) == 0


async def test_the_file_of_those_left_behind_is_what_a_retry_takes(field_of: Callable[..., Any]) -> None:
    async with field_of(10) as site:
        await (await site.run()).ended()
        one = site.plan.stations[0].identity
        await site.says("rollback", "--stations", one, "--reason", "wrong tariff", "--yes", "--no-input")
        newest = site.stage.folder / "left_behind" / "newest.txt"
        left = [line.split("\t")[:2] for line in newest.read_text().splitlines() if not line.startswith("# ")]

        await site.says("resume", "--reason", "tariff mended")
        retried = await site.says(
            "retry", "--stations", f"@{newest}", "--reason", "tariff mended", "--yes", "--no-input", "--json"
        )

        assert left == [[one, "reverted"]]
        assert retried.code == 0, retried.err
        assert outcomes(retried) == {"done": 1}
        assert last_side(site.log())[one] == "target"
