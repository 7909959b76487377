"""Looks at the stations of a wave before anybody is touched: reads, and writes nothing.

What a door cannot do without is said before anything is sent.  Then each
station is asked for the values that its unit is made of, on their own ways,
so that a slot that is not free or a key that is not there is known by day.
A station that is not connected is passed over: the night will see to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from batches.errand import Ports
from batches.prospects import Prospect
from migrate.domain.errors import CsmsUnavailable, InputProblem, Mismatch, NotAllowed, Refused, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.filling import Goal, prepare
from migrate.domain.profile import Profile
from migrate.domain.survey import Unreached
from migrate.domain.ways import FIRMWARE_KEY, Way
from migrate.ports import Door, Session

AT_ONCE = 50
Told = Callable[[int], None]

_THROUGH_THE_CSMS = (Way.OCPP, Way.CERTIFICATE)
"""A station that does not answer on these is busy or away, which the night may change."""


@dataclass(slots=True)
class Scouted:
    """What was found, by identity; as ``batches.prospects.Facts`` has it."""

    lacks: dict[str, str] = field(default_factory=dict)
    unreached: dict[str, Unreached] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)
    dialects: dict[str, str] = field(default_factory=dict)


def ways_of(profile: Profile) -> tuple[Way, ...]:
    """The ways beside OCPP that moving a station of this family takes."""
    ways = dict.fromkeys((*(write.via for write in profile.writes), profile.restart_via))
    return tuple(way for way in ways if way is not Way.OCPP)


class Scout:
    """Looks at stations through the same ports as a batch.

    ``root`` is the fingerprint of the root that is installed, if any;
    ``in_sight`` is false while nobody listens: then only ways that pass by the
    relays are tried.
    """

    def __init__(self, ports: Ports, *, root: str = "", in_sight: bool = True, at_once: int = AT_ONCE) -> None:
        self._ports = ports
        self._in_sight = in_sight
        self._root = root
        self._at_once = at_once

    def lacks(self, prospects: Sequence[Prospect]) -> dict[str, str]:
        """What the doors to these stations cannot do without; nothing is sent."""
        found = {}
        for prospect in prospects:
            if prospect.is_remote and prospect.profile is not None and (why := self._lacks(prospect, prospect.profile)):
                found[prospect.identity] = why
        return found

    def _lacks(self, prospect: Prospect, profile: Profile) -> str:
        for way in ways_of(profile):
            if way is Way.CERTIFICATE and not self._root:
                continue  # then no certificate is written
            try:
                self._door(prospect, profile, way)
            except (Mismatch, InputProblem, NotAllowed) as error:
                return error.message
        return ""

    def _door(self, prospect: Prospect, profile: Profile, way: Way) -> Door:
        if way is Way.OCPP:
            return self._ports.source
        if way not in self._ports.doors:
            raise Mismatch(
                f"{prospect.identity} is reached by {way.value}, for which this campaign is not set up.",
                identity=prospect.identity,
            )
        return self._ports.doors[way].to(prospect.station, profile, Side.SOURCE)

    async def look(self, prospects: Sequence[Prospect], told: Told, *, passing: Collection[str] = ()) -> Scouted:
        """Ask each station, so many at once; ``told`` hears how many are done, ``passing`` names those to leave alone."""
        found, places = Scouted(lacks=self.lacks(prospects)), asyncio.Semaphore(self._at_once)
        done = 0

        async def one(prospect: Prospect, profile: Profile) -> None:
            nonlocal done
            async with places:
                await self._look(prospect, profile, found)
            done += 1
            told(done)

        async with asyncio.TaskGroup() as group:
            for prospect in prospects:
                is_sound = prospect.is_remote and prospect.identity not in found.lacks
                if is_sound and prospect.profile is not None and prospect.identity not in passing:
                    group.create_task(one(prospect, prospect.profile))
        return found

    async def _look(self, prospect: Prospect, profile: Profile, found: Scouted) -> None:
        session = await self._session(prospect.identity)
        if session is not None:
            found.dialects[prospect.identity] = session.protocol
        holds: dict[str, str | None] = {}
        is_whole = True
        for way, keys in _by_way(profile).items():
            if way is Way.CERTIFICATE and not self._root:
                continue
            if session is None and way in _THROUGH_THE_CSMS:
                values = None
            else:
                values = await self._read(prospect, profile, way, keys, found)
            is_whole = is_whole and values is not None
            holds |= values or {}
        if is_whole:
            self._fill_in(prospect, profile, holds, found)

    async def _session(self, identity: str) -> Session | None:
        """Where nobody can see it, it is passed over like one that is away."""
        if not self._in_sight:
            return None
        try:
            return (await self._ports.witness.presence(identity)).on(Side.SOURCE)
        except CsmsUnavailable:
            return None

    def _fill_in(self, prospect: Prospect, profile: Profile, holds: Mapping[str, str | None], found: Scouted) -> None:
        try:
            prepare(profile, self._goal(prospect), holds)
        except (Mismatch, InputProblem) as error:
            found.unfit[prospect.identity] = error.message

    async def _read(
        self, prospect: Prospect, profile: Profile, way: Way, keys: Sequence[str], found: Scouted
    ) -> dict[str, str | None] | None:
        """What it holds of these keys; nothing where it cannot be had, which is noted."""
        if way is Way.FIRMWARE:
            said = await self._ports.journal.facts(prospect.identity, Side.SOURCE)
            return {FIRMWARE_KEY: said.firmware or prospect.station.firmware}
        try:
            door = self._door(prospect, profile, way)
            return dict(await door.read(prospect.identity, keys, max_keys=profile.quirks.max_keys))
        except CsmsUnavailable:
            return None  # nobody holds its socket any more: the night will see to it
        except (Mismatch, NotAllowed) as error:
            found.unfit[prospect.identity] = error.message
        except Refused as error:
            if way not in _THROUGH_THE_CSMS:
                found.unfit[prospect.identity] = error.message
        except Unreachable as error:
            if way not in _THROUGH_THE_CSMS:
                where = prospect.station.ip_address or way.value
                found.unreached[prospect.identity] = Unreached(way=way.value, where=where, why=error.message)
        return None

    def _goal(self, prospect: Prospect) -> Goal:
        station = prospect.station
        return Goal(
            backend=prospect.target,
            identity=prospect.new_name,
            was=station.identity_on(Side.SOURCE),
            apn=station.apn,
            root=self._root,
            security_profile=station.security_profile,
        )


def _by_way(profile: Profile) -> dict[Way, list[str]]:
    keys: dict[Way, list[str]] = {}
    for key in profile.reads:
        keys.setdefault(profile.way_of(key), []).append(key)
    return keys
