"""``migrate.plan/1``: a plan as a document, and as a table for people.

It writes down a plan exactly as it was made, with the counts that are read
before anyone approves: methods, rollback classes, one-way steps, sites.  It
plans nothing and judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from migrate.domain.profile import Method
from migrate.domain.record import Approval
from migrate.domain.wave import Plan, PlannedStation, Wave
from reports.words import display

UNMATCHED = "unmatched"  # the word for "no profile" where a name is needed


def plan_document(
    plan: Plan,
    *,
    approvals: Iterable[Approval] = (),
    with_stations: bool = False,
    changes: Sequence[Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """The whole plan.  ``with_stations`` adds one line per station, ``changes`` what an import has altered."""
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
    if with_stations:
        document["stations"] = [_station(station) for station in plan.stations]
    return document


def approved_by(plan: Plan, approvals: Iterable[Approval]) -> str | None:
    """Who approved the plan as a whole; an approval of one wave alone is not it."""
    given = [a for a in approvals if a.fingerprint == plan.fingerprint and a.wave is None]
    return given[-1].by if given else None


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
    count = f"{len(plan.stations)} stations in {len(plan.waves)} waves, {manual} by hand, {one_way} one-way"
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
