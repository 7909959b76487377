"""The watch: what happens to stations that no batch holds.

A batch lets go of a station when it is confirmed, put off, visited, lost or
ended; the world goes on.  The watch applies what is seen of such stations
through the same table, lets confirmed ones soak, brings due deferrals back,
and hands whatever needs a driver again to a catch-up batch.  It sends nothing
to any station.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from batches.errand import Errand, Ports
from batches.patience import Patience, Watched, wait_for
from batches.reading import Meaning, may_be_another, may_prove, note_of, read, rivals_of
from migrate.domain.attempt import BATCH_ENDS, Fact, State, advance
from migrate.domain.errors import Stale
from migrate.domain.evidence import Grade, Kind, Side, Sighting, expected_of
from migrate.domain.record import Attempt, Change, Direction, EventKind, attempt_id, beginning, move
from migrate.domain.wave import Deferral
from migrate.ports import Presence

_WOKEN_BY = {
    Deferral.BUSY: frozenset({Kind.TRANSACTION_STOPPED}),
    Deferral.OFFLINE: frozenset({Kind.CONNECTED, Kind.BOOT}),
}

AT_ONCE, MOST_BATCHES = 250, 16
"""Deferrals brought back in one batch, and in how many: the first of ten thousand start before the last is stored,
and the batch of a station that has to be undone finds a free place beside them."""

Dispatch = Callable[[Sequence[Attempt]], Awaitable[None]]
"""Hands attempts that need a driver to a batch; they carry its name in ``batch`` already."""


class Watch:
    """Keeps an eye on the attempts of a campaign that no driver holds."""

    def __init__(
        self,
        ports: Ports,
        errand_of: Callable[[Attempt], Errand | None],
        opening_for: Callable[[str], Attempt | None],
        may_dispatch: Callable[[Attempt], bool],
        dispatch: Dispatch,
    ) -> None:
        self._ports = ports
        self._errand_of = errand_of
        self._opening_for = opening_for  # the attempt that would be opened for a station seen before any command
        self._may_dispatch = may_dispatch
        self._dispatch = dispatch
        self._known: dict[str, Attempt] = {}  # the newest attempt of every station, driven or not
        self._confirmed: set[str] = set()
        self._fresh: set[str] = set()  # confirmed, and not looked at since: it may have left in that very moment
        self._deferred: dict[str, None] = {}  # in the order in which they were put off
        self._given_back: set[str] = set()  # by a rollback that came to nothing
        self._away: dict[str, Patience] = {}
        self._watched = {side: Watched() for side in Side}
        self._read_up_to = 0
        self._batches = 0
        self.knows = asyncio.Event()
        """Set once what stands in the journal has been read: before that, nothing known is no answer."""

    @property
    def known(self) -> Mapping[str, Attempt]:
        """The newest attempt of every station, as of the last look."""
        return self._known

    def next_due_at(self) -> datetime | None:
        """When the next deferral is due."""
        return min((due for i in self._deferred if (due := self._known[i].due_at)), default=None)

    async def catch_up(self) -> int:
        """Load what stands, apply what was seen while nobody looked; the place in the journal to look out from."""
        self._read_up_to = await self._ports.journal.newest_seq()
        for attempt in await self._ports.journal.attempts():
            self.learn(attempt)
        self.knows.set()
        for attempt in list(self._known.values()):
            if attempt.state in BATCH_ENDS - {State.SETTLED}:  # those are many, and speak again soon
                for sighting in await self._ports.journal.missed(attempt.identity):
                    await self.see(sighting)
        return self._read_up_to

    def learn(self, attempt: Attempt) -> None:
        """Take note of where an attempt stands; drivers hand theirs in when they let go.

        One that is void has given its station back to the attempt before it,
        which the next look reads from the journal.
        """
        if attempt.is_void:
            self._given_back.add(attempt.identity)
            return
        before = self._known.get(attempt.identity)
        if before is not None and before.number > attempt.number:
            self._given_back.add(attempt.identity)  # by a process beside this one
        self._known[attempt.identity] = attempt
        if attempt.state is State.CONFIRMED and attempt.identity not in self._confirmed:
            self._fresh.add(attempt.identity)
        elif attempt.state is not State.CONFIRMED:
            self._fresh.discard(attempt.identity)
        (self._confirmed.add if attempt.state is State.CONFIRMED else self._confirmed.discard)(attempt.identity)
        if attempt.state is State.DEFERRED:
            self._deferred.setdefault(attempt.identity)
        else:
            self._deferred.pop(attempt.identity, None)
        if attempt.state not in (State.CONFIRMED, State.SETTLED):
            self._away.pop(attempt.identity, None)

    # ── sightings ──────────────────────────────────────────────────────────

    async def see(self, sighting: Sighting) -> None:
        """Apply one sighting of a station that no driver holds."""
        attempt = self._known.get(sighting.identity)
        if attempt is None:
            await self._seen_before_any_command(sighting)
            return
        if attempt.state not in BATCH_ENDS:
            return  # a driver of another process has it
        self._notice_leaving(attempt, sighting)
        if attempt.state is State.DEFERRED and sighting.kind in _WOKEN_BY.get(attempt.deferral or Deferral.WINDOW, ()):
            self._known[attempt.identity] = replace(attempt, due_at=self._ports.clock.now())
        if attempt.is_ended:
            await self._found_there(attempt, sighting)
        elif errand := self._errand_of(attempt):
            await self._apply(attempt, errand, sighting)

    async def _apply(self, attempt: Attempt, errand: Errand, sighting: Sighting) -> None:
        if meaning := await self._read(attempt, errand, sighting):
            await self._move(attempt, meaning.fact, note=note_of(sighting), **meaning.changes(attempt, sighting))

    async def _read(self, attempt: Attempt, errand: Errand, sighting: Sighting) -> Meaning | None:
        origin = attempt.direction.origin
        if may_be_another(attempt, sighting):
            presence = await self._ports.witness.presence(attempt.identity)
            return (
                None
                if presence.on(origin) is not None
                else read(attempt, sighting, errand.inventory, terms=errand.terms)
            )
        if not may_prove(attempt, sighting):
            return read(attempt, sighting, errand.inventory, terms=errand.terms)
        facts = expected_of(errand.inventory, await self._ports.journal.facts(attempt.identity, origin))
        rivals = rivals_of(sighting, await self._ports.witness.presence(attempt.identity))
        return read(attempt, sighting, facts, terms=errand.terms, rivals=rivals, lab_counts=errand.lab_counts)

    def _notice_leaving(self, attempt: Attempt, sighting: Sighting) -> None:
        if sighting.side is not attempt.direction.goal or attempt.state not in (State.CONFIRMED, State.SETTLED):
            return
        if sighting.kind is Kind.DISCONNECTED:
            self._miss(attempt)
        elif sighting.kind is not Kind.REFUSED:
            self._away.pop(attempt.identity, None)

    def _miss(self, attempt: Attempt) -> None:
        errand = self._errand_of(attempt)
        if errand is not None and attempt.identity not in self._away:
            self._away[attempt.identity] = wait_for(errand.policy.timeouts.grace, self._ports.clock.now())

    async def _found_there(self, ended: Attempt, sighting: Sighting) -> None:
        """A station whose attempt had ended is on the target: a new attempt, reason "found there"."""
        if sighting.at < ended.entered_at or sighting.side is not Side.TARGET:
            return
        now, number = self._ports.clock.now(), ended.next_number
        opened = replace(
            ended,
            id=attempt_id(ended.identity, number),
            number=number,
            direction=Direction.FORWARD,  # also of one that was written off on its way back
            state=State.PLANNED,
            reason="found there",
            unit=(),
            tries=0,
            left=False,
            evidence=Grade.E0,
            confirmed_at=None,
            opened_at=now,
            entered_at=now,
            version=1,
        )
        await self._open_and_see(opened, sighting)

    async def _seen_before_any_command(self, sighting: Sighting) -> None:
        if sighting.side is Side.TARGET and sighting.identity and (opened := self._opening_for(sighting.identity)):
            await self._open_and_see(replace(opened, reason="found there"), sighting)

    async def _open_and_see(self, opened: Attempt, sighting: Sighting) -> None:
        errand = self._errand_of(opened)
        if errand is None or await self._read(opened, errand, sighting) is None:
            return
        begun = Change(events=(beginning(opened, "found there"),), attempts=(opened,))
        try:
            await self._ports.journal.commit(begun)
        except Stale:
            return  # somebody else opened one: the next sighting finds it
        self.learn(opened)
        await self._apply(opened, errand, sighting)

    # ── time ───────────────────────────────────────────────────────────────

    async def tick(self) -> None:
        """One look at everything that is due."""
        await self.read_moves()
        await self._take_up_again()
        can_see = all(self._ports.witness.sees(side) for side in Side)
        now = self._ports.clock.now()
        for side, watched in self._watched.items():
            watched.look(now, can_see=self._ports.witness.sees(side))
        for identity in list(self._confirmed):
            await self._soak(identity, now)
        for identity, patience in list(self._away.items()):
            if patience.look(now, can_see=can_see):
                await self._gone(identity)
        await self._bring_back_the_due(now)

    async def read_moves(self) -> None:
        """Learn from the journal what drivers, persons and other processes did."""
        kinds = (EventKind.MOVED.value, EventKind.ATTEMPT_OPENED.value)
        while events := await self._ports.journal.events(after=self._read_up_to, kinds=kinds):
            self._read_up_to = events[-1].seq
            moved = {stored.event.identity for stored in events}
            for attempt in await self._ports.journal.attempts(identities=moved):
                self.learn(attempt)

    async def _take_up_again(self) -> None:
        """Look after a station again whose rollback came to nothing; it may have left meanwhile."""
        back = set(self._given_back)
        for attempt in await self._ports.journal.attempts(identities=back) if back else ():
            self.learn(attempt)
            presence = await self._ports.witness.presence(attempt.identity)
            self._given_back.discard(attempt.identity)  # only now: while nobody can be asked it is asked for again
            await self._look_where_it_is(attempt, presence)

    async def _look_where_it_is(self, attempt: Attempt, presence: Presence) -> None:
        """Of one that nobody took back: it may have left by itself, or have come back before anybody asked it to."""
        origin, goal = attempt.direction.origin, attempt.direction.goal
        if attempt.state not in (State.CONFIRMED, State.SETTLED) or presence.on(goal) is not None:
            return
        if presence.on(origin) is None:
            self._miss(attempt)
        else:
            reason = f"it came back to the {origin.value} by itself, before it was taken back"
            await self._move(attempt, Fact.ON_SOURCE, reason=reason, left=True)

    async def _soak(self, identity: str, now: datetime) -> None:
        attempt = self._known[identity]
        errand = self._errand_of(attempt)
        if errand is None or attempt.confirmed_at is None:
            return
        quiet = self._watched[attempt.direction.goal].since(attempt.confirmed_at, now)
        is_soaked = quiet >= errand.policy.gate.soak
        if not is_soaked and identity not in self._fresh:
            return
        presence = await self._ports.witness.presence(identity)
        if self._known[identity].state is not State.CONFIRMED:
            return  # it was seen elsewhere while we asked
        goal = attempt.direction.goal
        self._fresh -= {identity} if goal in presence.seen else set()
        if presence.on(goal) is None:
            if goal in presence.seen:
                self._miss(attempt)
        elif is_soaked and _is_alone(presence):
            await self._move(self._known[identity], Fact.SOAK_PASSED, evidence=Grade.E4, left=True)

    async def _gone(self, identity: str) -> None:
        self._away.pop(identity, None)
        presence = await self._ports.witness.presence(identity)
        attempt = self._known[identity]
        if attempt.state not in (State.CONFIRMED, State.SETTLED):
            return  # it was seen elsewhere while we asked
        goal = attempt.direction.goal
        if goal in presence.seen and presence.on(goal) is None:
            reason = f"left the {goal.value} and stayed away beyond the grace time"
            await self._move(attempt, Fact.GONE, reason=reason, left=True)

    async def _bring_back_the_due(self, now: datetime) -> None:
        due = [a for i in self._deferred if (a := self._known[i]).due_at and a.due_at <= now]
        overdue = [a for a in due if (e := self._errand_of(a)) and now - a.opened_at > e.policy.timeouts.defer]
        for attempt in overdue:
            await self._move(attempt, Fact.DEADLINE, reason=f"put off too long: {attempt.reason}")
        late = {attempt.identity for attempt in overdue}
        back = [attempt for attempt in due if attempt.identity not in late and self._may_dispatch(attempt)]
        size = max(AT_ONCE, -(-len(back) // MOST_BATCHES))
        for start in range(0, len(back), size):
            batch = self._new_batch()
            stored = (self._store(attempt, Fact.DUE, batch=batch) for attempt in back[start : start + size])
            if moved := [attempt for attempt in await asyncio.gather(*stored) if attempt is not None]:
                await self._dispatch(moved)

    # ── moving ─────────────────────────────────────────────────────────────

    async def _move(self, attempt: Attempt, fact: Fact, **changes: Any) -> None:
        if advance(attempt.state, fact) in BATCH_ENDS:
            await self._store(attempt, fact, **changes)
        elif moved := await self._store(attempt, fact, batch=self._new_batch(), **changes):
            await self._dispatch([moved])

    async def _store(self, attempt: Attempt, fact: Fact, **changes: Any) -> Attempt | None:
        change = move(attempt, fact, self._ports.clock.now(), **changes)
        try:
            await self._ports.journal.commit(change)
        except Stale:
            return None  # somebody else moved it: the next look learns how
        self.learn(change.attempts[0])
        return change.attempts[0]

    def _new_batch(self) -> str:
        self._batches += 1
        return f"catch-up.{self._ports.dice.token()[:8]}.{self._batches}"


def _is_alone(presence: Presence) -> bool:
    """It answers on the target and nowhere else."""
    return presence.answering <= 1
