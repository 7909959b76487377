"""What stations say while they load a firmware, read once for all of them.

A station that loads or installs is waited for over many minutes.  To read its
whole history at every look would cost a fleet more than a processor; so what
is new in the journal is read once for everybody who waits, and each hears what
is about its own station.  Nothing is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from migrate.domain.record import Event, EventKind, StoredEvent
from migrate.ports import Journal

KINDS = (EventKind.COMMAND, EventKind.ANSWER, EventKind.SIGHTING, EventKind.FETCHED)
"""What tells where a firmware stands; see ``migrate.domain.firmware``."""

FRESH_FOR = timedelta(seconds=5)
"""Who looks so soon after somebody else has nothing to read (campaign time)."""

_AT_ONCE = 1000


@dataclass(slots=True, eq=False)
class Told:
    """What is known of one station, oldest first, while somebody waits for it."""

    identity: str
    events: list[Event] = field(default_factory=list)
    _seq: int = 0
    _is_news: bool = False
    _early: list[StoredEvent] | None = field(default_factory=list)  # heard before its history was read

    def take_news(self) -> bool:
        """Whether anything came since this was asked last."""
        was, self._is_news = self._is_news, False
        return was

    def begin(self, history: list[StoredEvent]) -> None:
        """Its history up to now; what was heard while that was being read comes after it."""
        early, self._early = self._early or [], None
        self.events, self._is_news = [line.event for line in history], True
        self._seq = history[-1].seq if history else 0
        for line in early:
            self.hear(line)

    def hear(self, line: StoredEvent) -> None:
        """One more event; one that is known already is passed over."""
        if self._early is not None:
            self._early.append(line)
        elif line.seq > self._seq:
            self.events.append(line.event)
            self._seq, self._is_news = line.seq, True


class Words:
    """Everybody who waits in this process."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[Told]] = {}
        self._reading = asyncio.Lock()
        self._seq = 0
        self._read_at: datetime | None = None

    @asynccontextmanager
    async def follow(self, journal: Journal, identity: str) -> AsyncIterator[Told]:
        """What is told of one station, from its beginning on."""
        told = Told(identity)
        async with self._reading:
            if not self._waiting:
                self._seq = await journal.newest_seq()  # what came before is in the histories
            self._waiting.setdefault(identity, set()).add(told)
        try:
            told.begin(await journal.timeline(identity))
            yield told
        finally:
            self._waiting[identity].discard(told)
            if not self._waiting[identity]:
                del self._waiting[identity]

    async def reread(self, journal: Journal, told: Told) -> None:
        """The whole history anew: after an order of ours, and before anybody is given up."""
        told.begin(await journal.timeline(told.identity))

    async def catch_up(self, journal: Journal, now: datetime) -> None:
        """Hand everybody what is new, unless somebody does so or has just done it: then it is heard with the next look."""
        if self._read_at is not None and timedelta(0) <= now - self._read_at < FRESH_FOR:
            return
        self._read_at = now
        async with self._reading:
            is_more = True
            while is_more:
                lines = await journal.events(after=self._seq, kinds=KINDS, limit=_AT_ONCE)
                for line in lines:
                    for told in self._waiting.get(line.event.identity, ()):
                        told.hear(line)
                self._seq = lines[-1].seq if lines else self._seq
                is_more = len(lines) == _AT_ONCE
