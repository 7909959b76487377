"""``migrate.progress/1``: how far the move has come, for the committee and the operator.

The document is the report: page and workbook are drawn from it and from
nothing else, so that all of them always show the same numbers, under one data
hash.  It counts, groups and applies the published rule; it never asks anyone
anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.attempt import ENDS, State
from migrate.domain.record import EventKind, Hold, StoredEvent, attempt_id
from migrate.domain.wave import Standing, WaveStanding
from reports.curve import PlanCurve, plan_curve
from reports.decisions import decisions
from reports.forecast import Forecast, forecast
from reports.groups import Groups, Stopped, grouped, quarantined
from reports.journeys import Journeys, journeys
from reports.light import LIGHTS, Light, judge
from reports.rates import DEFINITIONS, Rate
from reports.redaction import redact
from reports.series import Point, Series, backward_attempts, count, series, settled_per_day
from reports.status import gate_document, incident_document, totals_document
from reports.times import stamp, stamp_or_none
from reports.troubles import away, deferrals, needs_person, one_way, rollbacks, setbacks, unknown
from reports.words import bands

EVENTS = tuple(kind.value for kind in (EventKind.MOVED, EventKind.ATTEMPT_OPENED, EventKind.VISIT))
"""The kinds of event a progress report is folded from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What was handed in, and what was folded from it once for all parts of the document."""

    standing: Standing
    points: Sequence[Point]
    start: datetime
    outlook: Forecast
    told: Journeys
    groups: Groups
    plan: PlanCurve
    stopped: Sequence[dict[str, Any]]


def progress_document(
    standing: Standing,
    *,
    events: Sequence[StoredEvent] = (),
    holds: Sequence[Hold] = (),
    stopped: Stopped | None = None,
    timezone: str = "UTC",
    switch_off: date | None = None,
) -> dict[str, Any]:
    """The whole report.  ``events`` are those of ``EVENTS``; ``holds`` the orders that lie on the fleet."""
    facts = _fold(standing, events, stopped or Stopped(), ZoneInfo(timezone), switch_off)
    document: dict[str, Any] = {
        "schema": "migrate.progress/1",
        "campaign": standing.campaign,
        "fingerprint": standing.fingerprint,
        "mode": standing.mode.value,
        "at": stamp(standing.at),
        "timezone": timezone,
        "marks": _marks(standing),
        "light": _light(judge(standing, facts.outlook, stopped=len(facts.stopped))),
        "decisions": decisions(standing, outlook=facts.outlook, holds=holds, stopped=facts.stopped),
        **_counts(standing),
        "first_time_settled": facts.groups.whole.good[Rate.FIRST_TIME],
        "rates": _rates(facts.groups),
        "waves": _waves(facts),
        "series": _series(series(facts.points, start=facts.start, end=_end(standing))),
        "plan_curve": _plan(facts),
        "forecast": _forecast(facts.outlook),
        "away": away(facts.told),
        "rollbacks": rollbacks(facts.told),
        "one_way": one_way(standing.stations, facts.told),
        "unknown": unknown(standing),
        "quarantined": list(facts.stopped),
        "holds": [_hold(hold) for hold in holds],
        "needs_person": needs_person(standing),
        "setbacks": setbacks(standing.stations),
        "deferrals": deferrals(standing.stations),
        "incidents": [incident_document(i) for i in standing.incidents],
        **facts.groups.to_json(),
    }
    return document | {"data_hash": data_hash(document)}


def _fold(
    standing: Standing, events: Sequence[StoredEvent], stopped: Stopped, zone: ZoneInfo, switch_off: date | None
) -> _Facts:
    going_back = (attempt_id(s.identity, s.attempts) for s in standing.stations if s.is_going_back)
    backward = backward_attempts(events, going_back)
    points, told = list(count(events, backward)), journeys(events, backward)
    begun = min((wave.started_at for wave in standing.waves if wave.started_at), default=None)
    start = min(filter(None, [begun, *(p.at for p in points[:1])]), default=standing.at)
    return _Facts(
        standing=standing,
        points=points,
        start=min(start, standing.at),
        outlook=_outlook(standing, points, start, zone, switch_off),
        told=told,
        groups=grouped(standing.stations, told),
        plan=plan_curve(standing.waves, start=begun, switch_off=switch_off, zone=zone),
        stopped=quarantined(standing.stations, stopped),
    )


def data_hash(document: dict[str, Any]) -> str:
    """SHA-256 over everything in the document but the hash itself, keys sorted."""
    bare = {key: value for key, value in document.items() if key != "data_hash"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _end(standing: Standing) -> Point:
    settled = standing.totals.get(State.SETTLED, 0)
    return Point(at=standing.at, confirmed=standing.totals.get(State.CONFIRMED, 0) + settled, settled=settled)


def _outlook(
    standing: Standing, points: Sequence[Point], start: datetime, zone: ZoneInfo, switch_off: date | None
) -> Forecast:
    today = standing.at.astimezone(zone).date()
    first = start.astimezone(zone).date()
    daily = settled_per_day(points, first=first, last=today - timedelta(days=1), zone=zone)
    remaining = sum(n for state, n in standing.totals.items() if state not in ENDS | {State.SETTLED})
    return forecast(daily, remaining=remaining, today=today, switch_off=switch_off)


def _counts(standing: Standing) -> dict[str, Any]:
    scope = sum(standing.totals.values())
    settled = standing.totals.get(State.SETTLED, 0)
    return {
        "stations": scope,
        "totals": totals_document(standing.totals),
        "bands": _bands(standing.totals),
        "settled_share": round(settled / scope, 4) if scope else None,
    }


def _bands(totals: Any) -> dict[str, int]:
    return {band.value: number for band, number in bands(totals).items()}


def _marks(standing: Standing) -> dict[str, Any]:
    return {
        "lab": standing.lab,
        "synthetic_stations": sum(s.synthetic for s in standing.stations),
        "notices": list(standing.notices),
    }


def _light(light: Light) -> dict[str, Any]:
    word = LIGHTS[light.colour]
    return {
        "colour": light.colour.value,
        "letter": word.letter,
        "label": word.label,
        "sentence": word.sentence,
        "grounds": [f"{c.rule} ({c.fact})" for c in light.grounds],
        "conditions": [asdict(c) | {"colour": c.colour.value} for c in light.conditions],
    }


def _rates(groups: Groups) -> dict[str, Any]:
    counted = groups.whole.rates()
    return {rate.value: counted[rate.value] | asdict(DEFINITIONS[rate]) for rate in Rate}


def _waves(facts: _Facts) -> list[dict[str, Any]]:
    told, total = [], 0
    for place, wave in enumerate(facts.standing.waves):
        total += wave.size or sum(wave.totals.values())
        told.append(_wave(wave) | {"stations_up_to": total, "due_at": stamp_or_none(facts.plan.due_at(place))})
    return told


def _wave(wave: WaveStanding) -> dict[str, Any]:
    return {
        "number": wave.number,
        "state": wave.state.value,
        "size": wave.size or sum(wave.totals.values()),
        "totals": totals_document(wave.totals),
        "bands": _bands(wave.totals),
        "gate": gate_document(wave.ruling),
        "started_at": stamp_or_none(wave.started_at),
        "ended_at": stamp_or_none(wave.ended_at),
    }


def _plan(facts: _Facts) -> dict[str, Any]:
    end = _end(facts.standing)
    due = facts.plan.due_by(end.at)
    return {
        "text": facts.plan.text,
        "points": [{"at": stamp(at), "stations": stations} for at, stations in facts.plan.points],
        "due": due,
        "ahead": None if due is None else end.confirmed - due,
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "scope": hold.scope or None,
        "mode": hold.mode.value,
        "reason": redact(hold.reason),
        "by": hold.by,
        "at": stamp(hold.at),
    }


def _series(drawn: Series) -> dict[str, Any]:
    points = [{"at": stamp(p.at), "confirmed": p.confirmed, "settled": p.settled} for p in drawn.points]
    return {"bucket_s": drawn.bucket.total_seconds(), "points": points}


def _forecast(outlook: Forecast) -> dict[str, Any]:
    return {
        "outlook": outlook.outlook.value,
        "text": outlook.text,
        "days": outlook.days,
        "remaining": outlook.remaining,
        "p50": outlook.p50.isoformat() if outlook.p50 else None,
        "p85": outlook.p85.isoformat() if outlook.p85 else None,
        "p95": outlook.p95.isoformat() if outlook.p95 else None,
        "legacy_switch_off": outlook.switch_off.isoformat() if outlook.switch_off else None,
        "chance_before_switch_off": round(outlook.chance, 4) if outlook.chance is not None else None,
    }
