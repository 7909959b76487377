"""Stories in which a station, or somebody in its name, does what nobody expected: none may be harmed by it."""

from __future__ import annotations

from migrate.domain.attempt import State
from migrate.domain.evidence import IdentityFacts, Kind, Side
from tests.doubles.scene import OLD, Scene
from tests.doubles.world import Reset

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


async def test_a_device_that_contradicts_the_inventory_on_both_sides_proves_nothing() -> None:
    impostor = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2", serial="not the S-1 of the inventory")
    async with Scene.of(state=State.DEPARTED, side=None, facts=impostor) as scene:
        await scene.world.move(scene.station, Side.SOURCE)
        await scene.world.leave(scene.station)
        async with scene.driven() as driving:
            await scene.world.move(scene.station, Side.TARGET)
            attempt = await driving

    assert attempt.state is State.STUCK
    assert "serial" in attempt.reason


async def test_a_value_that_could_not_be_seen_before_the_write_is_never_said_to_be_back() -> None:
    async with Scene.of(values={"BackendUrl": None}, target_value="ws://never") as scene:
        attempt = await scene.drive()

    assert scene.holds["BackendUrl"] is None or attempt.state not in (State.FAILED, State.REVERTED)


async def test_a_boot_proves_nothing_while_nobody_can_say_who_else_answers() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene, scene.driven() as driving:
        scene.world.is_deaf = True
        scene.world.rivals["AC1"] = 1
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        await scene.passes(minutes=2)
        while_deaf = await scene.newest()
        scene.world.is_deaf = False
        scene.world.rivals.clear()
        attempt = await driving

    assert while_deaf.state is not State.CONFIRMED
    assert attempt.state is State.CONFIRMED


async def test_a_deadline_that_ends_while_nobody_can_say_where_the_station_is_loses_nobody() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene, scene.driven() as driving:
        scene.world.is_deaf = True
        await scene.passes(hours=2)
        while_deaf = await scene.newest()
        scene.world.is_deaf = False
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        attempt = await driving

    assert while_deaf.state is State.DEPARTED
    assert attempt.state is State.CONFIRMED


async def test_a_boot_proves_nothing_of_the_socket_that_came_after_it() -> None:
    async with Scene.of(state=State.DEPARTED, side=None) as scene, scene.driven() as driving:
        scene.world.rivals["AC1"] = 1
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        await scene.until(State.ARRIVED)
        await scene.world.connect(scene.station, Side.TARGET)  # another device, and the first one falls silent
        scene.station.device.verdicts["TriggerMessage"] = "Rejected"
        scene.world.rivals.clear()
        attempt = await driving

    assert attempt.state is State.STUCK


async def test_a_station_that_answers_on_the_target_is_not_said_to_be_back_on_the_source() -> None:
    async with Scene.of(
        state=State.UNDOING, side=Side.TARGET, attempt={"left": True}, values={"BackendUrl": OLD}
    ) as scene:
        scene.station.device.values["BackendUrl"] = OLD  # another device answers on the source
        await scene.world.connect(scene.station, Side.SOURCE)
        attempt = await scene.drive()

    assert attempt.state is State.STUCK


async def test_a_station_that_boots_slowly_after_a_reset_it_never_answered_is_not_reset_again() -> None:
    async with Scene.of(takes_reset=Reset.UNANSWERED, target_value="ws://never", away_s=100, boots_after_s=20) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.REVERTED
    assert len(scene.world.sent("Reset")) == 1


async def test_a_refused_knock_in_its_name_does_not_move_a_station_that_is_on_the_source() -> None:
    async with Scene.of(state=State.WRITTEN) as scene:
        scene.station.charging.add(1)
        async with scene.driven() as driving:
            await scene.world.tell("AC1", Side.TARGET, Kind.REFUSED, answer="401", session="")
            await scene.passes(hours=1)
            while_charging = scene.path
            await scene.world.stop_charging(scene.station)
            attempt = await driving

    assert while_charging == []
    assert attempt.state is State.CONFIRMED
