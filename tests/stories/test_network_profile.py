"""Stations of OCPP 2.0.1 and 2.1 moved by network profiles, judged by what they wrote down themselves.

One campaign over all families that speak 2.x: in each one station that simply
moves, one that refuses, one that refuses half-way, one that does not answer,
one that the new backend does not want.  Some ways to go wrong only a slot has.
Then those that moved are taken back through the target.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.profile import Method, Profile
from migrate.simulator.behaviour import FAMILIES_201, behaviour
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault
from migrate.simulator.habits import Fallback
from migrate.simulator.wirelog import (
    Kind,
    Side,
    commands_repeated_without_read,
    stations_booted_on_target,
    transactions_cut,
)
from tests.stories.conftest import LENIENT_POLICY, ONE_TRY, a_field
from tests.stories.outcomes import FAULTS, Outcome
from tests.stories.stations import a_station
from tests.stories.told import ThereAndBack, Witnessed
from vendor_profiles import load_catalogue

pytestmark = pytest.mark.story

SPEED = 60.0
NEW_ADDRESS = "ws://localhost:{port}/steve/websocket"
PATIENT = ('appear = "10m"', 'appear = "40m"\narrive = "30m"\nrestart = "30m"')
WRITES = ("SetVariables", "SetNetworkProfile")
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
SLOTTED = ("everest201", "everest21", "openocpp201")


ODD: Mapping[str, Mapping[str, Any]] = {
    "inert-slot": {"ways": {"slot_writing": "inert"}},
    "slot-fails": {"ways": {"slot_writing": "fails"}},
    "without-effect": {"fault": Fault.WITHOUT_EFFECT},
    "scheduled": {"ways": {"resetting": "scheduled"}},
    "reset-rejected": {"ways": {"resetting": "rejected"}},
    "charging": {"fault": Fault.BUSY, "transaction_s": 240.0},
    "gives-up": {"fault": Fault.FALLS_BACK},
}
"""Stations that are odd in one way each, of the family with slots that most others are like."""


@dataclass(frozen=True, slots=True)
class Told(Witnessed):
    @property
    def writes(self) -> list[str]:
        return [e.key for e in self.of(Kind.COMMAND, *WRITES)]

    @property
    def answers(self) -> list[str]:
        return [e.status.split()[0] for e in self.of(Kind.ANSWER, *WRITES)]

    @property
    def kinds_of_reset(self) -> list[str]:
        return [e.key for e in self.of(Kind.COMMAND, "Reset")]


@dataclass(frozen=True, slots=True)
class Night(ThereAndBack):
    def of(self, family: str, outcome: Outcome | str) -> Told:
        return Told(*self.in_the_evening(f"{family}.{outcome}"))

    def back(self, family: str) -> Told:
        """The one that moved, after it was taken back; its log from then on."""
        return Told(*self.since(f"{family}.{Outcome.MOVES}"))


def profile_of(family: str) -> Profile:
    hardware, version = behaviour(family).hardware[0], behaviour(family).ocpp_version
    profile = load_catalogue().match(hardware.vendor, hardware.model, hardware.firmwares[0], version).profile
    assert profile is not None, f"no profile fits {hardware.vendor} {hardware.model} in {version}"
    return profile


def spec(family: str, outcome: str, number: int, **facts: Any) -> StationSpec:
    own = {"identity": f"{family}.{outcome}", "serial": f"{family}-{number}", "site_id": f"SITE-{family}-{number}"}
    return a_station(**{"family": family, **own, **facts})


def fleet() -> list[StationSpec]:
    plain = [
        spec(family, outcome, number, fault=FAULTS.get(outcome, Fault.NONE))
        for family in FAMILIES_201
        for number, outcome in enumerate(Outcome)
    ]
    return plain + [spec("everest201", name, 100 + at, **facts) for at, (name, facts) in enumerate(ODD.items())]


async def _night() -> Night:
    specs = fleet()
    welcome = [one.identity for one in specs if not one.identity.endswith(Outcome.UNWELCOME)]
    backends = {"target": {"path": "/steve/internal", "register": welcome, "speaks": ["ocpp2.0.1", "ocpp2.1"]}}
    policy = [*LENIENT_POLICY, PATIENT, ONE_TRY]
    async with a_field(specs=specs, policy=policy, speed=SPEED, target=NEW_ADDRESS, csms=backends) as site:
        return await Night.of_a_field(site, [f"{family}.{Outcome.MOVES}" for family in FAMILIES_201])


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


every_family = pytest.mark.parametrize("family", FAMILIES_201)
with_slots = pytest.mark.parametrize("family", SLOTTED)


def test_every_profile_of_2_x_has_firmware_to_prove_itself_against() -> None:
    proven = {profile_of(family).name for family in FAMILIES_201}

    assert proven == {p.name for p in load_catalogue().profiles if p.method is Method.NETWORK_PROFILE}


@every_family
def test_a_station_moves_with_one_restart_and_boots_on_the_target(night: Night, family: str) -> None:
    told = night.of(family, Outcome.MOVES)

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.station.evidence in ("E3", "E4")
    assert told.lives_on is Side.TARGET
    assert stations_booted_on_target(told.log) == {told.station.identity}
    assert told.resets == 1
    assert len(told.writes) == len(set(told.writes))
    assert set(told.answers) <= {"Accepted", "RebootRequired"}


@every_family
def test_a_station_speaks_its_own_version_on_both_sides(night: Night, family: str) -> None:
    spoken = {(e.side, e.key) for e in night.of(family, Outcome.MOVES).of(Kind.CONNECTED)}

    assert spoken == {(side, behaviour(family).speaks[0]) for side in (Side.SOURCE, Side.TARGET)}


@with_slots
def test_the_slot_in_use_is_never_written_and_the_order_goes_last(night: Night, family: str) -> None:
    told = night.of(family, Outcome.MOVES)

    (priority,) = (e for e in told.of(Kind.COMMAND, "SetVariables"))
    assert told.writes == ["NetworkProfile[2]", PRIORITY]
    assert priority.value == "2,1"
    assert told.kinds_of_reset == ["OnIdle"]


@every_family
def test_a_station_that_refuses_stays_where_it_is_and_as_it_was(night: Night, family: str) -> None:
    told = night.of(family, Outcome.REFUSES)

    assert told.station.state is State.FAILED
    assert "Rejected" in told.station.reason
    assert told.answers == ["Rejected"]
    assert told.resets == 0
    assert told.stays_as_it_was


def test_a_slot_that_was_written_before_the_order_was_refused_is_left_and_nobody_dials_it(night: Night) -> None:
    told = night.of("openocpp201", Outcome.REFUSES_HALF_WAY)

    assert told.station.state is State.FAILED, told.station.reason
    assert told.answers == ["Accepted", "Rejected"]
    assert told.writes == ["NetworkProfile[2]", PRIORITY]
    assert told.resets == 0
    assert told.stays_as_it_was


@pytest.mark.parametrize("family", ["everest201", "everest21"])
def test_a_slot_that_has_joined_an_order_which_refuses_every_change_calls_a_person(night: Night, family: str) -> None:
    """It is on the source, and may fall over to the target one day: no tool can mend that, and none may call it undone."""
    told = night.of(family, Outcome.REFUSES_HALF_WAY)

    orders = told.of(Kind.COMMAND, "SetVariables")
    assert told.station.state is State.STUCK, told.station.reason
    assert [e.value for e in orders][:2] == ["2,1", "1"]
    assert {e.status.split()[0] for e in told.of(Kind.ANSWER, "SetVariables")} == {"Rejected"}
    assert told.resets == 0
    assert told.lives_on is Side.SOURCE


def test_two_variables_of_which_the_second_is_refused_are_put_back(night: Night) -> None:
    told = night.of("alfen201", Outcome.REFUSES_HALF_WAY)

    first, second, third = told.writes
    assert told.station.state is State.FAILED, told.station.reason
    assert told.answers == ["RebootRequired", "Rejected", "RebootRequired"]
    assert first == third != second
    assert told.resets == 0
    assert told.stays_as_it_was


@every_family
def test_a_write_that_is_not_answered_is_looked_at_and_never_followed_by_a_restart(night: Night, family: str) -> None:
    told = night.of(family, Outcome.DOES_NOT_ANSWER)

    first = told.of(Kind.COMMAND, *WRITES)[0]
    looks = told.of(Kind.COMMAND, "GetVariables")
    assert told.station.state is State.FAILED, told.station.reason
    assert "no answer to a write" in told.station.reason
    assert looks[-1].seq > first.seq
    assert told.resets == 0
    assert told.stays_as_it_was


@every_family
def test_a_station_that_the_target_does_not_want_comes_home_only_if_its_maker_thought_of_it(
    night: Night, family: str
) -> None:
    told = night.of(family, Outcome.UNWELCOME)

    assert any(e.side is Side.TARGET and e.status == "404" for e in told.of(Kind.REFUSED))
    assert stations_booted_on_target(told.log) == frozenset()
    comes_home = behaviour(family).fallback is not Fallback.NONE
    assert profile_of(family).quirks.falls_back is comes_home
    if comes_home:
        assert told.station.state is State.REVERTED, told.station.reason
        assert told.stays_as_it_was
    else:
        assert told.station.state is State.STUCK
        assert "404" in told.station.reason
        assert told.lives_on is Side.NONE


@pytest.mark.parametrize("family", ["everest201", "everest21"])
def test_after_its_own_fallback_only_the_order_of_its_slots_is_undone(night: Night, family: str) -> None:
    told = night.of(family, Outcome.UNWELCOME)

    commands = told.of(Kind.COMMAND, *WRITES)
    assert [(e.key, e.value) for e in commands[1:]] == [(PRIORITY, "2,1"), (PRIORITY, "1")]
    assert {e.side for e in commands} == {Side.SOURCE}
    assert told.kinds_of_reset == ["OnIdle"]


@every_family
def test_a_station_that_moved_is_taken_back_through_the_target_and_boots_on_the_source(
    night: Night, family: str
) -> None:
    was = night.of(family, Outcome.MOVES)

    told = night.back(family)

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert {e.side for e in told.of(Kind.BOOT_ACCEPTED)} == {Side.SOURCE}
    assert {e.side for e in told.of(Kind.COMMAND, *WRITES, "Reset")} == {Side.TARGET}
    assert told.held[1] == was.held[0]
    assert told.resets == 1


# ── what only a slot can do ────────────────────────────────────────────────


def odd(night: Night, name: str) -> Told:
    return night.of("everest201", name)


def test_a_slot_that_is_accepted_and_not_stored_brings_the_station_back_and_the_order_is_put_back(
    night: Night,
) -> None:
    told = odd(night, "inert-slot")

    assert told.station.state in (State.REVERTED, State.FAILED), told.station.reason
    assert told.lives_on is Side.SOURCE
    assert stations_booted_on_target(told.log) == frozenset()
    assert [e.value for e in told.of(Kind.COMMAND, "SetVariables")] == ["2,1", "1"]


def test_a_slot_that_the_station_fails_to_store_ends_before_anything_else_is_written(night: Night) -> None:
    told = odd(night, "slot-fails")

    assert told.station.state is State.FAILED
    assert "Failed, InternalError" in told.station.reason
    assert told.writes == ["NetworkProfile[2]"]


def test_an_order_without_effect_is_reverted_with_its_reason(night: Night) -> None:
    told = odd(night, "without-effect")

    assert told.station.state is State.REVERTED, told.station.reason
    assert "without effect" in told.station.reason
    assert told.lives_on is Side.SOURCE


def test_a_restart_that_is_scheduled_is_waited_for(night: Night) -> None:
    told = odd(night, "scheduled")

    assert told.station.state is State.SETTLED, told.station.reason
    assert [e.status for e in told.of(Kind.ANSWER, "Reset")] == ["Scheduled"]
    assert told.kinds_of_reset == ["OnIdle"]


def test_a_restart_that_is_rejected_leaves_the_order_as_it_was(night: Night) -> None:
    told = odd(night, "reset-rejected")

    assert told.station.state is State.FAILED, told.station.reason
    assert [e.value for e in told.of(Kind.COMMAND, "SetVariables")] == ["2,1", "1"]
    assert told.stays_as_it_was


def test_a_driver_who_charges_is_not_cut_off(night: Night) -> None:
    told = odd(night, "charging")

    stopped = told.of(Kind.TRANSACTION_STOPPED)
    assert told.station.state is State.SETTLED, told.station.reason
    assert [e.status for e in stopped] == ["Local"]
    assert told.of(Kind.COMMAND, "Reset")[0].seq > stopped[0].seq


def test_a_station_that_looks_at_the_target_and_gives_up_is_reverted(night: Night) -> None:
    told = odd(night, "gives-up")

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE


def test_nothing_is_repeated_without_a_look_and_nobody_is_cut_off(night: Night) -> None:
    assert commands_repeated_without_read(night.long_log) == 0
    assert transactions_cut(night.long_log) == 0
