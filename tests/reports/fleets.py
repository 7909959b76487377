"""Made-up campaigns for the reports: as many stations and days as asked, the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from migrate.domain.attempt import ENDS, State
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Event, EventKind, StoredEvent, attempt_id
from migrate.domain.wave import (
    Deferral,
    Incident,
    Mode,
    Reason,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)

START = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
FAMILIES = tuple(
    (vendor, model, firmware, method, rollback)
    for vendor, model, firmware, method, rollback in (
        ("Alfen BV", "NG910-60023", "5.8.1-4123", Method.CHANGE_CONFIGURATION, Rollback.AUTOMATIC),
        ("Alfen BV", "NG920-61002", "6.1.0-4159", Method.CHANGE_CONFIGURATION, Rollback.AUTOMATIC),
        ("Keba AG", "KC-P30-ESS400C2", "1.12.0", Method.CHANGE_CONFIGURATION, Rollback.REMOTE),
        ("ABB", "CDT_TACW22", "1.6.6", Method.VISIT, Rollback.VISIT),
        ("EVBox", "G3-M5320E", "33.34", Method.CHANGE_CONFIGURATION, Rollback.BEFORE_RESTART),
        ("Schneider Electric", "MONOBLOCK", "3.4.0.16", Method.CHANGE_CONFIGURATION, Rollback.IMPOSSIBLE),
        ("", "", "", Method.VISIT, Rollback.VISIT),
    )
)
PATHS: dict[State, tuple[State, ...]] = {
    State.SETTLED: (
        State.CHECKED,
        State.WRITING,
        State.WRITTEN,
        State.RESTARTING,
        State.DEPARTED,
        State.CONFIRMED,
        State.SETTLED,
    ),
    State.CONFIRMED: (State.CHECKED, State.WRITING, State.WRITTEN, State.RESTARTING, State.CONFIRMED),
    State.FAILED: (State.CHECKED, State.WRITING, State.FAILED),
    State.REVERTED: (State.CHECKED, State.WRITING, State.WRITTEN, State.RESTARTING, State.UNDOING, State.REVERTED),
    State.LOST: (State.CHECKED, State.WRITING, State.WRITTEN, State.RESTARTING, State.DEPARTED, State.LOST),
    State.STUCK: (State.CHECKED, State.WRITING, State.UNDOING, State.STUCK),
    State.DEFERRED: (State.DEFERRED,),
    State.VISITING: (State.VISITING,),
    State.SKIPPED: (State.SKIPPED,),
}
LIKELY = {
    State.SETTLED: 900,
    State.CONFIRMED: 8,
    State.FAILED: 12,
    State.REVERTED: 9,
    State.LOST: 2,
    State.STUCK: 2,
    State.DEFERRED: 20,
    State.SKIPPED: 6,
}


@dataclass(frozen=True, slots=True)
class Campaign:
    standing: Standing
    events: tuple[StoredEvent, ...]


def a_campaign(stations: int = 300, *, days: int = 14, share: float = 0.6, seed: int = 1, text: str = "") -> Campaign:
    """A campaign ``days`` old that has come through ``share`` of its stations; ``text`` is put wherever text may come from outside."""
    dice = random.Random(seed)
    sizes = _sizes(stations)
    begun = int(stations * share)
    told: list[Event] = []
    standings: list[StationStanding] = []
    for number in range(stations):
        wave = next(w for w in range(len(sizes)) if number < sum(sizes[: w + 1]))
        at = START + timedelta(days=days) * (number / max(begun, 1)) * 0.98
        standings.append(_station(dice, told, number, wave, at if number < begun else None, text))
    told.sort(key=lambda event: event.at)
    events = tuple(
        StoredEvent(seq=n, writer="w", link=n, event=event, hash="") for n, event in enumerate(told, start=1)
    )
    now = START + timedelta(days=days, hours=9)
    return Campaign(_standing(standings, sizes, now, text), events)


def _sizes(stations: int) -> list[int]:
    sizes = [max(1, stations * part // 100) for part in (1, 3, 10, 25)]
    return [*sizes, max(1, stations - sum(sizes))]


def _station(
    dice: random.Random, told: list[Event], number: int, wave: int, at: datetime | None, text: str
) -> StationStanding:
    vendor, model, firmware, method, rollback = FAMILIES[
        dice.choices(range(len(FAMILIES)), (30, 20, 20, 4, 15, 8, 2))[0]
    ]
    identity = f"{text}ST-{number:06}"
    state = dice.choices(tuple(LIKELY), tuple(LIKELY.values()))[0] if method is not Method.VISIT else State.VISITING
    attempts, moment = 0, None
    if at is not None:
        attempts = 1 + (dice.random() < 0.03)
        moment = _moves(dice, told, identity, attempts, state, at)
    return StationStanding(
        identity=identity,
        wave=wave,
        profile=f"{vendor.split()[0].lower()}_{model[:4].lower()}" if model else "",
        method=method,
        state=state if at else State.PLANNED,
        evidence="E4" if state is State.SETTLED and at else "E0",
        attempts=attempts,
        reason=text or ("Rejected" if state is State.FAILED and at else ""),
        updated_at=moment,
        vendor=text + vendor,
        model=text + model,
        firmware=firmware,
        site=f"{text}site-{number // 4}",
        deferral=dice.choice((Deferral.BUSY, Deferral.OFFLINE, Deferral.MODEL_STOPPED))
        if state is State.DEFERRED and at
        else None,
        rollback=rollback,
        tries=1 if attempts and method is not Method.VISIT else 0,
        opened_at=at,
        confirmed_at=moment if at and state in (State.SETTLED, State.CONFIRMED) else None,
    )


def _moves(dice: random.Random, told: list[Event], identity: str, number: int, state: State, at: datetime) -> datetime:
    attempt = attempt_id(identity, number)
    told.append(Event(kind=EventKind.ATTEMPT_OPENED, at=at, identity=identity, attempt=attempt, data={"wave": 0}))
    for to in PATHS[state]:
        at += timedelta(seconds=dice.uniform(5, 90)) if to is not State.SETTLED else timedelta(minutes=30)
        data = {"fact": "x", "to": to.value, "evidence": "E0"}
        told.append(Event(kind=EventKind.MOVED, at=at, identity=identity, attempt=attempt, data=data))
    return at


def _standing(stations: list[StationStanding], sizes: list[int], now: datetime, text: str) -> Standing:
    totals = Counter(s.state for s in stations)
    return Standing(
        campaign=text or "cutover-2026",
        fingerprint="a3f9c2d1" * 8,
        mode=Mode.RUNNING,
        at=now,
        totals={state: totals[state] for state in State},
        waves=tuple(_wave(number, stations, now, text) for number in range(len(sizes))),
        incidents=(
            Incident(at=START + timedelta(days=2), title=text or "target does not answer", side="target", ended_at=now),
            Incident(at=now - timedelta(hours=3), title=text or "relay lost sight of the source", side="source"),
        ),
        stations=tuple(stations),
        notices=(text,) if text else (),
    )


def _wave(number: int, stations: list[StationStanding], now: datetime, text: str) -> WaveStanding:
    members = [s for s in stations if s.wave == number]
    totals = Counter(s.state for s in members)
    begun = [s.opened_at for s in members if s.opened_at]
    is_over = all(
        s.state in ENDS | {State.SETTLED, State.VISITING, State.DEFERRED, State.LOST, State.STUCK} for s in members
    )
    state = WaveState.DONE if is_over else WaveState.RUNNING if begun else WaveState.WAITING
    reasons = (
        Reason(text=text or "12 of 30 still pending", value=12, threshold=0, of=30),
        Reason(text="the soak has not begun"),
    )
    verdict = Verdict.OPEN if state is WaveState.DONE else Verdict.HOLD
    return WaveStanding(
        number=number,
        state=state,
        totals={s: totals[s] for s in State},
        ruling=Ruling(verdict=verdict, reasons=() if verdict is Verdict.OPEN else reasons),
        size=len(members),
        started_at=min(begun, default=None),
        ended_at=max((s.updated_at for s in members if s.updated_at), default=now) if is_over and members else None,
    )
