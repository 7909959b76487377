"""What stations have fetched, on its way into the journal: in order, many words in one commit, none lost on the way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

from migrate.adapters.files.fetched import Word
from migrate.domain.errors import JournalError
from migrate.domain.record import Change, Event, EventKind

AGAIN_AFTER_S = 2.0
MOST = 10_000
AT_ONCE = 200


class Telling:
    """Takes words at once and stores them when it can; ``commit`` is the journal's."""

    def __init__(self, commit: Callable[[Change], Awaitable[int]], now: Callable[[], datetime]) -> None:
        self._commit, self._now = commit, now
        self._waiting: deque[Event] = deque(
            maxlen=MOST
        )  # a journal that is ill for hours loses the oldest, and no file
        self._bell = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def tell(self, word: Word) -> None:
        data = {name: value for name, value in asdict(word).items() if name != "identity"}
        event = Event(kind=EventKind.FETCHED, at=self._now(), identity=word.identity, data=data)
        self._waiting.append(event)
        self._bell.set()

    async def start(self) -> None:
        self._work = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Store what is left, in one try, and end."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            await self._store()

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if not await self._store():
                await asyncio.sleep(AGAIN_AFTER_S)
                self._bell.set()

    async def _store(self) -> bool:
        """Everything that waits, or as much as one commit takes; false when the journal could not."""
        while batch := tuple(self._waiting)[:AT_ONCE]:
            try:
                await self._commit(Change(events=batch))
            except JournalError:
                return False  # kept, and tried again: the journal says so itself
            stored = {id(event) for event in batch}
            while self._waiting and id(self._waiting[0]) in stored:  # who came meanwhile may have pushed some out
                self._waiting.popleft()
        return True
