"""Every profile by visit is replayed against its transcript: nobody but the crew does anything to the station.

The station boots on the source, the attempt waits for a crew, the station
dials the target, and its boot there, by itself or asked for, confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade, Kind, Side
from migrate.domain.profile import Method, Profile, Rollback, TurningPoint, Write
from migrate.domain.record import Attempt
from migrate.domain.station import Station
from tests.profiles.bench import Bench, errand_of
from tests.profiles.transcripts import VISITED, Head, Line, Player, path_of, read
from tests.profiles.visited import found_moved
from vendor_profiles import load_catalogue

VISITS = [profile for profile in load_catalogue().profiles if profile.method is Method.VISIT]
BOOT = "BootNotification"
ASKS_FOR_A_BOOT = ["TriggerMessage", {"requestedMessage": BOOT}]
"""All that a station may be asked which a crew has moved, and by which nothing changes."""

by_profile = pytest.mark.parametrize("profile", VISITS, ids=lambda profile: profile.name)


def boots_of(lines: list[Line]) -> list[tuple[Side, dict[str, Any]]]:
    """The boots of a transcript, where they were sent to."""
    return [(line.on, line.frame[3]) for line in lines if line.sender == "station" and line.frame[2:3] == [BOOT]]


def station_of(head: Head) -> Station:
    return Station(
        identity=head.identity, vendor=head.vendor, model=head.model, firmware=head.firmware, serial=head.serial
    )


def transcript(name: str) -> tuple[Head, list[Line], Profile]:
    head, lines = read(path_of(name, VISITED))
    return head, lines, next(profile for profile in VISITS if profile.name == name)


@asynccontextmanager
async def played(bench: Bench, head: Head, lines: list[Line]) -> AsyncIterator[Player]:
    ports = {side: relay.port for side, relay in bench.relays.items()}
    async with Player.of(head, lines, ports) as player:
        yield player


async def replay(
    folder: Path, head: Head, lines: list[Line], profile: Profile, *, speed: float = 0.0
) -> tuple[Attempt, Attempt, Player, list[Any]]:
    """The attempt before and after the crew, and what was sent; a station that has to be asked for its boot is asked soon."""
    before, after = before_and_after_the_crew(lines)
    is_asked = any(line.is_ours for line in lines)
    errand = errand_of(profile, station_of(head), head.target)
    bench_of_its_own = Bench.open(folder, speed=speed or (100.0 if is_asked else 1.0))
    async with bench_of_its_own as bench, played(bench, head, lines) as player:
        waiting = await until_it_waits(bench, player, before, head, profile)
        early = player.unmet
        async with asyncio.TaskGroup() as both:
            both.create_task(player.play_lines(after))
            ending = both.create_task(found_moved(bench, waiting, errand))
        return waiting, ending.result(), player, early


async def until_it_waits(bench: Bench, player: Player, lines: list[Line], head: Head, profile: Profile) -> Attempt:
    """The station is on the source, and its attempt has gone as far as it goes without a crew."""
    await player.play_lines(lines)
    await bench.sees(Kind.BOOT, Side.SOURCE)
    return await bench.move(profile, station_of(head), head.target)


def before_and_after_the_crew(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    leaves = next(number for number, line in enumerate(lines) if line.does == "leaves")
    return lines[:leaves], lines[leaves:]


@by_profile
def test_the_boots_of_a_visited_station_are_those_of_its_profile_alone(profile: Profile) -> None:
    _, lines = read(path_of(profile.name, VISITED))

    boots = boots_of(lines)

    assert [side for side, _ in boots] == [Side.SOURCE, Side.TARGET]
    for _, said in boots:
        found = load_catalogue().match(said["chargePointVendor"], said["chargePointModel"], said["firmwareVersion"])
        assert found.profile is not None, found.why
        assert found.profile.name == profile.name


@pytest.mark.story
@by_profile
async def test_a_station_that_needs_a_crew_is_sent_no_change_and_confirmed_by_its_boot(
    tmp_path: Path, profile: Profile
) -> None:
    head, lines = read(path_of(profile.name, VISITED))

    waiting, ended, player, early = await replay(tmp_path, head, lines, profile)

    assert (waiting.state, waiting.reason) == (State.VISITING, "its profile has no remote way")
    assert early == []  # whatever came before the crew
    assert player.sent == player.expected
    assert [one for one in player.sent if one != ASKS_FOR_A_BOOT] == player.unmet == []
    assert (ended.id, ended.state, ended.evidence) == (waiting.id, State.CONFIRMED, Grade.E3)
    assert ended.state.value == head.ends


@pytest.mark.story
async def test_a_profile_that_would_write_after_all_is_found_out(tmp_path: Path) -> None:
    """The replay sees what is asked of a station for which its transcript has no answer."""
    head, lines, profile = transcript("evbox")
    more = {"rollback": Rollback.REMOTE, "turning_point": TurningPoint.RESTART}
    writing = replace(profile, method=Method.CHANGE_CONFIGURATION, writes=(Write(key="Url", value="${url}"),), **more)
    before, _ = before_and_after_the_crew(lines)

    async with Bench.open(tmp_path) as bench, played(bench, head, lines) as player:
        attempt = await until_it_waits(bench, player, before, head, writing)
        asked = [action for action, _ in player.unmet]

    assert attempt.state is not State.VISITING
    assert "GetConfiguration" in asked


@pytest.mark.story
async def test_another_station_under_the_same_name_does_not_close_a_visit(tmp_path: Path) -> None:
    head, lines, profile = transcript("evbox")

    strange = [_with_serial(line, "SIM-0002") if line.on is Side.TARGET else line for line in lines]
    _, ended, _, _ = await replay(tmp_path, head, strange, profile, speed=1800.0)

    assert ended.state is State.STUCK
    assert ended.evidence < Grade.E3


def _with_serial(line: Line, serial: str) -> Line:
    if line.sender != "station" or line.frame[2:3] != [BOOT]:
        return line
    kind, id_, action, said = line.frame
    return replace(line, frame=[kind, id_, action, {**said, "chargePointSerialNumber": serial}])
