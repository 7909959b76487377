"""The relays as a witness: what they saw, without a gap, and where a station is now.

Missed sightings come from the journal, live ones from the listening process;
each is given once, in the journal's order.  It grades nothing, and when it is
cut off it says that it does not see.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.lines import PULSE_S, News
from migrate.domain.evidence import Side, Sighting
from migrate.ports import Latency, Presence

JournalTail = Callable[[int], Awaitable[Sequence[Sighting]]]

PATIENCE_S = 4 * PULSE_S  # without a word from the listening process
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0


class RelayWitness:
    """Both sides' relays, through the listening process.

    ``journal_tail`` gives the recorded sightings after a place, oldest first,
    and nothing once there are no more.  ``start`` before asking what it sees.
    """

    def __init__(self, client: ListenClient, journal_tail: JournalTail, *, patience_s: float = PATIENCE_S) -> None:
        self._client, self._tail, self._patience_s = client, journal_tail, patience_s
        self._sees: frozenset[Side] = frozenset()
        self._latency: dict[Side, Latency] = {}
        self._watching: asyncio.Task[None] | None = None
        self._told = asyncio.Event()

    async def start(self, *, within_s: float = 3.0) -> None:
        """Begin to follow whether the relays can see; returns when they said so, or after a while."""
        self._watching = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(within_s):
                await self._told.wait()
        except TimeoutError:
            return  # still blind: ``sees`` says so

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._sees, self._latency = frozenset(), {}

    def sees(self, side: Side) -> bool:
        """Whether absence on this side means anything right now."""
        return side in self._sees

    def latency(self, side: Side) -> Latency | None:
        """How quickly that side's CSMS answers, as far as the listening process has said."""
        return self._latency.get(side)

    async def presence(self, identity: str) -> Presence:
        return await self._client.presence(identity)

    async def sightings(self, *, after: int = 0) -> AsyncIterator[Sighting]:
        """Every sighting after a place in the journal: first those missed, then live, without a gap."""
        last = after
        async with contextlib.aclosing(self._connections()) as connections:
            async for live in connections:
                # Inside the subscription, so that whatever is recorded while we read comes as news as well.
                async for sighting in self._missed(last):
                    last = sighting.seq
                    yield sighting
                async for news in live:
                    if news.sighting is not None and news.sighting.seq > last:
                        last = news.sighting.seq
                        yield news.sighting

    async def _missed(self, last: int) -> AsyncIterator[Sighting]:
        while page := [sighting for sighting in await self._tail(last) if sighting.seq > last]:
            for sighting in page:
                last = sighting.seq
                yield sighting

    async def _connections(self) -> AsyncGenerator[AsyncIterator[News], None]:
        """One subscription after the other, each from its first line on; pauses grow while nobody listens."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with self._client.subscribe() as news:
                    if await anext(news, None) is not None:
                        pause = FIRST_PAUSE_S
                        yield _until_dropped(news)
            except OSError:
                pass
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _watch(self) -> None:
        """Follow the state of the relays; blind from the moment the line is lost or falls silent."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with self._client.subscribe(to="watch") as news:
                    while (item := await self._next(news)) is not None:
                        pause = FIRST_PAUSE_S
                        self._sees = frozenset(item.sees or ())
                        self._latency = self._latency if item.latency is None else item.latency
                        self._told.set()
            except (OSError, TimeoutError):
                pass
            finally:
                self._sees, self._latency = frozenset(), {}
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _next(self, news: AsyncIterator[News]) -> News | None:
        """The next line, or ``None`` at the end; ``wait_for`` of Python 3.11 would swallow a cancel that comes with it."""
        async with asyncio.timeout(self._patience_s):
            return await anext(news, None)


async def _until_dropped(news: AsyncIterator[News]) -> AsyncIterator[News]:
    async for item in news:
        if item.dropped:
            return
        yield item
