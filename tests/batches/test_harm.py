"""Stories in which a station, or somebody in its name, does what nobody expected: none may be harmed by it."""

from __future__ import annotations

from migrate.domain.attempt import State
from migrate.domain.evidence import Side
from tests.doubles.scene import Scene

NO_STATUS = ""


async def test_a_station_that_answers_a_trigger_with_nonsense_ends_its_own_attempt_and_not_the_run() -> None:
    async with Scene.of(state=State.ARRIVED, side=Side.TARGET, booted=False, boots=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = NO_STATUS
        attempt = await scene.drive()

    assert attempt.state is State.STUCK


async def test_a_station_that_answers_a_trigger_with_nonsense_before_its_move_is_moved_all_the_same() -> None:
    async with Scene.of(booted=False) as scene:
        scene.station.device.verdicts["TriggerMessage"] = NO_STATUS
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
