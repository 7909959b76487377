"""Stations with an HTTP interface of their own, and a maker's cloud, asked by a client that is not the toolkit's."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from migrate.cli.demo.stage import free_ports
from migrate.simulator.authority import Authority
from migrate.simulator.deal import StationSpec
from migrate.simulator.http_host import HttpConfig
from migrate.simulator.wirelog import Kind, Side

pytestmark = pytest.mark.story

ADDRESS = "127.77.3.1"
SOON_S = 0.3  # long enough for an answer on the loopback, where none is expected
Spec = Callable[..., StationSpec]


class Client:
    """Sends requests and looks at what comes back."""

    def __init__(self, base: str, context: ssl.SSLContext | None = None) -> None:
        self._base, self._context = base, context
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, aiohttp.typedefs.LooseHeaders]:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=self.headers) as session,
            session.request(
                method, self._base + path, json=body, ssl=self._context or True, allow_redirects=False
            ) as answer,
        ):
            text = await answer.text()
            is_json = answer.content_type == "application/json" and text
            return answer.status, json.loads(text) if is_json else text, answer.headers


async def own(field: Any, station_of: Spec, family: str, **facts: Any) -> tuple[Any, Client]:
    (port,) = free_ports(1)
    spec = station_of(family, ip_address=ADDRESS, **facts)
    opened = await field([spec], http=HttpConfig(port=port))
    return opened, Client(f"http://{ADDRESS}:{port}")


async def test_a_warp_takes_its_whole_object_and_boots_on_the_new_backend_without_a_restart(
    field: Any, station_of: Spec
) -> None:
    opened, client = await own(field, station_of, "warp")
    _, held, _ = await client.ask("GET", "/ocpp/config")

    status, _, _ = await client.ask("POST", "/ocpp/config", {**held, "url": opened.target.url})
    await opened.until(lambda: any(e.side is Side.TARGET for e in opened.log(Kind.BOOT_ACCEPTED)))

    assert status == 200
    assert held["pass"] is None
    assert opened.log(Kind.RESTART) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"url": "ws://x/"}, id="a slash at the end"),
        pytest.param({"url": "http://x"}, id="no address to dial"),
        pytest.param({"url": "ws://" + "x" * 130}, id="too long"),
        pytest.param({"more": 1}, id="another field"),
        pytest.param({"cert_id": 3}, id="something else changed too"),
    ],
)
async def test_a_warp_refuses_what_its_firmware_would(field: Any, station_of: Spec, change: dict[str, Any]) -> None:
    opened, client = await own(field, station_of, "warp")
    _, held, _ = await client.ask("GET", "/ocpp/config")

    status, _, _ = await client.ask("POST", "/ocpp/config", {**held, **change})

    assert status == 400
    assert len(opened.log(Kind.STORED)) == 1


async def test_a_warp_refuses_half_an_object(field: Any, station_of: Spec) -> None:
    opened, client = await own(field, station_of, "warp")

    status, _, _ = await client.ask("POST", "/ocpp/config", {"url": opened.target.url})

    assert status == 400


async def test_nobody_changes_the_backend_while_a_driver_charges(field: Any, station_of: Spec) -> None:
    opened, client = await own(field, station_of, "warp", transaction_s=5000.0)
    await opened.until(lambda: opened.log(Kind.TRANSACTION_STARTED) != [])
    _, held, _ = await client.ask("GET", "/ocpp/config")

    status, words, _ = await client.ask("POST", "/ocpp/config", {**held, "url": opened.target.url})

    assert (status, words) == (400, "a transaction is running")


async def test_a_go_e_wants_json_inside_the_query_and_a_restart(field: Any, station_of: Spec) -> None:
    opened, client = await own(field, station_of, "go_e")
    url = f"{opened.target.url}/SIM-1"

    bare, _, _ = await client.ask("GET", f"/api/set?ocppu={url}")
    quoted, _, _ = await client.ask("GET", f'/api/set?ocppu="{url}"')
    _, shown, _ = await client.ask("GET", "/api/status?filter=ocppu")

    assert (bare, quoted, shown) == (400, 200, {"ocppu": url})
    assert opened.fleet.stations["SIM-1"].side is Side.SOURCE
    await opened.reset()
    await opened.until_side(Side.TARGET)


@pytest.mark.parametrize(
    ("manner", "status"), [("locked_out", 401), ("unavailable", 503), ("redirects", 307), ("refuses", 400)]
)
async def test_each_manner_has_its_status(field: Any, station_of: Spec, manner: str, status: int) -> None:
    opened, client = await own(field, station_of, "go_e", ways={"webbing": manner})

    said, _, _ = await client.ask("GET", f'/api/set?ocppu="{opened.target.url}/SIM-1"')

    assert said == status
    assert len(opened.log(Kind.STORED)) == 1


@pytest.mark.parametrize(
    ("manner", "stored"), [("stores_nothing", False), ("hangs_after", True), ("half_body", True), ("swallows", False)]
)
async def test_what_is_said_and_what_is_stored_are_two_things(
    field: Any, station_of: Spec, manner: str, stored: bool
) -> None:
    opened, client = await own(field, station_of, "go_e", ways={"webbing": manner})
    url = f"{opened.target.url}/SIM-1"

    telling = asyncio.create_task(client.ask("GET", f'/api/set?ocppu="{url}"'))
    await opened.until(lambda: any(e.action == "HTTP" for e in opened.log(Kind.COMMAND)))
    await asyncio.wait([telling], timeout=SOON_S)
    _, shown, _ = await client.ask("GET", "/api/status?filter=ocppu")
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)

    assert (shown["ocppu"] == url) is stored


async def cloud(field: Any, station_of: Spec, folder: Path, **facts: Any) -> tuple[Any, Client]:
    (port,) = free_ports(1)
    authority = Authority("Root of a simulated cloud")
    chain, key = authority.for_backend().write(folder, "cloud")
    digest = hashlib.sha256(b"secret").hexdigest()
    http = HttpConfig(cloud_port=port, certificate=str(chain), key=str(key), user="ops", password_sha256=digest)
    opened = await field([station_of("easee", **facts)], http=http)
    client = Client(f"https://127.0.0.1:{port}", ssl.create_default_context(cadata=authority.root))
    _, given, _ = await client.ask("POST", "/api/accounts/login", {"userName": "ops", "password": "secret"})
    client.headers = {"Authorization": f"Bearer {given['accessToken']}"}
    return opened, client


DETAILS, APPLY = "/local-ocpp/v1/connection-details/S-1", "/local-ocpp/v1/connections/chargers/S-1"


async def test_a_cloud_stores_without_telling_the_station_and_applies_the_newest_version(
    field: Any, station_of: Spec, tmp_path: Path
) -> None:
    opened, client = await cloud(field, station_of, tmp_path)
    body = {"websocketConnectionArgs": {"url": opened.target.url}, "chargePointId": "SIM-1"}

    _, stored, _ = await client.ask("POST", DETAILS, body)
    _, shown, _ = await client.ask("GET", DETAILS)
    side_after_storing = opened.fleet.stations["SIM-1"].side
    old, _, _ = await client.ask("POST", APPLY, {"version": "v1"})
    new, _, _ = await client.ask("POST", APPLY, {"version": stored["version"]})
    await opened.until_side(Side.TARGET)

    assert shown["websocketConnectionArgs"]["url"] == f"{opened.target.url}/SIM-1"
    assert side_after_storing is Side.SOURCE
    assert (old, new) == (409, 200)


async def test_a_cloud_knows_its_account_and_nobody_elses(field: Any, station_of: Spec, tmp_path: Path) -> None:
    _, client = await cloud(field, station_of, tmp_path)

    wrong, _, _ = await client.ask("POST", "/api/accounts/login", {"userName": "ops", "password": "guess"})
    client.headers = {"Authorization": "Bearer guess"}
    stranger, _, _ = await client.ask("GET", DETAILS)

    assert (wrong, stranger) == (400, 401)


async def test_a_cloud_asks_for_peace_once_and_says_for_how_long(field: Any, station_of: Spec, tmp_path: Path) -> None:
    opened, client = await cloud(field, station_of, tmp_path)
    opened.fleet.cloud.left_before_limit, opened.fleet.cloud.limit_s = 1, 7.0

    said = [await client.ask("GET", DETAILS) for _ in range(3)]

    assert [status for status, _, _ in said] == [200, 429, 200]
    assert dict(said[1][2])["Retry-After"] == "7"
