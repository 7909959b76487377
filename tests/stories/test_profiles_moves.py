"""Every profile that moves stations by ChangeConfiguration, against firmware that was written apart from it.

One campaign over all families: in each one station that simply moves, one that
refuses, one that refuses half-way, one that does not answer a write, and one
that the new backend does not want.  Then those that moved are taken back.
Judged by what the stations wrote down.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from migrate.domain.attempt import State
from migrate.domain.profile import Method, Profile
from migrate.simulator.behaviour import KEYED_FAMILIES, behaviour
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault
from migrate.simulator.habits import Fallback
from migrate.simulator.wirelog import (
    EFFECTS,
    Kind,
    Side,
    commands_repeated_without_read,
    stations_booted_on_target,
)
from tests.stories.conftest import LENIENT_POLICY, ONE_TRY, a_field
from tests.stories.outcomes import FAULTS, Outcome
from tests.stories.stations import a_station
from tests.stories.told import ThereAndBack, Witnessed
from vendor_profiles import load_catalogue

pytestmark = pytest.mark.story

SPEED = 80.0
NEW_ADDRESS = "ws://localhost:{port}/steve/websocket"  # another host and another path: every key of every unit differs
PATIENT = (
    'appear = "10m"',
    'appear = "10m"\narrive = "30m"',
)  # an answer is awaited for 30 real seconds


@dataclass(frozen=True, slots=True)
class Told(Witnessed):
    @property
    def writes(self) -> list[str]:
        return [e.key for e in self.of(Kind.COMMAND, "ChangeConfiguration")]

    @property
    def answers(self) -> list[str]:
        return [e.status for e in self.of(Kind.ANSWER, "ChangeConfiguration")]


@dataclass(frozen=True, slots=True)
class Night(ThereAndBack):
    def of(self, family: str, outcome: Outcome) -> Told:
        return Told(*self.in_the_evening(identity_of(family, outcome)))

    def back(self, family: str) -> Told:
        """The one that moved, after it was taken back; its log from then on."""
        return Told(*self.since(identity_of(family, Outcome.MOVES)))


def identity_of(family: str, outcome: Outcome) -> str:
    return f"{family}.{outcome}"


def profile_of(family: str) -> Profile:
    hardware = behaviour(family).hardware[0]
    profile = load_catalogue().match(hardware.vendor, hardware.model, hardware.firmwares[0]).profile
    assert profile is not None, f"no profile fits {hardware.vendor} {hardware.model} {hardware.firmwares[0]}"
    return profile


def fleet() -> list[StationSpec]:
    return [_spec(family, outcome) for family in KEYED_FAMILIES for outcome in Outcome]


def _spec(family: str, outcome: Outcome) -> StationSpec:
    return a_station(
        family,
        identity=identity_of(family, outcome),
        serial=f"{family}-{list(Outcome).index(outcome)}",
        site_id=f"SITE-{family}",
        fault=FAULTS.get(outcome, Fault.NONE),
    )


async def _night() -> Night:
    specs = fleet()
    welcome = [spec.identity for spec in specs if not spec.identity.endswith(Outcome.UNWELCOME)]
    backends = {"target": {"path": "/steve/internal", "register": welcome}}
    policy = [*LENIENT_POLICY, PATIENT, ONE_TRY]
    async with a_field(specs=specs, policy=policy, speed=SPEED, target=NEW_ADDRESS, csms=backends) as site:
        return await Night.of_a_field(site, [identity_of(family, Outcome.MOVES) for family in KEYED_FAMILIES])


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


every_family = pytest.mark.parametrize("family", KEYED_FAMILIES)


def test_every_profile_that_writes_a_key_has_firmware_to_prove_itself_against() -> None:
    proven = {profile_of(family).name for family in KEYED_FAMILIES}

    assert proven == {p.name for p in load_catalogue().profiles if p.method is Method.CHANGE_CONFIGURATION}


@every_family
def test_a_station_moves_with_one_restart_and_boots_on_the_target(night: Night, family: str) -> None:
    told = night.of(family, Outcome.MOVES)

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert stations_booted_on_target(told.log) == {told.station.identity}
    assert told.resets == 1
    assert len(told.writes) == len(set(told.writes))
    assert set(told.answers) <= {"Accepted", "RebootRequired"}


@every_family
def test_a_station_that_refuses_stays_where_it_is_and_as_it_was(night: Night, family: str) -> None:
    told = night.of(family, Outcome.REFUSES)

    assert told.station.state is State.FAILED
    assert "Rejected" in told.station.reason
    assert told.answers == ["Rejected"]
    assert told.resets == 0
    assert told.stays_as_it_was


@every_family
def test_what_is_refused_half_way_is_put_back_and_one_write_knows_no_half_way(night: Night, family: str) -> None:
    keys = night.of(family, Outcome.MOVES).writes

    told = night.of(family, Outcome.REFUSES_HALF_WAY)

    if len(keys) == 1:
        assert told.writes == keys
        assert told.station.state is State.SETTLED, told.station.reason
        return
    assert told.station.state is State.FAILED
    assert told.answers[0] != "Rejected"
    assert told.answers[1] == "Rejected"
    assert told.writes == [keys[0], keys[1], keys[0]], "the first was put back, the others never touched"
    assert told.resets == 0
    assert told.stays_as_it_was


@every_family
def test_a_write_that_is_not_answered_is_looked_at_taken_back_and_never_followed_by_a_restart(
    night: Night, family: str
) -> None:
    told = night.of(family, Outcome.DOES_NOT_ANSWER)

    assert told.station.state is State.FAILED, told.station.reason
    assert "no answer to a write" in told.station.reason
    assert len(told.writes) == 2, "the new value, and the old one: it may hold what it does not show"
    assert len(set(told.writes)) == 1
    assert len(told.answers) == 1, "to the old value"
    assert told.resets == 0
    assert told.lives_on is Side.SOURCE
    looks = [e for e in told.log if e.kind is Kind.COMMAND and e.action == "GetConfiguration"]
    write = next(e for e in told.log if e.kind is Kind.COMMAND and e.action == "ChangeConfiguration")
    assert looks[-1].seq > write.seq


@every_family
def test_a_station_that_the_target_does_not_want_comes_home_only_if_its_maker_thought_of_it(
    night: Night, family: str
) -> None:
    told = night.of(family, Outcome.UNWELCOME)

    assert any(e.kind is Kind.REFUSED and e.side is Side.TARGET and e.status == "404" for e in told.log)
    assert stations_booted_on_target(told.log) == frozenset()
    assert told.resets == 1
    comes_home = behaviour(family).fallback is not Fallback.NONE
    assert profile_of(family).quirks.falls_back is comes_home
    if comes_home:
        assert told.station.state is State.REVERTED, told.station.reason
        assert told.lives_on is Side.SOURCE
    else:
        assert told.station.state is State.STUCK
        assert "404" in told.station.reason
        assert told.lives_on is Side.NONE


@every_family
def test_a_station_that_moved_is_taken_back_through_the_target_and_boots_on_the_source(
    night: Night, family: str
) -> None:
    was = night.of(family, Outcome.MOVES)

    told = night.back(family)

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert {e.side for e in told.log if e.kind is Kind.BOOT_ACCEPTED} == {Side.SOURCE}
    assert {e.side for e in told.log if e.kind is Kind.COMMAND and e.action in EFFECTS} == {Side.TARGET}
    assert told.held[1] == was.held[0]
    assert told.resets == 1


def test_nothing_is_repeated_without_a_look_by_any_profile(night: Night) -> None:
    assert commands_repeated_without_read(night.long_log) == 0
