"""Stations moved by HTTP, at their own interface and in their maker's cloud, judged by what they wrote down themselves.

One campaign over all families that go this way: in each one station that
simply moves, and one for every way to go wrong.  Then those that moved are
taken back.  What is killed in the middle has a campaign of its own for each
moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from migrate.cli.demo.stage import free_ports
from migrate.domain.attempt import State
from migrate.simulator.authority import LOOPBACK, Authority
from migrate.simulator.behaviour import HTTP_FAMILIES
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import (
    Kind,
    Side,
    commands_repeated_without_read,
    last_side,
    stations_booted_on_target,
    transactions_cut,
)
from tests.chaos.child import Trigger
from tests.stories.conftest import LENIENT_POLICY, ONE_TRY, a_field
from tests.stories.killing import KILLED, dies
from tests.stories.patience import PATIENT, impatient
from tests.stories.stations import a_station
from tests.stories.told import ThereAndBack, Witnessed, written_in

pytestmark = pytest.mark.story

SPEED = 60.0
WITHIN_S = 600.0
PASSWORD = "correct horse battery staple"
USER = "operator"
NEW_ADDRESS = "ws://localhost:{port}/ocpp"

HOSTILE = 'a/../b?c=1&d#e"${value}{{7*7}}%2e'
"""An identity that would like to be more than a segment, a field or a text."""

COMMON: Mapping[str, Mapping[str, Any]] = {
    "moves": {},
    HOSTILE: {"serial": "../x?y=1&z#${ip}{{7}}"},
    "refuses": {"ways": {"webbing": "refuses"}},
    "swallows": {"ways": {"webbing": "swallows"}},
    "hangs-after": {"ways": {"webbing": "hangs_after"}},
    "half-body": {"ways": {"webbing": "half_body"}},
    "stores-nothing": {"ways": {"webbing": "stores_nothing"}},
    "locked-out": {"ways": {"webbing": "locked_out"}},
    "redirects": {"ways": {"webbing": "redirects"}},
    "huge": {"ways": {"webbing": "huge"}},
    "silent": {"ways": {"webbing": "silent"}},
    "unavailable": {"ways": {"webbing": "unavailable"}},
    "gives-up": {"fault": Fault.FALLS_BACK},
    "charging": {"fault": Fault.BUSY, "transaction_s": 240.0},
}
OWN: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "warp": {"after-restart": {"ways": {"webbing": "after_restart"}}},
    "go_e": {"half-way": {"ways": {"resetting": "rejected"}}},
    "easee": {"half-way": {"ways": {"webbing": "refuses_apply"}}},
}


# ── the field ──────────────────────────────────────────────────────────────


def spec(family: str, name: str, number: int, **facts: Any) -> StationSpec:
    own = {
        "identity": f"{family}.{name}",
        "serial": f"{family}-{number}",
        "site_id": f"SITE-{family}-{number}",
        "ip_address": "" if family == "easee" else f"127.{40 + HTTP_FAMILIES.index(family)}.7.{number + 1}",
    }
    return a_station(family, **{**own, **facts})


def fleet() -> list[StationSpec]:
    return [
        spec(family, name, number, **facts)
        for family in HTTP_FAMILIES
        for number, (name, facts) in enumerate({**COMMON, **OWN.get(family, {})}.items())
    ]


@dataclass(frozen=True, slots=True)
class Furniture:
    """The interfaces of the fleet, and what the campaign has to know of them."""

    folder: Path
    port: int
    cloud_port: int
    cloud_names: Sequence[str] = LOOPBACK

    @property
    def beside(self) -> dict[str, Any]:
        credential = Authority("Root of a simulated cloud")
        chain, key = credential.for_backend(self.cloud_names).write(self.folder, "cloud")
        credential.write_root(self.folder / "root.pem")
        return {
            "http": {
                "port": self.port,
                "cloud_port": self.cloud_port,
                "certificate": str(chain),
                "key": str(key),
                "user": USER,
                "password_sha256": hashlib.sha256(PASSWORD.encode()).hexdigest(),
            }
        }

    def furnish(self, campaign: Path) -> None:
        """What an operator does: settings, the root of the cloud, and the password where only its owner reads it."""
        (campaign / "profiles").mkdir()
        for family in HTTP_FAMILIES:
            profile = campaign / "profiles" / f"{family}.yaml"
            profile.write_text(impatient(f"catalogue/{family}.yaml", "http"), encoding="utf-8")
        with (campaign / "campaign.toml").open("a") as file:
            file.write(f'\n[http]\nport = {self.port}\nca = "{self.folder / "root.pem"}"\n')
            file.write(f'[http.bases]\n"https://api.easee.com" = "https://127.0.0.1:{self.cloud_port}"\n')
        secret = campaign / "secrets" / "easee_cloud"
        secret.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(PASSWORD)


def field_with(
    folder: Path,
    specs: Sequence[StationSpec],
    policy: Sequence[tuple[str, str]] = (),
    cloud_names: Sequence[str] = LOOPBACK,
) -> Any:
    things = Furniture(folder, *free_ports(2), cloud_names)
    told = [*LENIENT_POLICY, PATIENT, *policy]
    return a_field(
        specs=specs, policy=told, speed=SPEED, target=NEW_ADDRESS, beside=things.beside, furnish=things.furnish
    )


@dataclass(frozen=True, slots=True)
class Told(Witnessed):
    @property
    def told(self) -> list[str]:
        """The addresses that it was told, in their order."""
        return [e.value for e in self.of(Kind.COMMAND, "HTTP")]


@dataclass(frozen=True, slots=True)
class Night(ThereAndBack):
    files: Mapping[str, bytes] = field(default_factory=dict)

    def of(self, family: str, name: str) -> Told:
        return Told(*self.in_the_evening(f"{family}.{name}"))

    def back(self, family: str) -> Told:
        """The one that moved, after it was taken back; its log from then on."""
        return Told(*self.since(f"{family}.moves"))


async def _night(folder: Path) -> Night:
    async with field_with(folder, fleet(), policy=[ONE_TRY]) as site:
        night = await Night.of_a_field(site, [f"{family}.moves" for family in HTTP_FAMILIES])
        return replace(night, files=written_in(site.stage.folder))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night(tmp_path_factory.mktemp("cloud")))


every_family = pytest.mark.parametrize("family", HTTP_FAMILIES)


# ── success ────────────────────────────────────────────────────────────────


@every_family
def test_a_station_is_told_once_and_boots_on_the_target(night: Night, family: str) -> None:
    told = night.of(family, "moves")

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.station.evidence in ("E3", "E4")
    assert told.lives_on is Side.TARGET
    assert len(told.told) == 1
    assert stations_booted_on_target(told.log) == {told.station.identity}
    assert told.of(Kind.COMMAND, "ChangeConfiguration") == []


@pytest.mark.parametrize(("family", "resets"), [("warp", 0), ("go_e", 1), ("easee", 0), ("smartevse", 0)])
def test_only_a_station_that_needs_it_is_restarted(night: Night, family: str, resets: int) -> None:
    told = night.of(family, "moves")

    assert told.resets == resets
    assert len(told.of(Kind.RESTART)) == resets


@every_family
def test_an_inventory_full_of_code_moves_its_stations_and_nothing_else(night: Night, family: str) -> None:
    told = night.of(family, HOSTILE)

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert len(told.told) == 1


def test_the_cloud_stores_before_it_applies(night: Night) -> None:
    told = night.of("easee", "moves")

    (stored,), (applied,) = told.of(Kind.COMMAND, "StoreHTTP"), told.of(Kind.COMMAND, "HTTP")
    assert stored.seq < applied.seq
    assert stored.value == applied.value


@every_family
@pytest.mark.parametrize("name", ["hangs-after", "half-body"])
def test_an_answer_that_never_came_whole_is_read_back_and_the_station_moves(
    night: Night, family: str, name: str
) -> None:
    told = night.of(family, name)

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert len(told.told) == 1


@every_family
def test_a_driver_who_charges_is_waited_for(night: Night, family: str) -> None:
    told = night.of(family, "charging")

    assert told.station.state is State.SETTLED, told.station.reason
    assert transactions_cut(told.log) == 0


# ── what goes wrong ────────────────────────────────────────────────────────


@every_family
def test_a_station_that_refuses_stays_where_it_is_and_as_it_was(night: Night, family: str) -> None:
    told = night.of(family, "refuses")

    assert told.station.state is State.FAILED, told.station.reason
    assert told.stays_as_it_was
    assert told.resets == 0


def test_a_stored_address_whose_application_is_refused_is_taken_out_of_the_cloud_again(night: Night) -> None:
    told = night.of("easee", "half-way")

    stored = [e.value for e in told.of(Kind.COMMAND, "StoreHTTP")]
    assert told.station.state is State.FAILED, told.station.reason
    assert "firmware is too old" in told.station.reason
    assert stored[-1] == told.held[0]
    assert told.stays_as_it_was


def test_an_address_that_was_written_before_the_restart_was_refused_is_put_back(night: Night) -> None:
    told = night.of("go_e", "half-way")

    new, old = told.told
    assert told.station.state is State.FAILED, told.station.reason
    assert (new != old, old) == (True, told.held[0])
    assert told.stays_as_it_was


@every_family
def test_a_write_that_nobody_answers_and_nobody_stored_is_looked_at_and_given_up(night: Night, family: str) -> None:
    told = night.of(family, "swallows")

    first = next(e for e in told.of(Kind.COMMAND, "HTTP"))
    assert told.station.state is State.FAILED, told.station.reason
    assert told.of(Kind.COMMAND, "ReadHTTP")[-1].seq > first.seq
    assert told.stays_as_it_was


@every_family
def test_a_yes_that_stores_nothing_is_no_success(night: Night, family: str) -> None:
    told = night.of(family, "stores-nothing")

    assert told.station.state is State.FAILED, told.station.reason
    assert told.stays_as_it_was


@every_family
@pytest.mark.parametrize(("name", "says"), [("locked-out", "HTTP 401"), ("redirects", "HTTP 307"), ("huge", "256 KiB")])
def test_an_interface_that_is_not_the_profiles_is_told_nothing(night: Night, family: str, name: str, says: str) -> None:
    told = night.of(family, name)

    assert told.station.state is State.SKIPPED, told.station.reason
    assert says in told.station.reason
    assert told.of(Kind.COMMAND, "HTTP", "StoreHTTP") == []
    assert told.stays_as_it_was


@every_family
@pytest.mark.parametrize("name", ["silent", "unavailable"])
def test_an_interface_that_does_not_answer_is_put_off_and_told_nothing(night: Night, family: str, name: str) -> None:
    told = night.of(family, name)

    assert told.station.state in (State.DEFERRED, State.SKIPPED), told.station.reason
    assert told.of(Kind.COMMAND, "HTTP", "StoreHTTP") == []
    assert told.stays_as_it_was


@every_family
def test_a_station_that_gives_the_target_up_by_itself_counts_as_reverted(night: Night, family: str) -> None:
    told = night.of(family, "gives-up")

    assert told.station.state is State.REVERTED, told.station.reason
    assert Side.TARGET in {e.side for e in told.of(Kind.CONNECTED)}
    assert told.stays_as_it_was


def test_an_address_that_is_stored_and_not_used_is_put_back(night: Night) -> None:
    told = night.of("warp", "after-restart")

    assert told.station.state is State.FAILED, told.station.reason
    assert "not used" in told.station.reason
    assert told.stays_as_it_was


# ── the way back, and what holds for all ───────────────────────────────────


@every_family
def test_a_station_that_moved_is_taken_back_and_boots_on_the_source(night: Night, family: str) -> None:
    was = night.of(family, "moves")

    told = night.back(family)

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert {e.side for e in told.of(Kind.BOOT_ACCEPTED)} == {Side.SOURCE}
    assert told.told == [was.held[0]]


def test_nothing_was_told_twice_without_a_look_between(night: Night) -> None:
    assert commands_repeated_without_read(night.long_log) == 0


def test_the_password_and_its_tokens_are_in_no_file_that_the_campaign_wrote(night: Night) -> None:
    raw = PASSWORD.encode()
    spellings = (raw, raw.hex().encode(), b64encode(raw))

    assert [name for name, text in night.files.items() if any(one in text for one in spellings)] == []


# ── a cloud that asks for peace ────────────────────────────────────────────


async def test_a_cloud_that_asks_for_peace_in_the_middle_gets_it_and_every_station_moves(tmp_path: Path) -> None:
    specs = [spec("easee", f"n{number}", number) for number in range(8)]

    async with field_with(tmp_path, specs) as site:
        await site.simulator("cloud_limit", after=5, for_s=2)
        ended = await (await site.run()).ended(WITHIN_S)
        standing = await site.standing()
        logins = (await site.simulator("cloud_limit", after=1000))["logins"]

    assert ended.code == 0, ended.err
    assert {s.state for s in standing.stations} == {State.SETTLED}
    assert logins <= 2  # one, and one more by a process that began later; never one for each station


async def test_somebody_else_in_the_clouds_place_is_an_incident_and_is_told_nothing(tmp_path: Path) -> None:
    specs = [spec("easee", f"n{number}", number) for number in range(2)]

    async with field_with(tmp_path, specs, cloud_names=("else.example",)) as site:
        ended = await (await site.run()).ended(WITHIN_S)
        standing, incidents = await site.standing(), await site.wired.journal.events(kinds=["incident"])
        log = site.log()

    assert ended.code in (0, 1, 3), ended.err
    assert {s.state for s in standing.stations} == {State.SKIPPED}
    assert {line.event.identity for line in incidents} == {one.identity for one in specs}
    assert [e for e in log if e.kind is Kind.COMMAND and "HTTP" in e.action] == []


# ── killed in the middle ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a run is killed, and what the stations are like that bring it there."""

    state: State
    ways: Mapping[str, Mapping[str, str]]
    ends: Mapping[str, State]


SLOW = {family: {"webbing": "hangs_after"} for family in HTTP_FAMILIES}
MOMENTS = [
    Moment(State.WRITING, SLOW, dict.fromkeys(HTTP_FAMILIES, State.SETTLED)),
    Moment(
        State.RESTARTING,
        {"go_e": {"resetting": "unanswered"}, "easee": {"webbing": "hangs_after"}},
        {"go_e": State.SETTLED, "easee": State.SETTLED},
    ),
    Moment(
        State.UNDOING,
        {"warp": {"webbing": "swallows"}, "go_e": {"resetting": "rejected"}, "easee": {"webbing": "refuses_apply"}},
        dict.fromkeys(HTTP_FAMILIES, State.FAILED),
    ),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.state.value)
async def test_a_run_that_is_killed_looks_at_every_station_before_it_tells_it_anything_again(
    tmp_path: Path, moment: Moment
) -> None:
    specs = [
        spec(family, f"n{number}", number, ways=ways) for family, ways in moment.ways.items() for number in range(3)
    ]

    async with field_with(tmp_path, specs, policy=[ONE_TRY]) as site:
        death = await dies(site, Trigger(on=moment.state.value, nth=2, after_ms=200.0), WITHIN_S)
        ended = await (await site.run()).ended(WITHIN_S)
        standing, log = await site.standing(), site.log()

    expected = {one.identity: moment.ends[one.family] for one in specs}
    assert death == KILLED
    assert ended.code in (0, 1, 3), ended.err  # where all of them fail, the gate holds
    assert {s.identity: s.state for s in standing.stations} == expected, [s.reason for s in standing.stations]
    assert commands_repeated_without_read(log) == 0
    lives = last_side(log)
    assert all(lives[i] == ("target" if end is State.SETTLED else "source") for i, end in expected.items())
