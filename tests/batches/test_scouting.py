"""Stations are looked at before a wave: read on their own ways, so many at once, and never written to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from batches.errand import Ports
from batches.pace import Pacer
from batches.prospects import Prospect
from batches.scouting import Scout
from migrate.domain.address import parse_backend
from migrate.domain.errors import CsmsUnavailable, Impostor, Mismatch, NotAllowed, Refused, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Restart, Slots, Write
from migrate.domain.station import Station
from migrate.domain.survey import Unreached
from migrate.domain.ways import Way
from migrate.ports import Door, Doors
from tests.doubles.clock import LoadedDice, VirtualClock
from tests.doubles.journal import MemoryJournal
from tests.doubles.scene import ACME, NEW, OLD, a_station
from tests.doubles.world import World, WorldChannel

BY_SSH = replace(ACME, writes=(Write(key="backend_url", value="${url}", via=Way.SSH),))
WITH_SLOTS = replace(
    ACME,
    writes=(Write(key="${free_slot}", value="${url}"), Write(key="Order", value="${free_slot},${active_slot}")),
    slots=Slots(keys=("One", "Two"), priority_key="Order"),
)


@dataclass
class Bench:
    """A world, and doors beside OCPP that a test may spoil."""

    world: World
    clock: VirtualClock
    doors: dict[Way, Doors] = field(default_factory=dict)

    @property
    def ports(self) -> Ports:
        return Ports(
            journal=self.world.journal,
            source=self.world.channel(Side.SOURCE),
            target=self.world.channel(Side.TARGET),
            witness=self.world,
            clock=self.clock,
            dice=LoadedDice(),
            pacer=Pacer(self.world, self.clock),
            doors=self.doors,
        )


@asynccontextmanager
async def a_bench(*values: Mapping[str, str | None], side: Side | None = Side.SOURCE) -> AsyncIterator[Bench]:
    """Stations AC0, AC1, … that hold these values."""
    clock = VirtualClock()
    world = World(MemoryJournal(), clock)
    for number, held in enumerate(values):
        await world.add(a_station(identity=f"AC{number}", values=dict(held)), side=side)
    try:
        yield Bench(world, clock)
    finally:
        await world.close()


def a_prospect(identity: str = "AC0", profile: Profile = ACME, **station: str) -> Prospect:
    return Prospect(
        station=Station(identity=identity, vendor="Acme", model="AC22", **station),
        method=Method.CHANGE_CONFIGURATION,
        profile=profile,
        source=parse_backend(OLD),
        target=parse_backend(NEW),
    )


@dataclass
class Box:
    """Doors to stations' own interfaces: each holds ``value``, or says what a test planted."""

    value: str | None = OLD
    raises: StationError | None = None
    at_the_door: StationError | NotAllowed | None = None
    inside: int = 0
    most_inside: int = 0
    reads: list[str] = field(default_factory=list)

    def to(self, station: Station, profile: Profile, side: Side) -> Door:
        if self.at_the_door is not None:
            raise self.at_the_door
        return self

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await asyncio.sleep(1)
        self.inside -= 1
        self.reads.append(identity)
        if self.raises is not None:
            raise self.raises
        return dict.fromkeys(keys, self.value)

    async def write(self, identity: str, key: str, value: str) -> str:
        raise AssertionError(f"{identity}: {key} is written")

    async def restart(self, identity: str, kind: Restart) -> None:
        raise AssertionError(f"{identity} is restarted")


class Deaf(WorldChannel):
    """The way through a CSMS while the process that holds its sockets is away."""

    def __init__(self) -> None: ...

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        raise CsmsUnavailable("Nobody listens.", side="source")


def heard(_: int) -> None:
    """Nobody watches."""


async def test_a_station_that_holds_what_its_profile_expects_is_read_and_nothing_is_said() -> None:
    async with a_bench({"BackendUrl": OLD, "BackendName": "old.example"}) as bench:
        seen = await Scout(bench.ports).look([a_prospect()], heard)

        assert (seen.lacks, seen.unfit, seen.unreached) == ({}, {}, {})
        assert seen.dialects == {"AC0": "ocpp1.6"}
        assert bench.world.sent() == []  # commands that change something, that is


async def test_a_key_that_is_not_there_and_a_slot_that_is_not_free_are_known_by_day() -> None:
    slots = {"One": OLD, "Two": "", "Order": "Three"}
    async with a_bench({"Other": "1"}, slots, slots | {"Order": "One,Two"}) as bench:
        prospects = [a_prospect("AC0"), a_prospect("AC1", WITH_SLOTS), a_prospect("AC2", WITH_SLOTS)]

        seen = await Scout(bench.ports).look(prospects, heard)

        assert list(seen.unfit) == ["AC0", "AC1"]
        assert "does not know the key" in seen.unfit["AC0"]
        assert "names none of its slots" in seen.unfit["AC1"]


async def test_a_station_that_is_not_connected_is_passed_over() -> None:
    async with a_bench({"BackendUrl": OLD}, side=None) as bench:
        seen = await Scout(bench.ports).look([a_prospect()], heard)

        assert (seen.unfit, seen.dialects) == ({}, {})


@pytest.mark.parametrize("when", ["before", "between"])
async def test_a_listening_process_that_stops_meanwhile_makes_the_look_shorter_and_breaks_nothing(when: str) -> None:
    async with a_bench({"BackendUrl": OLD}) as bench:
        bench.doors[Way.SSH] = box = Box()
        bench.world.can_be_asked = when == "between"

        seen = await Scout(replace(bench.ports, source=Deaf())).look([a_prospect(), a_prospect("AC9", BY_SSH)], heard)

        assert box.reads == ["AC9"]
        assert (seen.unfit, seen.unreached) == ({}, {})


async def test_while_nobody_listens_ways_beside_ocpp_are_tried_all_the_same() -> None:
    async with a_bench({"BackendUrl": OLD}) as bench:
        bench.doors[Way.SSH] = box = Box()

        seen = await Scout(bench.ports, in_sight=False).look([a_prospect(), a_prospect("AC9", BY_SSH)], heard)

        assert box.reads == ["AC9"]
        assert seen.dialects == {}


REFUSALS = [
    pytest.param(Mismatch("AC9 refused the login.", identity="AC9"), "unfit", id="login refused"),
    pytest.param(Impostor("AC9 shows another host key.", identity="AC9"), "unfit", id="another host key"),
    pytest.param(Refused("AC9 ended with 4.", identity="AC9", status="4"), "unfit", id="the script says no"),
    pytest.param(Unreachable("AC9 did not answer.", identity="AC9", sent=False), "unreached", id="nobody there"),
]


@pytest.mark.parametrize(("error", "where"), REFUSALS)
async def test_what_a_door_says_of_one_station_is_kept_and_stops_no_other(error: StationError, where: str) -> None:
    async with a_bench({"BackendUrl": OLD, "BackendName": "old.example"}) as bench:
        bench.doors[Way.SSH] = Box(raises=error)

        seen = await Scout(bench.ports).look([a_prospect("AC9", BY_SSH, ip_address="10.0.0.9"), a_prospect()], heard)

        told = {"unfit": seen.unfit, "unreached": seen.unreached}
        assert list(told.pop(where)) == ["AC9"]
        assert set(told.popitem()[1]) == set()
        assert seen.dialects == {"AC0": "ocpp1.6"}


async def test_an_unreached_station_is_told_with_its_way_and_address() -> None:
    async with a_bench() as bench:
        bench.doors[Way.SSH] = Box(raises=Unreachable("no answer", identity="AC9", sent=False))

        seen = await Scout(bench.ports).look([a_prospect("AC9", BY_SSH, ip_address="10.0.0.9")], heard)

        assert seen.unreached == {"AC9": Unreached(way="ssh", where="10.0.0.9", why="no answer")}


LACKS = [
    pytest.param(None, "not set up", id="the campaign has no such way"),
    pytest.param(Mismatch("AC9 has no ip_address.", identity="AC9"), "ip_address", id="no address"),
    pytest.param(NotAllowed("The secret door is nowhere."), "secret door", id="no secret"),
]


@pytest.mark.parametrize(("planted", "word"), LACKS)
async def test_what_a_way_cannot_do_without_is_said_before_anything_is_sent(
    planted: Mismatch | NotAllowed | None, word: str
) -> None:
    async with a_bench() as bench:
        box = Box(at_the_door=planted)
        if planted is not None:
            bench.doors[Way.SSH] = box

        seen = await Scout(bench.ports).look([a_prospect("AC9", BY_SSH)], heard)

        assert word in seen.lacks["AC9"]
        assert box.reads == []


async def test_no_root_to_install_needs_no_way_for_certificates() -> None:
    certifying = replace(ACME, writes=(Write(key="Root", value="${root}", via=Way.CERTIFICATE), *ACME.writes))
    async with a_bench({"BackendUrl": OLD, "BackendName": "old.example"}) as bench:
        without = await Scout(bench.ports).look([a_prospect(profile=certifying)], heard)
        with_root = await Scout(bench.ports, root="f").look([a_prospect(profile=certifying)], heard)

        assert (without.lacks, without.unfit) == ({}, {})
        assert list(with_root.lacks) == ["AC0"]


async def test_so_many_at_once_are_asked_and_each_is_told_when_it_is_done() -> None:
    async with a_bench() as bench:
        bench.doors[Way.SSH] = box = Box()
        told: list[int] = []

        await Scout(bench.ports, at_once=5).look([a_prospect(f"B{n}", BY_SSH) for n in range(20)], told.append)

        assert box.most_inside == 5
        assert told == list(range(1, 21))


async def test_a_look_that_is_broken_off_asks_nobody_more() -> None:
    async with a_bench() as bench:
        bench.doors[Way.SSH] = box = Box()
        looking = asyncio.ensure_future(
            Scout(bench.ports, at_once=2).look([a_prospect(f"B{n}", BY_SSH) for n in range(20)], heard)
        )
        await asyncio.sleep(1.5)

        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await asyncio.sleep(60)

        assert looking.cancelled()
        assert len(box.reads) <= 4
