"""A journal in memory that keeps the same promises as the real one, but for durability.

It passes the contract suite of ``tests/adapters/journal``; what the suite does
not ask, the double need not answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from migrate.adapters.journal.rows import sighting_from
from migrate.domain.attempt import State
from migrate.domain.errors import JournalError, Stale
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.record import (
    Approval,
    Attempt,
    Change,
    Control,
    Direction,
    Event,
    EventKind,
    Guard,
    Process,
    StoredEvent,
    WaveMark,
)


class MemoryJournal:
    """``migrate.ports.Journal`` in memory.  ``fails`` makes every write fail, as a full disk does."""

    def __init__(self, executor: str = "double") -> None:
        self.executor = executor
        self.fails = False
        self.probed: set[str] = set()  # stations that a probe holds
        self.lines: list[StoredEvent] = []
        self._attempts: dict[str, Attempt] = {}
        self._moved_at: dict[str, int] = {}
        self._permits: dict[str, set[str]] = {}  # scope: attempts
        self._batches: dict[str, tuple[str, int]] = {}
        self._control = Control()
        self._approvals: dict[tuple[str, int | None], Approval] = {}
        self._marks: dict[str, dict[int, WaveMark]] = {}
        self._processes: dict[str, Process] = {}

    async def commit(self, change: Change) -> int:
        if not change.events:
            raise JournalError("A change without an event would leave no trace.")
        self._check(change)
        seq = [self._append(event) for event in change.events][-1]
        for attempt in change.attempts:
            self._attempts[attempt.id] = attempt
            self._moved_at[attempt.identity] = seq
            self._hold(attempt, change.guard)
        return seq

    def _check(self, change: Change) -> None:
        guard = change.guard or Guard()
        if guard.batch and self._batches.get(guard.batch, ("", 0))[1] != guard.epoch:
            raise Stale("the batch was taken over", guard="batch")
        if guard.control_epoch not in (None, self._control.epoch):
            raise Stale("an order was given", guard="control")
        after = {**self._attempts, **{attempt.id: attempt for attempt in change.attempts}}
        if len({attempt.id for attempt in change.attempts}) != len(change.attempts):
            raise Stale("one change moves the same attempt twice", guard="state")
        for attempt in change.attempts:
            before = self._attempts.get(attempt.id)
            if attempt.version != (before.version + 1 if before else 1) or (before and before.is_ended):
                raise Stale(f"{attempt.id} moved on", guard="state")
            if sum(other.identity == attempt.identity and other.is_under_way for other in after.values()) > 1:
                raise Stale(f"{attempt.identity} is in flight", guard="state")
            if attempt.state is State.WRITING and attempt.identity in self.probed:
                raise Stale(f"{attempt.identity} is being probed", guard="lease")
        for permit in guard.permits:
            holders = self._permits.get(permit.scope, set())
            wishing = {attempt.id for attempt in change.attempts if attempt.holds_permits} - holders
            if wishing and len(holders) + len(wishing) > permit.limit:
                raise Stale(f"{permit.scope} is full", guard="permit")

    def _hold(self, attempt: Attempt, guard: Guard | None) -> None:
        if not attempt.holds_permits:
            for holders in self._permits.values():
                holders.discard(attempt.id)
        elif guard:
            for permit in guard.permits:
                self._permits.setdefault(permit.scope, set()).add(attempt.id)

    def _append(self, event: Event) -> int:
        if self.fails:
            raise JournalError("The store could not record a change (the double was told to fail).")
        seq = len(self.lines) + 1
        self.lines.append(StoredEvent(seq=seq, writer=self.executor, link=seq, event=event, hash=""))
        return seq

    async def attempts(
        self,
        *,
        wave: int | None = None,
        batch: str | None = None,
        states: Collection[State] | None = None,
        identities: Collection[str] | None = None,
    ) -> list[Attempt]:
        newest: dict[str, int] = {}
        given: dict[str, int] = {}
        for attempt in self._attempts.values():
            given[attempt.identity] = max(attempt.number, given.get(attempt.identity, 0))
            if not attempt.is_void:
                newest[attempt.identity] = max(attempt.number, newest.get(attempt.identity, 0))
        return [
            replace(attempt, numbers_given=given[attempt.identity])
            for attempt in self._attempts.values()
            if attempt.number == newest.get(attempt.identity)
            and wave in (None, attempt.wave)
            and batch in (None, attempt.batch)
            and (states is None or attempt.state in states)
            and (identities is None or attempt.identity in identities)
        ]

    async def history(self, identity: str) -> list[Attempt]:
        return sorted((a for a in self._attempts.values() if a.identity == identity), key=lambda a: a.number)

    async def rollbacks(self, *, after: int = 0) -> list[Attempt]:
        back = [attempt for attempt in self._attempts.values() if attempt.direction is Direction.BACK]
        return [attempt for attempt in back if self._moved_at[attempt.identity] > after]

    async def facts(self, identity: str, side: Side) -> IdentityFacts:
        facts = IdentityFacts()
        for sighting in self._sightings(identity):
            if sighting.side is side and sighting.kind is Kind.BOOT:
                facts = sighting.facts.over(facts)
        return facts

    async def missed(self, identity: str) -> list[Sighting]:
        if identity not in self._moved_at:
            return []
        moved_at = self._moved_at[identity]
        data = self.lines[moved_at - 1].event.data
        heeded = data.get("sighting") or data.get("heeded") or moved_at
        (newest,) = await self.attempts(identities=[identity])
        told_by = heeded if newest.state is State.ARRIVED else 0
        return [seen for seen in self._sightings(identity) if seen.seq > heeded or seen.seq == told_by]

    def _sightings(self, identity: str) -> list[Sighting]:
        return [sighting_from(line) for line in self._of_kind(EventKind.SIGHTING) if line.event.identity == identity]

    def _of_kind(self, *kinds: str) -> list[StoredEvent]:
        return [line for line in self.lines if line.event.kind in kinds]

    async def timeline(self, identity: str) -> list[StoredEvent]:
        return [line for line in self.lines if line.event.identity == identity]

    async def events(
        self, *, after: int = 0, kinds: Collection[str] | None = None, limit: int = 1000
    ) -> list[StoredEvent]:
        lines = self.lines if kinds is None else self._of_kind(*kinds)
        return [line for line in lines if line.seq > after][:limit]

    async def newest_seq(self) -> int:
        return len(self.lines)

    async def tail_sightings(self, after: int, *, limit: int = 1000) -> list[Sighting]:
        return [sighting_from(line) for line in self._of_kind(EventKind.SIGHTING) if line.seq > after][:limit]

    async def control(self) -> Control:
        return self._control

    async def order(self, control: Control, change: Change) -> None:
        if control.epoch != self._control.epoch + 1:
            raise Stale("somebody else gave an order", guard="control")
        await self.commit(change)
        self._control = control

    async def approve(self, approval: Approval) -> None:
        key = (approval.fingerprint, approval.wave)
        if key not in self._approvals:
            self._approvals[key] = approval
            self._append(Event(kind=EventKind.APPROVED, at=approval.at, data={"fingerprint": approval.fingerprint}))

    async def approvals(self, fingerprint: str) -> list[Approval]:
        found = [approval for approval in self._approvals.values() if approval.fingerprint == fingerprint]
        return sorted(found, key=lambda approval: -1 if approval.wave is None else approval.wave)

    async def wave_marks(self, fingerprint: str) -> dict[int, WaveMark]:
        return dict(sorted(self._marks.get(fingerprint, {}).items()))

    async def mark_wave(self, fingerprint: str, mark: WaveMark, change: Change) -> None:
        await self.commit(change)
        self._marks.setdefault(fingerprint, {})[mark.wave] = mark

    async def take_batch(self, batch: str, executor: str, at: datetime) -> int:
        epoch = self._batches.get(batch, ("", 0))[1] + 1
        self._batches[batch] = (executor, epoch)
        self._append(Event(kind=EventKind.BATCH, at=at, data={"batch": batch, "executor": executor, "epoch": epoch}))
        return epoch

    async def batches(self) -> dict[str, tuple[str, int]]:
        return dict(self._batches)

    async def beat(self, process: Process) -> None:
        before = self._processes.get(process.executor)
        if before is None or before.ended != process.ended:
            self._append(Event(kind=EventKind.PROCESS, at=process.beat_at, data={"executor": process.executor}))
        self._processes[process.executor] = replace(process)

    async def processes(self) -> list[Process]:
        return sorted(self._processes.values(), key=lambda process: (process.started_at, process.executor))

    async def close(self) -> None:
        return None
