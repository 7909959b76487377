"""What stations have fetched reaches the journal in order, also after an hour in which it could not be written."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from migrate.adapters.files import telling
from migrate.adapters.files.fetched import How, Word
from migrate.adapters.files.telling import Telling
from migrate.domain.errors import JournalError
from migrate.domain.record import Change, EventKind

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


class Store:
    """A journal that cannot be written for a while."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.changes: list[Change] = []

    async def commit(self, change: Change) -> int:
        if self.fails:
            self.fails -= 1
            raise JournalError("the disk is full")
        self.changes.append(change)
        return len(self.changes)

    @property
    def loaded(self) -> list[int]:
        return [event.data["loaded_bytes"] for change in self.changes for event in change.events]


def word(loaded: int) -> Word:
    return Word(identity="AC1", file="acme.bin", version="5.0", how=How.STALLED, loaded_bytes=loaded, size_bytes=900)


async def test_a_word_is_an_event_of_its_station_with_how_far_the_file_came() -> None:
    store = Store()
    told = Telling(store.commit, lambda: NOW)
    await told.start()

    told.tell(word(400))
    await told.stop()

    ((event,),) = [change.events for change in store.changes]
    assert (event.kind, event.identity, event.at) == (EventKind.FETCHED, "AC1", NOW)
    assert event.data == {
        "file": "acme.bin",
        "version": "5.0",
        "how": "stalled",
        "loaded_bytes": 400,
        "size_bytes": 900,
    }


async def test_what_could_not_be_stored_is_stored_later_in_its_order() -> None:
    store = Store(fails=1)
    told = Telling(store.commit, lambda: NOW)
    await told.start()
    for number in range(3 * telling.AT_ONCE):
        told.tell(word(number))

    async with asyncio.timeout(60):
        while len(store.loaded) < 3 * telling.AT_ONCE:
            await asyncio.sleep(0.01)
    await told.stop()

    assert store.loaded == list(range(3 * telling.AT_ONCE))
    assert len(store.changes) == 3


async def test_what_is_told_while_words_are_stored_pushes_out_none_that_still_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is room for four, and two come while the first two are on their way."""
    monkeypatch.setattr(telling, "AT_ONCE", 2)
    monkeypatch.setattr(telling, "MOST", 4)
    store = Store()
    more = iter([4, 5])

    async def commit(change: Change) -> int:
        for number in more:
            told.tell(word(number))
        return await store.commit(change)

    told = Telling(commit, lambda: NOW)
    for number in range(4):
        told.tell(word(number))
    await told.start()
    async with asyncio.timeout(60):
        while 5 not in store.loaded:
            await asyncio.sleep(0.01)
    await told.stop()

    assert store.loaded == [0, 1, 2, 3, 4, 5]


async def test_a_journal_that_is_ill_to_the_end_keeps_nobody_from_ending() -> None:
    store = Store(fails=1000)
    told = Telling(store.commit, lambda: NOW)
    await told.start()
    told.tell(word(1))

    async with asyncio.timeout(60):
        await told.stop()

    assert store.changes == []
