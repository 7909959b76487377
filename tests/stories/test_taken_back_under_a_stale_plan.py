"""What was killed in flight, and a plan that went stale or was made anew meanwhile: recovery never needs a fresh plan."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import IN_FLIGHT, State
from migrate.domain.record import Approval, Direction
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


async def test_what_a_killed_run_left_in_flight_is_brought_to_rest_though_the_new_plan_leaves_it_out(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(10) as site:
        journal, run = site.wired.journal, await site.run()
        await site.until(lambda standing: how_many(standing, State.RESTARTING, State.DEPARTED) > 1)
        run.send(signal.SIGKILL)
        await run.ended()
        flying = {a.identity for a in await journal.attempts(states=IN_FLIGHT)}
        await journal.store_stations([s for s in await journal.stations() if s.identity not in flying])
        site.plan = await site.wired.make_plan()
        await journal.store_plan(site.plan)
        for wave in (None, *(w.number for w in site.plan.waves)):
            at = site.wired.clock.now()
            await journal.approve(Approval(fingerprint=site.plan.fingerprint, wave=wave, by="story", at=at))

        ended = await (await site.run()).ended()

        attempts, lives = {a.identity: a for a in await journal.attempts()}, last_side(site.log())
        assert flying
        assert not flying & {s.identity for s in site.plan.stations}
        assert "of an older plan" in ended.err
        assert {attempts[i].state for i in flying} <= {State.CONFIRMED, State.SETTLED}, ended.err
        assert {lives[i] for i in flying} == {"target"}
        assert {attempts[s.identity].state for s in site.plan.stations} == {State.SETTLED}
        assert commands_repeated_without_read(site.log()) == 0
