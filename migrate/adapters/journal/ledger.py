"""Admission: may this change still be stored?

Within one transaction many changes are judged one after the other, each
against what the store held when the transaction began and what the changes
before it have added.  A stale change is turned away before anything of it is
noted, so it harms no neighbour.  Pure: what the store held comes in as sets
and numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from migrate.domain.attempt import ENDS, RESTING, State
from migrate.domain.errors import Stale
from migrate.domain.record import Attempt, Change, Guard


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known of a stored attempt to judge the next move."""

    identity: str
    state: State
    version: int

    @property
    def is_alive(self) -> bool:
        return self.state not in ENDS

    @property
    def is_under_way(self) -> bool:
        return self.state not in RESTING


@dataclass(slots=True)
class Ledger:
    """The store as one transaction sees it, as far as its changes need."""

    control_epoch: int = 0
    batches: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, Known] = field(default_factory=dict)
    under_way: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # identity: attempts
    taken: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))  # scope: places taken
    held: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # attempt: scopes
    leased: frozenset[str] = frozenset()  # stations that somebody asks and disturbs, without an attempt

    def admit(self, change: Change) -> None:
        """Note a change, or raise ``Stale`` and note nothing."""
        if change.guard:
            self._check_epochs(change.guard)
        for attempt in change.attempts:
            self._check_version(attempt)
        self._check_alone(change)
        self._check_leases(change)
        if change.guard:
            self._check_permits(change, change.guard)
        for attempt in change.attempts:
            self._note(attempt, change.guard)

    def _check_epochs(self, guard: Guard) -> None:
        if guard.batch and self.batches.get(guard.batch, 0) != guard.epoch:
            raise Stale(f"Batch {guard.batch} has been taken over by another process.", guard="batch")
        if guard.control_epoch is not None and guard.control_epoch != self.control_epoch:
            raise Stale("An order was given that this process had not seen.", guard="control")

    def _check_version(self, attempt: Attempt) -> None:
        known = self.attempts.get(attempt.id)
        expected = known.version + 1 if known else 1
        if attempt.version != expected or (known is not None and not known.is_alive):
            stands = f"stands at version {known.version} ({known.state.value})" if known else "is not on record"
            raise Stale(f"Attempt {attempt.id} {stands}; version {attempt.version} was offered.", guard="state")

    def _check_alone(self, change: Change) -> None:
        """One attempt in flight per station, after the whole change."""
        if len(change.attempts) == 1 and self.under_way[change.attempts[0].identity] <= {change.attempts[0].id}:
            return  # the common case: nobody else is there
        if len(change.attempts) != len({attempt.id for attempt in change.attempts}):
            raise Stale("One change moves the same attempt twice.", guard="state")
        after: dict[str, set[str]] = {}
        for attempt in change.attempts:
            moving = after.setdefault(attempt.identity, set(self.under_way[attempt.identity]))
            (moving.add if attempt.is_under_way else moving.discard)(attempt.id)
        for identity, moving in after.items():
            if len(moving) > 1:
                raise Stale(f"{identity} already has an attempt in flight.", guard="state")

    def _check_leases(self, change: Change) -> None:
        for attempt in change.attempts:
            if attempt.state is State.WRITING and attempt.identity in self.leased:
                raise Stale(f"{attempt.identity} is being probed.", guard="lease")

    def _check_permits(self, change: Change, guard: Guard) -> None:
        for permit in guard.permits:
            new = sum(a.holds_permits and permit.scope not in self.held[a.id] for a in change.attempts)
            if new and self.taken[permit.scope] + new > permit.limit:
                raise Stale(f"{permit.scope} has no place left ({permit.limit} taken).", guard="permit")

    def _note(self, attempt: Attempt, guard: Guard | None) -> None:
        self.attempts[attempt.id] = Known(attempt.identity, attempt.state, attempt.version)
        moving = self.under_way[attempt.identity]
        (moving.add if attempt.is_under_way else moving.discard)(attempt.id)
        before = self.held[attempt.id]
        after = before | {p.scope for p in guard.permits} if guard else before
        if not attempt.holds_permits:
            after = set()
        for scope in after - before:
            self.taken[scope] += 1
        for scope in before - after:
            self.taken[scope] -= 1
        self.held[attempt.id] = set(after)
