"""Credentials with which we come in at stations, at the jump host before them and at their maker's cloud; the campaign is on PostgreSQL.

A private key that a passphrase opens, a jump host that takes a key at first
and a password later, passwords by the basic and the digest scheme, and the
token that a cloud's login returns, overheard on the wire.  Whoever asks for
one of these may repeat it, and a library may break with it in its hands.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import create_engine, make_url, text

from migrate.cli.demo.stage import free_ports
from migrate.domain.attempt import State
from migrate.domain.wave import Standing
from migrate.simulator.authority import Authority
from migrate.simulator.wirelog import Kind, WireEvent
from tests.adapters.journal.conftest import postgresql  # noqa: F401 - a fixture
from tests.secrets.aftermath import Ear, columns_of, files_of, stop_listening
from tests.secrets.defective import DEFECTS
from tests.secrets.doorkeepers import (
    BASIC,
    DIGEST,
    REPEATS,
    Heard,
    Keeper,
    a_jump_host,
    before_cloud,
    before_stations,
)
from tests.secrets.forms import drawn, search
from tests.stories.conftest import LENIENT_POLICY, ONE_TRY, ROOT, Field, Program, a_field
from tests.stories.patience import PUT_OFF_ALL_NIGHT
from tests.stories.stations import a_station_called

pytestmark = pytest.mark.story

SPEED = 60.0

PROFILES = """\
schema: migrate.profile-file/1
profiles:
  - name: keyed_box
    title: A controller behind a jump host, opened by a key
    selector: {{vendors: ["Bender *"], models: ["CC613_KEY"]}}
    method: script
    rollback: remote
    turning_point: restart
    proof: {{level: documented}}
    writes: [{{key: OCPPBackendJSONURL, value: "${{url}}"}}]
    restart: soft
    restart_via: ssh
    slash: require
    script:
      read: [head, -n, "1", "/home/charge/persistency/${{key}}_ocpp"]
      write: ["${{script}}", write, "${{key}}", "${{value}}"]
      restart: [reboot]
      file: persistency.sh
      user: manufacturer
      key: box_key
      secret: box_passphrase
      by_jump: true
      exits: {{1: unknown_key, 10: busy, 11: refused, 12: unknown_key}}
    sources: ["a story"]
  - {basic}
  - {digest}
  - {repeats}
"""
GUARDED = """\
name: guarded_{asks}
    title: A station whose interface asks for a password ({asks})
    selector: {{vendors: ["Tinkerforge*"], models: ["WARP {asks}"]}}
    method: http
    rollback: remote
    turning_point: write
    proof: {{level: documented}}
    slash: forbid
    restart: none
    writes: [{{key: url, value: "${{url}}"}}]
    quirks: {{triggers_boot: false, boots_on_reconnect: true}}
    http:
      base: "http://${{ip}}"
      auth: {auth}
      user: fleetdesk
      secret: web_{asks}
      keys:
        url:
          read: [{{path: /ocpp/config, picks: {{config: "$", value: url}}}}]
          write: [{{path: /ocpp/config, method: POST, json: {{"...": "${{config}}", url: "${{value}}"}}, busy: [400]}}]
    sources: ["a story"]
"""


def profiles() -> str:
    said = {asks: GUARDED.format(asks=asks, auth=DIGEST if asks == DIGEST else BASIC) for asks in (BASIC, DIGEST)}
    return PROFILES.format(**said, repeats=GUARDED.format(asks=REPEATS, auth=BASIC))


# ── what is planted ────────────────────────────────────────────────────────


def _key_pair(passphrase: str = "") -> tuple[asyncssh.SSHKey, str]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key, key.export_private_key("openssh", passphrase=passphrase or None).decode()


@dataclass
class Planted:
    passphrase: str = field(default_factory=lambda: drawn("passphrase"))
    jump_password: str = field(default_factory=lambda: drawn("jumppassword"))
    basic: str = field(default_factory=lambda: drawn("webbasic"))
    digest: str = field(default_factory=lambda: drawn("webdigest"))
    repeats: str = field(default_factory=lambda: drawn("webrepeats"))
    cloud: str = field(default_factory=lambda: drawn("cloudaccount"))
    store: str = field(default_factory=lambda: drawn("storepassword"))

    def __post_init__(self) -> None:
        self.box_key, self.box_pem = _key_pair(self.passphrase)
        self.jump_key, self.jump_pem = _key_pair()

    @property
    def vault(self) -> Mapping[str, str]:
        return {
            "box_key": self.box_pem,
            "box_passphrase": self.passphrase,
            "router_key": self.jump_pem,
            "router_password": self.jump_password,
            "web_basic": self.basic,
            "web_digest": self.digest,
            "web_repeats": self.repeats,
            "easee_cloud": self.cloud,
        }

    @property
    def by_name(self) -> dict[str, str]:
        """Of a key two lines of its middle: whoever has copied a key has copied those."""
        keys = {
            f"{name}, line {at}": line
            for name, pem in (("box_key", self.box_pem), ("router_key", self.jump_pem))
            for at, line in enumerate(pem.splitlines())
            if at in (2, 3) and len(line) > 20
        }
        words = {name: word for name, word in self.vault.items() if "PRIVATE KEY" not in word}
        return {**words, **keys, "password of the store": self.store}


# ── the field ──────────────────────────────────────────────────────────────


STREET = (
    a_station_called("box", "bender_ssh", ip_address="127.67.9.1", model="CC613_KEY"),
    a_station_called(BASIC, "warp", ip_address="127.67.9.2", model=f"WARP {BASIC}"),
    a_station_called(DIGEST, "warp", ip_address="127.67.9.3", model=f"WARP {DIGEST}"),
    a_station_called(REPEATS, "warp", ip_address="127.67.9.4", model=f"WARP {REPEATS}"),
    a_station_called("cloud", "easee"),
    a_station_called("cloud-repeats", "easee", serial=REPEATS),
)


@dataclass
class Ports:
    ssh: int
    jump: int
    http: int
    http_behind: int
    cloud: int
    cloud_behind: int


def _furnish(campaign: Path, beside: Path, planted: Planted, ports: Ports) -> None:
    with (campaign / "campaign.toml").open("a") as file:
        file.write(f'\n[ssh]\nport = {ports.ssh}\njump = "router@127.0.0.1:{ports.jump}"\njump_key = "router_key"\n')
        file.write(f'\n[http]\nport = {ports.http}\nca = "{beside / "root.pem"}"\n')
        file.write(f'[http.bases]\n"https://api.easee.com" = "https://127.0.0.1:{ports.cloud}"\n')
    (campaign / "profiles").mkdir()
    (campaign / "profiles" / "guarded.yaml").write_text(profiles())
    (campaign / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name, secret in planted.vault.items():
        with os.fdopen(os.open(campaign / "secrets" / name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as handle:
            handle.write(secret)


def _simulated(beside: Path, planted: Planted, ports: Ports) -> dict[str, Any]:
    issuer = Authority("Root of a simulated cloud")
    chain, key = issuer.for_backend().write(beside, "cloud")
    issuer.write_root(beside / "root.pem")
    return {
        "ssh": {
            "port": ports.ssh,
            "password_sha256": hashlib.sha256(b"nobody has it").hexdigest(),
            "keys": [planted.box_key.export_public_key().decode()],
        },
        "http": {
            "port": ports.http_behind,
            "cloud_port": ports.cloud_behind,
            "certificate": str(chain),
            "key": str(key),
            "user": "operator",
            "password_sha256": hashlib.sha256(planted.cloud.encode()).hexdigest(),
        },
    }


@asynccontextmanager
async def guarded_field(planted: Planted, beside: Path, heard: Heard) -> AsyncIterator[Field]:
    ports = Ports(*free_ports(6))
    keepers = {
        one.ip_address: Keeper(asks=one.identity, user="fleetdesk", password=getattr(planted, one.identity))
        for one in STREET
        if one.identity in (BASIC, DIGEST, REPEATS)
    }
    async with AsyncExitStack() as stack:
        simulated = _simulated(beside, planted, ports)
        for keeper in (
            before_stations(keepers, port=ports.http, behind=ports.http_behind, heard=heard),
            before_cloud(beside, port=ports.cloud, behind=ports.cloud_behind, heard=heard),
            a_jump_host(ports.jump, planted.jump_key, planted.jump_password, heard),
        ):
            await stack.enter_async_context(keeper)
        opened = a_field(
            specs=STREET,
            speed=SPEED,
            policy=[*LENIENT_POLICY, PUT_OFF_ALL_NIGHT, ONE_TRY],
            beside=simulated,
            furnish=lambda campaign: _furnish(campaign, beside, planted, ports),
        )
        yield await stack.enter_async_context(opened)


# ── the night ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Night:
    planted: Mapping[str, str]
    places: Sequence[tuple[str, bytes]]
    standing: Standing
    log: Sequence[WireEvent]
    codes: Mapping[str, int]
    heard: Heard


async def _night(beside: Path, store: str, planted: Planted) -> Night:
    heard = Heard()
    async with guarded_field(planted, beside, heard) as site:
        ear, folder = Ear(site), site.stage.folder
        watching = asyncio.create_task(ear.watch_processes())
        await _trust(ear)
        await _break_down(ear)
        await _move(ear)
        await _ask(ear)
        standing, log = await site.standing(), site.log()
        await stop_listening(ear)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        places = [*ear.heard, ("process list", ear.process_list), *files_of(folder), *columns_of(folder)]
        overheard = {f"token {at}": token for at, token in enumerate(heard.tokens)}
        overheard |= {
            f"header {at}": head.partition(" ")[2] for at, head in enumerate(sorted(set(heard.authorizations)))
        }
        secrets = {**planted.by_name, **overheard}
        return Night(secrets, [*places, *_columns_of(store)], standing, log, ear.codes, heard)


async def _trust(ear: Ear) -> None:
    await ear.ask(("trust", "--jump", "--yes", "--json", "-vv"), ("trust", "box", "--yes", "--json", "-vv"))


async def _break_down(ear: Ear) -> None:
    """Somewhere below the doors a library breaks; the stations are as they were, and the night goes on afterwards."""
    for defect in DEFECTS:
        log = str(ear.site.stage.folder / f"broken-{defect}.log")
        plan = ("--plan", ear.site.plan.fingerprint[:16], "--yes", "--no-input")
        words = ("run", *plan, "-vv", "--log-file", log, "--campaign", str(ear.site.stage.folder))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.secrets.defective", defect, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        ear.site.running.append(Program(process))
        await ear.ended(ear.site.running[-1], f"broken {defect}")


async def _move(ear: Ear) -> None:
    """The jump host takes our key on the way there, and our password on the way back."""
    folder, plan = ear.site.stage.folder, ear.site.plan.fingerprint[:16]
    log = str(folder / "run.log")
    await ear.call("run", "--plan", plan, "--yes", "--no-input", "--json", "-vv", "--log-file", log)
    campaign = folder / "campaign.toml"
    told = campaign.read_text()
    assert 'jump_key = "router_key"' in told
    campaign.write_text(told.replace('jump_key = "router_key"', 'jump_secret = "router_password"'))
    back = ("rollback", "--stations", f"box,{BASIC},cloud", "--reason", "billed twice", "--yes", "--no-input")
    await ear.call(*back, "--json", "-vv", "--log-file", str(folder / "back.log"))


async def _ask(ear: Ear) -> None:
    reports = ear.site.stage.folder / "reports"
    await ear.ask(
        *(("station", station.identity, "--json", "-vv") for station in STREET),
        *(("explain", name) for name in ("box", REPEATS, "cloud-repeats")),
        *(
            ("report", name.partition(".")[0], "--out", str(reports / name))
            for name in ("progress.html", "stations.xlsx")
        ),
        ("status", "--json", "--stations"),
        ("doctor", "--json", "-vv"),
        ("profiles", "probe", "box", "--json", "-vv"),
        ("plan", "check", "--json", "-vv"),
        ("trust", "box", "--json", "-vv"),
    )


def _columns_of(store: str) -> Iterator[tuple[str, bytes]]:
    """Every column of every table of the campaign on PostgreSQL, as text and as bytes."""
    engine = create_engine(store)
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        for table in tables:
            rows = connection.execute(text(f'SELECT * FROM public."{table}"')).mappings().all()
            for name in rows[0] if rows else ():
                yield f"PostgreSQL, {table}.{name}", b"\n".join(_as_bytes(row[name]) for row in rows)
    engine.dispose()


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode(errors="replace")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, postgresql: str) -> Night:  # noqa: F811 - the fixture
    """One campaign for the whole file; the tests only read what it left."""
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    planted = Planted()
    url = make_url(postgresql).set(password=planted.store).render_as_string(hide_password=False)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MIGRATE_STORE_URL", url)
        return asyncio.run(_night(tmp_path_factory.mktemp("beside"), postgresql, planted))


# ── nowhere ────────────────────────────────────────────────────────────────


def test_no_credential_of_a_door_is_anywhere(night: Night) -> None:
    hits = search(night.places, night.planted.values())

    names = {secret: name for name, secret in night.planted.items()}
    assert [(names[hit.secret], hit.where, hit.form) for hit in hits] == []


# ── each of them was in play ───────────────────────────────────────────────


def test_every_door_opened_by_its_credential(night: Night) -> None:
    states = {station.identity: station.state for station in night.standing.stations}

    assert states == {
        "box": State.REVERTED,
        BASIC: State.REVERTED,
        DIGEST: State.SETTLED,
        REPEATS: State.SKIPPED,
        "cloud": State.REVERTED,
        "cloud-repeats": State.SKIPPED,
    }, {station.identity: station.reason for station in night.standing.stations}


def test_the_jump_host_took_the_key_and_then_the_password(night: Night) -> None:
    assert {"key", "password"} == set(night.heard.jumps)


def test_headers_and_a_token_were_overheard(night: Night) -> None:
    schemes = {header.partition(" ")[0] for header in night.heard.authorizations}

    assert schemes == {"Basic", "Digest", "Bearer"}
    assert night.heard.tokens
    assert all(f"Bearer {token}" in night.heard.authorizations for token in night.heard.tokens[-1:])


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_with_a_credential_in_its_hands_is_told_as_a_defect(night: Night, defect: str) -> None:
    said = dict(night.places)[f"stderr of broken {defect}"].decode()
    log = dict(night.places)[f"file broken-{defect}.log"].decode()

    assert night.codes[f"broken {defect}"] == 70, said
    assert "This is a defect of fleet-migrate: RuntimeError" in said
    assert "Traceback" in log
    assert "***" in log


def test_the_store_was_searched_column_by_column(night: Night) -> None:
    searched = {where for where, _ in night.places}

    assert {"PostgreSQL, event.data", "PostgreSQL, attempt.unit", "process list", "file run.log"} <= searched


def test_stations_were_told_by_the_doors_and_by_nothing_else(night: Night) -> None:
    told = {(e.identity, e.action) for e in night.log if e.kind is Kind.COMMAND and e.action in ("Script", "HTTP")}

    assert told == {("box", "Script"), (BASIC, "HTTP"), (DIGEST, "HTTP"), ("cloud", "HTTP")}
