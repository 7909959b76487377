"""The gates of a campaign: each wave as it is judged now, and what the journal has recorded of it.

``batches.gate`` decides; this module fetches what it decides by, and journals
a ruling when it changes something.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batches.errand import Ports
from batches.gate import rule, still_acknowledged, tally
from batches.patience import Watched
from batches.standing import is_approved
from migrate.domain.evidence import Side
from migrate.domain.record import Approval, Attempt, Change, Control, Event, EventKind, WaveMark
from migrate.domain.wave import Ruling, Verdict, WaveState
from migrate.engine.outline import Outline


class Gates:
    """Judges waves by what ``known`` says of their stations: a live view, kept by the watch."""

    def __init__(self, outline: Outline, ports: Ports, known: Mapping[str, Attempt]) -> None:
        self._outline = outline
        self._ports = ports
        self._known = known
        self._control = Control()
        self._marks: dict[int, WaveMark] = {}
        self._approvals: list[Approval] = []
        self._watched = Watched()

    async def refresh(self, control: Control) -> None:
        """Learn what persons ordered and approved, and what other processes recorded."""
        fingerprint = self._outline.plan.fingerprint
        self._control = control
        self._watched.look(self._ports.clock.now(), can_see=self._ports.witness.sees(Side.TARGET))
        self._marks = await self._ports.journal.wave_marks(fingerprint)
        self._approvals = await self._ports.journal.approvals(fingerprint)

    # ── judging ────────────────────────────────────────────────────────────

    def shut(self) -> frozenset[int]:
        """The waves whose gate is shut: by what is recorded, or by what is about to be."""
        return frozenset(number for number in self._marks if self.is_shut(number))

    def is_shut(self, number: int) -> bool:
        """A gate that has opened shuts again on evidence against: a station of an earlier wave may be lost late."""
        state = self.mark(number).state
        return state == WaveState.SHUT or self.judged(number)[0].verdict is Verdict.SHUT

    def judged(self, number: int) -> tuple[Ruling, datetime | None]:
        """The gate's word on a wave at this moment, and since when nothing of it has been pending, and been seen not to be."""
        wave, now = self._outline.wave(number), self._ports.clock.now()
        attempts = [a for s in wave.stations if (a := self._known.get(s.identity))]
        counts = tally(attempts, wave.size)
        is_quiet = counts.pending == 0 and self._ports.witness.sees(Side.TARGET)  # a soak in the dark is none
        quiet_since = (self.mark(number).quiet_since or now) if is_quiet else None
        ruling = rule(
            counts,
            self._outline.policy.gate,
            soaked=self._watched.since(quiet_since, now) if quiet_since else None,
            approved=self.next_is_approved(number),
            acknowledged=still_acknowledged(attempts, self._control.acknowledged.get(number, {})),
        )
        return ruling, quiet_since

    def has_opened(self, number: int) -> bool:
        """Whether the gate has opened before: only evidence against closes it again, never a lack of evidence."""
        return self.mark(number).state in (WaveState.OPEN, WaveState.DONE)

    def has_soaked(self, number: int) -> bool:
        since = self.mark(number).quiet_since
        now, soak = self._ports.clock.now(), self._outline.policy.gate.soak
        return since is not None and self._watched.since(since, now) >= soak

    def is_approved(self, number: int) -> bool:
        return is_approved(number, self._outline.plan.fingerprint, self._approvals, self._outline.policy.gate)

    def next_is_approved(self, number: int) -> bool:
        """Whether the wave after this one may follow; where none follows in this run, nothing is missing."""
        later = [n for n in self._outline.waves if n > number]
        return not later or self.is_approved(later[0])

    # ── recording ──────────────────────────────────────────────────────────

    def mark(self, number: int) -> WaveMark:
        return self._marks.get(number) or WaveMark(wave=number, state=WaveState.WAITING, at=self._ports.clock.now())

    async def rule_up_to(self, number: int) -> Ruling:
        """The ruling on a wave, or on an earlier one that has shut since: no wave goes on over a shut gate."""
        rulings = [await self.rule(n) for n in self._outline.waves if n <= number]
        return next((r for r in rulings if r.verdict is Verdict.SHUT), rulings[-1])

    async def rule(self, number: int) -> Ruling:
        """Judge the wave as it stands, and journal what changed."""
        (ruling, quiet_since), mark = self.judged(number), self.mark(number)
        state = _state_of(ruling, is_quiet=quiet_since is not None, before=mark.state)
        if state != mark.state or (quiet_since is None) != (mark.quiet_since is None):
            await self.note(number, state, tuple(str(r) for r in ruling.reasons), quiet_since=quiet_since)
        return ruling

    async def note(
        self, number: int, state: str, reasons: tuple[str, ...] = (), *, quiet_since: datetime | None = None
    ) -> None:
        """Record where a wave stands."""
        before, now = self.mark(number), self._ports.clock.now()
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


def _state_of(ruling: Ruling, *, is_quiet: bool, before: str) -> str:
    if ruling.verdict is Verdict.SHUT:
        return WaveState.SHUT
    if before == WaveState.DONE:
        return before
    if ruling.verdict is Verdict.OPEN:
        return WaveState.OPEN
    return before if before == WaveState.OPEN else WaveState.SOAKING if is_quiet else WaveState.RUNNING
