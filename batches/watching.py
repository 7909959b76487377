"""What a witness tells of one station, kept for as long as somebody waits for something of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from migrate.domain.evidence import Kind, Sighting
from migrate.ports import Clock, Witness

LEAST_REAL_S = 3.0
"""However fast campaign time runs, a machine needs a while to pass on what happened."""


class Watching:
    """One station's sightings on the source, in their order; ``place`` says how many there are so far."""

    def __init__(self, identity: str, witness: Witness, clock: Clock) -> None:
        self._identity, self._witness, self._clock = identity, witness, clock
        self._seen: list[Sighting] = []
        self._news = asyncio.Condition()

    @property
    def place(self) -> int:
        return len(self._seen)

    @asynccontextmanager
    async def since(self, seq: int) -> AsyncIterator[None]:
        """Look on from a place in the journal until the block ends."""
        reading = asyncio.create_task(self._read(seq))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, seq: int) -> None:
        async for sighting in self._witness.sightings(after=seq):
            if sighting.identity == self._identity:
                async with self._news:
                    self._seen.append(sighting)
                    self._news.notify_all()

    async def until(self, wanted: Callable[[Sighting], bool], *, within: timedelta, after: int = 0) -> Sighting | None:
        """The first sighting after a place that is wanted; nothing when none came in time."""
        try:
            async with asyncio.timeout(max(self._clock.real_s(within), LEAST_REAL_S)), self._news:
                while (found := next(filter(wanted, self._seen[after:]), None)) is None:
                    await self._news.wait()
                return found
        except TimeoutError:
            return None

    def count(self, kind: Kind, session: str) -> int:
        """How many of a kind were seen in a session."""
        return sum(sighting.kind is kind and sighting.session == session for sighting in self._seen)
