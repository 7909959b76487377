"""The HTTP interfaces of simulated stations, each on its own loopback address, and every manner in which they fail.

Written after what makers publish: WARP's ``ocpp/config``
(docs.warp-charger.com, API reference, ocpp) and go-e's ``/api/set`` and
``/api/status`` (goecharger/go-eCharger-API-v2, http-en.md and ocpp-en.md).
One server answers for all of them and tells them apart by the address that
was dialled.  What is asked and what is stored goes into the wire log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from migrate.simulator.habits import Webbing
from migrate.simulator.station import SimulatedStation
from migrate.simulator.wirelog import Kind
from migrate.simulator.world import SHORTEST_S

OWN_INTERFACES = ("warp", "go_e", "smartevse")
WARP_URL, WARP_IDENTITY = 128, 64  # characters
HUGE = 1 << 20

Answer = Callable[[SimulatedStation, web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """``port`` is where stations serve their own interface; 0 serves none.  ``cloud`` is their makers'."""

    port: int = 0
    cloud_port: int = 0
    certificate: str = ""
    key: str = ""
    user: str = ""
    password_sha256: str = ""


class HttpHosts:
    """The interfaces of all stations that have one of their own."""

    def __init__(self, stations: Iterable[SimulatedStation], config: HttpConfig) -> None:
        self._port = config.port
        self._by_address = {s.spec.ip_address: s for s in stations if serves(s, config)}
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen at the address of each."""
        if not self._by_address:
            return
        app = web.Application()
        for method, path, answer in ROUTES:
            app.router.add_route(method, path, self._handled(answer))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHORTEST_S, handler_cancellation=True)
        await self._runner.setup()
        for address in self._by_address:
            await web.TCPSite(self._runner, address, self._port).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _handled(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None  # it is being answered
            station = self._by_address[request.transport.get_extra_info("sockname")[0]]
            if station.is_down:
                request.transport.abort()
                raise asyncio.CancelledError
            return await answer(station, request) if station.ways.web == _family_of(request.path) else _plain(404)

        return handle


def serves(station: SimulatedStation, config: HttpConfig) -> bool:
    """Whether this station has an interface of its own, and a place for it."""
    return bool(config.port and station.spec.ip_address and station.ways.web in OWN_INTERFACES)


def _family_of(path: str) -> str:
    return {"ocpp": "warp", "settings": "smartevse"}.get(path.split("/")[1], "go_e")


def _plain(status: int, text: str = "", **headers: str) -> web.Response:
    return web.Response(status=status, text=text, headers=headers)


# ── manners ────────────────────────────────────────────────────────────────


async def out_of_sorts(station: SimulatedStation, *, keys: tuple[str, ...] = ()) -> web.Response | None:
    """What a station says instead of an answer to anything at all; ``None`` when it is well enough to answer."""
    manner = station.ways.webbing
    if manner is Webbing.SILENT:
        await asyncio.Event().wait()
    refused = {Webbing.LOCKED_OUT: 401, Webbing.UNAVAILABLE: 503, Webbing.REDIRECTS: 307}.get(manner)
    if refused is None:
        if keys:
            station.log(Kind.COMMAND, action="ReadHTTP", keys=keys)
        return None
    station.log(Kind.ANSWER, action="HTTP", status=f"HTTP {refused}")
    return _plain(refused, Location="http://127.0.0.1:9/") if refused == 307 else _plain(refused)


async def told(
    station: SimulatedStation, request: web.Request, value: str, good: Any, *, key: str = ""
) -> web.StreamResponse:
    """The station is told a new address: what it says, what it stores, and when it uses it."""
    manner, name = station.ways.webbing, key or station.ways.inside[0]
    station.log(Kind.COMMAND, action="HTTP", key=name, value=value)
    if manner is Webbing.SWALLOWS:
        await asyncio.Event().wait()
    if manner is Webbing.REFUSES or station.connector.is_charging:
        why = "a transaction is running" if station.connector.is_charging else "not with this configuration"
        station.log(Kind.ANSWER, action="HTTP", key=name, status="HTTP 400")
        return _plain(400, why)
    if manner is not Webbing.STORES_NOTHING:
        keep(station, name, value)
    if manner is Webbing.HANGS_AFTER:
        await asyncio.Event().wait()
    station.log(Kind.ANSWER, action="HTTP", key=name, status="HTTP 200")
    return await _half(request) if manner is Webbing.HALF_BODY else web.json_response(good)


def keep(station: SimulatedStation, name: str, value: str) -> None:
    """Store an address that is new, and use it at once where the maker does."""
    if value == station.flash.look_inside(name):
        return
    station.flash.set_inside(name, value)
    station.log(Kind.STORED, value=station.held)
    if station.ways.web != "go_e" and station.ways.webbing is not Webbing.AFTER_RESTART:
        asyncio.get_running_loop().call_later(SHORTEST_S, station.reconnect_anew)


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "64"})
    await response.prepare(request)
    await response.write(b'{"url":')
    if request.transport is not None:
        request.transport.abort()
    return response


# ── WARP ───────────────────────────────────────────────────────────────────


async def warp_shows(station: SimulatedStation, _request: web.Request) -> web.StreamResponse:
    if instead := await out_of_sorts(station, keys=("url",)):
        return instead
    held: dict[str, Any] = _warp_config(station)
    if station.ways.webbing is Webbing.HUGE:
        held["url"] = "x" * HUGE
    return web.json_response(held)


async def warp_takes(station: SimulatedStation, request: web.Request) -> web.StreamResponse:
    """The whole object or nothing; what it holds is used at once, without a restart."""
    if instead := await out_of_sorts(station):
        return instead
    try:
        wanted = json.loads(await request.read())
    except ValueError:
        return _plain(400, "failed to deserialize string")
    if why := _warp_refuses(station, wanted):
        station.log(Kind.ANSWER, action="HTTP", key="url", status="HTTP 400")
        return _plain(400, why)
    return await told(station, request, wanted["url"], None)


def _warp_config(station: SimulatedStation) -> dict[str, Any]:
    return {
        "enable": True,
        "url": station.flash.look_inside("url"),
        "identity": station.spec.identity,
        "enable_auth": False,
        "pass": None,
        "cert_id": -1,
    }


def _warp_refuses(station: SimulatedStation, wanted: Any) -> str:
    held = _warp_config(station)
    if not isinstance(wanted, Mapping) or wanted.keys() != held.keys():
        return "the object has other fields"
    others = {name: value for name, value in wanted.items() if name != "url"}
    if others != {name: value for name, value in held.items() if name != "url"}:
        return "nothing but the address can be changed here"
    url = wanted["url"]
    is_fit = isinstance(url, str) and url.startswith(("ws://", "wss://")) and not url.endswith("/")
    return "" if is_fit and len(url) <= WARP_URL else "no address that could be dialled"


# ── go-e ───────────────────────────────────────────────────────────────────


async def go_e_shows(station: SimulatedStation, request: web.Request) -> web.StreamResponse:
    asked = [name for name in request.query.get("filter", "").split(",") if name]
    if instead := await out_of_sorts(station, keys=tuple(asked) or ("ocppu",)):
        return instead
    held: dict[str, Any] = {"ocppe": True, "ocppu": station.flash.look_inside("ocppu"), "ocppc": bool(station.session)}
    held["sse"] = station.spec.serial
    if station.ways.webbing is Webbing.HUGE:
        held["ocppu"] = "x" * HUGE
    return web.json_response({name: value for name, value in held.items() if not asked or name in asked})


async def go_e_takes(station: SimulatedStation, request: web.Request) -> web.StreamResponse:
    """Each value is JSON inside the query; it is stored, and used after a restart."""
    if instead := await out_of_sorts(station):
        return instead
    try:
        wanted = {name: json.loads(text) for name, text in request.query.items()}
    except ValueError:
        return _plain(400, "value is no JSON")
    if wanted.keys() != {"ocppu"} or not isinstance(wanted["ocppu"], str):
        return _plain(400, "unknown key")
    return await told(station, request, wanted["ocppu"], {"ocppu": True})


# ── SmartEVSE ──────────────────────────────────────────────────────────────


async def smartevse_shows(station: SimulatedStation, _request: web.Request) -> web.StreamResponse:
    if instead := await out_of_sorts(station, keys=("backend_url",)):
        return instead
    held = "x" * HUGE if station.ways.webbing is Webbing.HUGE else station.flash.look_inside("backend_url")
    ocpp = {"mode": "Enabled", "backend_url": held, "cb_id": station.spec.identity, "auth_key_set": False}
    return web.json_response({"version": "3.6.10", "ocpp": ocpp})


async def smartevse_takes(station: SimulatedStation, request: web.Request) -> web.StreamResponse:
    """Parameters of the query; without ``ocpp_update=1`` nothing of OCPP is looked at."""
    if instead := await out_of_sorts(station):
        return instead
    url = request.query.get("ocpp_backend_url")
    if request.query.get("ocpp_update") != "1" or url is None:
        return web.json_response({})
    return await told(station, request, url, {"ocpp_backend_url": url})


ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("GET", "/ocpp/config", warp_shows),
    ("PUT", "/ocpp/config", warp_takes),
    ("POST", "/ocpp/config", warp_takes),
    ("GET", "/api/status", go_e_shows),
    ("GET", "/api/set", go_e_takes),
    ("GET", "/settings", smartevse_shows),
    ("POST", "/settings", smartevse_takes),
)
