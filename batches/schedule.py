"""Who may be in flight beside whom.

Caps bound how many stations are disturbed at once: over everything, of one
model, on one site, behind one APN.  :class:`Admission` keeps the count for a
running process and lets stations start in plan order, passing over those
whose place is taken; the journal checks the same caps again, over all
processes, when the intent is stored (:func:`permits`).  :func:`floor_s` plays
a whole plan through the same bookkeeping: the time no conductor can beat.
It starts nothing and knows no station, only places.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from migrate.domain.policy import Caps
from migrate.domain.profile import Method
from migrate.domain.record import Permit
from migrate.domain.wave import PlannedStation

GLOBAL = "global"


def model_of(kind: str) -> str:
    """Vendor and model of a kind, of any firmware."""
    return kind.rpartition("|")[0]


def site_limits(stations: Iterable[PlannedStation], caps: Caps) -> dict[str, int]:
    """How many stations of each site may be in flight at once.

    The share is of the site's connectors, because those are what drivers
    miss; where stations differ, the largest stands for all, so that the share
    is never exceeded.  A site always may have one.
    """
    total: Counter[str] = Counter()
    largest: dict[str, int] = {}
    for station in stations:
        connectors = max(1, station.connectors)
        total[station.site] += connectors
        largest[station.site] = max(connectors, largest.get(station.site, 1))
    share = caps.per_site_share.exact
    return {site: max(1, int(share * total[site]) // largest[site]) for site in total}


def permits(station: PlannedStation, caps: Caps, limits: Mapping[str, int]) -> tuple[Permit, ...]:
    """The places that a station takes while it is in flight.  ``limits`` comes from :func:`site_limits`."""
    places = [
        Permit(scope=GLOBAL, limit=caps.stations),
        Permit(scope=f"model:{model_of(station.kind)}", limit=caps.per_model),
        Permit(scope=f"site:{station.site}", limit=limits.get(station.site, 1)),
    ]
    if station.apn:
        places.append(Permit(scope=f"apn:{station.apn}", limit=caps.per_apn))
    if station.method is Method.FIRMWARE:
        places.append(Permit(scope=f"firmware:{_bandwidth(station, caps)}", limit=caps.loading))
    return tuple(places)


def _bandwidth(station: PlannedStation, caps: Caps) -> str:
    """Whose bandwidth it shares: who waits for a line that others fill does so before anything is begun at it."""
    return f"apn:{station.apn}" if station.apn and not caps.loading_by_site else f"site:{station.site}"


class Admission:
    """Lets stations start, first come first served, as places become free.

    ``offer`` puts stations in line, ``admit`` takes those that may start now,
    ``release`` gives a station's places back.  A station whose place is taken
    does not hold up those behind it.  Those that wait stand in line before
    the scope that stopped them, so that a release costs the same whether ten
    or ten thousand are waiting.
    """

    def __init__(self, caps: Caps, limits: Mapping[str, int]) -> None:
        self._caps = caps
        self._limits = limits
        self._turn = count()
        self._taken: Counter[str] = Counter()
        self._flying: dict[str, tuple[Permit, ...]] = {}
        self._waiting: dict[str, tuple[int, PlannedStation]] = {}
        self._ready: list[tuple[int, str, str]] = []  # turn, identity, the scope whose line it comes from
        self._lines: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)

    @property
    def in_flight(self) -> frozenset[str]:
        return frozenset(self._flying)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, stations: Iterable[PlannedStation]) -> None:
        """Put stations in line, in plan order, behind those offered before.  One in line or in flight is passed over."""
        for station in stations:
            if station.identity not in self._waiting and station.identity not in self._flying:
                turn = next(self._turn)
                self._waiting[station.identity] = (turn, station)
                heapq.heappush(self._ready, (turn, station.identity, ""))

    def withdraw(self, identity: str) -> None:
        """Take a station out of the line.  Its places, if it is in flight, are not touched."""
        self._waiting.pop(identity, None)

    def admit(self) -> tuple[PlannedStation, ...]:
        """The stations that may start now.  Their places are taken when this returns."""
        started: list[PlannedStation] = []
        while self._ready and self._taken[GLOBAL] < self._caps.stations:
            turn, identity, line = heapq.heappop(self._ready)
            queued_at, station = self._waiting.get(identity, (None, None))
            if station is not None and queued_at == turn:  # else it was withdrawn
                full = self._start(station)
                if full is None:
                    started.append(station)
                else:
                    heapq.heappush(self._lines[full], (turn, identity))
                    if full == line:
                        continue  # its scope is still full: nobody behind it can start either
            self._call_next(line)
        return tuple(started)

    def release(self, identity: str) -> None:
        """Give back the places of a station that is no longer in flight.  Unknown ones are no error: a release may repeat."""
        for permit in self._flying.pop(identity, ()):
            self._taken[permit.scope] -= 1
            if not self._taken[permit.scope]:
                del self._taken[permit.scope]
            self._call_next(permit.scope)

    def _start(self, station: PlannedStation) -> str | None:
        """Take the places of a station; or take none and name the first scope that is full."""
        places = permits(station, self._caps, self._limits)
        full = next((p.scope for p in places if self._taken[p.scope] >= p.limit), None)
        if full is None:
            del self._waiting[station.identity]
            self._flying[station.identity] = places
            self._taken.update(p.scope for p in places)
        return full

    def _call_next(self, scope: str) -> None:
        """Let the first in a scope's line try again.  It passes the call on when it is done with it."""
        if line := self._lines.get(scope):
            turn, identity = heapq.heappop(line)
            heapq.heappush(self._ready, (turn, identity, scope))
            if not line:
                del self._lines[scope]


def floor_s(waves: Iterable[Sequence[PlannedStation]], durations: Mapping[str, float], caps: Caps) -> float:
    """The greedy first-in-first-out list schedule of drawn station times: seconds, summed over the waves.

    A station without a duration (a visit) takes no place.
    """
    waves = [tuple(s for s in wave if s.identity in durations) for wave in waves]
    limits = site_limits((s for wave in waves for s in wave), caps)
    return sum(_makespan_s(wave, durations, Admission(caps, limits)) for wave in waves)


def _makespan_s(stations: Sequence[PlannedStation], durations: Mapping[str, float], admission: Admission) -> float:
    now, ends = 0.0, [(0.0, "")]
    admission.offer(stations)
    while ends:
        now = ends[0][0]
        while ends and ends[0][0] <= now:
            admission.release(heapq.heappop(ends)[1])
        for station in admission.admit():
            heapq.heappush(ends, (now + durations[station.identity], station.identity))
    return now
