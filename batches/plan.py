"""The plan: which station moves in which wave.

Every station of the inventory ends in exactly one place, a wave or the list
of the excluded with its reason.  Wave 0 is the canary and holds a few of every
profile; the waves after it grow.  The same inventory, catalogue, policy and
version always give the same plan, in whatever order the rows came, and the
fingerprint binds the plan to all four.  This module draws no lots, reads no
clock and touches nobody; what is doubtful about a plan is said by
``batches.findings``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, time, timedelta
from itertools import chain, pairwise, repeat
from typing import Any

from batches.schedule import site_limits
from migrate.domain.changes import FOR_PEOPLE
from migrate.domain.counted import counted
from migrate.domain.errors import PlanProblem
from migrate.domain.policy import Caps, Policy, Share, Size, WavePolicy
from migrate.domain.profile import Method, Profile, Rollback
from migrate.domain.station import Lifecycle, Station
from migrate.domain.wave import Excluded, Plan, PlannedStation, Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The profile that fits a station, or why none does."""

    profile: Profile | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A plannable station with its place in the queue for waves."""

    station: Station
    planned: PlannedStation  # wave and batch not yet set
    rank: str  # an arbitrary, repeatable order
    position: float = 0.0  # 0 to 1 through its kind


def make_plan(
    stations: Iterable[Station],
    fit: Callable[[Station], Fit],
    policy: Policy,
    *,
    catalogue_digest: str,
    version: str,
    addresses: Sequence[str] = (),
    seed: str = "",
) -> Plan:
    """Deal an inventory into waves.

    A station that no profile fits is planned as a visit, without a profile.
    Visits are dealt like all others, canary included, so that the crews' way
    is rehearsed too.  ``addresses`` are where stations come from and go to:
    an approval holds for one target only.  Raises ``PlanProblem`` when an
    identity comes twice.
    """
    inventory = _in_order(stations)
    excluded = [Excluded(identity=s.identity, reason=why) for s in inventory if (why := _why_not(s))]
    candidates = _queue([s for s in inventory if not _why_not(s)], fit, seed)
    dealer = _Dealer(candidates, policy.waves, policy.caps)
    waves = tuple(dealer.deal())
    excluded += dealer.left_over(len(waves))
    plan = Plan(fingerprint="", waves=waves, excluded=tuple(sorted(excluded, key=lambda e: e.identity)))
    parts = [
        version,
        catalogue_digest,
        seed,
        list(addresses),
        *_covered(policy),
        *map(_as_planned, inventory),
        *plan.stations,
        *plan.excluded,
    ]
    return replace(plan, fingerprint=_fingerprint(parts))


def _as_planned(station: Station) -> Station:
    """A station without what is for people only: another telephone number makes no plan stale."""
    return replace(station, **_FOR_NOBODY) if any(getattr(station, name) for name in FOR_PEOPLE) else station


_FOR_NOBODY: dict[str, Any] = {field.name: field.default for field in fields(Station) if field.name in FOR_PEOPLE}


def is_stale(plan: Plan, recomputed: Plan) -> bool:
    """Whether inventory, profiles, policy, addresses or version have changed since a plan was made."""
    return plan.fingerprint != recomputed.fingerprint


def _in_order(stations: Iterable[Station]) -> list[Station]:
    inventory = sorted(stations, key=lambda s: s.identity)
    twice = sorted({a.identity for a, b in pairwise(inventory) if a.identity == b.identity})
    if twice:
        raise PlanProblem(
            f"{len(twice)} identities come more than once, the first is {twice[0]!r}.",
            hint="See `migrate inventory check`.",
        )
    return inventory


def _why_not(station: Station) -> str:
    if not station.lifecycle.is_plannable:
        return f"lifecycle {station.lifecycle.value}"
    if station.hold.strip():
        return f"hold: {station.hold.strip()}"
    if station.wave is not None and station.wave < 0:
        return f"pinned to wave {station.wave}, the first wave is 0"
    return ""


def _queue(stations: Sequence[Station], fit: Callable[[Station], Fit], seed: str) -> list[_Candidate]:
    """The stations, so mixed that every stretch of the queue holds each kind in proportion."""
    kinds: defaultdict[str, list[_Candidate]] = defaultdict(list)
    for station in stations:
        planned = _placed(station, fit(station).profile)
        rank = _rank(seed, station.identity)
        kinds[planned.kind].append(_Candidate(station=station, planned=planned, rank=rank))
    mixed = []
    for kind, members in kinds.items():
        members.sort(key=lambda c: c.rank)
        offset = int(_rank(seed, kind)[:8], 16) / 2**32
        mixed += [replace(c, position=(i + offset) / len(members)) for i, c in enumerate(members)]
    return sorted(mixed, key=lambda c: (c.position, c.rank))


def _placed(station: Station, profile: Profile | None) -> PlannedStation:
    return PlannedStation(
        identity=station.identity,
        wave=-1,
        batch=0,
        profile=profile.name if profile else "",
        method=profile.method if profile else Method.VISIT,
        rollback=profile.rollback if profile else Rollback.VISIT,
        site=station.site,
        kind=station.kind,
        connectors=station.connectors,
        apn=station.apn,
        timezone=station.timezone,
    )


def _rank(seed: str, name: str) -> str:
    return hashlib.sha256(json.dumps([seed, name]).encode()).hexdigest()


class _Dealer:
    """Takes stations off the queue, wave by wave."""

    def __init__(self, queue: Sequence[_Candidate], policy: WavePolicy, caps: Caps) -> None:
        self._policy = policy
        self._free = [c for c in queue if c.station.wave is None]
        self._pinned: defaultdict[int, list[_Candidate]] = defaultdict(list)
        for candidate in queue:
            if candidate.station.wave is not None:
                self._pinned[candidate.station.wave].append(candidate)
        self._all = len(queue)
        self._limits = site_limits((c.planned for c in queue), caps)

    def deal(self) -> Iterator[Wave]:
        """Wave after wave until nobody is left who may go into the next one."""
        before = 0
        rests = repeat((None, "the sizes end before all stations are placed: what remains is this wave"))
        sizes = chain(((size, "") for size in (0, *self._policy.sizes)), rests)
        for number, (size, note) in enumerate(sizes):
            members, notes = self._wave(number, size, before) if number else self._canary()
            if not members:
                return
            notes[:0] = [note] if note else []
            before = len(members)
            yield _wave(number, members, notes, self._policy.batch_size)

    def left_over(self, waves: int) -> list[Excluded]:
        """Stations pinned to a wave that did not come about."""
        last = f"the waves end with {waves - 1}" if waves else "no station is left for wave 0"
        return [
            Excluded(identity=c.planned.identity, reason=f"pinned to wave {number}, but {last}")
            for number, members in self._pinned.items()
            for c in members
        ]

    def _wave(self, number: int, size: Size, before: int) -> tuple[list[_Candidate], list[str]]:
        pinned, notes = self._pinned.pop(number, []), list[str]()
        if not pinned and not self._free:
            return [], []
        asked = _asked(size, self._all)
        if asked < before:
            notes.append(f"raised from {asked} to {before}: never smaller than the wave before")
        members = self._filled(pinned, max(asked, before), notes)
        if len(members) < before:
            notes.append(f"{counted(len(members), 'station')}, fewer than the wave before: no others are left")
        return members, notes

    def _canary(self) -> tuple[list[_Candidate], list[str]]:
        """A few of every profile: of different kinds, then sites, stations in service first."""
        chosen = self._pinned.pop(0, [])
        profiles: defaultdict[str, list[_Candidate]] = defaultdict(list)
        for candidate in self._free:
            profiles[candidate.planned.profile].append(candidate)
        for name in sorted(profiles):
            held = sum(c.planned.profile == name for c in chosen)
            chosen += _varied(profiles[name], max(1, self._policy.canary_per_profile) - held, chosen)
        self._take(chosen)
        elsewhere = {c.planned.profile for members in self._pinned.values() for c in members}
        missing = sorted(elsewhere - {c.planned.profile for c in chosen})
        return chosen, [
            f"no canary of {name or 'the unmatched'}: all of them are pinned to later waves" for name in missing
        ]

    def _filled(self, pinned: list[_Candidate], target: int, notes: list[str]) -> list[_Candidate]:
        """The pinned, then the queue: within the site share first, beyond it only when the wave would stay short."""
        sites = Counter(c.planned.site for c in pinned)
        members, passed_over = list(pinned), list[_Candidate]()
        for candidate in self._free:
            if len(members) >= target:
                break
            if sites[candidate.planned.site] < self._limits[candidate.planned.site]:
                sites[candidate.planned.site] += 1
                members.append(candidate)
            else:
                passed_over.append(candidate)
        beyond = passed_over[: max(0, target - len(members))]
        if beyond and len(members) + len(beyond) < len(pinned) + len(self._free):
            count = len({c.planned.site for c in beyond})
            notes.append(
                f"the share of {counted(count, 'site')} is exceeded: no other stations are left to fill the wave"
            )
        members += beyond
        self._take(members)
        return members

    def _take(self, members: Iterable[_Candidate]) -> None:
        taken = {c.planned.identity for c in members}
        self._free = [c for c in self._free if c.planned.identity not in taken]


def _asked(size: Size, plannable: int) -> int:
    """How many stations a size means: a share is rounded up, so that shares that add up to 100 % leave nobody out."""
    if isinstance(size, Share):
        return max(1, math.ceil(size.exact * plannable))
    return plannable if size is None else max(1, size)


def _varied(candidates: Sequence[_Candidate], wanted: int, beside: Sequence[_Candidate]) -> list[_Candidate]:
    """So many of the candidates, each as unlike those already chosen as can be."""
    kinds, sites = Counter(c.planned.kind for c in beside), Counter(c.planned.site for c in beside)
    left, chosen = list(candidates), list[_Candidate]()
    while left and len(chosen) < wanted:
        best = min(
            left,
            key=lambda c: (
                c.station.lifecycle is not Lifecycle.IN_SERVICE,
                kinds[c.planned.kind],
                sites[c.planned.site],
                c.rank,
            ),
        )
        left.remove(best)
        chosen.append(best)
        kinds[best.planned.kind] += 1
        sites[best.planned.site] += 1
    return chosen


def _wave(number: int, members: Sequence[_Candidate], notes: Sequence[str], batch_size: int) -> Wave:
    placed = (
        replace(c.planned, wave=number, batch=index // max(1, batch_size) + 1)
        for index, c in enumerate(sorted(members, key=lambda c: (c.position, c.rank)))
    )
    return Wave(number=number, stations=tuple(placed), notes=tuple(notes))


def _covered(policy: Policy) -> tuple[Any, ...]:
    """The parts of a policy that a committee approves.  The other caps and the timeouts may change in the night."""
    site_share = policy.caps.per_site_share
    return (policy.waves, site_share, policy.gate, policy.windows, policy.retries, policy.legacy_switch_off)


def _fingerprint(parts: Iterable[Any]) -> str:
    """One hash over what a plan was computed from and over what was decided."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(_plain(part)).encode() + b"\n")
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """A domain value as JSON can write it, field by field in the order of its class."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "__dataclass_fields__"):
        return [_plain(getattr(value, f.name)) for f in fields(value)]
    return value
