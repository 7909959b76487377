"""Stations moved with new firmware, judged by what they wrote down themselves.

One campaign over four makers: in each one station that simply moves, and one
for every way to go wrong.  Then those that moved are taken back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.record import EventKind
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import (
    Kind,
    Side,
    WireEvent,
    commands_repeated_without_read,
    stations_booted_on_target,
)
from tests.stories.conftest import ONE_TRY
from tests.stories.firmware import FACTORY, a_firmware_field, dealt
from tests.stories.told import ThereAndBack, Witnessed

pytestmark = pytest.mark.story

ORDERS = ("UpdateFirmware", "SignedUpdateFirmware")
RESET = {"model": "NW-8", "ways": {"reset_applies": "hard"}}
FLEET: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "northwind": {
        "moves": {},
        "line-breaks": {"ways": {"line_breaks_after": 3000}},
        "says-nothing": {"ways": {"says_firmware": False}},
        "no-answer": {"ways": {"flashing": "silent"}},
        "fails": {"ways": {"flashing": "fails"}},
        "pretends": {"ways": {"flashing": "pretends"}},
        "no-ftp": {"ways": {"fetches": ["http"]}},
        "no-updates": {"ways": {"flashing": "not_implemented"}},
        "key-refused": {"fault": Fault.READ_ONLY_KEY},
        "falls-back": {"fault": Fault.FALLS_BACK},
        "newer": {"firmware": "4.0"},
        "no-file": {"firmware": "1.7"},
        "reset": RESET,
        "keyless": {"model": "NW-9", "ways": {"has_backend_keys": False}},
        "keyless-refused": {"model": "NW-9", "ways": {"has_backend_keys": False}, "fault": Fault.READ_ONLY_KEY},
    },
    "southwind": {"moves": {}, "rejects": {"ways": {"flashing": "rejects"}}},
    "eastwind": {"moves": {}, "falls-back": {"fault": Fault.FALLS_BACK}, "no-address": {"model": "EW-9"}},
    "keba_old": {"moves": {}},
}
MOVED = ("northwind.moves", "northwind.keyless", "southwind.moves", "keba_old.moves")


@dataclass(frozen=True, slots=True)
class Told(Witnessed):
    def commands(self, *actions: str) -> list[WireEvent]:
        return self.of(Kind.COMMAND, *actions)

    @property
    def files(self) -> list[str]:
        """What it was told to load."""
        return [event.key for event in self.commands(*ORDERS)]

    @property
    def loaded(self) -> list[tuple[str, str]]:
        """By which protocol which file came whole."""
        return [(event.action, event.key) for event in self.of(Kind.DOWNLOAD) if event.status == "whole"]


@dataclass(frozen=True, slots=True)
class Night(ThereAndBack):
    events: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def of(self, identity: str) -> Told:
        return Told(*self.in_the_evening(identity))

    def back(self, identity: str) -> Told:
        return Told(*self.since(identity))


async def _night() -> Night:
    async with a_firmware_field(dealt(FLEET), policy=[ONE_TRY]) as site:
        night, journal = await Night.of_a_field(site, MOVED, ends=(1, 3, 5)), site.wired.journal
        told = {s.identity: await journal.timeline(s.identity) for s in night.standing.stations}
        return replace(night, events={identity: [line.event for line in lines] for identity, lines in told.items()})


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


# ── success ────────────────────────────────────────────────────────────────


def test_a_station_goes_step_by_step_and_is_then_told_its_key(night: Night) -> None:
    told = night.of("northwind.moves")

    orders, keys = told.commands(*ORDERS), told.commands("ChangeConfiguration")
    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert told.loaded == [("ftp", "nw7-2.6.bin"), ("ftp", "nw-3.0.bin")]
    assert len(keys) == 1
    assert orders[-1].seq < keys[0].seq


def test_signed_firmware_is_ordered_signed_and_proven_by_the_station(night: Night) -> None:
    told = night.of("southwind.moves")

    assert told.station.state is State.SETTLED, told.station.reason
    assert [event.action for event in told.commands(*ORDERS)] == ["SignedUpdateFirmware"]
    assert "SignatureVerified" in [event.status for event in told.of(Kind.FIRMWARE)]


def test_firmware_that_carries_the_address_is_the_only_thing_that_is_sent(night: Night) -> None:
    told = night.of("eastwind.moves")

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert told.files == ["ew-2.0.bin"]
    assert told.commands("ChangeConfiguration", "Reset") == []


def test_a_packaged_profile_brings_an_old_station_up_and_moves_it(night: Night) -> None:
    told = night.of("keba_old.moves")

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.loaded == [("http", "keba-1.18.0.bin")]


@pytest.mark.parametrize("name", ["line-breaks", "says-nothing"])
def test_a_broken_line_and_a_station_without_words_are_no_failure(night: Night, name: str) -> None:
    told = night.of(f"northwind.{name}")

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.files == ["nw7-2.6.bin", "nw-3.0.bin"]


def test_an_address_that_a_step_reset_is_noticed_and_put_back_before_the_next_restart(night: Night) -> None:
    told = night.of("northwind.reset")

    titles = [e.data["title"] for e in night.events["northwind.reset"] if e.kind is EventKind.INCIDENT]
    source, factory, *later = told.stored
    assert told.station.state is State.SETTLED, told.station.reason
    assert (factory, later[0]) == (FACTORY, source)
    assert titles == ["a firmware has changed the address"]


def test_a_key_that_the_firmware_brings_is_read_before_it_is_written_and_taken_back_to_what_was_read(
    night: Night,
) -> None:
    told, back = night.of("northwind.keyless"), night.back("northwind.keyless")

    order, key = told.commands(*ORDERS)[-1], told.commands("ChangeConfiguration")
    reads = [event.seq for event in told.commands("GetConfiguration") if "BackendUrl" in event.keys]
    assert told.station.state is State.SETTLED, told.station.reason
    assert told.loaded == [("ftp", "nw9-2.6.bin"), ("ftp", "nw9-3.0.bin")]
    assert [event.value for event in key] == [told.held[-1]]
    assert [seq for seq in reads if order.seq < seq < key[0].seq]
    assert (back.station.state, back.held[-1]) == (State.REVERTED, told.held[0])


def test_a_key_that_came_with_the_firmware_and_is_refused_leaves_both(night: Night) -> None:
    told = night.of("northwind.keyless-refused")

    assert told.station.state is State.FAILED, told.station.reason
    assert "BackendUrl" in told.station.reason
    assert (told.stored, told.lives_on) == (told.stored[:1], Side.SOURCE)


def test_how_far_every_file_came_is_in_the_timeline(night: Night) -> None:
    loads = [e.data for e in night.events["northwind.moves"] if e.kind is EventKind.FETCHED]

    assert [(one["file"], one["how"]) for one in loads] == [
        ("nw7-2.6.bin", "begun"),
        ("nw7-2.6.bin", "whole"),
        ("nw-3.0.bin", "begun"),
        ("nw-3.0.bin", "whole"),
    ]
    assert all(one["loaded_bytes"] == one["size_bytes"] for one in loads if one["how"] == "whole")


# ── what goes wrong ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        ("northwind.fails", "DownloadFailed"),
        ("northwind.no-ftp", "DownloadFailed"),
        ("northwind.no-updates", "NotImplemented"),
        ("southwind.rejects", "Rejected"),
    ],
)
def test_a_station_that_refuses_stays_where_it_is_and_is_ordered_once(night: Night, identity: str, says: str) -> None:
    told = night.of(identity)

    assert told.station.state is State.FAILED, told.station.reason
    assert says in told.station.reason
    assert len(told.files) == 1
    assert told.commands("ChangeConfiguration", "Reset") == []
    assert told.lives_on is Side.SOURCE


def test_a_station_that_runs_a_newer_firmware_is_sent_nothing(night: Night) -> None:
    told = night.of("northwind.newer")

    assert told.station.state is State.FAILED, told.station.reason
    assert "not downgraded" in told.station.reason
    assert told.commands(*ORDERS, "ChangeConfiguration", "Reset") == []


def test_a_station_without_a_file_for_its_way_is_left_out_by_the_check_before_its_wave(night: Night) -> None:
    told = night.of("northwind.no-file")

    assert told.station.state in (State.DEFERRED, State.SKIPPED), told.station.reason
    assert "is not >=2.0" in told.station.reason
    assert told.of(Kind.COMMAND) == []


@pytest.mark.parametrize("name", ["no-answer", "pretends"])
def test_words_are_no_firmware_and_silence_ends_the_wait(night: Night, name: str) -> None:
    told = night.of(f"northwind.{name}")

    assert told.station.state is State.FAILED, told.station.reason
    assert "stalled" in told.station.reason or "no answer" in told.station.reason
    assert told.commands("ChangeConfiguration", "Reset") == []
    assert told.stored == told.stored[:1]


def test_a_refused_key_leaves_the_newer_firmware_and_the_old_address(night: Night) -> None:
    told = night.of("northwind.key-refused")

    assert told.station.state is State.FAILED, told.station.reason
    assert told.loaded == [("ftp", "nw7-2.6.bin"), ("ftp", "nw-3.0.bin")]
    assert told.stored == told.stored[:1]
    assert told.lives_on is Side.SOURCE


@pytest.mark.parametrize("identity", ["northwind.falls-back", "eastwind.falls-back"])
def test_a_station_that_gives_the_target_up_by_itself_counts_as_reverted(night: Night, identity: str) -> None:
    told = night.of(identity)

    assert told.station.state is State.REVERTED, told.station.reason
    assert Side.TARGET in {event.side for event in told.of(Kind.CONNECTED)}
    assert told.held[-1] == told.held[0]
    assert told.lives_on is Side.SOURCE


def test_an_image_without_the_address_that_it_should_carry_is_said_to_be_without_effect(night: Night) -> None:
    told = night.of("eastwind.no-address")

    assert told.station.state in (State.FAILED, State.REVERTED), told.station.reason
    assert "without effect" in told.station.reason
    assert told.lives_on is Side.SOURCE


# ── the way back, and what holds for all ───────────────────────────────────


@pytest.mark.parametrize("identity", MOVED)
def test_a_station_that_moved_is_taken_back_with_its_new_firmware(night: Night, identity: str) -> None:
    told = night.back(identity)

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert {event.side for event in told.of(Kind.BOOT_ACCEPTED)} == {Side.SOURCE}
    assert told.files == []


def test_nothing_was_told_twice_without_a_look_between_and_no_firmware_twice_at_all(night: Night) -> None:
    orders = Counter((e.identity, e.key) for e in night.long_log if e.kind is Kind.COMMAND and e.action in ORDERS)

    assert commands_repeated_without_read(night.long_log) == 0
    assert set(orders.values()) == {1}


def test_only_those_that_moved_have_booted_on_the_target(night: Night) -> None:
    settled = {s.identity for s in night.standing.stations if s.state is State.SETTLED}

    assert stations_booted_on_target(night.log) == settled


def test_a_link_is_in_no_event_of_the_journal(night: Night) -> None:
    said = str([event.data for told in night.events.values() for event in told])

    assert "UpdateFirmware" in said
    assert "http://" not in said
    assert "ftp://" not in said
