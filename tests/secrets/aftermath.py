"""A campaign with a secret in every credential field, and everything that it left behind.

Simulated stations of a dozen kinds hold secrets in their keys, their addresses
and their sign-in; a crew's station has a gate code; a maker's cloud and a
controller with SSH want passwords.  The campaign is run, killed, run again,
probed, reported, broken and asked for everything that the program can say.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.cli.demo.stage import free_ports, stations_of
from migrate.domain.attempt import State
from migrate.domain.station import Station
from migrate.domain.wave import Standing
from migrate.simulator.authority import Authority
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import WireEvent
from tests.secrets.forms import drawn
from tests.stories.conftest import (
    LENIENT_POLICY,
    ONE_TRY,
    ROOT,
    Ended,
    Field,
    Program,
    Scenery,
    a_field_on,
    how_many,
)
from tests.stories.stations import a_station_called

SPEED = 60.0
WITHIN_S = 240.0
TAG = "SIMULATED-TAG"  # the card that simulated drivers use
IMPATIENT = ('appear = "10m"', 'appear = "10m"\narrive = "6m"')
OURS = ("campaign.toml", "fleet.json", "wire.jsonl", "simulator.log")
"""Where secrets were planted by hand, and what the simulated world wrote: they are not the toolkit's."""

TOLD = ("grizzl", "keba-half", "locked", "controller", "cloud", "without-effect")
REPORTS = ("progress.html", "progress.json", "progress.xlsx", "stations.json", "stations.xlsx", "census.html")
PROBED = ("grizzl", "everest", "vestel", "keba", "crew")

SCRIPT = """#!/bin/sh
printf '%s\\n1\\n' "$3" > "/home/charge/persistency/$2_ocpp"
"""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One secret for each credential field; drawn anew each time."""

    station_password: str = field(default_factory=lambda: drawn("stationpassword"))
    authorization_key: str = field(default_factory=lambda: drawn("authorizationkey"))
    apn_triple: str = field(default_factory=lambda: drawn("apninfo"))
    sim_pin: str = field(default_factory=lambda: drawn("simpin"))
    hidden_key: str = field(default_factory=lambda: drawn("readable"))
    address_password: str = field(default_factory=lambda: drawn("userinfo"))
    old_token: str = field(default_factory=lambda: drawn("oldpath"))
    new_token: str = field(default_factory=lambda: drawn("newpath"))
    upstream_token: str = field(default_factory=lambda: drawn("uppath"))
    gate_code: str = field(default_factory=lambda: drawn("gate"))
    ssh_password: str = field(default_factory=lambda: drawn("sshpassword"))
    cloud_password: str = field(default_factory=lambda: drawn("cloudpassword"))
    vault_secret: str = field(default_factory=lambda: drawn("vault"))
    store_password: str = field(default_factory=lambda: drawn("storeurl"))
    inline_secret: str = field(default_factory=lambda: drawn("inline"))
    id_tag: str = TAG

    @property
    def by_name(self) -> Mapping[str, str]:
        return {name: str(value) for name, value in vars(self).items()}


STREET = (
    a_station_called("grizzl", "grizzl_e"),
    a_station_called("everest", "everest"),
    a_station_called("vestel", "vestel_ac"),
    a_station_called("alfen-pairs", "alfen5"),
    a_station_called("alfen-packed", "alfen6"),
    a_station_called("amina", "amina"),
    a_station_called("keba", "keba"),
    a_station_called("keba-half", "keba", Fault.HALF_WAY_REFUSAL),
    a_station_called("locked", "everest", Fault.READ_ONLY_KEY),
    a_station_called("without-effect", "growatt", Fault.WITHOUT_EFFECT),
    a_station_called("forgets", "microocpp", Fault.WRITE_LOST),
    a_station_called("driver", "everest", transaction_s=120.0),
    a_station_called("crew", "enplus"),
    a_station_called("controller", "bender_ssh", ip_address="127.66.9.1"),
    a_station_called("cloud", "easee"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trapped(Scenery):
    """Stations dial an address with a user, a password and a token in it."""

    planted: Planted

    def write_fleet(self) -> Path:
        path = Scenery.write_fleet(self)
        facts = json.loads(path.read_text())
        facts["source_url"] = (
            f"ws://op:{self.planted.address_password}@127.0.0.1:{self.source_port}/ocpp/{self.planted.old_token}"
        )
        path.write_text(json.dumps(facts))
        return path


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Everything that was said and written, by place."""

    planted: Planted
    places: Sequence[tuple[str, bytes]]
    crews: Sequence[tuple[str, bytes]]  # work orders: what a crew must know stands there
    standing: Standing
    log: Sequence[WireEvent]
    codes: Mapping[str, int]
    probes: Mapping[str, Any]


def _beside(folder: Path, planted: Planted, ssh: int, http: int, cloud: int) -> dict[str, Any]:
    issuer = Authority("Root of a simulated cloud")
    chain, key = issuer.for_backend().write(folder, "cloud")
    issuer.write_root(folder / "root.pem")
    return {
        "ssh": {"port": ssh, "password_sha256": hashlib.sha256(planted.ssh_password.encode()).hexdigest(), "keys": []},
        "http": {
            "port": http,
            "cloud_port": cloud,
            "certificate": str(chain),
            "key": str(key),
            "user": "operator",
            "password_sha256": hashlib.sha256(planted.cloud_password.encode()).hexdigest(),
        },
    }


def _furnish(campaign: Path, beside: Path, planted: Planted, ssh: int, http: int, cloud: int) -> None:
    with (campaign / "campaign.toml").open("a") as file:
        file.write(f'\n[ssh]\nport = {ssh}\n\n[http]\nport = {http}\nca = "{beside / "root.pem"}"\n')
        file.write(f'[http.bases]\n"https://api.easee.com" = "https://127.0.0.1:{cloud}"\n')
    for name, secret in (
        ("bender_ssh", planted.ssh_password),
        ("easee_cloud", planted.cloud_password),
        ("spare", planted.vault_secret),
    ):
        path = campaign / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(secret)
    profiles = campaign / "profiles"
    profiles.mkdir()
    shutil.copy(ROOT / "vendor_profiles" / "on_request" / "bender.yaml", profiles)
    (profiles / "persistency.sh").write_text(SCRIPT)


def _stations(specs: Sequence[StationSpec], planted: Planted) -> list[Station]:
    return [
        replace(station, access=f"the code is {planted.gate_code}") if station.identity == "crew" else station
        for station in stations_of(specs)
    ]


@asynccontextmanager
async def trapped_field(planted: Planted) -> AsyncIterator[Field]:
    """The campaign, approved, listened for, with nothing begun and every secret in its place."""
    async with AsyncExitStack() as stack:
        folder, beside = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=p))) for p in ("trap-", "beside-")
        )
        source, target, ssh, http, cloud = free_ports(5)
        token = f"ws://127.0.0.1:{target}/ocpp/{planted.new_token}"
        stage = Trapped(
            folder=folder,
            seed=3,
            speed=SPEED,
            specs=STREET,
            stations=_stations(STREET, planted),
            source_port=source,
            target_port=target,
            planted=planted,
            fleet={
                "target_url": token,
                "csms": {side: {"path": f"/up/{planted.upstream_token}"} for side in ("source", "target")},
                **_beside(beside, planted, ssh, http, cloud),
            },
        )
        plain = "ws://127.0.0.1:{port}/ocpp"
        urls = [(source, f"ws://127.0.0.1:{source}/ocpp/{planted.old_token}"), (target, token)]
        told = [(f'url = "{plain.format(port=port)}"', f'url = "{url}"') for port, url in urls]
        opened = a_field_on(
            stage,
            policy=[*told, *LENIENT_POLICY, IMPATIENT, ONE_TRY],
            furnish=lambda campaign: _furnish(campaign, beside, planted, ssh, http, cloud),
            listen=("-vv", "--log-file", str(folder / "listen-debug.log")),
        )
        site = await stack.enter_async_context(opened)
        await _plant_in_stations(site, planted)
        await _trust(site, ssh)
        yield site


async def _plant_in_stations(site: Field, planted: Planted) -> None:
    """The old backend sets them, through our relay, while nobody thinks of a move."""
    keys = [
        ("grizzl", "StationPassword", planted.station_password),
        ("everest", "AuthorizationKey", planted.authorization_key),
        ("crew", "AuthorizationKey", planted.hidden_key),
        ("vestel", "apnInfo", f"internet,user,{planted.apn_triple}"),
        ("keba", "GsmSimPin", planted.sim_pin),
    ]
    for identity, key, value in keys:
        payload = {"key": key, "value": value}
        said = await site.simulator(
            "csms_call", side="source", identity=identity, action="ChangeConfiguration", payload=payload
        )
        assert "Accepted" in json.dumps(said), (identity, said)


async def _trust(site: Field, port: int) -> None:
    """A person has seen the controller's key."""
    keys = (await site.simulator("host_keys"))["host_keys"]
    known = KnownHosts(site.stage.folder / "known_hosts")
    kind, _, body = keys["controller"].partition(" ")
    known.add(place_of("127.66.9.1", port), HostKey(kind, body.split()[0], ""))


# ── the night ──────────────────────────────────────────────────────────────


def is_under_way(standing: Standing) -> bool:
    return how_many(standing, State.RESTARTING, State.DEPARTED) > 0


class Ear:
    """Collects what every call of the program says, and what the process list shows meanwhile."""

    def __init__(self, site: Field) -> None:
        self.site = site
        self.heard: list[tuple[str, bytes]] = []
        self.codes: dict[str, int] = {}
        self._lines: set[bytes] = set()

    async def call(self, *words: str) -> str:
        return await self.ended(await self.site.migrate(*words), *words)

    async def ended(self, running: Program, *words: str) -> str:
        return self.took(await running.ended(WITHIN_S), " ".join(words))

    def took(self, ended: Ended, name: str) -> str:
        self.heard += [(f"stdout of {name}", ended.out.encode()), (f"stderr of {name}", ended.err.encode())]
        self.codes[name] = ended.code
        return ended.out

    async def ask(
        self,
        *calls: Sequence[str],
        label: str = "",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Calls that only look, one after the other in one process."""
        place = ("--campaign", str(folder or self.site.stage.folder))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.secrets.asking"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
        async with asyncio.timeout(WITHIN_S):
            out, err = await process.communicate(json.dumps([[*words, *place] for words in calls]).encode())
        assert process.returncode == 0, err.decode()
        for words, ended in zip(calls, json.loads(out), strict=True):
            name = label + " ".join(words)
            self.heard += [(f"stdout of {name}", ended["out"].encode()), (f"stderr of {name}", ended["err"].encode())]
            self.codes[name] = ended["code"]

    async def watch_processes(self) -> None:
        while True:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self._lines.add(path.read_bytes())
            await asyncio.sleep(0.1)

    @property
    def process_list(self) -> bytes:
        return b"\n".join(sorted(self._lines))


async def a_night(planted: Planted) -> Aftermath:
    async with trapped_field(planted) as site:
        ear, folder = Ear(site), site.stage.folder
        watching = asyncio.create_task(ear.watch_processes())
        await _probe(ear)
        await _move(ear)
        standing, log = await site.standing(), site.log()
        await _ask_everything(ear, standing)
        crews = await _work_orders(ear)
        await _break(ear, planted)
        await stop_listening(ear)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        places = [*ear.heard, ("process list", ear.process_list), *files_of(folder), *columns_of(folder)]
        probes = {name: json.loads(out) for name, out in _probed(ear).items()}
        return Aftermath(planted, places, crews, standing, log, ear.codes, probes)


async def _probe(ear: Ear) -> None:
    out = ear.site.stage.folder
    await ear.ask(
        *(("profiles", "probe", name, "--json", "-vv", "--out", str(out / f"{name}.yaml")) for name in PROBED),
        ("profiles", "probe", "grizzl"),
    )


def _probed(ear: Ear) -> dict[str, str]:
    return {
        name.split()[4]: said.decode()
        for name, said in ear.heard
        if name.startswith("stdout of profiles probe") and said[:1] == b"{"
    }


async def _move(ear: Ear) -> None:
    """The first run is killed on the way, the second ends; then one station is taken back to its old address."""
    words = ("run", "--plan", ear.site.plan.fingerprint[:16], "--yes", "--no-input")
    run = await ear.site.migrate(*words)
    await ear.site.until(is_under_way, within_s=60)
    run.send(signal.SIGKILL)
    await ear.ended(run, "run, killed")
    log = str(ear.site.stage.folder / "run.log")
    await ear.call(*words, "--json", "-vv", "--log-file", log)
    await ear.call("rollback", "--stations", "grizzl,everest", "--reason", "billed twice", "--yes", "--no-input", "-vv")


async def _ask_everything(ear: Ear, standing: Standing) -> None:
    folder = ear.site.stage.folder
    await ear.ask(
        ("status",),
        ("status", "--json", "--stations"),
        ("doctor",),
        ("doctor", "--json", "-vv"),
        ("plan", "show"),
        ("plan", "show", "--stations", "--json"),
        ("plan", "check", "--json"),
        ("profiles", "list"),
        *(("station", station.identity, "--json") for station in standing.stations),
        *((verb, name) for verb in ("station", "explain") for name in TOLD),
        *(("report", name.partition(".")[0], "--out", str(folder / "reports" / name)) for name in REPORTS),
    )


async def _work_orders(ear: Ear) -> list[tuple[str, bytes]]:
    """Taken out of the folder at once: what a crew has to know is not searched for in its own paper."""
    folder, kept = ear.site.stage.folder, []
    for ending in ("html", "xlsx"):
        path = folder / f"crews.{ending}"
        await ear.ask(("visits", "export", str(path)))
        if path.exists():
            kept.append((path.name, path.read_bytes()))
            path.unlink()
    await ear.ask(("visits", "list", "--json"))
    return kept


async def _break(ear: Ear, planted: Planted) -> None:
    """What the program says when a setting, a store or its key is broken."""
    copy = ear.site.stage.folder.parent / f"{ear.site.stage.folder.name}-broken"
    ignored = shutil.ignore_patterns("*.sock", "*.sock.lock")
    try:
        for name, harm in _HARMS.items():
            shutil.copytree(ear.site.stage.folder, copy, ignore=ignored)
            harm(copy, planted)
            await ear.ask(("status", "-vv"), ("station", "grizzl", "-vv"), label=f"{name}: ", folder=copy)
            shutil.rmtree(copy)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    wrong = {"MIGRATE_STORE_URL": f"postgresql+psycopg://u:{planted.store_password}@127.0.0.1:1/nobody"}
    await ear.ask(("status", "-vv"), label="another store: ", environment=wrong)


def _harm_rows(folder: Path, _: Planted) -> None:
    with sqlite3.connect(folder / "campaign.db") as store:
        store.execute("UPDATE attempt SET unit = substr(unit, 1, 40) WHERE unit <> '[]'")
        store.execute("UPDATE event SET data = '[1]' WHERE kind = 'moved'")


def _harm_key(folder: Path, _: Planted) -> None:
    (folder / "secrets" / "store_key").write_text("another key than that")


def _harm_settings(folder: Path, planted: Planted) -> None:
    with (folder / "campaign.toml").open("a") as file:
        file.write(f'\n[credentials]\nauthorization_key = "{planted.inline_secret}"\n')


def _harm_address(folder: Path, planted: Planted) -> None:
    path = folder / "campaign.toml"
    path.write_text(path.read_text().replace("ws://", f"ws://user:{planted.inline_secret}@"))


_HARMS = {"rows": _harm_rows, "key": _harm_key, "settings": _harm_settings, "address": _harm_address}


async def stop_listening(ear: Ear) -> None:
    ear.took(await ear.site.running[0].stopped(WITHIN_S), "listen -vv")


# ── what was left ──────────────────────────────────────────────────────────


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """Every file of the campaign but those in which the secrets were put; names of files as well."""
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in OURS and "secrets" not in p.parts]
    return [(f"file {path.relative_to(folder)}", str(path).encode() + b"\n" + path.read_bytes()) for path in found]


def columns_of(folder: Path) -> list[tuple[str, bytes]]:
    """Every column of every table of every database, as text and as bytes."""
    found = []
    for path in folder.glob("*.db"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = store.execute(f'SELECT * FROM "{table}"')
                names = [column[0] for column in rows.description]
                whole = [[_as_bytes(value) for value in row] for row in rows]
                found += [
                    (f"{path.name}, {table}.{name}", b"\n".join(row[at] for row in whole))
                    for at, name in enumerate(names)
                ]
    return found


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
