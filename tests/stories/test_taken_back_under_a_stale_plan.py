"""A rollback that was killed, and a plan that went stale meanwhile: recovery never needs a fresh plan."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import IN_FLIGHT, State
from migrate.domain.record import Direction
from migrate.simulator.wirelog import commands_repeated_without_read, last_side
from tests.stories.conftest import how_many

pytestmark = pytest.mark.story


async def test_a_killed_rollback_is_brought_to_rest_under_a_stale_plan_and_nobody_else_is_started(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(10) as site:
        await (await site.run()).ended()
        names = ",".join(s.identity for s in site.plan.stations)
        order = await site.migrate("rollback", "--stations", names, "--reason", "bills twice", "--yes", "--no-input")
        await site.until(lambda standing: how_many(standing, State.RESTARTING, State.DEPARTED) > 1)
        order.send(signal.SIGKILL)
        await order.ended()
        flying = {a.identity for a in await site.wired.journal.attempts(states=IN_FLIGHT)}
        await site.wired.journal.store_stations((await site.wired.journal.stations())[:-1])

        recovered = await (await site.run()).ended()

        attempts = {a.identity: a for a in await site.wired.journal.attempts()}
        lives = last_side(site.log())
        assert recovered.code == 65, recovered.err
        assert "is stale" in recovered.err
        assert flying
        assert not [a for a in attempts.values() if a.state in IN_FLIGHT]
        assert {(attempts[i].direction, attempts[i].state in (State.CONFIRMED, State.SETTLED)) for i in flying} == {
            (Direction.BACK, True)
        }
        assert {lives[i] for i in flying} == {"source"}
        assert commands_repeated_without_read(site.log()) == 0
