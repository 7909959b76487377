"""A step after the move, at one station: look, write what differs, read back, restart, see it come back.

Commands go through the target's CSMS and are journaled like any other; what
they mean is decided in ``finishing``.  The attempt that moved the station is
not touched: whether it stays where it is, the watch goes on to judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from batches.errand import Errand, Fence, Ports
from batches.finishing import (
    BEGUN,
    ONE_WAY,
    REBOOT_REQUIRED,
    Ended,
    Finished,
    is_raised,
    is_unanswered,
    not_stored,
    reads_of,
    restart_is_due,
    still_due,
    wanted_security,
)
from batches.hands import Hands
from batches.reading import rivals_of
from migrate.domain.errors import CsmsUnavailable, Mismatch, ProfileProblem, Refused, Stale, StationError, Unreachable
from migrate.domain.evidence import Grade, Kind, Side, Sighting, Terms, assess_arrival, expected_of
from migrate.domain.filling import Goal, prepare_finish
from migrate.domain.profile import Profile, Restart
from migrate.domain.record import Attempt, Change, Direction, Event, EventKind
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import Finish
from migrate.ports import Witness

LOOKS = 8  # within one settle time
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The step, who ordered it, and why."""

    step: Finish
    by: str
    reason: str


class Boots:
    """Who has booted on the target since an order began: one reader for all of its stations."""

    def __init__(self) -> None:
        self._seen: dict[str, list[Sighting]] = {}

    async def follow(self, witness: Witness, after: int) -> None:
        """For ever, from a place in the journal on."""
        async for sighting in witness.sightings(after=after):
            if sighting.side is Side.TARGET and sighting.kind is Kind.BOOT:
                self._seen.setdefault(sighting.identity, []).append(sighting)

    def of(self, identity: str, *, after_session: str) -> Sequence[Sighting]:
        """A station's boots in other sessions than the one it had."""
        return [boot for boot in self._seen.get(identity, ()) if boot.session != after_session]


class Finisher:
    """One step at one settled station.  ``forward`` is the errand that moved it."""

    def __init__(self, ordered: Ordered, forward: Errand, ports: Ports, fence: Fence, boots: Boots) -> None:
        self._ordered, self._forward, self._ports, self._boots = ordered, forward, ports, boots
        self._expected = forward.inventory
        self._has_written = False
        self._hands = Hands(replace(forward, direction=Direction.BACK), ports, fence)
        self._identity = forward.station.identity

    @property
    def _profile(self) -> Profile:
        """The one that moved it; without one no order reaches a station."""
        assert self._forward.profile is not None
        return self._forward.profile

    async def finish(self, settled: Attempt) -> Finished:
        """What came of it, journaled.  Commands go where the way back would begin: through the target."""
        through_target = replace(settled, direction=Direction.BACK)
        try:
            ended, detail = await self._finish(through_target)
        except Unreachable as error:
            ended, detail = self._cut_short(error.sent), error.message
        except CsmsUnavailable as error:
            ended, detail = self._cut_short(False), error.message
        except Refused as error:
            ended, detail = self._refused(), error.message
        except (Mismatch, ProfileProblem) as error:
            ended, detail = self._refused(), str(error)
        except Stale:
            ended, detail = self._cut_short(False), "a pause or halt was ordered since"
        await self._record(settled, ended, detail)
        return Finished(identity=self._identity, ended=ended, detail=detail)

    def _cut_short(self, sent: bool) -> Ended:
        """Nothing was written, or nobody knows how far it came."""
        return Ended.UNKNOWN if sent or self._has_written else Ended.NOT_NOW

    def _refused(self) -> Ended:
        """A no is a no only while nothing was taken before it; after that, what the station lives by is not known."""
        return Ended.UNKNOWN if self._has_written else Ended.REFUSED

    async def _record(self, attempt: Attempt, ended: Ended, detail: str) -> None:
        await self._tell(attempt, ended.value, {"detail": detail} if detail else {})

    async def _tell(self, attempt: Attempt, ended: str, more: Mapping[str, str] = NOTHING) -> None:
        ordered = self._ordered
        data = {"step": ordered.step.value, "ended": ended, "by": ordered.by, "reason": ordered.reason}
        event = Event(
            kind=EventKind.FINISHED,
            at=self._ports.clock.now(),
            identity=self._identity,
            attempt=attempt.id,
            data={**data, **more},
        )
        await self._ports.journal.commit(Change(events=(*self._hands.answers(), event)))

    async def _finish(self, attempt: Attempt) -> tuple[Ended, str]:
        said = await self._ports.journal.facts(self._identity, Side.TARGET)
        self._expected = expected_of(self._forward.inventory, said)
        session = (await self._ports.witness.presence(self._identity)).on(Side.TARGET)
        if session is None:
            return Ended.NOT_NOW, "it has no session on the target"
        if why := self._ports.pacer.stops(Side.TARGET) or await self._is_in_use():
            return Ended.NOT_NOW, why
        unit, now = await self._unit(attempt)
        due = () if is_raised(unit, now) else still_due(unit, now)
        needs_restart = await self._is_restart_left(unit, due)
        if not due and not needs_restart:
            return Ended.ALREADY, ""
        if due and self._ordered.step in ONE_WAY:
            await self._tell(attempt, BEGUN)
        for write in due:
            await self._ports.pacer.turn(Side.TARGET)
            if why := await self._is_in_use():
                return self._cut_short(False), why
            needs_restart |= await self._hands.put(attempt, write) == REBOOT_REQUIRED
            self._has_written = True
        if needs_restart:
            await self._ports.pacer.turn(Side.TARGET, restart=True)
            if why := await self._is_in_use():
                return Ended.UNKNOWN, f"taken, and it waits for its restart: {why}; order it again when nobody does"
            await self._restart(attempt)
            return await self._comes_back(attempt, unit, session.id)
        return await self._read_back(attempt, unit, session.id)

    async def _is_restart_left(self, unit: Sequence[PreparedWrite], due: Sequence[PreparedWrite]) -> bool:
        """Whether an order before this one has written something that a restart has to follow, and none came."""
        told = [line.event for line in await self._ports.journal.timeline(self._identity)]
        keys = {write.key for write in unit}
        is_doubtful = is_unanswered(told, keys - {write.key for write in due})  # what is due is answered anew
        return restart_is_due(told, keys) or (is_doubtful and self._profile.restart is not Restart.NONE)

    async def _is_in_use(self) -> str:
        """Whoever charges is not cut off, also who has plugged in since the last look; empty while nobody does."""
        there = (await self._ports.witness.presence(self._identity)).on(Side.TARGET)
        return "somebody charges there" if there is not None and there.charging else ""

    async def _unit(self, attempt: Attempt) -> tuple[tuple[PreparedWrite, ...], Mapping[str, str | None]]:
        step, station = self._ordered.step, self._forward.station
        now = await self._hands.look(attempt, reads_of(self._profile, step))
        goal = Goal(
            backend=self._forward.backend,
            identity=station.identity_on(Side.TARGET),
            apn=station.apn,
            root=self._forward.root,
            security_profile=station.security_profile,
        )
        return prepare_finish(self._profile, step, goal, now), now

    async def _restart(self, attempt: Attempt) -> None:
        """Ordered once; that nobody answered says nothing, where it comes back does."""
        try:
            await self._hands.restart(attempt, self._profile.restart)
        except Unreachable as error:
            if not error.sent:
                raise

    async def _read_back(self, attempt: Attempt, unit: Sequence[PreparedWrite], session: str) -> tuple[Ended, str]:
        """Used at once: it may have dropped its line for it, and then it has to come back."""
        await self._ports.clock.sleep(self._settle)
        there = (await self._ports.witness.presence(self._identity)).on(Side.TARGET)
        if there is None or there.id != session:
            return await self._comes_back(attempt, unit, session)
        now = await self._hands.look(attempt, tuple(write.key for write in unit if not write.secret)) if unit else {}
        if lacking := not_stored(unit, now):
            return Ended.UNKNOWN, f"accepted, but not stored: {', '.join(lacking)}"
        return Ended.DONE, ""

    # ── coming back ────────────────────────────────────────────────────────

    @property
    def _settle(self) -> timedelta:
        return self._profile.timing.settle or self._forward.policy.timeouts.settle

    async def _comes_back(self, attempt: Attempt, unit: Sequence[PreparedWrite], session: str) -> tuple[Ended, str]:
        """Until an accepted boot on the target proves it, as on the day it moved, or its time is over."""
        clock, station = self._ports.clock, self._forward.station
        terms = Terms(name=station.identity_on(Side.TARGET), security=wanted_security(unit) or station.security_profile)
        patience = self._profile.timing.appear or self._forward.policy.timeouts.appear
        ends_at, why, asked = clock.now() + patience, "", session
        while clock.now() < ends_at:
            for _ in range(LOOKS):
                await clock.sleep(self._settle / LOOKS)
                proven, why = await self._proof(session, terms, why)
                if proven:
                    return Ended.DONE, ""
            asked = await self._asked_once(attempt, asked)
        is_there = (await self._ports.witness.presence(self._identity)).on(Side.TARGET) is not None
        if is_there and not why:
            why = "no boot of it was seen since"
        return (Ended.UNPROVEN, why) if is_there else (Ended.MISSING, why or "it has not come back to the target")

    async def _proof(self, session: str, terms: Terms, why: str) -> tuple[bool, str]:
        for boot in self._boots.of(self._identity, after_session=session):
            try:
                rivals = rivals_of(boot, await self._ports.witness.presence(self._identity))
            except CsmsUnavailable as error:
                return False, error.message  # what nobody can see proves nothing yet
            lab_counts = self._forward.lab_counts
            assessed = assess_arrival(boot, self._expected, terms=terms, rivals=rivals, lab_counts=lab_counts)
            if assessed.grade >= Grade.E3:
                return True, ""
            why = assessed.reason
        return False, why

    async def _asked_once(self, attempt: Attempt, asked: str) -> str:
        """One TriggerMessage per new session: some stations boot only when they restart."""
        there = (await self._ports.witness.presence(self._identity)).on(Side.TARGET)
        if there is None or there.id == asked or not self._profile.quirks.triggers_boot:
            return asked
        try:
            await self._hands.ask_for_boot(attempt, Side.TARGET)
        except StationError:
            return there.id  # one question, then other evidence
        return there.id
