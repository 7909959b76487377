"""What a campaign's steps do in this process.

Opens waves, runs batches through the conductor, waits at gates, and keeps the
watch over everything that no batch holds.  Whatever is decided here was
decided by the pure rooms; this module fetches the facts and journals the
rulings.  Every step may run again after a crash, and dbos may resume one
before this process has read the journal: a step that judges waits for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from batches.acts import for_ever
from batches.conductor import Conductor
from batches.errand import Ports
from batches.gate import stopped_kinds, stopped_profiles
from batches.lookout import Lookout
from batches.rollback import RollbackBook
from batches.schedule import Admission
from batches.turnstile import Turnstile
from batches.watch import Watch
from migrate.domain.attempt import BATCH_ENDS, IN_FLIGHT, NEEDS_A_PERSON, State
from migrate.domain.errors import CsmsUnavailable, MigrateError
from migrate.domain.evidence import Kind, Sighting
from migrate.domain.record import Attempt, Change, Direction, beginning
from migrate.domain.wave import Ruling, Verdict, WaveState
from migrate.engine.brake import CampaignBrake
from migrate.engine.durable import Steps
from migrate.engine.foresight import Foreseen, Foresight
from migrate.engine.gates import Gates
from migrate.engine.notes import Notes
from migrate.engine.outline import Outline, is_catch_up
from migrate.engine.rest import Rest

TICK = timedelta(seconds=10)
"""How often, in campaign time, the engine looks at gates, deadlines and orders; never less than once a real second."""

OPENED_AT_ONCE = 500
"""Attempts opened in one change: ten thousand in one transaction would keep every other process waiting."""

_AGAINST = frozenset({State.FAILED, State.REVERTED}) | NEEDS_A_PERSON


SendOff = Callable[[str], Awaitable[None]]


class Campaign:
    """One plan, as far as this process works on it."""

    def __init__(self, outline: Outline, ports: Ports, executor: str, foresight: Foresight | None = None) -> None:
        self._outline = outline
        self.foreseen = Foreseen(outline, ports, foresight)
        self._ports = ports
        self.is_helper = False  # a worker: what it does not start is left to the run, not reported as done
        self.is_leader = True  # keeps the watch and dispatches what is due; one process of a campaign does
        self.broken: Exception | None = None  # what stopped a batch and was no station's doing
        self._rollbacks = RollbackBook(outline.kinds, outline.policy.gate)
        self._rollbacks_read_up_to = 0
        self.brake = CampaignBrake(ports.witness, ports.pacer, self._rollbacks)
        self.lookout = Lookout(ports.witness)
        self.watch = Watch(ports, outline.errand_or_none, self._opening, self._may_dispatch, self._dispatch)
        self.rest = Rest(outline, self.brake, self.lookout, self.watch, nap_s=self.nap_s)
        self._gates = Gates(outline, ports, self.watch.known)
        turnstile = Turnstile(Admission(outline.policy.caps, outline.limits))
        self._conductor = Conductor(ports, self.lookout, turnstile, self.brake, executor=executor, let_go=self._let_go)
        self._notes = Notes(outline.policy, ports)
        self._send_off: SendOff | None = None

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

    async def keep_watch(self, send_off: SendOff) -> None:
        """Read the witness and look at what is due, for ever."""
        self._send_off = send_off
        await self._refresh()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lookout.look_out(await self._caught_up(), self._elsewhere))
            group.create_task(self._tick_for_ever())

    async def _caught_up(self) -> int:
        while True:
            try:
                return await self.watch.catch_up()
            except CsmsUnavailable:
                await asyncio.sleep(self.nap_s)  # as below: what was missed keeps until somebody can be asked

    async def _elsewhere(self, sighting: Sighting) -> None:
        if not self.is_leader:
            return None
        if sighting.kind in (Kind.CSMS_DOWN, Kind.CSMS_UP):
            return await self._notes.contact(sighting)
        while True:
            try:
                return await self.watch.see(sighting)
            except CsmsUnavailable:
                await asyncio.sleep(self.nap_s)  # nobody can say who else answers; the sighting keeps

    async def _tick_for_ever(self) -> None:
        while True:
            await self._refresh()
            for sighting in self.lookout.unheeded():
                await self._elsewhere(sighting)
            with suppress(CsmsUnavailable):  # the rest of this look comes with the next
                await (self.watch.tick() if self.is_leader else self.watch.read_moves())
            await self._notes.pace(self.is_leader)
            await asyncio.sleep(self.nap_s)

    @property
    def nap_s(self) -> float:
        return min(self._ports.clock.real_s(TICK), 1.0)

    async def _refresh(self) -> None:
        self.brake.control = await self._ports.journal.control()
        await self._gates.refresh(self.brake.control)
        self.brake.shut_waves = self._gates.shut()
        await self.foreseen.refresh()
        self.brake.forecasts = self.foreseen.by_wave
        self._stop_kinds()
        newest = await self._ports.journal.newest_seq()
        self._rollbacks.learn(await self._ports.journal.rollbacks(after=self._rollbacks_read_up_to))
        self._rollbacks_read_up_to = newest

    def _stop_kinds(self) -> None:
        acknowledged = self.brake.control.acknowledged.values()
        seen = {name: version for wave in acknowledged for name, version in wave.items()}
        known, gate = self.watch.known.values(), self._outline.policy.gate
        self.brake.stopped_kinds = stopped_kinds(known, self._outline.kinds, gate, seen)
        self.brake.stopped_profiles = stopped_profiles(known, gate, seen)

    # ── steps ──────────────────────────────────────────────────────────────

    async def _waves(self, _: str) -> list[int]:
        return self._outline.waves

    async def _open_wave(self, _: str, number: int) -> list[str]:
        """Open an attempt for each station of the wave that has none; the batches that still have work."""
        await self.watch.knows.wait()
        if not self._gates.is_approved(number):
            return []
        await self._look_ahead(number)
        stations = self._outline.wave(number).stations
        newest = await self._ports.journal.attempts(identities={s.identity for s in stations})
        known = {a.identity: a for a in newest}
        if self.broken is not None or self.foreseen.of(number).stops:
            flying = {a.batch for a in newest if a.state in IN_FLIGHT}
            return [name for name in self._outline.batches(number) if name in flying]
        now = self._ports.clock.now()
        befores = ((s, known.get(s.identity)) for s in stations)
        fresh = [self._outline.opened(s, before, now) for s, before in befores if self._outline.needs_attempt(before)]
        await self._open(fresh)
        await self._notes.accepted(fresh if number else ())
        known |= {a.identity: a for a in fresh}
        if self._gates.mark(number).state in (WaveState.WAITING, WaveState.SHUT):
            await self._gates.note(number, WaveState.RUNNING)
        alive = {a.batch for a in known.values() if a.state not in BATCH_ENDS}
        return [name for name in self._outline.batches(number) if name in alive]

    async def _look_ahead(self, number: int) -> None:
        try:
            await self.foreseen.look(number)
        except MigrateError as error:  # a list that cannot be read, a secret that others may read: the run ends with it
            self._break(ExceptionGroup("looking ahead", [error]))
        await self._refresh()

    async def _open(self, fresh: Sequence[Attempt]) -> None:
        for part in _parts(fresh, OPENED_AT_ONCE):
            await self._ports.journal.commit(Change(events=tuple(map(beginning, part)), attempts=tuple(part)))
        for attempt in fresh:
            self.watch.learn(attempt)

    async def _run_batch(self, name: str) -> dict[str, Any]:
        """One batch, or a catch-up batch; an outcome in any case, because dbos forgets what kind an error was."""
        try:
            await self._refresh()  # a gate that a person has opened again must not turn its batches away
            report = await self._conductor.run(name, await self._attempts_of(name), self._outline.errand)
            if self.is_helper and self.brake.is_ending and report.states.get(State.PLANNED):
                await for_ever()  # cancelled when this process ends: the batch stays pending, and another takes it over
        except* Exception as errors:  # noqa: BLE001 - the roof: what no driver explains stops the run, which raises it
            self._break(errors)
            outcome: dict[str, Any] = {"batch": name, "stopped": [type(e).__name__ for e in _leaves(errors)]}
        else:
            outcome = {"batch": name, "states": {s.value: n for s, n in report.states.items()}, "fenced": report.fenced}
        return outcome

    async def _attempts_of(self, name: str) -> list[Attempt]:
        """The attempts that carry the batch's name, in plan order: a station belongs to one batch at a time."""
        mine = {a.identity: a for a in await self._ports.journal.attempts(batch=name)}
        return [mine[identity] for identity in self._outline.planned if identity in mine]

    def _let_go(self, attempt: Attempt) -> None:
        """A failure trips the brake before the next station starts, not only at the next look."""
        self.watch.learn(attempt)
        if attempt.direction is Direction.BACK:
            self._rollbacks.learn([attempt])
            return
        planned = self._outline.planned.get(attempt.identity)
        if planned is not None and attempt.state in _AGAINST:
            self._stop_kinds()
            if self._gates.judged(planned.wave)[0].verdict is Verdict.SHUT:
                self.brake.shut_waves |= {planned.wave}

    def _break(self, errors: ExceptionGroup[Exception]) -> None:
        """Start nothing more; in-flight stations of other batches come to rest, this batch's wait for the next run."""
        self.broken = self.broken or _leaves(errors)[0]
        self.brake.is_ending = True

    async def _judge(self, _: str, number: int) -> str:
        """Wait at the gate: ``open``, ``shut``, ``held`` (never opens by itself), ``approval`` or ``ending``.

        A wave that the checks before it have stopped waits for nothing: ``unsound``, or ``away`` where a backend is.
        """
        await self.watch.knows.wait()
        while True:
            if not self._gates.is_approved(number):
                return "approval"
            if (ahead := self.foreseen.of(number)).stops:
                return "away" if ahead.is_away else "unsound"
            if ending := self._ends_waiting(number, await self._gates.rule_up_to(number)):
                return ending
            await asyncio.sleep(self.nap_s)

    def _ends_waiting(self, number: int, ruling: Ruling) -> str:
        if ruling.verdict is Verdict.SHUT:
            return "shut"
        if ruling.verdict is Verdict.OPEN or self._gates.has_opened(number):
            return "open"
        if self.brake.is_ending and not self.lookout.driven:
            return "ending"
        if not self._gates.has_soaked(number):
            return ""
        return "approval" if not self._gates.next_is_approved(number) else "held"

    async def _finish(self, _: str) -> str:
        """Wait for soaks and deferrals of every wave that ran; then the waves are done, or wait for a person."""
        await self.watch.knows.wait()
        while not (self.rest.is_over or (ended := self.rest.of_everybody())):
            for number in self._outline.waves:
                await self._gates.rule(number)
            await asyncio.sleep(self.nap_s)
        if self.rest.is_over:
            return "ending"
        for number in self._outline.waves if ended == "done" else ():
            if self._gates.mark(number).state == WaveState.OPEN:
                await self._gates.note(number, WaveState.DONE)
        return ended

    # ── catch-up ───────────────────────────────────────────────────────────

    def _opening(self, identity: str) -> Attempt | None:
        """The attempt that would be opened for a station seen on the target before any command."""
        planned = self._outline.planned.get(identity)
        return self._outline.opened(planned, None, self._ports.clock.now()) if planned is not None else None

    def _may_dispatch(self, attempt: Attempt) -> bool:
        """A deferral comes back only where a fresh station could start too."""
        errand = self._outline.errand_or_none(attempt)
        if errand is None or self.brake.stops(errand) is not None:
            return False
        if attempt.direction is Direction.BACK:
            self._rollbacks.sends(attempt)
        return True

    async def _dispatch(self, attempts: Sequence[Attempt]) -> None:
        if self._send_off is not None:
            for batch in dict.fromkeys(a.batch for a in attempts):
                await self._send_off(batch)

    def lying(self) -> set[str]:
        """The catch-up batches with stations that were opened, are put off no more, and have not begun."""
        return {a.batch for a in self.watch.known.values() if a.state is State.PLANNED and is_catch_up(a.batch)}

    async def orphans(self) -> list[str]:
        """Batches with stations that are not at rest, which a dead process may have left without anybody to run them."""
        under_way = [a for a in await self._ports.journal.attempts() if a.state not in BATCH_ENDS]
        return list(dict.fromkeys(a.batch for a in under_way))


def _parts(items: Sequence[Attempt], size: int) -> Iterable[Sequence[Attempt]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    """The errors of a group, without the groups."""
    return [
        leaf for one in group.exceptions for leaf in (_leaves(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]
