"""Firmware, step by step: order a version, wait for the boot that shows it, look, order the next.

An order's answer says nothing, a status hardly more; the version in a boot is
the only success.  What is under way is waited for and never ordered twice:
after a crash the journal says whether it was ordered, and the station's own
words say how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from batches.errand import Errand, Ports
from batches.hands import Hands
from batches.words import Told
from migrate.domain.errors import Refused, Unreachable
from migrate.domain.firmware import Stage, Transfer, is_downgrade, next_step, transfer
from migrate.domain.record import Attempt
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import FIRMWARE_KEY, Firmware, Way

LOOK_EVERY = timedelta(seconds=10)
LOOKS = 5


class Flashing:
    """Takes one station to the firmware that its unit wants."""

    def __init__(self, errand: Errand, ports: Ports, hands: Hands) -> None:
        self._errand, self._ports, self._hands = errand, ports, hands

    async def install(self, attempt: Attempt, write: PreparedWrite) -> None:
        """Every step up to the version wanted.

        Raises ``Refused`` where a station says that it failed, or where the
        next version would be older than its own; ``Unreachable`` where nothing
        was heard of a step for as long as its family takes.
        """
        firmware = self._errand.profile.firmware if self._errand.profile else None
        if firmware is None:
            raise Refused("Its profile names no firmware.", identity=attempt.identity, status="no firmware")
        while step := next_step(firmware, current := await self._version(attempt), write.new):
            if is_downgrade(current, step) and not firmware.allows_downgrade:
                raise Refused(
                    f"{attempt.identity} runs {current}, which is newer than {step}: it is not downgraded.",
                    identity=attempt.identity,
                    status="downgrade",
                )
            if not firmware.keeps_address:
                await self._keep_address(attempt)
            await self._take_step(attempt, firmware, step)

    async def _keep_address(self, attempt: Attempt) -> None:
        """Before a station restarts once more: what a step before has changed of its address is put back.

        A firmware may set its address to the maker's, and many read it anew at
        the next restart only.  Raises ``Refused`` where the old value does not
        stick: it would restart to where nobody sees it.
        """
        kept = [write for write in attempt.unit if write.via is not Way.FIRMWARE and write.old is not None]
        keys = [write.key for write in kept]
        now = await self._look(attempt, keys) if keys else {}
        lost = [write for write in kept if write.key in now and now[write.key] not in (write.old, write.new)]
        if not lost:
            return
        named = ", ".join(write.key for write in lost)
        self._hands.note_incident(attempt, "a firmware has changed the address", f"{named} changed with a step")
        for write in lost:
            await self._hands.put(attempt, replace(write, new=write.old or "", old=now[write.key]))
        held = await self._look(attempt, keys)
        if any(held.get(write.key) != write.old for write in lost):
            said = (
                f"{attempt.identity} holds another {named} since its last firmware, and does not take the old one back."
            )
            raise Refused(said, identity=attempt.identity, status="address lost")

    async def _look(self, attempt: Attempt, keys: list[str]) -> Mapping[str, str | None]:
        """Read; asks again a few times, for it may have booted a moment ago."""
        for _ in range(LOOKS - 1):
            try:
                return await self._hands.look(attempt, keys)
            except Unreachable:
                await self._ports.clock.sleep(LOOK_EVERY)
        return await self._hands.look(attempt, keys)

    async def _version(self, attempt: Attempt) -> str:
        return (await self._hands.look(attempt, [FIRMWARE_KEY])).get(FIRMWARE_KEY) or ""

    async def _take_step(self, attempt: Attempt, firmware: Firmware, step: str) -> None:
        """Order one version, unless it is under way already, and wait until a boot shows it."""
        journal, words = self._ports.journal, self._ports.words
        async with words.follow(journal, attempt.identity) as told:
            if not self._is_under_way(transfer(attempt.id, step, told.events), firmware):
                await self._until_quiet(attempt)
                async with self._ports.transfers.place(self._errand.station):
                    await self._until_quiet(attempt)  # somebody may have plugged in while it stood in line
                    await self._hands.order_firmware(attempt, step)
                    await words.reread(journal, told)
                    await self._wait(attempt, firmware, step, told, only_loading=True)
            await self._wait(attempt, firmware, step, told)

    async def _until_quiet(self, attempt: Attempt) -> None:
        """A station that installs restarts, and not every one waits for its driver; the deadline of the write ends this."""
        origin = attempt.direction.origin
        while (session := (await self._ports.witness.presence(attempt.identity)).on(origin)) and session.charging:
            await self._ports.clock.sleep(LOOK_EVERY)

    async def _wait(
        self, attempt: Attempt, firmware: Firmware, step: str, told: Told, *, only_loading: bool = False
    ) -> None:
        """Wait until a boot shows the version, or, with ``only_loading``, until it is loaded."""
        while await self._version(attempt) != step:
            stands = transfer(attempt.id, step, told.events)
            if stands.stage is Stage.FAILED:
                said = f"{attempt.identity} did not take firmware {step} ({stands.status})."
                raise Refused(said, identity=attempt.identity, status=stands.status)
            if not self._is_under_way(stands, firmware):
                raise _stalled(attempt.identity, step, stands)
            if only_loading and stands.is_loaded:
                return
            await self._await_news(told, stands, firmware)

    async def _await_news(self, told: Told, stands: Transfer, firmware: Firmware) -> None:
        """Wait until the station said something, or was silent for too long; meanwhile nothing of it is read."""
        journal, clock = self._ports.journal, self._ports.clock
        while not told.take_news():
            await clock.sleep(LOOK_EVERY)
            await self._ports.words.catch_up(journal, clock.now())
            if not self._is_under_way(stands, firmware):
                await self._ports.words.reread(journal, told)  # nobody is given up for a word that was overlooked

    def _is_under_way(self, stands: Transfer, firmware: Firmware) -> bool:
        if stands.stage is not Stage.UNDER_WAY or stands.at is None:
            return False
        now: datetime = self._ports.clock.now()
        return now - stands.at < firmware.within


def _stalled(identity: str, step: str, stands: Transfer) -> Unreachable:
    """Nothing was heard for too long; how far it came tells a bad line from a station that never began."""
    last = f"its last word was {stands.status}" if stands.status else "it never said a word of it"
    told = ", ".join(filter(None, [last, stands.far]))
    return Unreachable(f"{identity}: firmware {step} stalled, {told}.", identity=identity, sent=True)
