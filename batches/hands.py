"""The hands of a driver: commands to one station, each journaled before it goes out.

Every command is first an event in the journal, stored under the batch's
guard, and goes out within two seconds of that or not at all.  Answers are
facts; they are stored with whatever is stored next, because losing one costs
a read-back and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from batches.errand import Errand, Fence, Ports
from batches.recovery import NO_ANSWER
from migrate.domain.errors import (
    Impostor,
    InputProblem,
    Mismatch,
    NotAllowed,
    Refused,
    Stale,
    StationError,
    Unreachable,
)
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart
from migrate.domain.record import Attempt, Change, Event, EventKind, Guard
from migrate.domain.secrecy import unsaid
from migrate.domain.secret import hidden_parts, revealed
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import FIRMWARE_KEY, Way
from migrate.ports import Channel, Door

T = TypeVar("T")

SEND_LIMIT_S = 2.0
"""An effect that was not sent this soon after its commit is abandoned and read back (real seconds)."""


class Hands:
    """Commands to one station on behalf of one attempt."""

    def __init__(self, errand: Errand, ports: Ports, fence: Fence) -> None:
        self._errand = errand
        self._ports = ports
        self._fence = fence
        self._answers: list[Event] = []

    @property
    def identity(self) -> str:
        return self._errand.station.identity

    def answers(self) -> tuple[Event, ...]:
        """The answers not stored yet, handed over once: they ride on the caller's next change."""
        taken, self._answers = tuple(self._answers), []
        return taken

    async def store(self, change: Change) -> None:
        """Store a change, and before it the answers that wait.  A change that is turned away takes none of them along."""
        told = self.answers()
        try:
            await self._ports.journal.commit(replace(change, events=(*told, *change.events)))
        except Stale:
            self._answers = [*told, *self._answers]  # an incident among them is told with what comes next
            raise

    async def look(self, attempt: Attempt, keys: Sequence[str] = ()) -> Mapping[str, str | None]:
        """What the station holds now of the attempt's unit, or of ``keys``, each asked for on its own way."""
        profile = self._errand.profile
        by_way: dict[Way, list[str]] = {}
        for key, way in self._ways_of(attempt, keys):
            by_way.setdefault(way, []).append(key)
        holds: dict[str, str | None] = {}
        if by_way.pop(Way.FIRMWARE, None):
            said = await self._ports.journal.facts(self.identity, attempt.direction.origin)
            holds[FIRMWARE_KEY] = said.firmware  # by a boot; what a list says runs nowhere
        for way, asked in by_way.items():
            max_keys = profile.quirks.max_keys if profile else None
            door = self._door(attempt, way)
            holds |= await self._told_of_impostors(attempt, door.read(self.identity, asked, max_keys=max_keys))
        return holds

    def _ways_of(self, attempt: Attempt, keys: Sequence[str]) -> list[tuple[str, Way]]:
        if not keys:
            return [(write.key, write.via) for write in attempt.unit]
        profile = self._errand.profile
        return [(key, profile.way_of(key) if profile else Way.OCPP) for key in keys]

    def _channel(self, attempt: Attempt) -> Channel:
        """The way through the CSMS that the station is to leave."""
        return self._ports.channel(attempt.direction.origin)

    def _door(self, attempt: Attempt, way: Way) -> Door:
        """How values reach the station on one way.  Raises ``Mismatch`` where this campaign has no such door."""
        if way is Way.OCPP:
            return self._channel(attempt)
        if way not in self._ports.doors or self._errand.profile is None:
            raise Mismatch(
                f"{self.identity} is reached by {way.value}, for which this campaign is not set up.",
                identity=self.identity,
                hint="See docs/settings.md, and `migrate plan check`.",
            )
        try:
            return self._ports.doors[way].to(self._errand.station, self._errand.profile, attempt.direction.origin)
        except (InputProblem, NotAllowed) as error:  # a file or a secret of the campaign that is not what it was
            raise Unreachable(error.message, identity=self.identity, sent=False, hint=error.hint) from error

    async def _told_of_impostors(self, attempt: Attempt, call: Awaitable[T]) -> T:
        """What a call brings; something else in a station's place is journaled as an incident, and raised on."""
        try:
            return await call
        except Impostor as error:
            self.note_incident(attempt, "another device answers", error.message)
            raise

    def note_incident(self, attempt: Attempt, title: str, detail: str) -> None:
        """What a person has to know of; no value of a station stands in it.  It is stored with what is stored next."""
        self._answers.append(self._event(EventKind.INCIDENT, attempt, {"title": title, "detail": detail}))

    async def put(self, attempt: Attempt, write: PreparedWrite, *, undoing: bool = False) -> str:
        """One value written on its own way: the station's word for yes; raises ``Refused`` or ``Unreachable``."""
        if undoing:
            await self._ports.pacer.turn(attempt.direction.origin, undoing=True)
        guard = self._fence.for_undoing() if undoing else self._fence.for_intent(self._errand)
        data = {"action": write.via.action, "key": write.key, "value": write.new}
        door = self._door(attempt, write.via)
        value = self._revealed(write)
        await self._announce(attempt, data, guard)
        call = unrepeated(hidden_parts(write, value), door.write(self.identity, write.key, value))
        return await self._answered(attempt, data, call)

    def _revealed(self, write: PreparedWrite) -> str:
        """The value that goes out; without its secret nothing does, and that is this station's trouble alone."""
        try:
            vault = self._ports.vault
            return revealed(write, vault.of(self.identity) if vault is not None else None)
        except NotAllowed as error:
            raise Refused(error.message, identity=self.identity, status="no secret", hint=error.hint) from error

    async def order_firmware(self, attempt: Attempt, version: str) -> None:
        """One order to load and install a version; what comes of it the station says in its own time.

        None is given once others have come to harm: it may be this very file.
        """
        if why := self._fence.harm(self._errand):
            said = f"{self.identity} is not told to load {version}: {why}."
            raise Unreachable(said, identity=self.identity, sent=False)
        data = {"action": Way.FIRMWARE.action, "key": FIRMWARE_KEY, "value": version}
        door = self._door(attempt, Way.FIRMWARE)
        await self._announce(attempt, data, self._fence.for_intent(self._errand))
        await self._answered(attempt, data, door.write(self.identity, FIRMWARE_KEY, version))

    async def restart(self, attempt: Attempt, kind: Restart) -> None:
        """One Reset.  Its answer is neither necessary nor sufficient: look where the station is."""
        way = self._errand.profile.restart_via if self._errand.profile else Way.OCPP
        data = {"action": "Reset", "type": kind.value} | ({} if way is Way.OCPP else {"via": way.value})
        door = self._door(attempt, way)
        await self._announce(attempt, data, self._fence.for_intent(self._errand))
        await self._answered(attempt, data, door.restart(self.identity, kind))

    async def ask_for_boot(self, attempt: Attempt, side: Side) -> None:
        """One TriggerMessage(BootNotification); the boot it brings comes by the witness."""
        data = {"action": "TriggerMessage", "message": "BootNotification", "side": side.value}
        await self._announce(attempt, data, self._fence.for_undoing())
        await self._answered(attempt, data, self._ports.channel(side).trigger_boot(self.identity))

    async def _announce(self, attempt: Attempt, data: Mapping[str, Any], guard: Guard) -> None:
        event = self._event(EventKind.COMMAND, attempt, data)
        before = asyncio.get_running_loop().time()
        await self.store(Change(events=(event,), guard=guard))
        waited = asyncio.get_running_loop().time() - before
        if waited > SEND_LIMIT_S:
            raise Unreachable(
                f"{self.identity}: the journal took {waited:.1f} s to record {data['action']}, so it was not sent.",
                identity=self.identity,
                sent=False,
                hint="Look at the disk of the campaign database; see `migrate doctor`.",
            )

    async def _answered(self, attempt: Attempt, data: Mapping[str, Any], call: Awaitable[T]) -> T:
        try:
            answer = await self._told_of_impostors(attempt, call)
        except StationError as error:
            said = {"status": getattr(error, "status", NO_ANSWER), "text": error.message}
            if isinstance(error, Unreachable) and not error.sent:
                said["sent"] = False  # nothing went out: it says nothing of the station
            self._answers.append(self._event(EventKind.ANSWER, attempt, {**_name(data), **said}))
            raise
        self._answers.append(self._event(EventKind.ANSWER, attempt, {**_name(data), "status": answer or "Accepted"}))
        return answer

    def _event(self, kind: EventKind, attempt: Attempt, data: Mapping[str, Any]) -> Event:
        return Event(kind=kind, at=self._ports.clock.now(), identity=self.identity, attempt=attempt.id, data=dict(data))


async def unrepeated(hidden: Sequence[str], call: Awaitable[T]) -> T:
    """What a call brings.  A station may repeat in its refusal what it was told: a secret goes no further than here."""
    try:
        return await call
    except StationError as error:
        error.message = unsaid(error.message, hidden)
        error.args, error.hint = (error.message,), unsaid(error.hint, hidden)
        if isinstance(error, Refused):
            error.status = unsaid(error.status, hidden)
        raise


def _name(data: Mapping[str, Any]) -> dict[str, Any]:
    """A command's name without its value."""
    return {name: value for name, value in data.items() if name != "value"}
