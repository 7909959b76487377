"""What is done at a station in each state: check, write, restart, undo, ask who is there.

Each act ends with an :class:`Outcome`, or waits for ever when only a sighting
can tell how it ended.  The driver may cancel any of them at any ``await``:
whatever was sent is then read back before anything is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Never

from batches import checks
from batches.checking import Checking, judged, settle_of
from batches.deadlines import answers_on_both_sides, deadline_of
from batches.errand import Errand, Fence, Ports
from batches.flashing import Flashing
from batches.hands import Hands
from batches.outcome import Outcome, outcome
from batches.readback import refused, undone, written
from batches.recovery import doubtful, look_after_restart, may_restart_again, may_still_boot, still_to_write
from migrate.domain.attempt import Fact
from migrate.domain.errors import Refused, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart
from migrate.domain.record import Attempt, Direction
from migrate.domain.unit import PreparedWrite, held, undo
from migrate.domain.wave import Cause, Deferral
from migrate.domain.ways import Way

ASK_EVERY = timedelta(seconds=2)
"""How long to wait before a station that was busy, away or silent is looked at again."""

ROUNDS = 3
"""How often an undo that does not stick, or a restart that was never carried out, is tried again after a look."""


class Acts:
    """The acts of one attempt.  ``resumed`` is true while nothing is known of what a dead process sent last."""

    def __init__(self, errand: Errand, ports: Ports, fence: Fence, hands: Hands, *, resumed: bool) -> None:
        self._errand = errand
        self._ports = ports
        self._fence = fence
        self._hands = hands
        self._flashing = Flashing(errand, ports, hands)
        self._checking = Checking(errand, ports, hands)
        self.resumed = resumed
        self._is_inherited = resumed  # begun by a process that died, whoever knows when
        self._is_belated = False
        self._asked_session = ""  # in which a boot was last asked for

    async def check(self, attempt: Attempt) -> Outcome:
        """Planned: may this station be touched now, and what does it hold?"""
        return await self._checking.check(attempt)

    # ── checked ────────────────────────────────────────────────────────────

    async def begin_writing(self, attempt: Attempt) -> Outcome:
        """The intent to write, in its turn and after one more look at the things that change by themselves."""
        is_back = attempt.direction is Direction.BACK  # then never held: the side it leaves may be the one that is ill
        await self._ports.pacer.turn(attempt.direction.origin, undoing=is_back)
        if not attempt.unit:
            why = attempt.reason or "the last write was not answered"
            return self._checking.not_now(attempt, Deferral.BACKOFF, f"{why.rstrip('.')}; looking again later")
        if self._is_inherited:
            return self._checking.not_now(attempt, Deferral.BACKOFF, "what it holds was read by a process that died")
        if ground := self._checking.before_asking(attempt):
            is_put_off = ground.fact is Fact.NOT_NOW  # otherwise the checks say so when it comes back
            return judged(ground) if is_put_off else self._checking.not_now(attempt, Deferral.WINDOW, ground.reason)
        if ground := checks.presence_allows(
            await self._checking.where(attempt), attempt.direction.origin, again_at=self._checking.again_at(attempt)
        ):
            return judged(ground)
        if hold := self._fence.forbids_start(self._errand):  # last, so that no order comes between look and intent
            return self._checking.not_now(attempt, Deferral.BACKOFF, f"{hold.mode.value}: {hold.reason}")
        if stopped := self._fence.quarantine(self._errand):
            return self._checking.not_now(attempt, *stopped)
        guard = self._fence.for_intent(self._errand, self._errand.permits)
        return Outcome(fact=Fact.WRITE_BEGUN, changes={"tries": attempt.tries + 1}, guard=guard)

    # ── writing ────────────────────────────────────────────────────────────

    async def write_unit(self, attempt: Attempt) -> Outcome:
        """Write what differs, the URL last, and read it back whole; after a crash only what a look shows to be missing."""
        is_held = self._fence.forbids_intent(self._errand) or self._goes_mute or self._is_out_of_hours(attempt)
        if self.resumed and is_held:
            return await self._judge_unit(attempt, set())  # under a halt nothing is written but what undoes
        todo = still_to_write(attempt.unit, await self._look_until_answered(attempt) if self.resumed else {})
        acknowledged = {write.key for write in attempt.unit} - {write.key for write in todo}
        for write in todo:
            try:
                await self._write(attempt, write)
            except Refused as error:
                return refused(attempt, await self._look_until_answered(attempt), acknowledged, error.message)
            except Unreachable as error:
                now = await self._look_until_answered(attempt)
                if now.get(write.key) != write.new:
                    why = error.message if write.via is not Way.OCPP else "no answer to a write"
                    return self._written(attempt, now, acknowledged, why)
            acknowledged.add(write.key)
        return await self._judge_unit(attempt, acknowledged)

    async def _write(self, attempt: Attempt, write: PreparedWrite) -> None:
        """One write of the unit; a firmware is a row of orders with looks between them."""
        if write.via is Way.FIRMWARE:
            await self._flashing.install(attempt, write)
        else:
            await self._hands.put(attempt, write)

    @property
    def _goes_mute(self) -> bool:
        """Whether this family answers nothing but Reset once a write waits for its restart."""
        return self._errand.profile is not None and self._errand.profile.quirks.refuses_after_write

    async def _judge_unit(self, attempt: Attempt, acknowledged: set[str]) -> Outcome:
        everything = {write.key for write in attempt.unit} <= acknowledged
        if everything and self._goes_mute:
            return outcome(Fact.READ_BACK_WHOLE, "acknowledged; this family answers no read before its restart")
        now = await self._look_until_answered(attempt)
        ended = self._written(attempt, now, acknowledged, "accepted, but not stored")
        if ended.fact is not Fact.READ_BACK_WHOLE or not any(write.via is Way.FIRMWARE for write in attempt.unit):
            return ended
        return await self._after_firmware(attempt, ended)

    async def _after_firmware(self, attempt: Attempt, whole: Outcome) -> Outcome:
        """It has booted since the write began: the session of now is the one that the restart has to end."""
        firmware = self._errand.profile.firmware if self._errand.profile else None
        origin = attempt.direction.origin
        if firmware is not None and firmware.carries_address:
            reason = f"setting without effect: the firmware is in, and it is on the {origin.value} still"
            return outcome(Fact.PARTLY_APPLIED, reason, cause=Cause.WITHOUT_EFFECT)
        if firmware is not None and firmware.brings_keys and all(one.via is Way.FIRMWARE for one in attempt.unit):
            return outcome(Fact.UNANSWERED, "the firmware is in, and its keys have not been read yet", unit=())
        session = (await self._ports.witness.presence(attempt.identity)).on(origin)
        known = {"source_session": session.id} if session else {}
        return Outcome(fact=whole.fact, changes={**whole.changes, **known})

    def _written(self, attempt: Attempt, now: Mapping[str, str | None], acknowledged: set[str], why: str) -> Outcome:
        is_last_try = attempt.tries >= self._errand.policy.retries.attempts
        return written(attempt, now, acknowledged, is_last_try=is_last_try, why=why)

    async def _look_until_answered(self, attempt: Attempt) -> Mapping[str, str | None]:
        """Read the unit back; asks again for as long as the state's deadline lets us."""
        while True:
            try:
                return await self._hands.look(attempt)
            except Unreachable:
                await self._ports.clock.sleep(ASK_EVERY)
            except Refused:
                return dict.fromkeys(write.key for write in attempt.unit)  # unknown, every one

    # ── written ────────────────────────────────────────────────────────────

    async def begin_restart(self, attempt: Attempt) -> Outcome:
        """The intent to restart, once nobody charges and no halt lies on the station."""
        if self._errand.profile is not None and self._errand.profile.restart is Restart.NONE:
            await for_ever()
        await self._await_turn_to_restart(attempt)
        await self._await_quiet(attempt)
        return Outcome(fact=Fact.RESTART_BEGUN, guard=self._fence.for_intent(self._errand, self._errand.permits))

    async def _await_turn_to_restart(self, attempt: Attempt) -> None:
        """A restart costs both CSMSes; one that is left because it is ill must not hold back those who leave it."""
        sides = (attempt.direction.goal,) if attempt.direction is Direction.BACK else tuple(Side)
        await self._ports.pacer.turn(*sides, restart=True)

    async def _await_quiet(self, attempt: Attempt) -> None:
        """Wait until it is connected, nobody charges and no halt lies on it; the deadline ends the wait otherwise."""
        while await self._must_wait(attempt):
            await self._ports.clock.sleep(ASK_EVERY)
            self._fence.control = await self._ports.journal.control()

    async def _must_wait(self, attempt: Attempt) -> bool:
        if self._fence.forbids_intent(self._errand) or self._is_out_of_hours(attempt):
            return True
        presence = await self._ports.witness.presence(attempt.identity)
        session = presence.on(attempt.direction.origin)
        is_new = may_still_boot(attempt, presence, self._ports.clock.now(), settle_of(self._errand))
        return session is None or bool(session.charging) or is_new

    def _is_out_of_hours(self, attempt: Attempt) -> bool:
        """Whether it waits for its window: what a dead process began longer ago than a living one may take.

        Otherwise a run that died at night would restart its stations when
        somebody starts it again by day.
        """
        if not self._is_inherited or self._checking.may_act_now(attempt):
            return False
        since, own = self._ports.clock.now() - attempt.entered_at, deadline_of(attempt.state, self._errand)
        self._is_belated = self._is_belated or since > max(self._errand.policy.timeouts.idle, own or timedelta(0))
        return self._is_belated

    # ── restarting ─────────────────────────────────────────────────────────

    async def restart(self, attempt: Attempt) -> Outcome:
        """Order the restart; again only after it was seen that it never happened."""
        profile = self._errand.profile
        kind = profile.restart if profile else Restart.SOFT
        for round_ in range(ROUNDS):
            if round_ or self.resumed:
                await self._ports.clock.sleep(settle_of(self._errand))
            await self._await_quiet(attempt)  # a driver may have plugged in since the restart was decided
            try:
                if (round_ or self.resumed) and not await self._never_restarted(attempt):
                    break
                self.resumed = False
                await self._hands.restart(attempt, kind)
                break
            except Refused as error:
                return outcome(Fact.RESTART_REFUSED, error.message)
            except Unreachable:
                continue  # not seen, or sent or not: the next round looks
        return await for_ever()

    async def _never_restarted(self, attempt: Attempt) -> bool:
        where = look_after_restart(attempt, await self._ports.witness.presence(attempt.identity))
        try:
            now = held(attempt.unit, await self._hands.look(attempt))
        except Refused:
            return False
        return may_restart_again(where, now).allowed

    # ── arrived ────────────────────────────────────────────────────────────

    async def ask_who_is_there(self, attempt: Attempt) -> Outcome:
        """One TriggerMessage per session, after the settle time: many stations never boot by themselves on a reconnect.

        One that was seen to do it is given twice the time to say it unasked.
        """
        profile, goal = self._errand.profile, attempt.direction.goal
        if profile is not None and not profile.quirks.triggers_boot:
            return await for_ever()
        while True:
            await self._ports.clock.sleep(
                settle_of(self._errand) * (2 if profile and profile.quirks.boots_on_reconnect else 1)
            )
            session = (await self._ports.witness.presence(attempt.identity)).on(goal)
            if session is not None and session.id != self._asked_session:
                self._asked_session = session.id
                with suppress(StationError):  # one attempt, then go on by other evidence
                    await self._hands.ask_for_boot(attempt, goal)

    # ── undoing ────────────────────────────────────────────────────────────

    async def undo_unit(self, attempt: Attempt) -> Outcome:
        """Put the old values back: look first, write only what differs or cannot be trusted to be seen, look again."""
        rounds = ROUNDS
        while rounds:
            now = await self._look_until_answered(attempt)
            told = await self._ports.journal.timeline(attempt.identity)
            in_doubt = doubtful(attempt, (line.event for line in told))
            todo = undo(attempt.unit, now, in_doubt)
            if not todo:
                await self._until_alone(attempt)
                return undone(attempt, now)
            try:
                if stuck := await self._put_back(attempt, todo, now):
                    return stuck
            except Unreachable as error:  # the next round looks before it writes
                if not error.sent:  # on a slow disk or a busy line: no try, and the deadline ends it
                    await self._ports.clock.sleep(ASK_EVERY)
                    continue
            rounds -= 1
        return outcome(Fact.UNDO_REFUSED, f"the old values did not stick in {ROUNDS} rounds")

    async def _put_back(
        self, attempt: Attempt, todo: Sequence[PreparedWrite], now: Mapping[str, str | None]
    ) -> Outcome | None:
        """One round of old values; an outcome only where the station will not have one.  Raises ``Unreachable``."""
        for write in todo:
            try:
                await self._hands.put(attempt, write, undoing=True)
            except Refused as error:
                if now.get(write.key) != write.new:  # else it shows its old value, and will not be told it once more
                    return outcome(Fact.UNDO_REFUSED, error.message)
        return None

    async def _until_alone(self, attempt: Attempt) -> None:
        """Two that answer, one on each side: whose old values were read nobody knows, and the deadline calls a person."""
        while answers_on_both_sides(await self._ports.witness.presence(attempt.identity)):
            await self._ports.clock.sleep(ASK_EVERY)


async def for_ever() -> Never:
    """Wait until the driver cancels: only a sighting or a deadline ends this state."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")


Act = Callable[[Attempt], Awaitable[Outcome]]
