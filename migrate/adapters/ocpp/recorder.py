"""Sightings on their way into the journal.

Keeps them in order, stores many at once, and waits when the journal cannot:
nothing passes on that was not stored.  It knows neither relays nor listeners.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from migrate.domain.errors import JournalError
from migrate.domain.evidence import Sighting

Record = Callable[[Sequence[Sighting]], Awaitable[Sequence[int]]]

MAX_BACKLOG = 100_000
MAX_BATCH = 500
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Recorder:
    """``record`` stores a batch and gives its places; ``stored`` hears each sighting with its place.

    ``changed`` is called when recording begins or ceases to work.
    """

    def __init__(self, record: Record, stored: Callable[[Sighting], None], changed: Callable[[], None]) -> None:
        self._record, self._stored, self._changed = record, stored, changed
        self._backlog: deque[Sighting] = deque()
        self._something, self._nothing = asyncio.Event(), asyncio.Event()
        self.is_recording = True
        self.recorded = self.lost = 0

    @property
    def backlog(self) -> int:
        return len(self._backlog)

    def put(self, sighting: Sighting) -> None:
        """Beyond the bound a sighting is lost, and counted: presence still tells the truth."""
        if len(self._backlog) >= MAX_BACKLOG:
            self.lost += 1
            return
        self._backlog.append(sighting)
        self._something.set()
        self._nothing.clear()

    async def run(self) -> None:
        """For ever; only ``JournalError`` is waited out, anything else ends the process."""
        pause = FIRST_PAUSE_S
        while True:
            await self._something.wait()
            batch = [self._backlog[at] for at in range(min(MAX_BATCH, len(self._backlog)))]
            try:
                places = await self._record(batch)
            except JournalError:
                self._set_recording(False)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                pause = FIRST_PAUSE_S
                self._done(batch, places)

    def _done(self, batch: Sequence[Sighting], places: Sequence[int]) -> None:
        self._set_recording(True)
        for sighting, place in zip(batch, places, strict=True):
            self._backlog.popleft()
            self.recorded += 1
            self._stored(replace(sighting, seq=place))
        if not self._backlog:
            self._something.clear()
            self._nothing.set()

    def _set_recording(self, is_recording: bool) -> None:
        if is_recording is not self.is_recording:
            self.is_recording = is_recording
            self._changed()

    async def finish(self, *, within_s: float) -> None:
        """Store what is left; bounded, for a journal that is gone must not keep the process."""
        if self._backlog and self.is_recording:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._nothing.wait()
