"""Gathers what the checks before a wave judge: dials backends, asks stations, looks at this host.

It decides nothing (``batches.outlook`` does) and changes nothing.  Whatever
cannot be reached is part of what was found.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from batches.errand import Ports
from batches.findings import projected_finish
from batches.outlook import Outlook, outlook
from batches.prospects import Facts, Prospect
from batches.scouting import Scout, Scouted
from migrate.adapters import certificates as files
from migrate.adapters.ocpp.tls import upstream_context
from migrate.adapters.probing import doorstep, knock
from migrate.adapters.probing.certificates import Anchors, public_roots, sight_of_files
from migrate.adapters.probing.ports import holder
from migrate.domain.address import Backend
from migrate.domain.attempt import State
from migrate.domain.destination import address_for
from migrate.domain.errors import SettingsProblem
from migrate.domain.evidence import Side
from migrate.domain.record import Attempt, Direction
from migrate.domain.station import Station
from migrate.domain.survey import Doorstep, HostSight, Knock
from migrate.domain.wave import Plan
from migrate.settings import Settings
from migrate.wiring import Wired
from migrate.wiring.firmware_ahead import firmware_ahead
from migrate.wiring.revoked import stale_lists
from migrate.wiring.shapes import shapes_of

KNOCKS_PER_S = 5.0
LOOKED_FOR_AGAIN_S = (2.0, 5.0)
Tell = Callable[[str, int, int], None]
"""Hears what is looked at, how many of how many are done."""


def in_silence(_what: str, _done: int, _total: int) -> None:
    """For whoever shows no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How far to look.  ``stations`` are asked themselves, ``knocks`` are handshakes under their identities."""

    backends: bool = True
    stations: bool = False
    knocks: bool = False


class Lookahead:
    """Looks at what is ahead of a plan's waves.  While nobody listens no station can be asked.

    Implements ``migrate.engine.foresight.Foresight``.
    """

    def __init__(self, wired: Wired, plan: Plan, ports: Ports, *, is_listening: bool, tell: Tell = in_silence) -> None:
        self._wired = wired
        self._settings = wired.settings
        self._plan = plan
        self._ports = ports
        self._is_listening = is_listening
        self._tell = tell

    async def look(self, waves: Collection[int], depth: Depth, *, closely: Collection[int] | None = None) -> Outlook:
        """The outlook of some waves; only stations of those in ``closely`` are asked themselves."""
        return outlook(await self.facts(waves, depth, closely=closely), self._settings.checks.accepted)

    async def ahead(self, wave: int) -> Outlook:
        """What the engine asks before it begins a wave: stations are not asked, because each is in its turn anyway.

        A backend that is away for a moment stops no night: it is looked for again.
        """
        if wave not in await self.waves_ahead():
            return Outlook()
        for pause_s in LOOKED_FOR_AGAIN_S:
            if not (seen := await self.look([wave], Depth())).is_away:
                return seen
            await asyncio.sleep(pause_s)
        return await self.look([wave], Depth())

    async def waves_ahead(self) -> list[int]:
        """The waves that have somebody left to be moved."""
        untouched = await self._untouched()
        return [w.number for w in self._plan.waves if any(s.identity in untouched for s in w.stations)]

    async def facts(self, waves: Collection[int], depth: Depth, *, closely: Collection[int] | None = None) -> Facts:
        stations = await self._wired.journal.stations()
        prospects = await self._prospects(waves, stations)
        near = await self._prospects(waves if closely is None else closely, stations)
        firmware = await firmware_ahead(self._wired, prospects, stations)
        found = Facts(
            at=self._wired.clock.now(),
            ends_at=self._ends_at(),
            prospects=prospects,
            begun=sum(w.size for w in self._plan.waves if w.number in waves) - len(prospects),
            everyone=tuple(stations),
            root=self._root,
            host=await asyncio.to_thread(self._host),
            known=self._known(),
            known_from=self._settings.checks.known.name if self._settings.checks.known else "",
            longest_identity=self._settings.checks.longest_identity,
            secrets=shapes_of(self._wired.vault, prospects),
            lacks=firmware.lacks | self._scout.lacks(prospects),
            loads=firmware.loads,
            rate_bytes_per_s=self._settings.firmware.rate,
            at_once=self._settings.firmware.at_once,
            idle_files=firmware.idle,
            last_on_source=self._settings.checks.last_on_source,
            first_on_target=self._settings.checks.first_on_target,
        )
        found = await self._with_backends(found) if depth.backends else found
        found = await self._with_stations(found, near) if depth.stations else found
        return await self._with_knocks(found, near) if depth.knocks else found

    # ── who ────────────────────────────────────────────────────────────────

    async def _untouched(self) -> set[str]:
        """Stations of which no attempt has begun: all others are on their way, there, or waiting for a person's word."""
        begun = {a.identity for a in await self._wired.journal.attempts() if not self._is_ahead(a)}
        return {s.identity for s in self._plan.stations} - begun

    def _is_ahead(self, newest: Attempt) -> bool:
        if newest.state in (State.PLANNED, State.DEFERRED):
            return True
        is_over = newest.is_ended or (newest.direction is Direction.BACK and newest.state is State.SETTLED)
        return is_over and newest.fingerprint != self._plan.fingerprint

    async def _prospects(self, waves: Collection[int], stations: Sequence[Station]) -> tuple[Prospect, ...]:
        known, untouched = {s.identity: s for s in stations}, await self._untouched()
        planned = (s for w in self._plan.waves if w.number in waves for s in w.stations)
        return tuple(
            Prospect(
                station=station,
                method=spot.method,
                profile=self._wired.catalogue.get(spot.profile) if spot.profile else None,
                source=_address(self._settings, Side.SOURCE, station),
                target=_address(self._settings, Side.TARGET, station),
            )
            for spot in planned
            if spot.identity in untouched and (station := known.get(spot.identity)) is not None
        )

    def _ends_at(self) -> datetime:
        policy, now = self._settings.policy, self._wired.clock.now()
        end = projected_finish(self._plan, policy, now) or now
        if policy.legacy_switch_off is not None:
            last = datetime.combine(policy.legacy_switch_off + timedelta(days=1), time(0), tzinfo=UTC)
            end = max(end, last + policy.gate.soak)
        return end.astimezone(UTC)

    # ── what lies here ─────────────────────────────────────────────────────

    @property
    def _root(self) -> str:
        root = self._settings.target.root
        return files.fingerprint(root) if root is not None else ""

    @property
    def _scout(self) -> Scout:
        return Scout(self._ports, root=self._root, in_sight=self._is_listening)

    def _host(self) -> HostSight:
        """Ports are looked at only while nobody of this campaign holds them."""
        free = shutil.disk_usage(self._settings.folder).free
        wanted = {f"{side.value}.relay.listen": self._settings.side(side).relay for side in Side}
        taken = {
            key: why
            for key, relay in wanted.items()
            if not self._is_listening and (why := holder(relay.host, relay.port))
        }
        return HostSight(free_bytes=free, taken=taken, stale_lists=stale_lists(self._settings))

    def _known(self) -> frozenset[str] | None:
        path = self._settings.checks.known
        if path is None:
            return None
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsProblem(
                f"target.known: {path} cannot be read: {error}.", hint="One identity to a line, as UTF-8."
            ) from error
        return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))

    # ── backends ───────────────────────────────────────────────────────────

    async def _with_backends(self, facts: Facts) -> Facts:
        upstreams = {s: u for s in Side if (u := self._settings.side(s).relay.upstream) is not None}
        targets = sorted({p.target for p in facts.prospects if p.is_remote}, key=str)
        sources = sorted({p.source for p in facts.prospects if p.is_remote and p.source.is_tls}, key=str)
        addresses = [*upstreams.values(), *targets, *sources]
        anchors = self._anchors() if any(one.is_tls for one in addresses) else Anchors()
        self._tell("backends", 0, len(addresses))
        looked = await asyncio.gather(*(doorstep.look(one, anchors) for one in addresses))
        self._tell("backends", len(addresses), len(addresses))
        after = len(upstreams) + len(targets)
        return replace(
            facts,
            upstreams=dict(zip(upstreams, looked, strict=False)),
            targets=tuple(self._ours(one, Side.TARGET, anchors) for one in looked[len(upstreams) : after]),
            sources=tuple(self._ours(one, Side.SOURCE, anchors) for one in looked[after:]),
            test_knock=await self._test_knocks(facts),
        )

    def _ours(self, found: Doorstep, side: Side, anchors: Anchors) -> Doorstep:
        """While the relay is not up, an address that leads to it is silent; its certificate can be read all the same."""
        if not found.failure or self._is_listening:
            return found
        certificates = self._settings.side(side).relay.certificates
        if not found.backend.is_tls or not certificates:
            return replace(found, is_ours=True)
        chains = [files.read_chain(path, where=f"{side.value}.relay.certificate") for path in certificates]
        return replace(found, is_ours=True, tls=sight_of_files(chains, anchors))

    def _anchors(self) -> Anchors:
        settings = self._settings
        named = {
            "target.root": settings.target.root,
            **{f"{s.value}.relay.upstream_ca": settings.side(s).relay.upstream_ca for s in Side},
        }
        chains = (files.read_chain(path, where=where) for where, path in named.items() if path is not None)
        return Anchors(public=public_roots(), named=tuple(one for chain in chains for one in chain))

    async def _test_knocks(self, facts: Facts) -> tuple[Knock, ...]:
        """With the identity that was set aside for it, once in each dialect of these stations."""
        name, knocker = self._settings.checks.knock_as, self._knocker()
        if name is None or knocker is None:
            return ()
        dialects = sorted({p.station.ocpp_version for p in facts.prospects if p.is_remote})
        return tuple([await knocker.knock(name, dialect) for dialect in dialects])

    def _knocker(self) -> knock.Knocker | None:
        """At the CSMS itself: through the relay it would look like an arrival."""
        relay = self._settings.target.relay
        if relay.upstream is None:
            return None
        tls = upstream_context(ca=relay.upstream_ca, where="target.relay") if relay.upstream.is_tls else None
        return knock.Knocker(relay.upstream, tls)

    # ── stations ───────────────────────────────────────────────────────────

    async def _with_stations(self, facts: Facts, near: Sequence[Prospect]) -> Facts:
        total = sum(p.is_remote for p in near)
        self._tell("stations", 0, total)
        seen: Scouted = await self._scout.look(near, lambda done: self._tell("stations", done, total))
        return replace(facts, unreached=seen.unreached, unfit=seen.unfit, dialects=seen.dialects)

    async def _with_knocks(self, facts: Facts, near: Sequence[Prospect]) -> Facts:
        """One after the other, and never as a station that is on the target."""
        knocker = self._knocker()
        if knocker is None or not self._is_listening:
            return facts
        knocks: dict[str, Knock] = {}
        for done, prospect in enumerate(near):
            self._tell("knocks", done, len(near))
            presence = await self._ports.witness.presence(prospect.identity)
            if Side.TARGET in presence.seen and presence.on(Side.TARGET) is None:
                knocks[prospect.identity] = await knocker.knock(prospect.new_name, prospect.station.ocpp_version)
                await asyncio.sleep(1 / KNOCKS_PER_S)
        self._tell("knocks", len(near), len(near))
        return replace(facts, knocks=knocks)


def _address(settings: Settings, side: Side, station: Station) -> Backend:
    told = settings.side(side)
    return address_for(station, told.url, takes_both=told.relay.takes_plain)
