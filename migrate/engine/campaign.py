"""What a campaign's steps do in this process.

Opens waves, runs batches through the conductor, waits at gates, and keeps the
watch over everything that no batch holds.  Whatever is decided here was
decided by the pure rooms; this module fetches the facts and journals the
rulings.  Every step may run again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batches.acts import for_ever
from batches.conductor import Conductor
from batches.errand import Errand, Ports
from batches.gate import rule, still_acknowledged, stopped_kinds, tally
from batches.lookout import Lookout
from batches.schedule import Admission, permits, site_limits
from batches.standing import is_approved
from batches.turnstile import Turnstile
from batches.watch import Watch
from migrate.domain.address import Backend
from migrate.domain.attempt import BATCH_ENDS, NEEDS_A_PERSON, State
from migrate.domain.errors import CsmsUnavailable
from migrate.domain.evidence import IdentityFacts, Kind, Sighting
from migrate.domain.policy import Policy
from migrate.domain.profile import Profile
from migrate.domain.record import Approval, Attempt, Change, Event, EventKind, WaveMark, attempt_id
from migrate.domain.station import Station
from migrate.domain.wave import Plan, PlannedStation, Ruling, Verdict, Wave, WaveState
from migrate.engine.brake import CampaignBrake
from migrate.engine.durable import Steps

TICK = timedelta(seconds=10)
"""How often, in campaign time, the engine looks at gates, deadlines and orders; never less than once a real second."""

_AGAINST = frozenset({State.FAILED, State.REVERTED}) | NEEDS_A_PERSON
_AT_REST = frozenset({State.SETTLED, State.VISITING, State.FAILED, State.REVERTED, State.SKIPPED}) | NEEDS_A_PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Everything a campaign is made of, read once when the process starts."""

    plan: Plan
    stations: Mapping[str, Station]
    profiles: Callable[[str], Profile | None]
    refit: Callable[[IdentityFacts], str]
    backend: Backend
    policy: Policy
    upto_wave: int | None = None
    lab_counts: bool = False
    waits_for_visits: bool = False


class Campaign:
    """One plan, as far as this process works on it."""

    def __init__(self, outline: Outline, ports: Ports, executor: str) -> None:
        self._outline = outline
        self._ports = ports
        self.is_helper = False  # a worker: what it does not start is left to the run, not reported as done
        self.is_leader = True  # keeps the watch and dispatches what is due; one process of a campaign does
        self._planned = {s.identity: s for s in outline.plan.stations}
        self._kinds = {s.identity: s.kind for s in outline.plan.stations}
        self._limits = site_limits(outline.plan.stations, outline.policy.caps)
        self.brake = CampaignBrake(ports.witness)
        self.lookout = Lookout(ports.witness)
        self.watch = Watch(ports, self._errand_or_none, self._opening, self._may_dispatch, self._dispatch)
        turnstile = Turnstile(Admission(outline.policy.caps, self._limits))
        self._conductor = Conductor(ports, self.lookout, turnstile, self.brake, executor=executor, let_go=self._let_go)
        self._send_off: Callable[[str], Any] | None = None
        self._marks: dict[int, WaveMark] = {}
        self._approvals: list[Approval] = []
        self.wait_for: str = ""  # what the run waits for, in words
        self.broken: Exception | None = None  # what stopped a batch and was no station's doing

    @property
    def steps(self) -> Steps:
        return Steps(
            waves=self._waves,
            open_wave=self._open_wave,
            run_batch=self._run_batch,
            judge=self._judge,
            finish=self._finish,
        )

    # ── the background of every process ────────────────────────────────────

    async def keep_watch(self, send_off: Callable[[str], Any]) -> None:
        """Read the witness and look at what is due, for ever."""
        self._send_off = send_off
        await self._refresh()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lookout.look_out(await self.watch.catch_up(), self._elsewhere))
            group.create_task(self._tick_for_ever())

    async def _elsewhere(self, sighting: Sighting) -> None:
        if not self.is_leader:
            return None
        if sighting.kind in (Kind.CSMS_DOWN, Kind.CSMS_UP):
            is_over = sighting.kind is Kind.CSMS_UP
            await self._note_incident("CSMS down", sighting.detail, side=sighting.side.value, over=is_over)
            return None
        while True:
            try:
                return await self.watch.see(sighting)
            except CsmsUnavailable:
                await asyncio.sleep(self.nap_s)  # nobody can say who else answers; the sighting keeps

    async def _tick_for_ever(self) -> None:
        while True:
            await self._refresh()
            with suppress(CsmsUnavailable):  # the rest of this look comes with the next
                await (self.watch.tick() if self.is_leader else self.watch.read_moves())
            await asyncio.sleep(self.nap_s)

    @property
    def nap_s(self) -> float:
        return min(self._ports.clock.real_s(TICK), 1.0)

    async def _refresh(self) -> None:
        journal, fingerprint = self._ports.journal, self._outline.plan.fingerprint
        self.brake.control = await journal.control()
        self._marks = await journal.wave_marks(fingerprint)
        self._approvals = await journal.approvals(fingerprint)
        self.brake.shut_waves = frozenset(n for n, mark in self._marks.items() if self._is_shut(n, mark))
        self._stop_kinds()

    def _is_shut(self, number: int, mark: WaveMark) -> bool:
        """By what is recorded, or by what is about to be."""
        if mark.state not in (WaveState.RUNNING, WaveState.SOAKING):
            return mark.state == WaveState.SHUT
        return self._judged(number)[0].verdict is Verdict.SHUT

    def _stop_kinds(self) -> None:
        self.brake.stopped_kinds = stopped_kinds(
            self.watch.known.values(), self._kinds, self._outline.policy.gate, self._everything_acknowledged()
        )

    def _everything_acknowledged(self) -> dict[str, int]:
        return {name: version for seen in self.brake.control.acknowledged.values() for name, version in seen.items()}

    # ── errands ────────────────────────────────────────────────────────────

    def _errand(self, attempt: Attempt) -> Errand:
        planned = self._planned[attempt.identity]
        return Errand(
            station=self._outline.stations[attempt.identity],
            planned=planned,
            profile=self._outline.profiles(planned.profile),
            backend=self._outline.backend,
            policy=self._outline.policy,
            permits=permits(planned, self._outline.policy.caps, self._limits),
            refit=self._outline.refit,
            lab_counts=self._outline.lab_counts,
        )

    def _errand_or_none(self, attempt: Attempt) -> Errand | None:
        return self._errand(attempt) if attempt.identity in self._planned else None

    def _opening(self, identity: str) -> Attempt | None:
        planned = self._planned.get(identity)
        return self._opened(planned, None) if planned is not None else None

    def _opened(self, planned: PlannedStation, before: Attempt | None) -> Attempt:
        now, number = self._ports.clock.now(), before.number + 1 if before else 1
        return Attempt(
            id=attempt_id(planned.identity, number),
            identity=planned.identity,
            number=number,
            wave=planned.wave,
            batch=batch_name(planned.wave, planned.batch),
            profile=planned.profile,
            method=planned.method,
            opened_at=now,
            entered_at=now,
            fingerprint=self._outline.plan.fingerprint,
        )

    # ── steps ──────────────────────────────────────────────────────────────

    async def _waves(self, _: str) -> list[int]:
        upto = self._outline.upto_wave
        return [w.number for w in self._outline.plan.waves if upto is None or w.number <= upto]

    async def _open_wave(self, _: str, number: int) -> list[str]:
        """Open an attempt for each station of the wave that has none; the batches that still have work."""
        wave = self._wave(number)
        if not self.is_approved(number):
            return []
        known = {
            a.identity: a for a in await self._ports.journal.attempts(identities={s.identity for s in wave.stations})
        }
        fresh = [
            self._opened(s, known.get(s.identity)) for s in wave.stations if self._needs_attempt(known.get(s.identity))
        ]
        for chunk in _chunks(fresh, 500):
            await self._ports.journal.commit(Change(events=tuple(map(_opening_event, chunk)), attempts=tuple(chunk)))
        for attempt in fresh:
            known[attempt.identity] = attempt
            self.watch.learn(attempt)
        if self._mark(number).state in (WaveState.WAITING, WaveState.SHUT):
            await self._note_wave(number, WaveState.RUNNING, ())
        names = dict.fromkeys(batch_name(number, s.batch) for s in wave.stations)
        alive = {known[s.identity].batch for s in wave.stations if known[s.identity].state not in BATCH_ENDS}
        return [name for name in names if name in alive]

    def _needs_attempt(self, newest: Attempt | None) -> bool:
        """None yet, or one of an earlier plan that ended: what this plan says is tried anew."""
        if newest is None:
            return True
        return newest.is_ended and newest.fingerprint != self._outline.plan.fingerprint

    async def _run_batch(self, name: str) -> dict[str, Any]:
        """One batch, or a catch-up batch; an outcome in any case, because dbos forgets what kind an error was."""
        try:
            await self._refresh()  # a gate that a person has opened again must not turn its batches away
            report = await self._conductor.run(name, await self._attempts_of(name), self._errand)
            if self.is_helper and self.brake.is_ending and report.states.get(State.PLANNED):
                await for_ever()  # cancelled when this process ends: the batch stays pending, and another takes it over
        except* Exception as errors:  # noqa: BLE001 - the roof: what no driver explains stops the run, which raises it
            self._break(errors)
            outcome: dict[str, Any] = {"batch": name, "stopped": [type(e).__name__ for e in leaves(errors)]}
        else:
            outcome = {"batch": name, "states": {s.value: n for s, n in report.states.items()}, "fenced": report.fenced}
        return outcome

    def _let_go(self, attempt: Attempt) -> None:
        """A failure trips the brake before the next station starts, not only at the next look."""
        self.watch.learn(attempt)
        planned = self._planned.get(attempt.identity)
        if planned is not None and attempt.state in _AGAINST:
            self._stop_kinds()
            if self._judged(planned.wave)[0].verdict is Verdict.SHUT:
                self.brake.shut_waves |= {planned.wave}

    def _break(self, errors: ExceptionGroup[Exception]) -> None:
        """Start nothing more; in-flight stations of other batches come to rest, this batch's wait for the next run."""
        self.broken = self.broken or leaves(errors)[0]
        self.brake.is_ending = True

    async def _attempts_of(self, name: str) -> list[Attempt]:
        """The attempts that carry the batch's name, in plan order: a station belongs to one batch at a time."""
        mine = {a.identity: a for a in await self._ports.journal.attempts(batch=name)}
        return [mine[identity] for identity in self._planned if identity in mine]

    async def _judge(self, _: str, number: int) -> str:
        """Wait at the gate: ``open``, ``shut``, ``held`` (never opens by itself), ``approval`` or ``ending``."""
        while True:
            if not self.is_approved(number):
                return "approval"
            ruling = await self._rule(number)
            if ending := self._ends_waiting(number, ruling):
                return ending
            await asyncio.sleep(self.nap_s)

    def _ends_waiting(self, number: int, ruling: Ruling) -> str:
        if ruling.verdict is Verdict.OPEN:
            return "open"
        if ruling.verdict is Verdict.SHUT:
            return "shut"
        if self.brake.is_ending and not self.lookout.driven:
            return "ending"
        if not self._has_soaked(number):
            return ""
        return "approval" if not self._next_is_approved(number) else "held"

    async def _finish(self, _: str) -> str:
        """Wait for soaks and deferrals of every wave that ran; then the waves are done."""
        while not self.brake.is_ending:
            restless = [a for a in self._tried() if not self._is_at_rest(a)]
            if not restless:
                break
            for wave in self._outline.plan.waves:
                await self._rule(wave.number)
            due = self.watch.next_due_at()
            self.wait_for = f"{len(restless)} stations not at rest" + (
                f"; next due {due:%Y-%m-%d %H:%M:%S}Z" if due else ""
            )
            await asyncio.sleep(self.nap_s)
        for number in [w.number for w in self._outline.plan.waves if self._mark(w.number).state == WaveState.OPEN]:
            await self._note_wave(number, WaveState.DONE, ())
        return "ending" if self.brake.is_ending else "done"

    def _is_at_rest(self, attempt: Attempt) -> bool:
        if attempt.state is State.VISITING:
            return not self._outline.waits_for_visits
        return attempt.state in _AT_REST

    def _tried(self) -> list[Attempt]:
        return [a for a in self.watch.known.values() if a.identity in self._planned]

    # ── gates ──────────────────────────────────────────────────────────────

    async def _rule(self, number: int) -> Ruling:
        """Judge the wave as it stands, and journal what changed."""
        (ruling, quiet_since), mark = self._judged(number), self._mark(number)
        state = _state_of(ruling, is_quiet=quiet_since is not None, before=mark.state)
        if state != mark.state or (quiet_since is None) != (mark.quiet_since is None):
            await self._note_wave(number, state, tuple(str(r) for r in ruling.reasons), quiet_since=quiet_since)
        return ruling

    def _judged(self, number: int) -> tuple[Ruling, datetime | None]:
        """The gate's word on a wave at this moment, and since when nothing of it has been pending."""
        wave, now = self._wave(number), self._ports.clock.now()
        attempts = [a for s in wave.stations if (a := self.watch.known.get(s.identity))]
        counts = tally(attempts, wave.size)
        quiet_since = (self._mark(number).quiet_since or now) if counts.pending == 0 else None
        ruling = rule(
            counts,
            self._outline.policy.gate,
            soaked=now - quiet_since if quiet_since else None,
            approved=self._next_is_approved(number),
            acknowledged=still_acknowledged(attempts, self.brake.control.acknowledged.get(number, {})),
        )
        return ruling, quiet_since

    def _has_soaked(self, number: int) -> bool:
        since = self._mark(number).quiet_since
        return since is not None and self._ports.clock.now() - since >= self._outline.policy.gate.soak

    def is_approved(self, number: int) -> bool:
        return is_approved(number, self._outline.plan.fingerprint, self._approvals, self._outline.policy.gate)

    def _next_is_approved(self, number: int) -> bool:
        later = [w.number for w in self._outline.plan.waves if w.number > number]
        upto = self._outline.upto_wave
        return not later or (upto is not None and later[0] > upto) or self.is_approved(later[0])

    def _wave(self, number: int) -> Wave:
        return next(w for w in self._outline.plan.waves if w.number == number)

    def _mark(self, number: int) -> WaveMark:
        return self._marks.get(number) or WaveMark(wave=number, state=WaveState.WAITING, at=self._ports.clock.now())

    async def _note_wave(self, number: int, state: str, reasons: tuple[str, ...], *, quiet_since: Any = None) -> None:
        before, now = self._mark(number), self._ports.clock.now()
        mark = WaveMark(
            wave=number,
            state=state,
            at=now,
            started_at=before.started_at or now,
            ended_at=before.ended_at or (now if state in (WaveState.OPEN, WaveState.DONE) else None),
            quiet_since=quiet_since if state != WaveState.DONE else before.quiet_since,
            reasons=reasons,
        )
        event = Event(kind=EventKind.WAVE, at=now, data={"wave": number, "state": str(state), "reasons": list(reasons)})
        await self._ports.journal.mark_wave(self._outline.plan.fingerprint, mark, Change(events=(event,)))
        self._marks[number] = mark

    async def _note_incident(self, title: str, detail: str, **more: Any) -> None:
        data = {"title": title, "detail": detail, **more}
        event = Event(kind=EventKind.INCIDENT, at=self._ports.clock.now(), data=data)
        await self._ports.journal.commit(Change(events=(event,)))

    # ── catch-up ───────────────────────────────────────────────────────────

    def _may_dispatch(self, attempt: Attempt) -> bool:
        """A deferral comes back only where a fresh station could start too."""
        errand = self._errand_or_none(attempt)
        return errand is not None and self.brake.stops(errand) is None

    async def _dispatch(self, attempts: Sequence[Attempt]) -> None:
        if self._send_off is not None:
            for batch in dict.fromkeys(a.batch for a in attempts):
                await self._send_off(batch)

    async def orphans(self) -> list[str]:
        """Batches with stations that are not at rest, which a dead process may have left without anybody to run them."""
        under_way = [a for a in await self._ports.journal.attempts() if a.state not in BATCH_ENDS]
        return list(dict.fromkeys(a.batch for a in under_way))


def is_catch_up(batch: str) -> bool:
    """Whether a batch is of no wave, but of stations that came back."""
    return batch.startswith("catch-up.")


def batch_name(wave: int, batch: int) -> str:
    return f"w{wave}.b{batch}"


def _state_of(ruling: Ruling, *, is_quiet: bool, before: str) -> str:
    if before == WaveState.DONE:
        return before
    if ruling.verdict is Verdict.SHUT:
        return WaveState.SHUT
    if ruling.verdict is Verdict.OPEN:
        return WaveState.OPEN
    return before if before == WaveState.OPEN else WaveState.SOAKING if is_quiet else WaveState.RUNNING


def _opening_event(attempt: Attempt) -> Event:
    data = {"wave": attempt.wave, "batch": attempt.batch, "profile": attempt.profile, "method": attempt.method.value}
    return Event(
        kind=EventKind.ATTEMPT_OPENED, at=attempt.opened_at, identity=attempt.identity, attempt=attempt.id, data=data
    )


def _chunks(items: Sequence[Attempt], size: int) -> Iterable[Sequence[Attempt]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    """The errors of a group, without the groups."""
    return [
        leaf for one in group.exceptions for leaf in (leaves(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]
