"""Every way is the same table: what a script or an interface answers is read, judged and undone like a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from batches.hands import Hands
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import Impostor, MigrateError, NotAllowed, SettingsProblem, Stale, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Restart, Write
from migrate.domain.record import EventKind, move
from migrate.domain.station import Station
from migrate.domain.ways import Script, Way
from migrate.ports import Door
from tests.adapters.channels.doubles import MemoryChannel
from tests.doubles.scene import ACME, NEW, OLD, UNIT, Scene

SCRIPTED = replace(
    ACME,
    method=Method.SCRIPT,
    script=Script(read=("get", "${key}"), write=("set", "${key}", "${value}")),
    writes=(Write(key="BackendUrl", value="${url}", via=Way.SSH),),
)
BY_BOTH = replace(
    SCRIPTED, writes=(Write(key="BackendName", value="${host}"), Write(key="BackendUrl", value="${url}", via=Way.SSH))
)


@dataclass
class SideDoors:
    """Doors beside the CSMS, to the same device: what they change is what the station dials."""

    scene: Scene
    fails: StationError | None = None
    at_the_door: MigrateError | None = None
    busy_times: int = 0
    opened: list[tuple[str, Side]] = field(default_factory=list)

    def to(self, station: Station, profile: Profile, side: Side) -> Door:
        assert profile.script is not None
        if self.at_the_door is not None:
            raise self.at_the_door
        self.opened.append((station.identity, side))
        return SideDoor(self)


@dataclass
class SideDoor:
    doors: SideDoors

    @property
    def _memory(self) -> MemoryChannel:
        station = self.doors.scene.station
        return MemoryChannel({station.identity: station.device})

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        if self.doors.fails is not None:
            raise self.doors.fails
        return await self._memory.read(identity, keys, max_keys=max_keys)

    async def write(self, identity: str, key: str, value: str) -> str:
        if self.doors.busy_times:
            self.doors.busy_times -= 1
            raise Unreachable(f"{identity} is busy: somebody charges.", identity=identity, sent=False)
        self.doors.scene.world.wire.append((identity, "Script", key, value))
        return await self._memory.write(identity, key, value)

    async def restart(self, identity: str, kind: Restart) -> None:
        self.doors.scene.world.wire.append((identity, "ScriptRestart", kind.value))
        self.doors.scene.world.restart(self.doors.scene.station)


@asynccontextmanager
async def a_scene(profile: Profile = SCRIPTED, **ways: Any) -> AsyncIterator[tuple[Scene, SideDoors]]:
    doors_ways = {name: ways.pop(name) for name in ("fails", "busy_times") if name in ways}
    async with Scene.of(profile, **ways) as scene:
        doors = SideDoors(scene, **doors_ways)
        scene.ports = replace(scene.ports, doors={Way.SSH: doors})
        yield scene, doors


async def test_a_script_writes_and_the_station_restarts_through_its_csms() -> None:
    async with a_scene() as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert scene.world.sent() == [("AC1", "Script", "BackendUrl", NEW), ("AC1", "Reset", "soft")]


async def test_a_unit_over_two_ways_is_one_unit() -> None:
    async with a_scene(BY_BOTH) as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert [line[1] for line in scene.world.sent()] == ["Write", "Script", "Reset"]


async def test_what_was_written_over_ocpp_is_undone_when_the_script_refuses() -> None:
    async with a_scene(BY_BOTH) as (scene, _):
        scene.station.device.verdicts["BackendUrl"] = "Rejected"

        attempt = await scene.drive()

    assert attempt.state is State.FAILED
    assert scene.holds == {"BackendUrl": OLD, "BackendName": "old.example"}


async def test_a_station_may_be_restarted_by_its_own_script() -> None:
    async with a_scene(replace(SCRIPTED, restart_via=Way.SSH)) as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.CONFIRMED
    assert [line[1] for line in scene.world.sent()] == ["Script", "ScriptRestart"]


async def test_a_way_that_the_campaign_is_not_set_up_for_touches_nobody_and_says_where_to_look() -> None:
    async with Scene.of(SCRIPTED) as scene:
        attempt = await scene.drive()

    assert attempt.state is State.SKIPPED
    assert "not set up" in attempt.reason
    assert scene.world.sent() == []


@pytest.mark.parametrize(
    "lack", [SettingsProblem("target.root: holds 0 certificates."), NotAllowed("The secret root_pw is nowhere.")]
)
async def test_a_file_of_the_campaign_that_spoils_in_the_night_puts_stations_off_and_ends_no_run(
    lack: MigrateError,
) -> None:
    async with a_scene(SCRIPTED) as (scene, doors):
        doors.at_the_door = lack
        attempt = await scene.drive()

        assert attempt.state is State.DEFERRED
        assert lack.message in attempt.reason
        assert scene.world.sent() == []


async def test_another_host_key_is_an_incident_and_nothing_is_written() -> None:
    other = Impostor("AC1 shows another host key than the one that ann saw.", identity="AC1")
    async with a_scene(fails=other) as (scene, _):
        attempt = await scene.drive()

        incidents = [line.event for line in scene.journal.lines if line.event.kind is EventKind.INCIDENT]

    assert attempt.state is State.SKIPPED
    assert "another host key" in attempt.reason
    assert [incident.data["title"] for incident in incidents] == ["another device answers"]
    assert scene.world.sent() == []


async def test_an_incident_is_told_even_where_the_journal_has_moved_on_meanwhile() -> None:
    other = Impostor("AC1 shows another host key than the one that ann saw.", identity="AC1")
    async with a_scene(fails=other) as (scene, _):
        await scene.journal.take_batch(scene.fence.batch, "another", scene.clock.now())
        hands = Hands(scene.errand, scene.ports, scene.fence)
        hands.note_incident(scene.attempt, "another device answers", other.message)
        with pytest.raises(Stale):
            await hands.store(move(scene.attempt, Fact.NEVER, scene.clock.now(), guard=scene.fence.for_undoing()))

        await hands.store(move(scene.attempt, Fact.NEVER, scene.clock.now()))

        told = [line.event.kind for line in scene.journal.lines]

    assert told.count(EventKind.INCIDENT) == 1


async def test_a_station_that_is_busy_is_tried_again_later_with_its_own_words() -> None:
    async with a_scene(busy_times=1) as (scene, _):
        attempt = await scene.drive()

    assert attempt.state is State.DEFERRED
    assert "somebody charges" in attempt.reason
    assert scene.world.sent() == []


@pytest.mark.parametrize("state", [State.WRITING, State.UNDOING])
async def test_after_a_crash_the_script_is_read_before_anything_is_written_again(state: State) -> None:
    holds = {"BackendUrl": NEW}
    unit = {"unit": (replace(UNIT[0], via=Way.SSH),)}
    async with a_scene(state=state, values=holds, attempt=unit) as (scene, doors):
        attempt = await scene.drive(resumed=True, within=timedelta(hours=12))

    assert doors.opened
    assert attempt.state is (State.CONFIRMED if state is State.WRITING else State.FAILED)
    assert [line[1:] for line in scene.world.sent("Script")] == (
        [] if state is State.WRITING else [("Script", "BackendUrl", OLD)]
    )
