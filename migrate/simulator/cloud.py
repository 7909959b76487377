"""A maker's cloud over TLS: an account, details that are stored for a station, and a version of them that is applied.

Written after what is published of Easee's (developer.easee.com, OCPP
commissioning; evcc-io/evcc cmd/easee_ocpp.go; nordicopen/pyeasee): storing
changes nothing at the station, applying reaches it at once.  That the stored
details show their version is seen in a public test fixture only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from migrate.simulator.habits import Webbing
from migrate.simulator.http_host import HttpConfig, out_of_sorts, told
from migrate.simulator.station import SimulatedStation
from migrate.simulator.wirelog import Kind
from migrate.simulator.world import SHORTEST_S

KEY = "url"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Details:
    """What is stored for one station, applied or not."""

    version: int
    args: dict[str, Any]
    identity: str


class Cloud:
    """Every station of its makers, by serial number."""

    def __init__(self, stations: Iterable[SimulatedStation], config: HttpConfig) -> None:
        self._config = config
        self._stations = {s.spec.serial: s for s in stations if s.ways.web == "easee"}
        self._details: dict[str, Details] = {}
        self._tokens: set[str] = set()
        self._runner: web.AppRunner | None = None
        self.logins = 0
        self.left_before_limit: int | None = None  # so many requests more until it says 429
        self.limit_s = 1.0

    async def open(self) -> None:
        """Listen over TLS; nothing without a port or stations."""
        if not self._config.cloud_port or not self._stations:
            return
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._config.certificate, self._config.key)
        app = web.Application(middlewares=[self._limited])
        app.router.add_post("/api/accounts/login", self._log_in)
        app.router.add_get("/local-ocpp/v1/connection-details/{serial:[^/]+}", self._of_one(self._show))
        app.router.add_post("/local-ocpp/v1/connection-details/{serial:[^/]+}", self._of_one(self._store))
        app.router.add_post("/local-ocpp/v1/connections/chargers/{serial:[^/]+}", self._of_one(self._apply))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHORTEST_S, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._config.cloud_port, ssl_context=context).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # ── the account ────────────────────────────────────────────────────────

    @web.middleware
    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Some requests more, and then it asks to be left alone; afterwards all is well again."""
        if self.left_before_limit is not None:
            self.left_before_limit -= 1
            if self.left_before_limit < 0:
                self.left_before_limit = None
                return web.Response(status=429, headers={"Retry-After": f"{self.limit_s:.0f}"})
        return await handler(request)

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        self.logins += 1
        given = await _body(request)
        digest = hashlib.sha256(str(given.get("password", "")).encode()).hexdigest()
        is_right = hmac.compare_digest(digest, self._config.password_sha256)
        if given.get("userName") != self._config.user or not is_right:
            return web.json_response({"title": "Invalid username or password"}, status=400)
        token = secrets.token_hex(24)
        self._tokens.add(token)
        return web.json_response({"accessToken": token, "expiresIn": 86400, "tokenType": "Bearer"})

    def _of_one(self, answer: Callable[[SimulatedStation, web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
                return web.Response(status=401)
            station = self._stations.get(request.match_info["serial"])
            return web.Response(status=404) if station is None else await answer(station, request)

        return handle

    # ── one station ────────────────────────────────────────────────────────

    async def _show(self, station: SimulatedStation, _request: web.Request) -> web.StreamResponse:
        if instead := await out_of_sorts(station, keys=(KEY,)):
            return instead
        kept = self._kept(station)
        args = {**kept.args, "url": f"{kept.args['url'].rstrip('/')}/{quote(kept.identity, safe='')}"}
        if station.ways.webbing is Webbing.HUGE:
            args["caCertificate"] = "x" * (1 << 20)
        shown = {"version": f"v{kept.version}", "connectivityMode": "DualProtocol", "chargePointId": kept.identity}
        return web.json_response({**shown, "websocketConnectionArgs": args})

    async def _store(self, station: SimulatedStation, request: web.Request) -> web.StreamResponse:
        """Stored and numbered; the station does not know of it."""
        if instead := await out_of_sorts(station):
            return instead
        wanted = await _body(request)
        args = wanted.get("websocketConnectionArgs")
        if not isinstance(args, dict) or not str(args.get("url", "")).startswith(("ws://", "wss://")):
            return web.json_response({"title": "url is not valid"}, status=400)
        station.log(Kind.COMMAND, action="StoreHTTP", key=KEY, value=args["url"])
        if station.ways.webbing is Webbing.REFUSES:
            return web.json_response({"title": "the charger does not allow it"}, status=400)
        kept = self._kept(station)
        if station.ways.webbing is not Webbing.STORES_NOTHING:
            identity = str(wanted.get("chargePointId") or station.spec.serial)
            kept = self._details[station.spec.serial] = Details(kept.version + 1, args, identity)
        return web.json_response({"version": f"v{kept.version}"})

    async def _apply(self, station: SimulatedStation, request: web.Request) -> web.StreamResponse:
        if instead := await out_of_sorts(station):
            return instead
        kept = self._kept(station)
        if (await _body(request)).get("version") != f"v{kept.version}":
            return web.json_response({"title": "no such version"}, status=409)
        if station.ways.webbing is Webbing.REFUSES_APPLY:
            station.log(Kind.COMMAND, action="HTTP", key=KEY, value=kept.args["url"])
            station.log(Kind.ANSWER, action="HTTP", key=KEY, status="HTTP 400")
            return web.json_response({"title": "the charger's firmware is too old"}, status=400)
        return await told(station, request, kept.args["url"], {})

    def _kept(self, station: SimulatedStation) -> Details:
        """What is stored; at first what the station lives by."""
        url = station.flash.look_inside(KEY)
        return self._details.setdefault(station.spec.serial, Details(1, {"url": url}, station.spec.identity))


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
