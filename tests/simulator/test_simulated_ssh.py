"""The SSH server of a simulated station, met by another client than the toolkit's: what it does is what it writes down."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest

from migrate.simulator.config import Config, ConfigProblem
from migrate.simulator.ssh_host import SshConfig
from migrate.simulator.wirelog import Kind, Side

PASSWORD = "made up for this"
URL_FILE = "/home/charge/persistency/OCPPBackendJSONURL_ocpp"
PORT = random.SystemRandom().choice(range(20_000, 32_000))
SSH = SshConfig(port=PORT, password_sha256=hashlib.sha256(PASSWORD.encode()).hexdigest())

Opener = Callable[..., Any]


@asynccontextmanager
async def logged_in(address: str, password: str = PASSWORD) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        address, PORT, username="manufacturer", password=password, known_hosts=None, client_keys=None, config=None
    ) as connection:
        yield connection


def spec(station_of: Callable[..., Any], number: int, **ways: str) -> Any:
    return station_of("bender_ssh", identity=f"B{number}", ip_address=f"127.51.7.{number}", ways=ways)


@pytest.mark.story
async def test_a_value_lies_in_a_file_of_its_own_and_is_dialled_after_a_restart(
    field: Opener, station_of: Callable[..., Any]
) -> None:
    site = await field([spec(station_of, 1)], ssh=SSH)
    old = site.fleet.stations["B1"].held

    async with logged_in("127.51.7.1") as line:
        read = await line.run(f"head -n 1 {URL_FILE}")
        written = await line.run(f"printf '%s\\n%s\\n' {site.target.url} 7 > /tmp/new; mv /tmp/new {URL_FILE}")
        version = await line.run(f"sed -n 2p {URL_FILE}")
        await line.run("reboot")
    await site.until_side(Side.TARGET, "B1")

    assert str(read.stdout).strip() == old
    assert (written.exit_status, str(version.stdout).strip()) == (0, "7")
    assert [e.value for e in site.log(Kind.COMMAND) if e.action == "Script"] == [site.target.url]
    assert next(e.keys for e in site.log(Kind.COMMAND) if e.action == "ReadScript") == ("OCPPBackendJSONURL",)


@pytest.mark.story
async def test_a_station_that_restarts_drops_whoever_is_logged_in(
    field: Opener, station_of: Callable[..., Any]
) -> None:
    site = await field([spec(station_of, 2)], ssh=SSH)

    async with logged_in("127.51.7.2") as line:
        await line.run("reboot")
        async with asyncio.timeout(60):
            await line.wait_closed()

    await site.until_restarted()


@pytest.mark.story
async def test_a_wrong_password_is_refused_and_written_down(field: Opener, station_of: Callable[..., Any]) -> None:
    site = await field([spec(station_of, 3)], ssh=SSH)

    with pytest.raises(asyncssh.PermissionDenied):
        async with logged_in("127.51.7.3", "another"):
            pass

    assert "refused" in [e.status for e in site.log(Kind.LOGIN)]
    assert not any("another" in str(e) for e in site.log())


@pytest.mark.story
async def test_half_of_a_file_arrives_at_a_station_that_loses_the_other_half(
    field: Opener, station_of: Callable[..., Any]
) -> None:
    await field([spec(station_of, 4, shelling="half_files")], ssh=SSH)

    async with logged_in("127.51.7.4") as line, line.start_sftp_client() as files:
        async with files.open("/tmp/script", "wb") as file:
            await file.write(b"0123456789")
        size = (await files.stat("/tmp/script")).size

    assert size == 5


@pytest.mark.story
@pytest.mark.parametrize(
    ("manner", "number", "code", "held"),
    [("refuses", 5, 0, "x"), ("stores_nothing", 6, 0, "old"), ("busy", 7, 0, "x")],
)
async def test_a_manner_shows_where_a_script_looks_for_it(
    field: Opener, station_of: Callable[..., Any], manner: str, number: int, code: int, held: str
) -> None:
    site = await field([spec(station_of, number, shelling=manner)], ssh=SSH)
    old = site.fleet.stations[f"B{number}"].held

    async with logged_in(f"127.51.7.{number}") as line:
        locked = await line.run("test -e /etc/locked")
        charging = await line.run("test -e /var/run/charging")
        moved = await line.run(f"echo x > /tmp/n; mv /tmp/n {URL_FILE}")

    assert (locked.exit_status == 0, charging.exit_status == 0) == (manner == "refuses", manner == "busy")
    assert moved.exit_status == code
    assert site.fleet.stations[f"B{number}"].held == (old if held == "old" else held)


@pytest.mark.story
async def test_its_host_key_is_the_one_that_the_control_socket_tells_until_it_changes(
    field: Opener, station_of: Callable[..., Any]
) -> None:
    site = await field([spec(station_of, 8)], ssh=SSH)
    host = site.fleet.ssh_hosts["B8"]
    first = await asyncssh.get_server_host_key("127.51.7.8", PORT)
    told = host.public_key

    host.station.ways = host.station.ways.but({"shelling": "another_key"})
    await host.turn()
    second = await asyncssh.get_server_host_key("127.51.7.8", PORT)

    assert first is not None
    assert second is not None
    assert " ".join(first.export_public_key().decode().split()[:2]) == told
    assert first.public_data != second.public_data


@pytest.mark.story
async def test_a_family_without_ssh_serves_none(field: Opener, station_of: Callable[..., Any]) -> None:
    site = await field([station_of("everest", ip_address="127.51.7.9")], ssh=SSH)

    assert site.fleet.ssh_hosts == {}


def test_a_configuration_of_ssh_with_a_strange_word_is_refused() -> None:
    with pytest.raises(ConfigProblem, match="ssh"):
        Config.from_json({"ssh": {"passwort": "x"}})
