"""Passwords and keys with which stations, relays and the toolkit itself sign: nowhere but where they were put.

Stations of the security profiles 1 to 3 over TLS, one whose password the new
backend does not know, and a new password written on order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.adapters.vault import IDTAG_KEY, STORE_KEY
from migrate.domain.attempt import State
from migrate.domain.wave import Standing
from migrate.simulator.wirelog import Kind, WireEvent
from tests.secrets.aftermath import OURS, Ear, columns_of, files_of, stop_listening
from tests.secrets.forms import Found, drawn, search
from tests.stories.conftest import LENIENT_POLICY
from tests.stories.secured import Secured, a_secured_field, spec_of

pytestmark = pytest.mark.story

WITHIN_S = 240.0
PROFILES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Night:
    secrets: Mapping[str, str]
    places: Sequence[tuple[str, bytes]]
    standing: Standing
    log: Sequence[WireEvent]
    finished: Mapping[str, int]


def _keys_in(folder: Path) -> dict[str, str]:
    """The middle line of every private key: whoever has copied a key has copied that."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(UnicodeDecodeError):
            if path.is_file() and "PRIVATE KEY" in (text := path.read_text()):
                lines = text.split("PRIVATE KEY-----", 1)[1].splitlines()
                found[f"private key {path.name}"] = lines[len(lines) // 2]
    return found


def _vault(folder: Path) -> dict[str, str]:
    return {f"secret {path.name}": path.read_text().strip() for path in (folder / "secrets").iterdir()}


async def _night() -> Night:
    new_password = drawn("new")
    kept: list[Secured] = []

    def fleet(secured: Secured) -> None:
        secured.secrets = {"acme_password": new_password}
        for profile in PROFILES:
            secured.station(spec_of(f"SP{profile}"), profile)
        secured.station(spec_of("LOCKED-OUT"), 2)
        secured.otherwise = {"LOCKED-OUT": drawn("believed")}
        kept.append(secured)

    async with a_secured_field(fleet, policy=LENIENT_POLICY) as site:
        ear, folder = Ear(site), site.stage.folder
        watching = asyncio.create_task(ear.watch_processes())
        await ear.call("profiles", "probe", "SP2", "--json", "-vv")
        await ear.call(
            "run",
            "--plan",
            site.plan.fingerprint[:16],
            "--yes",
            "--no-input",
            "-vv",
            "--log-file",
            str(folder / "run.log"),
        )
        standing = await site.standing()
        await site.simulator("csms_password", side="target", identity="SP2", password=new_password)
        order = ("finish", "password", "--stations", "SP2", "--reason", "rotation", "--no-input", "--json", "-vv")
        finished = json.loads(await ear.call(*order, "--accept-one-way", "1"))
        await ear.ask(
            ("doctor", "--json", "-vv"),
            ("status", "--json", "--stations"),
            ("plan", "check", "--json"),
            *(("station", identity, "--json") for identity in ("SP2", "SP3", "LOCKED-OUT")),
            *(("explain", identity) for identity in ("SP2", "SP3", "LOCKED-OUT")),
            ("report", "stations", "--out", str(folder / "reports" / "stations.xlsx")),
        )
        log = site.log()
        await stop_listening(ear)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        (secured,) = kept
        passwords = {f"password of {name}": word for name, word in secured.keys.passwords.items() if word}
        passwords |= {f"password that the target believes in for {n}": str(w) for n, w in secured.otherwise.items()}
        secrets = {**passwords, **_keys_in(folder / "certificates"), **_vault(folder), "new password": new_password}
        places = [*ear.heard, ("process list", ear.process_list), *_files(folder), *columns_of(folder)]
        return Night(secrets, places, standing, log, finished["outcomes"])


def _files(folder: Path) -> list[tuple[str, bytes]]:
    return [(where, blob) for where, blob in files_of(folder) if not where.startswith("file certificates/")]


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


def test_no_credential_is_anywhere_but_where_it_was_put(night: Night) -> None:
    hits: list[Found] = search(night.places, night.secrets.values())

    names = {secret: name for name, secret in night.secrets.items()}
    assert [(names[hit.secret], hit.where, hit.form) for hit in hits] == []


def test_passwords_keys_and_the_vault_were_all_searched_for(night: Night) -> None:
    named = " ".join(night.secrets)

    assert {"password of SP1", "password of SP2", "password of LOCKED-OUT", "new password"} <= night.secrets.keys()
    assert named.count("private key") >= 5  # of both relays, both backends, and the station of profile 3
    assert {f"secret {IDTAG_KEY}", f"secret {STORE_KEY}", "secret acme_password"} <= night.secrets.keys()
    assert all(len(secret) >= 16 for secret in night.secrets.values())


def test_the_credentials_were_used(night: Night) -> None:
    states = {station.identity: station.state for station in night.standing.stations}

    assert {states[f"SP{profile}"] for profile in PROFILES} == {State.SETTLED}
    assert states["LOCKED-OUT"] is not State.SETTLED
    assert night.finished == {"done": 1}
    assert [e.key for e in night.log if e.identity == "SP2" and e.kind is Kind.COMMAND and e.key == "AuthorizationKey"]


def test_what_is_left_out_of_the_search_is_the_simulated_worlds(night: Night) -> None:
    searched = {where for where, _ in night.places}

    assert not [where for where in searched if where.removeprefix("file ") in OURS]
    assert {"file campaign.db", "file run.log", "process list", "campaign.db, event.data"} <= searched
