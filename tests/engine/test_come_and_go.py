"""Stations that show themselves for a moment: what is seen while a driver lets go is lost to nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from migrate.domain.evidence import Side
from migrate.domain.policy import Caps
from tests.doubles.rehearsal import Rehearsal, gate
from tests.doubles.world import Return


async def test_a_station_that_boots_on_the_target_and_leaves_in_the_same_moment_opens_no_gate() -> None:
    policy = gate(soak=timedelta(minutes=30), max_lost=0)
    async with Rehearsal.of(1, 1, policy=policy) as rehearsal:
        station = rehearsal.world.stations["AC1"]
        station.returns = Return.NOWHERE

        async def come_and_go() -> None:
            await rehearsal.world.move(station, Side.TARGET)
            await rehearsal.world.leave(station)

        rehearsal.world.later(400, come_and_go)

        ended = await rehearsal.run()

        assert ended == "shut"
        assert await rehearsal.states() == {"AC1": "lost"}


async def test_a_soak_that_nobody_could_watch_opens_no_gate() -> None:
    policy = gate(soak=timedelta(minutes=30), max_lost=0)
    async with Rehearsal.of(1, 1, policy=policy) as rehearsal:

        async def target_goes_dark() -> None:
            rehearsal.world.seeing.discard(Side.TARGET)
            rehearsal.world.stations["AC1"].sessions.clear()  # gone, and nobody saw it go

        async def target_is_back() -> None:
            rehearsal.world.seeing.add(Side.TARGET)

        rehearsal.world.later(400, target_goes_dark)
        rehearsal.world.later(3600, target_is_back)

        ended = await rehearsal.run()

        assert ended == "shut"
        assert await rehearsal.states() == {"AC1": "lost"}


async def test_a_station_of_an_earlier_wave_that_is_lost_late_stops_the_wave_that_runs() -> None:
    policy = replace(gate(soak=timedelta(minutes=1), max_lost=0), caps=Caps(stations=1))
    async with Rehearsal.of(1, 12, policy=policy, away_s=240.0) as rehearsal:

        async def leaves_for_good() -> None:
            await rehearsal.world.leave(rehearsal.world.stations["AC1"])

        rehearsal.world.later(900, leaves_for_good)

        ended = await rehearsal.run()

        states = await rehearsal.states()
        assert ended == "shut"
        assert states["AC1"] == "lost"
        assert states["AC13"] == "planned"
