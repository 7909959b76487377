"""``migrate.plan/1``: a plan as a document, and as a table for people.

It writes down a plan exactly as it was made, with the counts that are read
before anyone approves: methods, rollback classes, one-way steps, sites.  It
plans nothing and judges nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from migrate.domain.bandwidth import Freight
from migrate.domain.counted import counted, who_does
from migrate.domain.profile import Method
from migrate.domain.record import Approval
from migrate.domain.wave import Plan, PlannedStation, Wave
from reports.words import display

_LONGEST = 5  # groups shown to a person
UNMATCHED = "unmatched"  # the word for "no profile" where a name is needed


def plan_document(
    plan: Plan,
    *,
    approvals: Iterable[Approval] = (),
    with_stations: bool = False,
    changes: Sequence[Mapping[str, str]] | None = None,
    freight: Sequence[Freight] = (),
) -> dict[str, Any]:
    """The whole plan.  ``with_stations`` adds one line per station, ``changes`` what an import has altered.

    ``freight`` adds what each group of stations has to load, and how long that
    takes at its byte-rate; where nothing is loaded nothing is added.
    """
    document: dict[str, Any] = {
        "schema": "migrate.plan/1",
        "fingerprint": plan.fingerprint,
        "approved_by": approved_by(plan, approvals),
        "waves": [_wave(wave) for wave in plan.waves],
        "manual": sum(s.method is Method.VISIT for s in plan.stations),
        "unmatched": sum(not s.profile for s in plan.stations),
        "excluded": [{"identity": e.identity, "reason": e.reason} for e in plan.excluded],
    }
    if changes is not None:
        document["changes"] = list(changes)
    if freight:
        document["transfers"] = [asdict(one) for one in freight]
    if with_stations:
        document["stations"] = [_station(station) for station in plan.stations]
    return document


def approved_by(plan: Plan, approvals: Iterable[Approval]) -> str | None:
    """Who approved the plan as a whole; an approval of one wave alone is not it."""
    given = [a for a in approvals if a.fingerprint == plan.fingerprint and a.wave is None]
    return given[-1].by if given else None


def freight_lines(freight: Sequence[Freight]) -> list[str]:
    """What has to be loaded, for a person: the sum, and the groups that take longest.  Nothing where nothing is loaded."""
    if not freight:
        return []
    stations, files = sum(one.stations for one in freight), sum(one.files for one in freight)
    size = _megabytes(sum(one.size_bytes for one in freight))
    lines = [
        f"firmware: {who_does(stations, 'station', 'load')} {counted(files, 'file')}, {size}; "
        "loading alone, by the group that shares a rate:"
    ]
    for one in freight[:_LONGEST]:
        without = f", and {one.unknown} for which there is no file" if one.unknown else ""
        lines.append(
            f"{spell_minutes(one.duration_s):>10}  {display(one.group)}: "
            f"{counted(one.stations, 'station')}, {counted(one.files, 'file')}, "
            f"{_megabytes(one.size_bytes)}{without}"
        )
    more = len(freight) - _LONGEST
    return [*lines, f"{'':>10}  and {counted(more, 'group')} more"] if more > 0 else lines


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def spell_minutes(seconds: float) -> str:
    """How long something takes, as a plan may say it.

    >>> spell_minutes(20), spell_minutes(150), spell_minutes(7500)
    ('20 s', '3 min', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plan_lines(plan: Plan) -> list[str]:
    """The plan for a person: one line per wave, its notes below it, then the sum and what is left out."""
    lines = [f"{'wave':>4} {'size':>6} {'batches':>7} {'sites':>6} {'one-way':>7}  methods; rollback"]
    for wave in plan.waves:
        document = _wave(wave)
        head = f"{wave.number:>4} {wave.size:>6} {wave.batches:>7} {document['sites']:>6} {document['one_way']:>7}"
        lines.append(f"{head}  {_listed(document['by_method'])}; {_listed(document['by_rollback'])}")
        lines += [f"{'':>4} {note}" for note in wave.notes]
    manual = sum(s.method is Method.VISIT for s in plan.stations)
    one_way = sum(s.rollback.is_one_way for s in plan.stations)
    count = f"{counted(len(plan.stations), 'station')} in {counted(len(plan.waves), 'wave')}, {manual} by hand, {one_way} one-way"
    return [*lines, f"{count}, {len(plan.excluded)} left alone", *_left_alone(plan), f"fingerprint {plan.fingerprint}"]


def _left_alone(plan: Plan) -> list[str]:
    reasons = Counter(display(e.reason) for e in plan.excluded)
    return [f"{count:>6}  {reason}" for reason, count in reasons.most_common(10)]


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "number": wave.number,
        "size": wave.size,
        "batches": wave.batches,
        "by_profile": _counted(s.profile or UNMATCHED for s in wave.stations),
        "by_method": _counted(s.method.value for s in wave.stations),
        "by_rollback": _counted(s.rollback.value for s in wave.stations),
        "sites": len({s.site for s in wave.stations}),
        "one_way": sum(s.rollback.is_one_way for s in wave.stations),
        "notes": list(wave.notes),
    }


def _station(station: PlannedStation) -> dict[str, Any]:
    return {
        "identity": station.identity,
        "wave": station.wave,
        "profile": station.profile or None,
        "method": station.method.value,
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {display(name)}" for name, count in counts.items())
