"""The sign of life of a process that only listens: it outlasts a journal that takes nothing for a while."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from migrate.domain.errors import JournalError
from migrate.domain.record import Process
from migrate.engine import beat
from tests.doubles.journal import MemoryJournal

BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
ME = Process(executor="listen-1", role=beat.LISTEN, host="here", pid=1, started_at=BEGAN, beat_at=BEGAN)


class Full(MemoryJournal):
    """A journal whose disk is full until somebody has made room."""

    def __init__(self) -> None:
        super().__init__()
        self.has_room, self.turned_away, self.taken = True, asyncio.Event(), asyncio.Event()

    async def beat(self, process: Process) -> None:
        if not self.has_room:
            self.turned_away.set()
            raise JournalError("The disk is full.")
        await super().beat(process)
        self.taken.set()


async def test_a_beat_that_the_journal_did_not_take_is_followed_by_one_that_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beat, "BEAT_S", 0.001)
    journal = Full()
    async with asyncio.timeout(60), beat.beating(journal, ME):
        journal.has_room = False
        await journal.turned_away.wait()
        journal.taken.clear()
        journal.has_room = True

        await journal.taken.wait()

        (alive,) = await journal.processes()
    (ended,) = await journal.processes()
    assert alive.beat_at > BEGAN
    assert (alive.ended, ended.ended) == (False, True)
