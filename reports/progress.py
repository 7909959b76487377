"""``migrate.progress/1``: how far the move has come, for the committee and the operator.

The document is the report: the page is drawn from it and from nothing else,
so that both always show the same numbers, under one data hash.  It counts,
groups and applies the published rule; it never asks anyone anything.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.attempt import ENDS, NEEDS_A_PERSON, State
from migrate.domain.record import Attempt, StoredEvent
from migrate.domain.wave import Mode, Standing, StationStanding, WaveStanding, WaveState
from reports.forecast import Forecast, forecast
from reports.light import LIGHTS, Light, judge
from reports.redaction import redact
from reports.series import Point, Series, backward_attempts, count, series, settled_per_day
from reports.status import gate_document, incident_document, totals_document
from reports.times import stamp, stamp_or_none
from reports.words import bands, command

_SETBACKS = 20


def progress_document(
    standing: Standing,
    *,
    events: Sequence[StoredEvent] = (),
    attempts: Sequence[Attempt] = (),
    timezone: str = "UTC",
    switch_off: date | None = None,
) -> dict[str, Any]:
    """The whole report.  ``events`` give the curve, ``attempts`` (the newest of each station) the due times."""
    zone = ZoneInfo(timezone)
    points = list(count(events, backward_attempts(events, attempts)))
    start = _start(standing, points)
    outlook = _outlook(standing, points, start, zone, switch_off)
    document: dict[str, Any] = {
        "schema": "migrate.progress/1",
        "campaign": standing.campaign,
        "fingerprint": standing.fingerprint,
        "mode": standing.mode.value,
        "at": stamp(standing.at),
        "timezone": timezone,
        "marks": _marks(standing),
        "light": _light(judge(standing, outlook)),
        "decisions": _decisions(standing),
        **_counts(standing),
        "waves": [_wave(wave) for wave in standing.waves],
        "series": _series(series(points, start=start, end=_end(standing))),
        "forecast": _forecast(outlook),
        "needs_person": [_person(s) for s in _waiting_for_a_person(standing)],
        "setbacks": _setbacks(standing.stations),
        "deferrals": _deferrals(standing, attempts),
        "incidents": [incident_document(i) for i in standing.incidents],
        "by_profile": _by_profile(standing.stations),
    }
    return document | {"data_hash": data_hash(document)}


def data_hash(document: dict[str, Any]) -> str:
    """SHA-256 over everything in the document but the hash itself, keys sorted."""
    bare = {key: value for key, value in document.items() if key != "data_hash"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _start(standing: Standing, points: Sequence[Point]) -> datetime:
    begun = [wave.started_at for wave in standing.waves if wave.started_at]
    return min([*begun, *(p.at for p in points[:1]), standing.at])


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
        "first_time_settled": sum(s.state is State.SETTLED and s.attempts <= 1 for s in standing.stations),
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


def _decisions(standing: Standing) -> list[dict[str, str]]:
    """What only a person can move on, most urgent first."""
    resume = 'migrate resume --reason "…"'
    shut = [wave.number for wave in standing.waves if wave.state is WaveState.SHUT]
    found = [_decision(f"Wave {number} is shut: go on in spite of it, or stop.", resume) for number in shut]
    if standing.mode in (Mode.HALTED, Mode.PAUSED):
        found.append(_decision(f"The campaign is {standing.mode.value}: go on?", resume))
    for state, question in ((State.LOST, "lost: find it or give it up"), (State.STUCK, "stuck: say how it was undone")):
        if number := standing.totals.get(state, 0):
            found.append(_decision(f"{number} × {question}.", "migrate status --stations"))
    if waiting := _waits_for_approval(standing.waves):
        line = f"{command('plan', 'approve', standing.fingerprint)} --wave {waiting.number}"
        found.append(_decision(f"Wave {waiting.number} ({waiting.size} stations) waits for approval.", line))
    return found


def _waits_for_approval(waves: Sequence[WaveStanding]) -> WaveStanding | None:
    """The next wave, once every wave before it has opened its gate."""
    for wave in waves:
        if wave.state is WaveState.WAITING:
            return wave
        if wave.state not in (WaveState.OPEN, WaveState.DONE):
            return None
    return None


def _decision(text: str, way: str) -> dict[str, str]:
    return {"text": text, "command": way}


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


def _waiting_for_a_person(standing: Standing) -> list[StationStanding]:
    """The lost before the stuck, and those who wait longest first."""
    found = [s for s in standing.stations if s.state in NEEDS_A_PERSON]
    return sorted(found, key=lambda s: (s.state is not State.LOST, s.updated_at or standing.at, s.identity))


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


def _setbacks(stations: Iterable[StationStanding]) -> list[dict[str, Any]]:
    """What failed or came back, by profile and reason, most frequent first."""
    groups = Counter(
        (s.state.value, s.profile, redact(s.reason, keep=s.identity))
        for s in stations
        if s.state in (State.FAILED, State.REVERTED)
    )
    return [
        {"state": state, "profile": profile or None, "reason": reason, "stations": number}
        for (state, profile, reason), number in sorted(groups.items(), key=lambda g: (-g[1], g[0]))[:_SETBACKS]
    ]


def _deferrals(standing: Standing, attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """What was put off, by reason, with the next due time where the attempts tell it."""
    groups: dict[str, list[datetime | None]] = defaultdict(list)
    told = {a.identity: a for a in attempts if a.state is State.DEFERRED}
    for station in standing.stations:
        if station.state is State.DEFERRED:
            attempt = told.get(station.identity)
            name = attempt.deferral.value if attempt and attempt.deferral else station.reason or "no reason on record"
            groups[name].append(attempt.due_at if attempt else None)
    return [
        {"reason": name, "stations": len(due), "next_due_at": stamp_or_none(min(filter(None, due), default=None))}
        for name, due in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ]


def _by_profile(stations: Iterable[StationStanding]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], Counter[State]] = defaultdict(Counter)
    for station in stations:
        groups[station.profile, station.method.value][station.state] += 1
    return [
        {"profile": profile or None, "method": method, "stations": totals.total(), "bands": _bands(totals)}
        for (profile, method), totals in sorted(groups.items())
    ]
