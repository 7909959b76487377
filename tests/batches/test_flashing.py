"""Firmware as part of a unit: step by step, proven by boots, never ordered twice, never taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Restart, Rollback, TurningPoint, Write
from migrate.domain.record import EventKind
from migrate.domain.ways import FIRMWARE_KEY, Firmware, Way
from tests.doubles.doors import FirmwareHost
from tests.doubles.scene import ACME, NEW, OLD, Scene

STEPS = Firmware(steps=("4.5", "5.0"), within=timedelta(minutes=30))
THEN_A_KEY = replace(
    ACME,
    method=Method.FIRMWARE,
    firmware=STEPS,
    writes=(Write(key=FIRMWARE_KEY, value="5.0", via=Way.FIRMWARE), *ACME.writes),
)
CARRIES = replace(
    THEN_A_KEY,
    firmware=Firmware(steps=("5.0",), carries_address=True, within=timedelta(minutes=30)),
    writes=THEN_A_KEY.writes[:1],
    restart=Restart.NONE,
    rollback=Rollback.VISIT,
    turning_point=TurningPoint.WRITE,
)


@asynccontextmanager
async def a_scene(profile: Any = THEN_A_KEY, **ways: Any) -> AsyncIterator[tuple[Scene, FirmwareHost]]:
    host_ways = {name: ways.pop(name) for name in list(ways) if name in FirmwareHost.__dataclass_fields__}
    async with Scene.of(profile, **ways) as scene:
        host = FirmwareHost(scene.world, **host_ways)
        scene.ports = replace(scene.ports, doors={Way.FIRMWARE: host})
        yield scene, host


async def test_every_step_is_ordered_in_its_turn_and_then_the_key_is_written() -> None:
    async with a_scene() as (scene, host):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert host.orders == [(FIRMWARE_KEY, "4.5"), (FIRMWARE_KEY, "5.0")]
    assert scene.world.sent("Write") == [("AC1", "Write", "BackendUrl", NEW)]
    assert scene.path == ["checked", "writing", "written", "restarting", "arrived", "confirmed"]


async def test_a_station_that_runs_the_version_already_is_sent_no_firmware() -> None:
    async with a_scene() as (scene, host):
        scene.station.facts = replace(scene.station.facts, firmware="5.0")
        await scene.world.boot(scene.station, Side.SOURCE)

        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert host.orders == []


async def test_a_firmware_that_carries_the_address_arrives_without_another_command() -> None:
    async with a_scene(CARRIES, boots_on=Side.TARGET) as (scene, host):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert host.orders == [(FIRMWARE_KEY, "5.0")]
    assert scene.world.sent() == []


async def test_a_firmware_that_should_carry_the_address_and_does_not_is_said_to_be_without_effect() -> None:
    async with a_scene(CARRIES, boots_on=Side.SOURCE) as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert "without effect" in attempt.reason


@pytest.mark.parametrize("status", ["DownloadFailed", "InstallationFailed"])
async def test_a_step_that_fails_ends_the_attempt_with_the_stations_own_word(status: str) -> None:
    async with a_scene(statuses={"4.5": ("Downloading", status)}) as (scene, host):
        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert status in attempt.reason
    assert host.orders == [(FIRMWARE_KEY, "4.5")]
    assert scene.holds["BackendUrl"] == OLD


async def test_an_order_that_the_station_refuses_is_not_repeated() -> None:
    async with a_scene(refuses="Rejected") as (scene, host):
        attempt = await scene.drive()

    assert (attempt.state, len(host.orders)) == (State.FAILED, 1)


async def test_a_newer_firmware_is_never_replaced_by_an_older_one() -> None:
    async with a_scene() as (scene, host):
        scene.station.facts = replace(scene.station.facts, firmware="6.1")
        scene.errand = replace(scene.errand, refit=lambda _: "acme")
        await scene.world.boot(scene.station, Side.SOURCE)

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert "not downgraded" in attempt.reason
    assert host.orders == []


async def test_a_refused_key_after_the_firmware_leaves_the_newer_firmware_and_the_old_address() -> None:
    async with a_scene() as (scene, host):
        scene.station.device.verdicts["BackendUrl"] = "Rejected"

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert scene.holds["BackendUrl"] == OLD
    assert scene.station.facts.firmware == "5.0"
    assert len(host.orders) == 2


async def test_an_address_that_the_firmware_reset_to_factory_is_written_over_and_proven() -> None:
    async with a_scene(resets_address_to="ws://factory.example") as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert scene.holds["BackendUrl"] == NEW


async def test_an_address_that_a_step_reset_is_put_back_before_the_next_restart_and_somebody_is_told() -> None:
    async with a_scene(resets_address_to="ws://factory.example") as (scene, _):
        await scene.drive()
        told = [line.event for line in await scene.ports.journal.timeline("AC1")]

    incidents = [event.data for event in told if event.kind is EventKind.INCIDENT]
    assert [value for *_, value in scene.world.sent("Write")] == [OLD, NEW]
    assert [one["title"] for one in incidents] == ["a firmware has changed the address"]
    assert "factory" not in str(incidents)


async def test_keys_that_the_firmware_brings_are_looked_at_anew_before_anything_is_written_to_them() -> None:
    brings = replace(THEN_A_KEY, firmware=replace(STEPS, brings_keys=True))
    async with a_scene(brings) as (scene, host):
        attempt = await scene.drive()

    assert attempt.state is State.DEFERRED
    assert "the firmware is in" in attempt.reason
    assert [version for _, version in host.orders] == ["4.5", "5.0"]
    assert scene.world.sent("Write") == []


async def test_a_driver_who_plugs_in_between_two_steps_is_waited_for() -> None:
    async with a_scene(charges_after="4.5") as (scene, host), scene.driven():
        await scene.until(State.WRITING)
        await scene.passes(seconds=900)
        while_charging = list(host.orders)
        await scene.world.stop_charging(scene.station)
        await scene.until(State.CONFIRMED)

    assert [version for _, version in while_charging] == ["4.5"]
    assert [version for _, version in host.orders] == ["4.5", "5.0"]


async def test_no_further_firmware_is_ordered_once_others_have_come_to_harm() -> None:
    async with a_scene() as (scene, host), scene.driven() as driving:
        await scene.until(State.WRITING)
        await scene.passes(seconds=90)
        scene.fence.harm = lambda _: "the gate of wave 0 is shut"
        attempt = await driving

    assert host.orders == [(FIRMWARE_KEY, "4.5")]
    assert scene.holds["BackendUrl"] == OLD
    assert attempt.is_ended
    assert "gate of wave 0" in attempt.reason


async def test_a_first_firmware_that_is_not_ordered_leaves_the_station_to_be_tried_later() -> None:
    async with a_scene() as (scene, host):
        scene.fence.harm = lambda _: "model stopped: 4 of its kind failed"
        attempt = await scene.drive()

    assert host.orders == []
    assert attempt.state is State.DEFERRED
    assert "model stopped" in attempt.reason


async def test_a_family_that_keeps_its_address_is_not_asked_for_it_between_steps() -> None:
    keeps = replace(THEN_A_KEY, firmware=replace(STEPS, keeps_address=True))
    async with a_scene(keeps, resets_address_to="ws://factory.example") as (scene, _):
        await scene.drive()

    assert [value for *_, value in scene.world.sent("Write")] == [NEW]


async def test_an_address_that_the_firmware_reset_and_that_takes_no_value_calls_a_person() -> None:
    async with a_scene(resets_address_to="ws://factory.example") as (scene, _):
        scene.station.device.verdicts["BackendUrl"] = "Rejected"

        attempt = await scene.drive()

    assert attempt.state is State.STUCK
    assert scene.holds["BackendUrl"] == "ws://factory.example"


async def test_after_a_crash_a_transfer_under_way_is_waited_for_and_not_ordered_again() -> None:
    async with a_scene(statuses={"4.5": ("Downloading", "Downloading", "Downloading", "Installing")}) as (scene, host):
        async with scene.driven():
            await scene.until(State.WRITING)
            await scene.passes(seconds=90)  # it is loading when the process dies
        ordered = list(host.orders)

        scene.attempt = await scene.newest()
        attempt = await scene.drive(resumed=True)

    assert ordered == [(FIRMWARE_KEY, "4.5")]
    assert attempt.state is State.CONFIRMED
    assert host.orders == [(FIRMWARE_KEY, "4.5"), (FIRMWARE_KEY, "5.0")]


async def test_a_transfer_that_stalls_is_tried_again_after_a_look_and_then_given_up() -> None:
    async with a_scene(statuses={"4.5": ("Downloading", "Stalls")}) as (scene, host):
        attempt = await scene.drive()

    assert attempt.state is State.DEFERRED
    assert "stalled" in attempt.reason
    assert host.orders == [(FIRMWARE_KEY, "4.5")]


async def test_a_restart_for_the_firmware_is_no_departure() -> None:
    async with a_scene() as (scene, _):
        await scene.drive()

    assert scene.path[:3] == ["checked", "writing", "written"]


async def test_a_version_that_only_the_list_names_is_no_version_that_runs() -> None:
    async with a_scene(booted=False) as (scene, host):
        listed = replace(scene.errand.station, firmware="5.0")
        scene.errand = replace(scene.errand, station=listed, refit=lambda _: "acme")
        scene.station.facts = replace(scene.station.facts, firmware="")
        await scene.world.boot(scene.station, Side.SOURCE)

        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert "firmware" in attempt.reason
    assert host.orders == []
    assert scene.holds["BackendUrl"] == OLD
