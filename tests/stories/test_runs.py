"""Nights in the field, over real sockets: backends that go away, orders, gates, crashes, interruptions."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.wave import Mode, Standing, WaveState
from migrate.simulator.faults import Fault
from tests.stories.conftest import how_many

pytestmark = pytest.mark.story

SMALL_WAVES = ("[gate]", '[waves]\ncanary_per_profile = 1\nsizes = ["rest"]\n\n[gate]')
ONE_BY_ONE = ("[gate]", "[caps]\nstations = 2\n\n[gate]")
IN_FLIGHT = (State.WRITING, State.WRITTEN, State.RESTARTING, State.UNDOING, State.DEPARTED, State.ARRIVED)
UNTOUCHED = (State.PLANNED, State.CHECKED)


def is_under_way(standing: Standing) -> bool:
    return how_many(standing, State.RESTARTING, State.DEPARTED) > 0


async def test_a_target_that_goes_down_in_the_night_pauses_the_wave_and_is_charged_to_no_station(
    field_of: Callable[..., Any],
) -> None:
    async with field_of(10, policy=[ONE_BY_ONE]) as site:
        run = await site.run()
        await site.until(is_under_way)

        await site.simulator("csms_down", side="target")
        second = await site.run()  # somebody else tries the same meanwhile
        locked = await second.ended()
        await asyncio.sleep(6)
        during = await site.standing()
        await site.simulator("csms_up", side="target")
        ended = await run.ended()
        after = await site.standing()

        assert locked.code == 75, locked.err
        assert how_many(during, State.FAILED, State.REVERTED, State.LOST, State.STUCK) == 0
        assert how_many(during, *UNTOUCHED) >= 5
        assert ended.code == 0, ended.err
        assert how_many(after, State.SETTLED) == 10
        assert [(i.side, i.ended_at is not None) for i in after.incidents] == [("target", True)]
        assert site.agrees_with_the_stations(after)


async def test_a_person_pauses_halts_and_resumes_a_run_and_ctrl_c_loses_nothing(field_of: Callable[..., Any]) -> None:
    async with field_of(24, policy=[ONE_BY_ONE]) as site:
        run = await site.run()
        await site.until(is_under_way)

        paused = await site.says("pause", "--reason", "storm over the north")
        await site.until(lambda standing: how_many(standing, *IN_FLIGHT) == 0)
        still = how_many(await site.standing(), *UNTOUCHED)
        await asyncio.sleep(2)
        under_pause = await site.standing()
        halted = await site.says("halt", "--reason", "target bills twice")
        shown = (await site.says("status", "--json")).document
        resumed = await site.says("resume", "--reason", "mended, ticket 4711")
        await site.until(lambda standing: is_under_way(standing) and how_many(standing, *UNTOUCHED) < still)
        run.send(signal.SIGINT)
        interrupted = await run.ended()
        between = await site.standing()
        again = await (await site.run()).ended()
        after = await site.standing()

        assert [paused.code, halted.code, resumed.code] == [0, 0, 0]
        assert under_pause.mode is Mode.PAUSED
        assert still >= 4
        assert how_many(under_pause, *UNTOUCHED) == still
        assert shown["mode"] == "halted"
        assert interrupted.code == 130, interrupted.err
        assert how_many(between, *IN_FLIGHT) == 0
        assert how_many(between, *UNTOUCHED) > 0
        assert again.code == 0, again.err
        assert how_many(after, State.SETTLED) == 24
        assert site.agrees_with_the_stations(after)


async def test_a_gate_that_shuts_ends_the_run_and_a_person_who_has_looked_lets_it_go_on(
    field_of: Callable[..., Any],
) -> None:
    strict = ('max_failed_share = "40%"', 'max_failed_share = "5%"\nmin_sample = 2')
    faults = {Fault.READ_ONLY_KEY: 2}
    async with field_of(14, faults=faults, policy=[SMALL_WAVES, strict, ONE_BY_ONE]) as site:
        shut = await (await site.run()).ended()
        before = await site.standing()
        resumed = await site.says("resume", "--reason", "two read-only keys, tickets written")
        ended = await (await site.run()).ended()
        after = await site.standing()

        assert shut.code == 3, shut.err
        assert WaveState.SHUT in {wave.state for wave in before.waves}
        assert how_many(before, State.PLANNED) > 0
        assert how_many(before, *IN_FLIGHT) == 0
        assert resumed.code == 0
        assert ended.code in (1, 3), ended.err
        if ended.code == 3:  # a second failure, in the later wave, is new evidence: it shuts again
            assert (await site.says("resume", "--reason", "the other one")).code == 0
            assert (await (await site.run()).ended()).code == 1
            after = await site.standing()
        assert (how_many(after, State.FAILED), how_many(after, State.SETTLED)) == (2, 12)
        assert site.agrees_with_the_stations(after)


async def test_a_worker_takes_over_what_a_killed_run_left_behind(field_of: Callable[..., Any]) -> None:
    async with field_of(8, policy=[ONE_BY_ONE]) as site:
        run = await site.run()
        await site.until(is_under_way)
        run.send(signal.SIGKILL)
        await run.ended()

        worker = await site.migrate("worker")
        await site.until(lambda standing: how_many(standing, State.SETTLED) == 8)
        worker.send(signal.SIGTERM)
        ended = await worker.ended()
        finished = await (await site.run()).ended()

        assert ended.code == 0, ended.err
        assert finished.code == 0, finished.err
        assert site.agrees_with_the_stations(await site.standing())
