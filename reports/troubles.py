"""What did not go by itself: who waits for a person, what failed, what was put off, what cannot be undone.

Parts of the progress document.  Each is counted from the standing, or from
what the journal tells of the way; nothing here is judged.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from migrate.domain.attempt import ENDS, NEEDS_A_PERSON, State
from migrate.domain.wave import Standing, StationStanding
from reports.decisions import OLD
from reports.journeys import Journeys
from reports.redaction import redact
from reports.times import stamp_or_none
from reports.words import command

_SETBACKS, _RARE = 20, "other reasons, each rarer"
_LEFT = frozenset(
    {State.RESTARTING, State.DEPARTED, State.ARRIVED, State.CONFIRMED, State.SETTLED, State.REVERTED, State.LOST}
)


def away(told: Journeys) -> dict[str, Any]:
    """How long stations were on neither side before they were confirmed: hours nobody could charge by the book."""
    seconds = sorted(told.away_s)
    return {
        "departures": len(seconds),
        "median_s": round(float(np.percentile(seconds, 50)), 1) if seconds else None,
        "p95_s": round(float(np.percentile(seconds, 95)), 1) if seconds else None,
        "longest_s": round(seconds[-1], 1) if seconds else None,
        "total_s": round(sum(seconds), 1),
    }


def rollbacks(told: Journeys) -> dict[str, int]:
    """Rollbacks by order; what came back without one is told by the rate."""
    ids, stands = told.ordered_back, told.back_states
    now = Counter(stands.get(one, State.PLANNED.value) for one in ids)
    settled, failed = now[State.SETTLED.value], sum(now[state.value] for state in ENDS)
    people = now[State.STUCK.value] + now[State.LOST.value]
    return {
        "ordered": len(ids),
        "settled": settled,
        "failed": failed,
        "stuck_or_lost": people,
        "under_way": len(ids) - settled - failed - people,
    }


def one_way(stations: Iterable[StationStanding], told: Journeys) -> dict[str, Any]:
    """Steps that the source cannot undo: planned, and taken, which is a restart into the new address or beyond."""
    planned: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for s in stations:
        if s.rollback is not None and s.rollback.is_one_way:
            planned[s.rollback.value] += 1
            taken[s.rollback.value] += s.state in _LEFT or s.identity in told.left
    by_class = [{"rollback": name, "stations": n, "taken": taken[name]} for name, n in sorted(planned.items())]
    return {"stations": planned.total(), "taken": taken.total(), "by_class": by_class}


def unknown(standing: Standing) -> dict[str, Any]:
    """Stations that nobody sees: how many, and how many of them for longer than a day."""
    since = [s.updated_at for s in standing.stations if s.state is State.LOST and s.updated_at]
    return {
        "stations": standing.totals.get(State.LOST, 0),
        "over_24h": sum(standing.at - at > OLD for at in since),
        "oldest_since": stamp_or_none(min(since, default=None)),
    }


def needs_person(standing: Standing) -> list[dict[str, Any]]:
    """The lost before the stuck, and those who wait longest first."""
    found = [s for s in standing.stations if s.state in NEEDS_A_PERSON]
    found.sort(key=lambda s: (s.state is not State.LOST, s.updated_at or standing.at, s.identity))
    return [_person(s) for s in found]


def _person(station: StationStanding) -> dict[str, Any]:
    return {
        "identity": station.identity,
        "state": station.state.value,
        "wave": station.wave,
        "profile": station.profile or None,
        "device": " ".join(filter(None, (station.vendor, station.model, station.firmware))),
        "site": station.site,
        "evidence": station.evidence,
        "reason": redact(station.reason, keep=station.identity),
        "since": stamp_or_none(station.updated_at),
        "command": command("explain", station.identity),
    }


def setbacks(stations: Iterable[StationStanding]) -> list[dict[str, Any]]:
    """What failed or came back, by profile and reason, most frequent first; the rare ones together, so that the sum holds."""
    groups = Counter(
        (s.state.value, s.profile, _common(s)) for s in stations if s.state in (State.FAILED, State.REVERTED)
    )
    ranked = sorted(groups.items(), key=lambda group: (-group[1], group[0]))
    rest = Counter[str]()
    for (state, _, _), number in ranked[_SETBACKS:]:
        rest[state] += number
    shown = [*ranked[:_SETBACKS], *(((state, "", _RARE), number) for state, number in sorted(rest.items()))]
    return [
        {"state": state, "profile": profile or None, "reason": reason, "stations": number}
        for (state, profile, reason), number in shown
    ]


def _common(station: StationStanding) -> str:
    """A reason without the station's own name, so that what befell many is told once: ``the station refused …``."""
    reason = redact(station.reason, keep=station.identity)
    if station.identity not in reason:
        return reason
    own = rf"(?<![\w-]){re.escape(station.identity)}(?![\w-])"
    return re.sub(own, lambda found: "the station" if found.start() else "The station", reason)


def deferrals(stations: Iterable[StationStanding]) -> list[dict[str, Any]]:
    """What was put off, by reason, with the next due time where there is one."""
    groups: dict[str, list[datetime | None]] = defaultdict(list)
    for s in stations:
        if s.state is State.DEFERRED:
            name = s.deferral.value if s.deferral else _common(s) or "no reason on record"
            groups[name].append(s.due_at)
    return [
        {"reason": name, "stations": len(due), "next_due_at": stamp_or_none(min(filter(None, due), default=None))}
        for name, due in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ]
