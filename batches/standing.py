"""Where a campaign stands, folded from what was planned and what the journal holds.

Every planned station counts in exactly one of the 17 states; one that was not
tried yet counts as planned.  Nothing is rounded: a station that is lost stays
lost here, whatever its wave is called.  This module asks neither clock nor
journal; the same facts give the same standing on every screen and in every
report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from batches.gate import counted_as, newest, rule, still_acknowledged, tally
from migrate.domain.attempt import IN_FLIGHT, NEEDS_A_PERSON, State
from migrate.domain.counted import counted
from migrate.domain.policy import GatePolicy
from migrate.domain.record import Approval, Attempt, Control, Direction, Hold, WaveMark
from migrate.domain.station import Station
from migrate.domain.wave import (
    Incident,
    Mode,
    Plan,
    PlannedStation,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    Wave,
    WaveStanding,
    WaveState,
)

_UNDER_WAY = frozenset({WaveState.RUNNING, WaveState.SOAKING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the journal knows about one plan at one moment."""

    campaign: str
    at: datetime
    plan: Plan
    gate: GatePolicy
    attempts: Sequence[Attempt] = ()
    marks: Mapping[int, WaveMark] = field(default_factory=dict)
    control: Control = field(default_factory=Control)
    approvals: Sequence[Approval] = ()
    incidents: Sequence[Incident] = ()
    stations: Mapping[str, Station] = field(default_factory=dict)  # the inventory, by identity
    is_running: bool = False  # a live process works on the campaign
    lab: bool = False
    notices: Sequence[str] = ()


def fold(facts: Facts) -> Standing:
    """The whole standing, stations included."""
    known = {a.identity: a for a in newest(facts.attempts)}
    waves = tuple(_wave(facts, wave, known) for wave in facts.plan.waves)
    totals: Counter[State] = Counter()
    for wave in waves:
        totals.update(wave.totals)
    return Standing(
        campaign=facts.campaign,
        fingerprint=facts.plan.fingerprint,
        mode=mode_of(facts.control, is_running=facts.is_running),
        at=facts.at,
        totals=_all_states(totals),
        waves=waves,
        incidents=tuple(facts.incidents),
        stations=tuple(_station(facts, s, known.get(s.identity)) for s in facts.plan.stations),
        lab=facts.lab,
        notices=(*facts.notices, *map(_told, _partial(facts.control)), *_left_behind(facts.plan, known)),
    )


def exit_code(standing: Standing) -> int:
    """What a finished run tells a script: 5 over 3 over 1, and stuck stations count with the lost."""
    totals = standing.totals
    if totals.get(State.LOST, 0) or totals.get(State.STUCK, 0):
        return 5
    if standing.mode in (Mode.PAUSED, Mode.HALTED) or any(_is_shut(wave) for wave in standing.waves):
        return 3
    return 1 if totals.get(State.FAILED, 0) or totals.get(State.REVERTED, 0) else 0


def is_approved(wave: int, fingerprint: str, approvals: Iterable[Approval], gate: GatePolicy) -> bool:
    """Whether a wave may start as far as persons go.

    The plan's approval covers the waves before ``approval_from_wave``; every
    other wave needs its own.  An approval of another plan says nothing.
    """
    given = {a.wave for a in approvals if a.fingerprint == fingerprint}
    return wave in given or (None in given and wave < gate.approval_from_wave)


def mode_of(control: Control, *, is_running: bool) -> Mode:
    """The campaign's mode: an order over all of it, the strictest first; orders over a part leave it running."""
    orders = {hold.mode for hold in control.holds if not hold.scope}
    if Mode.HALTED in orders:
        return Mode.HALTED
    if Mode.PAUSED in orders:
        return Mode.PAUSED
    return Mode.RUNNING if is_running else Mode.IDLE


def _partial(control: Control) -> list[Hold]:
    """The orders over a part of the fleet, the oldest first.  The mode does not tell of them."""
    return sorted((hold for hold in control.holds if hold.scope), key=lambda hold: hold.at)


def _told(hold: Hold) -> str:
    kind, _, name = hold.scope.partition(":")
    return f"{kind} {name} is {hold.mode.value} by {hold.by} since {hold.at:%Y-%m-%d %H:%MZ}: {hold.reason}"


def ruling_of(facts: Facts, wave: Wave, attempts: Collection[Attempt]) -> Ruling:
    """The gate's word on a wave at this moment.  The last wave needs no approval of a next one."""
    mark = facts.marks.get(wave.number)
    following = next((w.number for w in facts.plan.waves if w.number > wave.number), None)
    return rule(
        tally(attempts, wave.size),
        facts.gate,
        soaked=_soaked(mark, facts.at),
        approved=following is None or is_approved(following, facts.plan.fingerprint, facts.approvals, facts.gate),
        acknowledged=still_acknowledged(attempts, facts.control.acknowledged.get(wave.number, {})),
    )


def _wave(facts: Facts, wave: Wave, known: Mapping[str, Attempt]) -> WaveStanding:
    attempts = [known[s.identity] for s in wave.stations if s.identity in known]
    states = Counter(_state(known.get(s.identity)) for s in wave.stations)
    mark = facts.marks.get(wave.number)
    return WaveStanding(
        number=wave.number,
        state=_wave_state(facts, wave.number, mark),
        totals=_all_states(states),
        ruling=_as_passed(ruling_of(facts, wave, attempts), mark),
        size=wave.size,
        started_at=mark.started_at if mark else None,
        ended_at=mark.ended_at if mark else None,
    )


def _as_passed(ruling: Ruling, mark: WaveMark | None) -> Ruling:
    """A gate that has opened does not close for want of evidence, as when a crew's station arrives late; only against it."""
    has_opened = mark is not None and mark.state in (WaveState.OPEN, WaveState.DONE)
    return Ruling(verdict=Verdict.OPEN) if has_opened and ruling.verdict is Verdict.HOLD else ruling


def _wave_state(facts: Facts, number: int, mark: WaveMark | None) -> WaveState:
    """What the engine recorded, as persons see it: a running wave under a pause is paused."""
    recorded = WaveState(mark.state) if mark else WaveState.WAITING
    if recorded in _UNDER_WAY and mode_of(facts.control, is_running=True) is not Mode.RUNNING:
        return WaveState.PAUSED
    if recorded is WaveState.WAITING and is_approved(number, facts.plan.fingerprint, facts.approvals, facts.gate):
        return WaveState.APPROVED
    return recorded


def _soaked(mark: WaveMark | None, at: datetime) -> timedelta | None:
    return at - mark.quiet_since if mark and mark.quiet_since else None


def _state(attempt: Attempt | None) -> State:
    """The state a station is shown in: of a rollback under way its own, of one that settled *reverted*."""
    if attempt is None:
        return State.PLANNED
    return counted_as(attempt) or attempt.state


def _station(facts: Facts, planned: PlannedStation, attempt: Attempt | None) -> StationStanding:
    station = facts.stations.get(planned.identity)
    vendor_model, _, firmware = planned.kind.rpartition("|")
    vendor, _, model = vendor_model.partition("|")
    return StationStanding(
        identity=planned.identity,
        wave=planned.wave,
        profile=planned.profile,
        method=planned.method,
        state=_state(attempt),
        evidence=str(attempt.evidence) if attempt else "E0",
        attempts=attempt.number if attempt else 0,
        reason=_reason(facts.control, planned, attempt),
        updated_at=attempt.entered_at if attempt else None,
        vendor=station.vendor if station else vendor,
        model=station.model if station else model,
        firmware=station.firmware if station else firmware,
        site=planned.site,
        synthetic=station.synthetic if station else False,
        deferral=attempt.deferral if attempt else None,
        due_at=attempt.due_at if attempt else None,
        rollback=planned.rollback,
        is_going_back=attempt is not None and attempt.direction is Direction.BACK,
        tries=attempt.tries if attempt else 0,
        opened_at=attempt.opened_at if attempt else None,
        confirmed_at=attempt.confirmed_at if attempt else None,
        target_identity=station.target_identity if station else "",
    )


def _reason(control: Control, planned: PlannedStation, attempt: Attempt | None) -> str:
    """Why a station stands so: its attempt's word, else the order that lies on it."""
    if attempt is not None and attempt.reason:
        return attempt.reason
    if attempt is not None and attempt.deferral:
        return attempt.deferral.value
    if attempt is not None and attempt.state not in (State.PLANNED, State.DEFERRED):
        return ""
    vendor_model = planned.kind.rpartition("|")[0]
    hold = control.over(model=vendor_model.partition("|")[2], profile=planned.profile, site=planned.site)
    return f"{hold.mode.value}: {hold.reason}" if hold else ""


def _left_behind(plan: Plan, known: Mapping[str, Attempt]) -> tuple[str, ...]:
    """Stations that an older plan left and this one does not hold: nobody drives them, and they must not fall out of sight."""
    planned = {s.identity for s in plan.stations}
    outside = sorted((i, a.state) for i, a in known.items() if i not in planned)
    kinds = {"in flight, and driven by nobody": IN_FLIGHT, "stuck or lost": NEEDS_A_PERSON}
    left = {kind: [i for i, state in outside if state in states] for kind, states in kinds.items()}
    return tuple(
        f"{counted(len(names), 'station')} outside this plan, still {kind}: {', '.join(names[:5])}"
        for kind, names in left.items()
        if names
    )


def _all_states(counts: Mapping[State, int]) -> dict[State, int]:
    return {state: counts.get(state, 0) for state in State}


def _is_shut(wave: WaveStanding) -> bool:
    return wave.state is WaveState.SHUT or wave.ruling.verdict is Verdict.SHUT
