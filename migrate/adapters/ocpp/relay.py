"""The relay: a station's permanent address in front of a CSMS.

Accepts stations, dials the CSMS first, joins the two, and lists who is there.
It refuses no message for what it says and starts no retry of a command; it
keeps no sighting, its sink does.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from migrate import ports
from migrate.adapters.ocpp import handshake
from migrate.adapters.ocpp.commands import Commands
from migrate.adapters.ocpp.dialling import NoReply, Upstream
from migrate.adapters.ocpp.doorstep import Doorstep
from migrate.adapters.ocpp.gauge import Gauge
from migrate.adapters.ocpp.guests import Directory, Guest, Guests
from migrate.adapters.ocpp.handshake import BadHead, Reply, Upgrade
from migrate.adapters.ocpp.health import Health
from migrate.adapters.ocpp.lab import Lab
from migrate.adapters.ocpp.legs import StationLeg, UpstreamLeg, leg_for
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.lobby import Lobby
from migrate.adapters.ocpp.refusals import Refusals
from migrate.adapters.ocpp.register import Register
from migrate.adapters.ocpp.session import Session
from migrate.adapters.ocpp.spoken import chosen
from migrate.adapters.ocpp.tap import Place
from migrate.adapters.ocpp.tap201 import tap_for
from migrate.adapters.ocpp.tls import NO_FILES, Contexts, Files
from migrate.domain.address import parse_backend
from migrate.domain.errors import CsmsUnavailable, SettingsProblem
from migrate.domain.evidence import Kind, Side, Sighting

LAB = "lab"
GATEWAY_DOWN = frozenset({502, 503, 504})
RETRY_AFTER = {"retry-after": "10"}


class Relay:
    """One side's stations.

    ``upstream`` is the CSMS's base address; ``"lab"`` or ``None`` is none.  ``sink`` is told
    every sighting, in the order it was seen; ``now`` is campaign time; ``tag_key`` hashes the cards;
    ``charging`` says where somebody charged when the journal last heard.  ``tls`` names the certificates,
    ``directory`` knows the stations by the names they have on this side.
    """

    def __init__(
        self,
        *,
        side: Side,
        listen: tuple[str, int],
        upstream: str | None,
        now: Callable[[], datetime],
        tag_key: bytes,
        sink: Callable[[Sighting], None] | None = None,
        limits: Limits | None = None,
        note: Callable[[Place, str], None] | None = None,
        token: Callable[[], str] | None = None,
        tls: Files = NO_FILES,
        directory: Directory | None = None,
        charging: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self.side, self._listen, self._now = side, listen, now
        self.sink = sink or (lambda _sighting: None)
        self.limits = limits or Limits()
        self._tag_key, self._note = tag_key, note
        self._token = token or (lambda: secrets.token_hex(8))
        self._upstream, self.contexts = None, Contexts(tls)
        if upstream not in (None, LAB):
            backend = parse_backend(upstream, where=f"{side}.relay.upstream")
            self._upstream = Upstream(backend, self.limits, self.contexts)
        self._guests = Guests(side, directory, self.contexts)
        self._sweeper: asyncio.TimerHandle | None = None
        self._sessions = Register(charging or {})
        commands = Commands(side, self._sessions, lambda: self.is_up, self.see, now)
        self.inject, self.drop, self.report = commands.inject, commands.drop, commands.report
        self.reports = commands.reports
        self._health = Health(self._probe, self._csms_changed)
        self.gauge = Gauge(now)
        self.counts: Counter[str] = Counter()
        self._refusals = Refusals()
        self._lobby = Lobby(self.limits, self.turn_away, self.counts)
        self._door = Doorstep(functools.partial(leg_for, self), self.contexts, self.limits, self._count, self._lobby)

    # --- opening and closing -----------------------------------------------

    async def start(self) -> None:
        """Look whether the CSMS is there, then open the door."""
        await self._health.check()
        host, port = self._listen
        try:
            await self._door.open(host, port)
        except OSError as error:
            raise SettingsProblem(
                f"{self.side}.relay.listen = {host}:{port} cannot be opened: {error.strerror or error}.",
                hint="Choose another port, or end what holds it.",
            ) from error
        self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)

    @property
    def port(self) -> int:
        """The port that was opened; the one asked for may have been 0."""
        if not self._door.is_open:
            raise CsmsUnavailable(f"The {self.side} relay is not listening.", side=self.side)
        return self._door.port

    @property
    def is_lab(self) -> bool:
        return self._upstream is None

    @property
    def is_up(self) -> bool:
        """Listening, and the CSMS behind can be dialled: absence of a station means something."""
        return self._door.is_open and self._health.is_up

    async def drain(self, *, within_s: float = 5.0) -> None:
        """Close the door, say goodbye to every station, and leave within bounded time."""
        await self._door.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._health.stop()
        for session in self._sessions:
            session.drain()
        await self._lobby.empty(within_s=within_s)

    # --- stations at the door ------------------------------------------------

    def admit(self, leg: StationLeg) -> bool:
        return self._lobby.admit(leg)

    def turn_away(
        self, leg: StationLeg, status: int, reason: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with a status and close."""
        self.counts["turned_away"] += 1
        if not leg.transport.is_closing():
            leg.transport.write(handshake.write_refusal(status, reason, headers or RETRY_AFTER))
            leg.transport.close()
        self._lobby.identified(leg)

    def gone(self, leg: StationLeg) -> None:
        self._lobby.gone(leg)

    def knock(self, leg: StationLeg, upgrade: Upgrade) -> None:
        """A station has said who it is: dial the CSMS before it is answered."""
        self._lobby.identified(leg)
        guest = self._guests.recognise(upgrade, leg.transport)
        if against := self._guests.against(guest):
            self._tell_refused(guest, *against)
            self.turn_away(leg, against[0])
            return
        leg.opening = asyncio.create_task(self._open(leg, guest))

    async def _open(self, leg: StationLeg, guest: Guest) -> None:
        if self._upstream is None:
            self._open_lab(leg, guest)
            return
        began_s = asyncio.get_running_loop().time()
        try:
            upstream, reply = await self._upstream.dial(guest)
        except (OSError, TimeoutError) as error:
            self._health.failed(error)
            self.turn_away(leg, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        except (NoReply, BadHead) as error:
            self._welcomed(began_s)
            self._health.gated(guest.identity, str(error))
            self.turn_away(leg, HTTPStatus.BAD_GATEWAY)
            return
        self._welcomed(began_s)
        if reply.is_open:
            self._health.up()
            self._refusals.welcome(guest.identity)
            self._join(leg, guest, upstream, reply)
        else:
            upstream.transport.close()
            self._refused(leg, guest, reply)

    def _welcomed(self, began_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        self.gauge.welcomed(now_s - began_s, now_s)

    def _refused(self, leg: StationLeg, guest: Guest, reply: Reply) -> None:
        """The CSMS said no at its door: the station hears it in the CSMS's own words."""
        if reply.status in GATEWAY_DOWN:
            self._health.gated(guest.identity, f"HTTP {reply.status}")
        else:
            self._health.up()
        self._tell_refused(guest, reply.status)
        self.turn_away(leg, reply.status, reply.reason, reply.headers)

    def _tell_refused(self, guest: Guest, status: int, why: str = "") -> None:
        if self._refusals.is_news(guest.identity, status, asyncio.get_running_loop().time()):
            self.see(guest.place(self.side).sighting(Kind.REFUSED, self._now(), answer=str(int(status)), detail=why))

    async def _probe(self) -> None:
        if self._upstream is not None:
            await self._upstream.probe()

    def _csms_changed(self, is_up: bool, reason: str) -> None:
        kind = Kind.CSMS_UP if is_up else Kind.CSMS_DOWN
        self.see(Sighting(side=self.side, kind=kind, at=self._now(), detail=reason))

    # --- sessions ------------------------------------------------------------

    def _join(self, leg: StationLeg, guest: Guest, upstream: UpstreamLeg, reply: Reply) -> None:
        """Both doors are open: welcome the station and let the bytes pass."""
        if leg.transport.is_closing() or upstream.lost:
            upstream.transport.close()
            leg.transport.close()
            return
        session = self._session(leg, guest, reply.subprotocol)
        session.join(upstream.transport)
        leg.transport.write(handshake.write_welcome(reply.headers.get("sec-websocket-accept", ""), reply.subprotocol))
        self._begin(leg, session)
        upstream.session, early = session, upstream.early
        upstream.early = b""
        if early:
            session.from_csms(early)
        upstream.transport.resume_reading()

    def _open_lab(self, leg: StationLeg, guest: Guest) -> None:
        upgrade = guest.upgrade
        subprotocol = chosen(upgrade.subprotocols)
        session = self._session(leg, guest, subprotocol)
        closed = functools.partial(session.end, "the station closed")
        session.join(Lab(to_station=session.from_csms, closed=closed, stuck=session.csms_stuck, now=self._now))
        leg.transport.write(handshake.write_welcome(handshake.accept_key(upgrade.key), subprotocol))
        self._begin(leg, session)

    def _session(self, leg: StationLeg, guest: Guest, subprotocol: str) -> Session:
        place = guest.place(self.side, str(uuid.uuid4()), lab=self.is_lab)
        tap, now, prefix = tap_for(subprotocol)(place, self._tag_key), self._now, f"m{self._token()}x"
        return Session(hub=self, tap=tap, now=now, station=leg.transport, subprotocol=subprotocol, prefix=prefix)

    def _begin(self, leg: StationLeg, session: Session) -> None:
        """List the session, say that it began, and let the station speak."""
        self._sessions.add(session)
        self.counts["sessions"] += 1
        self.see(session.tap.place.sighting(Kind.CONNECTED, self._now(), detail=session.subprotocol[:32]))
        leg.session, leg.opening, early = session, None, leg.early
        leg.early = b""
        if early:
            session.from_station(early)
        leg.transport.resume_reading()

    def closed(self, session: Session, *, by_csms: bool) -> None:
        """Take the session off the list."""
        self._sessions.remove(session)
        self.counts["malformed"] += session.tap.malformed
        if by_csms and self._door.is_open:
            self._health.suspect()  # a CSMS that hangs up on a station may be gone altogether

    def see(self, sighting: Sighting) -> None:
        self.sink(sighting)

    def _count(self, what: str) -> None:
        self.counts[what] += 1

    def note(self, session: Session, text: str) -> None:
        """Something worth a line for whoever debugs: a late answer, a second one."""
        self.counts["notes"] += 1
        if self._note is not None:
            self._note(session.tap.place, text)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for session in self._sessions:
            session.sweep(loop.time())
        self._sweeper = loop.call_later(self.limits.sweep_s, self._sweep)

    # --- what others ask -----------------------------------------------------

    def session(self, identity: str) -> ports.Session | None:
        """The session that counts for this identity, or ``None``."""
        return self._sessions.shown(identity)

    def answering(self, identity: str, *, ask: bool = False) -> int:
        """How many sessions of this identity answer; ``ask`` pings them, so that the next look knows better."""
        return self._sessions.answering(identity, ask=ask)

    def latency(self) -> ports.Latency | None:
        """How quickly the CSMS has lately answered its stations; of a lab nothing is said, it is no backend."""
        return None if self.is_lab else self.gauge.latency(asyncio.get_running_loop().time())

    def stats(self) -> dict[str, Any]:
        live, latency = len(self._sessions), self.latency()
        answers = {"answers_in_s": latency.median_s, "slowest_s": latency.slowest_s} if latency else {}
        return {"side": self.side.value, "up": self.is_up, "lab": self.is_lab, "live": live, **answers, **self.counts}
