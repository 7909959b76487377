"""A process's sign of life in the journal, every few real seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from migrate.domain.errors import JournalError
from migrate.domain.record import Process
from migrate.ports import Journal

RUN, WORKER, LISTEN = "run", "worker", "listen"
"""What a process is to its campaign; a run and its workers drive stations, a listening one only hears them."""

BEAT_S = 2.0

DEAD_AFTER = timedelta(seconds=15)
"""Real time without a beat after which a process is taken for dead, and its batches are taken over."""


@asynccontextmanager
async def beating(journal: Journal, process: Process) -> AsyncIterator[None]:
    """Beat for as long as the context lasts, and say so when it ends."""
    await journal.beat(process)
    task = asyncio.ensure_future(_beat_for_ever(journal, process))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await journal.beat(replace(process, beat_at=datetime.now(UTC), ended=True))


async def _beat_for_ever(journal: Journal, process: Process) -> None:
    """A journal that takes nothing for a while misses a beat, and the next one counts again."""
    while True:
        await asyncio.sleep(BEAT_S)
        with suppress(JournalError):
            await journal.beat(replace(process, beat_at=datetime.now(UTC)))
