"""Stations moved by a script over SSH, judged by what they wrote down themselves.

One campaign in which one station simply moves, and one for every way to go
wrong.  Then those that moved are taken back.  What is killed in the middle
has a campaign of its own for each moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.cli.demo.stage import free_ports
from migrate.domain.attempt import State
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
NEW_ADDRESS = "ws://localhost:{port}/ocpp"

TWO_VALUES = """\
schema: migrate.profile-file/1
profiles:
  - name: two_values
    title: A controller that takes two values, and every word of the inventory beside them
    selector: {vendors: ["Bender *"], models: ["CC613_TWO"]}
    method: script
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: OCPPBackendProtocol, value: "TLS-${tls}"}
      - {key: OCPPBackendJSONURL, value: "${url}"}
    restart: soft
    restart_via: ssh
    slash: require
    script:
      read: [head, -n, "1", "/home/charge/persistency/${key}_ocpp"]
      write: ["${script}", write, "${key}", "${value}", "${identity}", "${serial}"]
      restart: [reboot]
      file: persistency.sh
      user: manufacturer
      secret: bender_ssh
      exits: {1: unknown_key, 10: busy, 11: refused, 12: unknown_key}
      timeout: 5s
    sources: ["a story"]
"""

STATIONS: Mapping[str, Mapping[str, Any]] = {
    "moves": {},
    "two-values": {"model": "CC613_TWO"},
    "h`touch canary`;x": {"model": "CC613_TWO", "serial": "$(touch canary)|touch canary"},
    "refuses": {"ways": {"shelling": "refuses"}},
    "half-way": {"model": "CC613_TWO", "ways": {"shelling": "refuses_second"}},
    "busy": {"ways": {"shelling": "busy"}},
    "hangs-after": {"ways": {"shelling": "hangs_after"}},
    "half-file": {"ways": {"shelling": "half_files"}},
    "stores-nothing": {"ways": {"shelling": "stores_nothing"}},
    "locked-out": {"ways": {"shelling": "refuses_login"}},
    "old": {"ways": {"shelling": "too_old"}},
    "silent": {"ways": {"shelling": "silent"}},
    "another-key": {},
    "unseen": {},
    "gives-up": {"fault": Fault.FALLS_BACK},
    "charging": {"fault": Fault.BUSY, "transaction_s": 240.0},
}
MOVING = ("moves", "two-values", "h`touch canary`;x", "hangs-after")


# ── the field ──────────────────────────────────────────────────────────────


def spec(name: str, number: int, **facts: Any) -> StationSpec:
    own = {
        "identity": name,
        "serial": f"bender-{number}",
        "site_id": f"SITE-{number}",
        "ip_address": f"127.50.7.{number + 1}",
    }
    return a_station("bender_ssh", **{**own, **facts})


@asynccontextmanager
async def field_with(specs: Sequence[StationSpec], *policy: tuple[str, str], unseen: Sequence[str] = ()) -> Any:
    """A fleet whose host keys a person has read off its labels, but for those that nobody has seen."""
    (port,) = free_ports(1)

    def furnish(campaign: Path) -> None:
        with (campaign / "campaign.toml").open("a") as file:
            file.write(f"\n[ssh]\nport = {port}\n")
        _write_secret(campaign / "secrets" / "bender_ssh")
        (campaign / "profiles").mkdir()
        (campaign / "profiles" / "on_request.yaml").write_text(impatient("on_request/bender.yaml", "script"))
        (campaign / "profiles" / "two_values.yaml").write_text(TWO_VALUES)

    ssh = {"port": port, "password_sha256": hashlib.sha256(PASSWORD.encode()).hexdigest()}
    told = [*LENIENT_POLICY, PATIENT, *policy]
    async with a_field(
        specs=specs, policy=told, speed=SPEED, target=NEW_ADDRESS, beside={"ssh": ssh}, furnish=furnish
    ) as site:
        keys = (await site.simulator("host_keys"))["host_keys"]
        known = KnownHosts(site.stage.folder / "known_hosts")
        for one in specs:
            if one.identity not in unseen:
                kind, base64 = keys[one.identity].split()
                known.add(place_of(one.ip_address, port), HostKey(kind, base64, ""))
        yield site


def _write_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(PASSWORD)


@dataclass(frozen=True, slots=True)
class Told(Witnessed):
    @property
    def written(self) -> list[tuple[str, str]]:
        """Every value that reached its files, in their order."""
        return [(e.key, e.value) for e in self.of(Kind.COMMAND, "Script")]


@dataclass(frozen=True, slots=True)
class Night(ThereAndBack):
    files: Mapping[str, bytes] = field(default_factory=dict)

    def of(self, name: str) -> Told:
        return Told(*self.in_the_evening(name))

    def back(self, name: str) -> Told:
        """One that was taken back; its log from then on."""
        return Told(*self.since(name))


async def _night() -> Night:
    specs = [spec(name, number, **facts) for number, (name, facts) in enumerate(STATIONS.items())]
    async with field_with(specs, ONE_TRY, unseen=["unseen"]) as site:
        await site.simulator("shelling", identity="another-key", manner="another_key")
        return replace(await Night.of_a_field(site, MOVING), files=written_in(site.stage.folder))


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


# ── success ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", MOVING)
def test_a_station_is_told_once_restarted_once_and_boots_on_the_target(night: Night, name: str) -> None:
    told = night.of(name)

    assert told.station.state is State.SETTLED, told.station.reason
    assert told.lives_on is Side.TARGET
    assert stations_booted_on_target(told.log) == {name}
    assert len(told.written) == len(dict(told.written))
    assert told.written[-1] == ("OCPPBackendJSONURL", told.held[1])
    assert told.resets == 1
    assert told.of(Kind.COMMAND, "ChangeConfiguration") == []


@pytest.mark.parametrize("name", MOVING)
def test_the_new_value_was_read_back_before_the_restart(night: Night, name: str) -> None:
    told = night.of(name)

    (reset,) = told.of(Kind.COMMAND, "Reset")
    last_write = told.of(Kind.COMMAND, "Script")[-1]
    looks = [e for e in told.of(Kind.COMMAND, "ReadScript") if last_write.seq < e.seq < reset.seq]
    assert looks


def test_the_script_was_sent_once_for_each_login_and_under_a_temporary_name_first(night: Night) -> None:
    told = night.of("moves")

    sent = [e.key for e in told.of(Kind.FILE) if "persistency.sh" in e.key]
    assert len(sent) == len(told.of(Kind.LOGIN))
    assert not any(name.endswith("persistency.sh") for name in sent)
    ran = {e.value.split()[0] for e in told.of(Kind.COMMAND, "SSH") if "persistency.sh" in e.value}
    assert ran == {name.rpartition(".")[0] for name in sent}


def test_nothing_of_a_hostile_inventory_was_run(night: Night) -> None:
    assert [e.key for e in night.long_log if e.kind is Kind.FILE and "canary" in e.key] == []
    assert any("canary" in e.value for e in night.long_log if e.action == "SSH"), "it was handed over as an argument"


def test_a_driver_who_charges_is_waited_for(night: Night) -> None:
    told = night.of("charging")

    assert told.station.state is State.SETTLED, told.station.reason
    assert transactions_cut(told.log) == 0


# ── what goes wrong ────────────────────────────────────────────────────────


def test_a_station_that_refuses_stays_where_it_is_and_as_it_was(night: Night) -> None:
    told = night.of("refuses")

    assert told.station.state is State.FAILED, told.station.reason
    assert "exit code 11" in told.station.reason
    assert told.written == []
    assert told.stays_as_it_was
    assert told.resets == 0


def test_what_is_refused_half_way_is_put_back(night: Night) -> None:
    told = night.of("half-way")

    assert told.station.state is State.FAILED, told.station.reason
    first, put_back = told.written
    assert first == ("OCPPBackendProtocol", "TLS-false")
    assert put_back == ("OCPPBackendProtocol", "")
    assert told.stays_as_it_was
    assert told.resets == 0


def test_an_answer_that_never_came_is_read_back_and_the_station_moves(night: Night) -> None:
    told = night.of("hangs-after")

    assert told.station.state is State.SETTLED, told.station.reason
    assert len(told.written) == 1


def test_an_exit_code_of_success_that_stored_nothing_is_no_success(night: Night) -> None:
    told = night.of("stores-nothing")

    assert told.station.state is State.FAILED, told.station.reason
    assert told.stays_as_it_was
    assert told.resets == 0


@pytest.mark.parametrize("name", ["busy", "half-file", "silent"])
def test_a_station_that_cannot_now_is_not_written_to(night: Night, name: str) -> None:
    told = night.of(name)

    assert told.station.state in (State.FAILED, State.SKIPPED, State.DEFERRED), told.station.reason
    assert told.written == []
    assert told.stays_as_it_was
    assert told.resets == 0


def test_half_a_script_was_never_run_and_does_not_stay(night: Night) -> None:
    assert not any("persistency.sh" in e.value for e in night.of("half-file").of(Kind.COMMAND, "SSH"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("locked-out", "refused the credential"),
        ("old", "diffie-hellman-group1-sha1"),
        ("unseen", "Nobody has seen the host key"),
        ("another-key", "shows another host key"),
    ],
)
def test_a_station_that_is_not_as_planned_is_told_nothing_and_the_reason_says_what_to_do(
    night: Night, name: str, says: str
) -> None:
    told = night.of(name)

    assert told.station.state is State.SKIPPED, told.station.reason
    assert says in told.station.reason
    assert told.of(Kind.COMMAND, "SSH") == []
    assert told.stays_as_it_was


def test_a_password_that_was_refused_is_not_tried_again(night: Night) -> None:
    assert len([e for e in night.of("locked-out").of(Kind.LOGIN) if e.status == "refused"]) == 1


def test_a_changed_host_key_is_an_incident_and_is_told_no_password(night: Night) -> None:
    (incident,) = (i for i in night.standing.incidents if i.title == "another device answers")

    assert "another-key" in incident.detail
    assert night.of("another-key").of(Kind.LOGIN) == []


def test_a_station_that_gives_the_target_up_by_itself_counts_as_reverted(night: Night) -> None:
    told = night.of("gives-up")

    assert told.station.state is State.REVERTED, told.station.reason
    assert Side.TARGET in {e.side for e in told.of(Kind.CONNECTED)}
    assert told.stays_as_it_was


# ── the way back, and what holds for all ───────────────────────────────────


@pytest.mark.parametrize("name", MOVING)
def test_a_station_that_moved_is_taken_back_and_boots_on_the_source(night: Night, name: str) -> None:
    was = night.of(name)

    told = night.back(name)

    assert told.station.state is State.REVERTED, told.station.reason
    assert told.lives_on is Side.SOURCE
    assert {e.side for e in told.of(Kind.BOOT_ACCEPTED)} == {Side.SOURCE}
    assert told.written[-1] == ("OCPPBackendJSONURL", was.held[0])


def test_nothing_was_told_twice_without_a_look_between(night: Night) -> None:
    assert commands_repeated_without_read(night.long_log) == 0


def test_the_password_is_in_no_file_that_the_campaign_wrote(night: Night) -> None:
    raw = PASSWORD.encode()
    spellings = (raw, raw.hex().encode(), b64encode(raw))

    assert [name for name, text in night.files.items() if any(one in text for one in spellings)] == []


# ── killed in the middle ───────────────────────────────────────────────────


MOMENTS = [
    pytest.param(State.WRITING, {"shelling": "hangs_after"}, State.SETTLED, id="writing"),
    pytest.param(State.RESTARTING, {}, State.SETTLED, id="restarting"),
    pytest.param(State.UNDOING, {"shelling": "refuses_second"}, State.FAILED, id="undoing"),
]


@pytest.mark.parametrize(("moment", "ways", "end"), MOMENTS)
async def test_a_run_that_is_killed_looks_at_every_station_before_it_tells_it_anything_again(
    moment: State, ways: Mapping[str, str], end: State
) -> None:
    specs = [spec(f"n{number}", number, model="CC613_TWO", ways=ways, reboot_s=120.0) for number in range(4)]

    async with field_with(specs, ONE_TRY) as site:
        death = await dies(site, Trigger(on=moment.value, nth=2, after_ms=200.0), WITHIN_S)
        ended = await (await site.run()).ended(WITHIN_S)
        standing, log = await site.standing(), site.log()

    assert death == KILLED
    assert ended.code in (0, 1, 3), ended.err  # where all of them fail, the gate holds
    assert {s.state for s in standing.stations} == {end}, [s.reason for s in standing.stations]
    assert commands_repeated_without_read(log) == 0
    assert set(last_side(log).values()) == {"target" if end is State.SETTLED else "source"}
