"""The driver: walks one station through its table.

One act runs at a time, raced against what the witness sees and against the
deadline of the state.  Whichever speaks first becomes a fact in the journal,
and the attempt moves.  The driver is the only one that moves its attempt
while it lives; when somebody else did (a person, another worker), the journal
says so and the driver believes the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from batches.acts import Act, Acts, for_ever
from batches.deadlines import deadline_of, grace_of, home_of, is_away, needs_restart, run_out
from batches.errand import Errand, Fence, Ports
from batches.hands import Hands
from batches.outcome import Outcome, outcome
from batches.patience import Patience, wait_for
from batches.reading import Meaning, may_be_another, may_prove, note_of, read, rivals_of
from migrate.domain.attempt import BATCH_ENDS, Fact, State, advance
from migrate.domain.errors import CsmsUnavailable, Stale, StationError
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting, expected_of
from migrate.domain.record import Attempt, move
from migrate.domain.wave import Cause
from migrate.ports import Presence

LOOK_EVERY = timedelta(seconds=10)
"""The longest stretch of campaign time between two looks at deadlines and witnesses."""


class Driver:
    """Drives one attempt until its batch may let go of it."""

    def __init__(self, errand: Errand, ports: Ports, fence: Fence, *, resumed: bool = False) -> None:
        self._errand = errand
        self._ports = ports
        self._fence = fence
        self._hands = Hands(errand, ports, fence)
        self._acts = Acts(errand, ports, fence, self._hands, resumed=resumed)
        self._inbox: deque[Sighting] = deque()
        self._bell = asyncio.Event()
        self._was_blind = False
        self._seen_seq = 0
        self._heeded_seq = 0
        self._away: Patience | None = None
        self._boot: Sighting | None = None  # the best boot at the goal, looked at again when a rival has gone
        self._expected: IdentityFacts = errand.inventory

    def see(self, sighting: Sighting) -> None:
        """Hand in what the witness saw of this station; never blocks.  A sighting handed in twice is heeded once."""
        if sighting.seq and sighting.seq <= self._seen_seq:
            return
        self._seen_seq = max(self._seen_seq, sighting.seq)
        self._inbox.append(sighting)
        self._bell.set()

    def unheeded(self) -> tuple[Sighting, ...]:
        """What was told and not read before the driver let go; somebody else has to."""
        return tuple(self._inbox)

    async def drive(self, attempt: Attempt, missed: Sequence[Sighting] = ()) -> Attempt:
        """Walk on until the attempt confirms, ends, or has to wait for something outside this batch."""
        live, self._inbox, self._seen_seq = self._inbox, deque(), 0  # told while the missed ones were being read
        for sighting in (*missed, *live):
            self.see(sighting)
        while attempt.state not in BATCH_ENDS:
            attempt = await self._leave_state(attempt)
        return attempt

    # ── one state ──────────────────────────────────────────────────────────

    async def _leave_state(self, attempt: Attempt) -> Attempt:
        """Live through one state; what is not known afterwards is looked at before anything is sent again."""
        try:
            moved = await self._live_through(attempt)
        except Stale as stale:
            self._acts.resumed = True  # what was sent last is not known: the next act looks before it writes
            return await self._believe_the_journal(attempt, stale)
        except CsmsUnavailable:
            self._acts.resumed = self._was_blind = True
            await self._ports.clock.sleep(LOOK_EVERY)  # nobody can see: the state begins anew, and its deadline
            return attempt
        self._acts.resumed = False
        return moved

    async def _live_through(self, attempt: Attempt) -> Attempt:
        """Let the act of a state run until something ends the state, and journal what; the act ends with it."""
        said = await self._ports.journal.facts(attempt.identity, attempt.direction.origin)
        self._expected = expected_of(self._errand.inventory, said)
        if attempt.state in (State.PLANNED, State.CHECKED):
            self._was_blind = False  # what was not seen before anything was done excuses nothing
        act = asyncio.ensure_future(self._act_of(attempt)(attempt))
        try:
            await self._notice_absence(attempt)
            return await self._record(attempt, await self._first_of(act, attempt))
        finally:
            act.cancel()
            await asyncio.gather(act, return_exceptions=True)  # its outcome is overtaken; errors were raised above

    def _act_of(self, attempt: Attempt) -> Act:
        acts: dict[State, Act] = {
            State.PLANNED: self._acts.check,
            State.CHECKED: self._acts.begin_writing,
            State.WRITING: self._acts.write_unit,
            State.WRITTEN: self._acts.begin_restart,
            State.RESTARTING: self._acts.restart,
            State.UNDOING: self._acts.undo_unit,
            State.ARRIVED: self._acts.ask_who_is_there,
        }
        return acts.get(attempt.state, _only_watch)

    async def _first_of(self, act: asyncio.Future[Outcome], attempt: Attempt) -> Outcome:
        """The act's outcome, a sighting's meaning, an absence or a deadline: whatever comes first."""
        patience = wait_for(deadline_of(attempt.state, self._errand), self._ports.clock.now(), can_see=self._can_see())
        while True:
            if ended := await self._heed_inbox(attempt):
                return ended
            if act.done():
                return _result(act, attempt)
            await self._nap(act, patience)
            if ended := await self._look(attempt, patience):
                return ended

    async def _nap(self, act: asyncio.Future[Outcome], patience: Patience) -> None:
        """Sleep until the act ends, the witness speaks, or something is due."""
        nap = patience.next_look(LOOK_EVERY)
        nap = self._away.next_look(nap) if self._away is not None else nap
        bell = asyncio.ensure_future(self._bell.wait())
        waiting: set[asyncio.Future[Any]] = {act, bell}
        try:
            await asyncio.wait(waiting, timeout=self._ports.clock.real_s(nap), return_when=asyncio.FIRST_COMPLETED)
        finally:
            bell.cancel()

    async def _heed_inbox(self, attempt: Attempt) -> Outcome | None:
        self._bell.clear()
        while self._inbox:
            sighting = self._inbox[0]
            self._notice(attempt, sighting)
            meaning = await self._read(attempt, sighting)
            self._inbox.popleft()  # only now: one that could not be judged yet is kept
            self._heeded_seq = max(self._heeded_seq, sighting.seq)
            if meaning:
                return _of(meaning, attempt, sighting)
        return None

    async def _read(self, attempt: Attempt, sighting: Sighting) -> Meaning | None:
        if (
            may_be_another(attempt, sighting)
            and (await self._presence(attempt)).on(attempt.direction.origin) is not None
        ):
            return None
        rivals = rivals_of(sighting, await self._presence(attempt)) if may_prove(attempt, sighting) else 0
        errand = self._errand
        return read(attempt, sighting, self._expected, terms=errand.terms, rivals=rivals, lab_counts=errand.lab_counts)

    async def _presence(self, attempt: Attempt) -> Presence:
        return await self._ports.witness.presence(attempt.identity)

    # ── absence and deadlines ──────────────────────────────────────────────

    def _notice(self, attempt: Attempt, sighting: Sighting) -> None:
        """Keep track of who left and who came, without deciding anything yet."""
        if sighting.side is attempt.direction.goal and sighting.kind is Kind.BOOT:
            self._boot = sighting
        elif self._boot is not None and _overtakes(sighting, self._boot):
            self._boot = None
        if sighting.side is not home_of(attempt):
            return
        if sighting.kind is Kind.DISCONNECTED:
            self._away = self._away or self._grace(attempt)
        elif sighting.kind is not Kind.REFUSED:
            self._away = None

    async def _notice_absence(self, attempt: Attempt) -> None:
        self._away = None
        if home_of(attempt) and await self._is_away(attempt):
            self._away = self._grace(attempt)

    def _grace(self, attempt: Attempt) -> Patience:
        return wait_for(grace_of(attempt.state, self._errand), self._ports.clock.now())

    async def _is_away(self, attempt: Attempt) -> bool:
        return is_away(attempt, await self._presence(attempt))

    async def _look(self, attempt: Attempt, patience: Patience) -> Outcome | None:
        now, can_see = self._ports.clock.now(), self._can_see()
        self._was_blind = self._was_blind or not can_see
        if attempt.state is State.ARRIVED and self._boot and (meaning := await self._read(attempt, self._boot)):
            return _of(meaning, attempt, self._boot)
        if self._away is not None and self._away.look(now, can_see=can_see):
            self._away = None
            if (home := home_of(attempt)) and await self._is_away(attempt):
                return outcome(Fact.GONE, f"left the {home.value} and stayed away beyond the grace time", left=True)
        if patience.look(now, can_see=can_see):
            return await self._at_deadline(attempt, patience)
        return None

    async def _at_deadline(self, attempt: Attempt, patience: Patience) -> Outcome | None:
        presence = await self._presence(attempt)
        if is_away(attempt, presence):
            self._away = self._away or self._grace(attempt)
            patience.left = grace_of(attempt.state, self._errand)  # away: the grace time decides first
            return None
        if len(presence.seen) < len(Side):
            patience.left, self._was_blind = LOOK_EVERY, True  # nobody can say where it is: that loses no station
            return None
        again_at = self._ports.clock.now() + self._errand.policy.retries.backoff
        return run_out(attempt, presence, again_at=again_at, restarts=needs_restart(self._errand))

    def _can_see(self) -> bool:
        witness = self._ports.witness
        return witness.sees(Side.SOURCE) and witness.sees(Side.TARGET)

    # ── recording ──────────────────────────────────────────────────────────

    async def _record(self, attempt: Attempt, ended: Outcome) -> Attempt:
        """Journal the fact, with the answers that led to it."""
        guard = ended.guard or self._fence.for_undoing()
        if ended.fact in _THE_STATIONS_OWN_WORD:
            self._was_blind = False  # it could speak: what follows is its own doing
        changes = {**ended.changes, **self._charged_to(attempt, ended.fact)}
        heeded = {"heeded": self._heeded_seq} if self._heeded_seq and "sighting" not in ended.note else {}
        note = {**ended.note, **heeded}  # whoever goes on after us reads from there
        change = move(attempt, ended.fact, self._ports.clock.now(), note=note, guard=guard, **changes)
        await self._hands.store(replace(change, events=(*ended.events, *change.events)))
        return change.attempts[0]

    def _charged_to(self, attempt: Attempt, fact: Fact) -> dict[str, Cause]:
        """An ending during which a CSMS was down or a witness blind is the environment's, not the station's."""
        is_bad_end = advance(attempt.state, fact) in _BAD_ENDS
        is_excused = self._was_blind and attempt.cause is Cause.STATION
        return {"cause": Cause.ENVIRONMENT} if is_bad_end and is_excused else {}

    async def _believe_the_journal(self, attempt: Attempt, stale: Stale) -> Attempt:
        if stale.guard == "batch":
            raise stale  # another worker has this batch: let go of everything
        if stale.guard in ("permit", "lease"):  # no place is free, or a probe has the station: soon enough
            await self._ports.clock.sleep(LOOK_EVERY * self._ports.dice.between(0.2, 1.0))
        self._fence.control = await self._ports.journal.control()
        newest = await self._ports.journal.attempts(identities=[attempt.identity])
        return newest[0] if newest else attempt


_THE_STATIONS_OWN_WORD = frozenset(
    {Fact.RESTART_REFUSED, Fact.UNDO_REFUSED, Fact.BOOT_ON_SOURCE, Fact.ON_SOURCE, Fact.PARTLY_APPLIED}
)
_BAD_ENDS = frozenset({State.FAILED, State.REVERTED, State.STUCK, State.LOST})


def _of(meaning: Meaning, attempt: Attempt, sighting: Sighting) -> Outcome:
    return Outcome(fact=meaning.fact, changes=meaning.changes(attempt, sighting), note=note_of(sighting))


def _overtakes(sighting: Sighting, boot: Sighting) -> bool:
    """Whether a boot at the goal proves nothing any more: its session ended, or the station came back."""
    if sighting.side is boot.side:
        return sighting.kind is Kind.DISCONNECTED and sighting.session == boot.session
    return sighting.kind in (Kind.CONNECTED, Kind.BOOT) and not sighting.solicited


def _result(act: asyncio.Future[Outcome], attempt: Attempt) -> Outcome:
    """An act's outcome; a station error that it did not expect ends this attempt, by undoing where that is possible."""
    try:
        return act.result()
    except StationError as error:
        fact = _BLAMED.get(attempt.state)
        if fact is None:
            raise
        return outcome(fact, error.message)


_BLAMED: dict[State, Fact] = {
    State.PLANNED: Fact.NEVER,
    State.WRITING: Fact.PARTLY_APPLIED,  # undoing looks first, and writes nothing that is not needed
    State.WRITTEN: Fact.DEADLINE,
    State.RESTARTING: Fact.RESTART_REFUSED,
    State.UNDOING: Fact.UNDO_REFUSED,
}


async def _only_watch(_: Attempt) -> Outcome:
    return await for_ever()
