"""What should be known about a plan before anyone is touched.

A plan is deterministic and may still be unwise: one-way steps, stations that
nobody has a profile for, windows that never open, a switch-off date that the
pace cannot meet.  Findings say so, each with a count and the first stations it
is about.  What is found of backends and stations themselves: ``outlook``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from batches.window import closes_at, find_zone, next_opening
from migrate.domain.counted import who_does
from migrate.domain.policy import Policy
from migrate.domain.profile import Method
from migrate.domain.wave import Plan, PlannedStation, Wave

_STATION_TAKES = timedelta(
    minutes=5
)  # an ordinary restart with its checks and its boot: an assumption, said where used
_MOST_OPENINGS = 5_000  # more nights than any campaign has


class Severity(StrEnum):
    STOP = "stop"  # nobody is touched before it is mended
    EXCLUDE = "exclude"  # these stations are left out until it is mended
    WARNING = "warning"  # approve only knowingly
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know; ``hint`` is what to do about it."""

    code: str
    severity: Severity
    text: str
    count: int = 0
    identities: tuple[str, ...] = ()  # all that it is about, in plan order
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One station whose place changed between two plans.  ``""``: it was, or is, not in the plan at all."""

    identity: str
    before: str
    after: str


def findings(plan: Plan, policy: Policy, *, at: datetime, unproven: Collection[str] = ()) -> tuple[Finding, ...]:
    """Everything worth knowing before approval, the gravest first.

    ``at`` is when the first wave could start, ``unproven`` names the profiles
    that may go with the canary and no further (``batches.checks.unproven``).
    """
    found = [
        *_never_open(plan, policy, at),
        *_switch_off(plan, policy, at),
        *_one_way(plan),
        *_by_hand(plan),
        *_unproven(plan, unproven),
        *_notes(plan),
    ]
    return by_gravity(found)


def by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first, those of one severity in their order."""
    return tuple(sorted(found, key=lambda f: list(Severity).index(f.severity)))


def difference(before: Plan, after: Plan) -> tuple[Difference, ...]:
    """Which stations moved between waves, methods or out of the plan, in order of identity."""
    old, new = _places(before), _places(after)
    return tuple(
        Difference(identity=i, before=old.get(i, ""), after=new.get(i, ""))
        for i in sorted(old.keys() | new.keys())
        if old.get(i) != new.get(i)
    )


def projected_finish(plan: Plan, policy: Policy, at: datetime) -> datetime | None:
    """When the last wave could have soaked at best, in the campaign's own time zone; ``None`` when never.

    Every station is taken to need five minutes, every approval to be given
    at once: the true end is later.
    """
    now: datetime | None = at
    for wave in plan.waves:
        now = _worked_off(_needed(wave, policy), policy, now)
        if now is None:
            return None
        now += policy.gate.soak
    return now


def _needed(wave: Wave, policy: Policy) -> timedelta:
    stations = sum(s.method is not Method.VISIT for s in wave.stations)
    return math.ceil(stations / max(1, policy.caps.stations)) * _STATION_TAKES


def _worked_off(needed: timedelta, policy: Policy, now: datetime | None) -> datetime | None:
    for _ in range(_MOST_OPENINGS):
        if now is None or needed <= timedelta(0):
            return now
        now = next_opening(policy.windows, "", now)
        if now is None:
            return None
        until = closes_at(policy.windows, "", now)
        if until is None or until - now >= needed:
            return now + needed
        now, needed = until, needed - (until - now)
    return None


def _never_open(plan: Plan, policy: Policy, at: datetime) -> Iterator[Finding]:
    zones = dict.fromkeys(s.timezone for s in plan.stations)
    unknown = {z for z in zones if find_zone(policy.windows, z) is None}
    shut = {z for z in zones if z not in unknown and next_opening(policy.windows, z, at) is None}
    if lost := [s for s in plan.stations if s.timezone in unknown]:
        names = ", ".join(sorted({s.timezone or policy.windows.timezone for s in lost}))
        text = (
            f"{who_does(len(lost), 'station', 'are')} in a time zone that nobody knows ({names}): no window opens there"
        )
        yield _about("unknown-timezone", Severity.EXCLUDE, text, lost)
    if never := [s for s in plan.stations if s.timezone in shut]:
        text = f"{who_does(len(never), 'station', 'have')} a window that never opens; see [windows] in campaign.toml"
        yield _about("never-open", Severity.EXCLUDE, text, never)


def _switch_off(plan: Plan, policy: Policy, at: datetime) -> Iterator[Finding]:
    if policy.legacy_switch_off is None or not plan.waves:
        return
    zone = find_zone(policy.windows, "") or UTC
    last = datetime.combine(policy.legacy_switch_off, time(0), tzinfo=zone)
    end = projected_finish(plan, policy, at)
    if end is not None and end < last:
        return
    when = f"not before {end.astimezone(zone):%Y-%m-%d %H:%M}" if end else "never"
    yield _about(
        "switch-off-too-near",
        Severity.WARNING,
        f"the source is switched off on {policy.legacy_switch_off}, and this plan ends {when}, even with every "
        f"approval given at once and {_STATION_TAKES.seconds // 60} minutes per station",
        plan.stations,
    )


def _one_way(plan: Plan) -> Iterator[Finding]:
    """How many steps no CSMS can take back, and the sites where no other station stays while they are taken."""
    one_way = [s for s in plan.stations if s.rollback.is_one_way]
    if not one_way:
        return
    kinds = Counter(s.rollback.value for s in one_way)
    by_crew = sum(s.method is Method.VISIT for s in one_way)
    text = f"{who_does(len(one_way), 'station', 'are')} one-way ({_listed(kinds)}; by a crew on site: {by_crew})"
    yield _about("one-way", Severity.WARNING, text, one_way)
    remote = [s for s in one_way if s.method is not Method.VISIT]
    all_of = Counter(s.site for s in plan.stations)
    sites = Counter(s.site for s in remote)
    whole = {site for site, count in sites.items() if count == all_of[site] and count > 1}
    if whole:
        text = (
            f"{who_does(len(whole), 'site', 'hold')} only stations that leave one-way without a crew: "
            "a bad move could close a whole site"
        )
        yield _about("one-way-site", Severity.WARNING, text, [s for s in remote if s.site in whole])


def _by_hand(plan: Plan) -> Iterator[Finding]:
    if unmatched := [s for s in plan.stations if not s.profile]:
        text = f"{who_does(len(unmatched), 'station', 'fit')} no profile: planned as a visit; see `migrate inventory census`"
        yield _about("unmatched", Severity.WARNING, text, unmatched)
    if visits := [s for s in plan.stations if s.profile and s.method is Method.VISIT]:
        yield _about("visits", Severity.NOTE, f"{who_does(len(visits), 'station', 'need')} a crew by profile", visits)


def _unproven(plan: Plan, names: Collection[str]) -> Iterator[Finding]:
    if held := [s for s in plan.stations if s.wave > 0 and s.profile in names]:
        text = (
            f"{who_does(len(held), 'station', 'wait')} after wave 0; proven on no bench: "
            f"{', '.join(sorted({s.profile for s in held}))}; "
            "accept each with its reason under [profiles.accepted] in campaign.toml"
        )
        yield _about("unproven", Severity.WARNING, text, held)


def _notes(plan: Plan) -> Iterator[Finding]:
    for wave in plan.waves:
        for note in wave.notes:
            grave = Severity.WARNING if note.startswith("no canary") else Severity.NOTE
            yield Finding(code="wave", severity=grave, text=f"wave {wave.number}: {note}", count=wave.size)
    if plan.excluded:
        identities = tuple(e.identity for e in plan.excluded)
        text = f"{who_does(len(identities), 'station', 'are')} left alone; `migrate plan show` says why"
        yield Finding(code="excluded", severity=Severity.NOTE, text=text, count=len(identities), identities=identities)
    if not plan.waves:
        yield Finding(code="empty", severity=Severity.STOP, text="no station can be planned")


def _about(code: str, severity: Severity, text: str, stations: Sequence[PlannedStation]) -> Finding:
    identities = tuple(s.identity for s in stations)
    return Finding(code=code, severity=severity, text=text, count=len(identities), identities=identities)


def _places(plan: Plan) -> dict[str, str]:
    placed = {s.identity: f"wave {s.wave}, {s.profile or 'no profile'}, {s.method.value}" for s in plan.stations}
    return placed | {e.identity: f"excluded: {e.reason}" for e in plan.excluded}


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
