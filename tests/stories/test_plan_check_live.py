"""The checks before a wave against simulated stations: what they hold is read, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Side
from migrate.domain.record import Approval
from migrate.domain.wave import Deferral
from migrate.simulator.deal import StationSpec
from tests.stories.conftest import LENIENT_POLICY, Field, a_field

pytestmark = pytest.mark.story

SPEED = 80.0
TOUCHES = {"ChangeConfiguration", "Reset", "SetVariables", "SetNetworkProfile", "TriggerMessage", "UpdateFirmware"}


def a_spec(identity: str, family: str, vendor: str, model: str, firmware: str) -> StationSpec:
    return StationSpec(
        identity=identity,
        vendor=vendor,
        model=model,
        firmware=firmware,
        serial=f"S-{identity}",
        family=family,
        site_id=f"SITE-{identity}",
        connectors=1,
        reboot_s=20.0,
    )


SPECS = (
    a_spec("sound", "microocpp", "MicroOcpp", "MicroOcpp Mongoose", "1.2.0"),
    a_spec("slots", "amina", "Amina Charging", "Amina S", "4.3.1"),
    a_spec("another", "microocpp", "Evnex", "E2", "1.0"),  # listed as a maker's whose key it has not
    a_spec("dialect", "microocpp", "MicroOcpp", "MicroOcpp Mongoose", "1.2.0"),  # listed as speaking 2.0.1
)
REGISTERED = ["sound", "slots", "dialect", "TEST-1"]


@asynccontextmanager
async def a_street() -> AsyncIterator[Field]:
    backends = {"target": {"register": REGISTERED}}
    async with a_field(specs=SPECS, speed=SPEED, policy=LENIENT_POLICY, csms=backends) as site:
        stations = await site.wired.journal.stations()
        listed = [replace(s, ocpp_version="2.0.1") if s.identity == "dialect" else s for s in stations]
        await site.wired.journal.store_stations(listed)
        site.plan = await site.wired.make_plan()
        await site.wired.journal.store_plan(site.plan)
        told = Approval(fingerprint=site.plan.fingerprint, wave=None, by="story", at=site.wired.clock.now())
        await site.wired.journal.approve(told)
        yield site


def told(site: Field, text: str) -> None:
    """The operator writes into campaign.toml."""
    path = site.stage.folder / "campaign.toml"
    path.write_text(path.read_text().replace("[target]\n", f"[target]\n{text}\n", 1))


async def found(site: Field, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ended = await site.says("plan", "check", "--json", *words)
    assert ended.out, ended.err
    return ended.code, {one["code"]: one for one in ended.document["findings"]}


def touched(site: Field) -> set[str]:
    return {event.identity for event in site.log() if event.action in TOUCHES}


async def test_what_a_station_holds_and_speaks_is_known_before_anybody_is_touched() -> None:
    async with a_street() as site:
        code, seen = await found(site, "--wave", "0")

        assert code == 65
        assert seen["not-as-planned"]["identities"] == ["another"]
        assert "OCPPEndPoint" in seen["not-as-planned"]["text"]
        assert seen["dialect"]["identities"] == ["dialect"]
        assert {one["severity"] for one in seen.values()} <= {"exclude", "note"}
        assert any(event.action == "GetConfiguration" for event in site.log())
        assert touched(site) == set()


async def test_a_knock_finds_whom_the_target_does_not_know_and_is_no_arrival() -> None:
    async with a_street() as site:
        _, seen = await found(site, "--wave", "0", "--knock")

        assert seen["identity-unknown"]["identities"] == ["another"]
        assert touched(site) == set()
        sightings = await site.wired.journal.tail_sightings(0)
        assert not [s for s in sightings if s.side is Side.TARGET and s.identity]


async def test_a_run_begins_nobody_whom_a_check_stops_and_leaves_out_whom_it_excludes() -> None:
    async with a_street() as site:
        told(site, "first_transaction = 1")
        told_of_the_source(site, "last_transaction = 900")
        stopped = await (await site.run()).ended()
        untouched = touched(site)

        told_of_the_source(site, "last_transaction = 900", forget=True)
        told(site, 'known = "identities.txt"')
        (site.stage.folder / "identities.txt").write_text("sound\nslots\ndialect\n")
        ended = await (await site.run()).ended()

        assert stopped.code == 3
        assert "transaction" in stopped.err
        assert untouched == set()
        assert ended.code == 3, ended.err
        standing = {s.identity: s for s in (await site.standing()).stations}
        assert standing["sound"].state is State.SETTLED
        assert standing["slots"].state is State.SETTLED
        assert (standing["another"].state, standing["another"].deferral) == (State.DEFERRED, Deferral.CHECKS)
        assert "identities.txt" in standing["another"].reason
        assert "another" not in touched(site)


def told_of_the_source(site: Field, text: str, *, forget: bool = False) -> None:
    path = site.stage.folder / "campaign.toml"
    old, new = ("[source]\n", f"[source]\n{text}\n")
    path.write_text(path.read_text().replace(*((new, old) if forget else (old, new)), 1))
