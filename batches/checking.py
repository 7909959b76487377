"""The first act at a station: is it reachable, free, the right device, in its window, and what does it hold?

It writes nothing.  What it finds is judged in ``checks``; here it is asked
for, over the ways that the unit will take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from batches import checks
from batches.errand import Errand, Ports
from batches.hands import Hands
from batches.outcome import Outcome, outcome
from batches.window import is_open, next_opening
from migrate.domain.attempt import Fact
from migrate.domain.errors import CsmsUnavailable, Mismatch, ProfileProblem, Refused, StationError, Unreachable
from migrate.domain.evidence import Grade, IdentityFacts
from migrate.domain.filling import prepare
from migrate.domain.profile import Profile
from migrate.domain.record import Attempt, Direction, Event, EventKind
from migrate.domain.unit import PreparedWrite, taken_back
from migrate.domain.wave import Deferral
from migrate.domain.ways import Way
from migrate.ports import Presence


class Checking:
    """The checks of one attempt, and the small questions that later acts ask again."""

    def __init__(self, errand: Errand, ports: Ports, hands: Hands) -> None:
        self._errand = errand
        self._ports = ports
        self._hands = hands

    async def check(self, attempt: Attempt) -> Outcome:
        """Reachable, free, the right device, in its window, and a snapshot of what will be written."""
        profile = self._errand.profile
        if ground := self.before_asking(attempt):
            return judged(ground)
        assert profile is not None  # otherwise it needed hands
        presence, goal = await self.where(attempt), attempt.direction.goal
        if presence.on(goal) is not None:
            return self._there_already(attempt, presence)
        if ground := checks.presence_allows(presence, attempt.direction.origin, again_at=self.again_at(attempt)):
            return judged(ground)
        if ground := checks.dialect_allows(presence, attempt.direction.origin, profile):
            return judged(ground)
        try:
            said = await self._who_is_it(attempt, profile)
            inventory = self._errand.inventory
            if ground := checks.identity_allows(self._errand.station, profile, inventory, said, self._errand.refit):
                return judged(ground)
            return await self._snapshot(attempt, profile)
        except (Mismatch, ProfileProblem) as error:
            return outcome(Fact.NEVER, str(error))
        except (Unreachable, Refused) as error:
            return self.not_now(attempt, Deferral.OFFLINE, f"connected, but does not answer: {error.message}")

    def _there_already(self, attempt: Attempt, presence: Presence) -> Outcome:
        """It is where it was to go.  On the source without its old values it is not taken back: whoever moved it undoes that."""
        origin, goal = attempt.direction.origin, attempt.direction.goal
        if attempt.direction is Direction.FORWARD:
            return outcome(Fact.SEEN_ON_TARGET, f"it was on the {goal.value} before any command", evidence=Grade.E1)
        if presence.on(origin) is not None:
            return self.not_now(
                attempt, Deferral.BACKOFF, f"it has a session on the {origin.value} and the {goal.value}"
            )
        return outcome(
            Fact.NEVER, f"it is on the {goal.value} by itself: what was written is undone there, or waits for a person"
        )

    async def where(self, attempt: Attempt) -> Presence:
        """Where the station is.  Raises ``CsmsUnavailable`` while its absence would say nothing, being unseen."""
        presence, origin = await self._ports.witness.presence(attempt.identity), attempt.direction.origin
        if origin not in presence.seen and not any(presence.sessions.values()):
            raise CsmsUnavailable(f"Nobody can see the {origin.value} CSMS.", side=origin.value)
        return presence

    def before_asking(self, attempt: Attempt) -> checks.Judgement | None:
        errand, now = self._errand, self._ports.clock.now()
        if attempt.direction is Direction.BACK:
            return checks.before_taking_back(errand.profile, errand.planned.method)
        return checks.before_asking(
            errand.profile,
            errand.planned.method,
            is_window_open=self.may_act_now(attempt),
            window_opens_at=next_opening(errand.policy.windows, self._timezone, now),
        )

    def may_act_now(self, attempt: Attempt) -> bool:
        """Whether the window of its site is open; a rollback asks none."""
        is_back = attempt.direction is Direction.BACK
        return is_back or is_open(self._errand.policy.windows, self._timezone, self._ports.clock.now())

    @property
    def _timezone(self) -> str:
        return self._errand.station.timezone or self._errand.policy.windows.timezone

    async def _who_is_it(self, attempt: Attempt, profile: Profile) -> IdentityFacts:
        """The station's own words; asked for once when no boot of it is on record."""
        origin = attempt.direction.origin
        known = await self._ports.journal.facts(attempt.identity, origin)
        if known.known or not profile.quirks.triggers_boot:
            return known
        try:
            await self._hands.ask_for_boot(attempt, origin)
        except StationError:
            return known  # one attempt, then go on by what the inventory says
        for _ in range(10):
            await self._ports.clock.sleep(self._errand.policy.timeouts.settle / 10)
            if (known := await self._ports.journal.facts(attempt.identity, origin)).known:
                break
        return known

    def _to_read(self, profile: Profile) -> tuple[str, ...]:
        """The keys to ask for; of certificates nothing where the move installs none."""
        if self._errand.goal.root:
            return profile.reads
        return tuple(key for key in profile.reads if profile.way_of(key) is not Way.CERTIFICATE)

    async def _snapshot(self, attempt: Attempt, profile: Profile) -> Outcome:
        identity = self._errand.station.identity
        now = await self._hands.look(attempt, self._to_read(profile))
        unit = await self._unit(attempt, profile, now)
        presence = await self._ports.witness.presence(identity)
        session = presence.on(attempt.direction.origin)
        snapshot = Event(
            kind=EventKind.SNAPSHOT,
            at=self._ports.clock.now(),
            identity=identity,
            attempt=attempt.id,
            data={"holds": {write.key: write.old for write in unit}},
        )
        changes = {"unit": unit, "source_session": session.id if session else ""}
        return Outcome(fact=Fact.CHECKS_PASSED, changes=changes, events=(snapshot,))

    async def _unit(
        self, attempt: Attempt, profile: Profile, now: Mapping[str, str | None]
    ) -> tuple[PreparedWrite, ...]:
        """What will be written.  Going back, a station gets its own old values; where nobody saw them, what its profile says."""
        if attempt.direction is Direction.BACK:
            tried = await self._ports.journal.history(attempt.identity)
            moved = (a for a in tried if a.direction is Direction.FORWARD)
            changed = [a.unit for a in moved if any(write.new != write.old for write in a.unit)]
            if changed and (unit := taken_back(profile, changed[-1], now)):
                return unit
            profile = replace(profile, writes=tuple(w for w in profile.writes if w.via is not Way.FIRMWARE))
        return prepare(profile, self._errand.goal, now)

    def again_at(self, attempt: Attempt) -> datetime:
        """Full jitter over a growing back-off, so that a fleet does not come back in step."""
        base = self._errand.policy.retries.backoff * (1 << min(max(attempt.tries - 1, 0), 6))
        return self._ports.clock.now() + base * self._ports.dice.between(0.5, 1.0)

    def not_now(self, attempt: Attempt, deferral: Deferral, reason: str) -> Outcome:
        return outcome(Fact.NOT_NOW, reason, deferral=deferral, due_at=self.again_at(attempt))


def settle_of(errand: Errand) -> timedelta:
    """How long this family is given to speak by itself."""
    return (errand.profile.timing.settle if errand.profile else None) or errand.policy.timeouts.settle


def judged(ground: checks.Judgement) -> Outcome:
    """A ground for not going on, as an outcome."""
    return outcome(ground.fact, ground.reason, deferral=ground.deferral, due_at=ground.due_at)
