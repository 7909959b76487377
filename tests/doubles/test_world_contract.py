"""The world of the batches' tests keeps the promises of the real channel and witness: their own suites say so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from migrate.domain.evidence import Side
from migrate.ports import Channel, Witness
from tests.adapters.channels.doubles import Device
from tests.adapters.channels.test_channel_contract import *  # noqa: F403 - the suite itself
from tests.adapters.channels.test_witness_contract import *  # noqa: F403
from tests.adapters.channels.test_witness_contract import NOW
from tests.doubles.journal import MemoryJournal
from tests.doubles.scene import a_station
from tests.doubles.world import SimpleStation, World


class Stopped:
    """A clock that stands: the suites ask for no time."""

    def now(self) -> object:
        return NOW

    def real_s(self, duration: timedelta) -> float:
        return duration.total_seconds()


def a_world() -> World:
    return World(MemoryJournal(), Stopped())  # type: ignore[arg-type]


@pytest.fixture
def reached() -> Callable[[Device], Awaitable[Channel]]:
    async def in_the_world(device: Device) -> Channel:
        world = a_world()
        await world.add(SimpleStation(identity="AC1", device=device))
        return world.channel(Side.SOURCE)

    return in_the_world


class Arriving:
    def __init__(self) -> None:
        self.world = a_world()
        self.witness: Witness = self.world

    async def arrive(self, identity: str) -> None:
        await self.world.add(a_station(identity=identity), side=Side.TARGET, boots=False)


@pytest.fixture
def seen() -> Arriving:
    return Arriving()
