"""What a probe does at a station beside reading: in the journal before it happens, and its answer after.

It goes out within two seconds of its record or not at all, and not after a
pause or halt that nobody here has seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from batches.hands import SEND_LIMIT_S
from migrate.domain.answered import Taken
from migrate.domain.errors import NotAllowed, Stale, StationError, Unreachable
from migrate.domain.record import Change, Control, Event, EventKind, Guard
from migrate.ports import Clock, Journal


class Deeds:
    """The deeds of one probe at one station."""

    def __init__(self, identity: str, journal: Journal, clock: Clock) -> None:
        self._identity, self._journal, self._clock = identity, journal, clock

    async def done(
        self, data: Mapping[str, Any], act: Callable[[], Awaitable[str | None]], *, control: Control | None = None
    ) -> tuple[Taken, str]:
        """Do it, once, and say what came of it.

        ``control`` are the orders it was found to be allowed under: raises
        ``NotAllowed`` where others were given since, ``Unreachable`` where
        nothing went out.
        """
        await self._intend(data, Guard(control_epoch=control.epoch) if control else None)
        try:
            taken, status = Taken.ANSWERED, await act() or "Accepted"
        except StationError as error:
            if isinstance(error, Unreachable) and not error.sent:
                await self.note({**data, "status": "no answer", "text": error.message, "sent": False})
                raise
            is_silent = isinstance(error, Unreachable)
            taken = Taken.UNANSWERED if is_silent else Taken.REFUSED
            status = "no answer" if is_silent else str(getattr(error, "status", "no answer that means anything"))
        await self.note({**data, "status": status})
        return taken, status

    async def _intend(self, data: Mapping[str, Any], guard: Guard | None) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        try:
            await self.announce(data, guard)
        except Stale as error:
            raise NotAllowed("A pause or halt was ordered since.", hint="See `migrate status`.") from error
        if (waited := loop.time() - before) > SEND_LIMIT_S:
            said = f"{self._identity}: the journal took {waited:.1f} s to record {data['action']}, so it was not sent."
            await self.note({**data, "status": "no answer", "text": said, "sent": False})
            raise Unreachable(said, identity=self._identity, sent=False, hint="Look at the disk; see `migrate doctor`.")

    async def announce(self, data: Mapping[str, Any], guard: Guard | None = None) -> None:
        """What is about to be asked or done."""
        await self._write(EventKind.COMMAND, data, guard)

    async def note(self, data: Mapping[str, Any]) -> None:
        """What came of it."""
        await self._write(EventKind.ANSWER, data, None)

    async def _write(self, kind: EventKind, data: Mapping[str, Any], guard: Guard | None) -> None:
        event = Event(kind=kind, at=self._clock.now(), identity=self._identity, data={**data, "by": "probe"})
        await self._journal.commit(Change(events=(event,), guard=guard))
