"""What stations say while they load: read once for everybody who waits, nothing of it lost, nothing heard twice."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from batches.words import FRESH_FOR, Words
from migrate.domain.record import Change, Event, EventKind, StoredEvent
from tests.doubles.journal import MemoryJournal

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
LATER = AT + FRESH_FOR


class CountingJournal(MemoryJournal):
    """Notes how often it is read; ``meanwhile`` is stored while a history is on its way to who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.histories = self.looks = 0
        self.meanwhile: list[Event] = []

    async def timeline(self, identity: str) -> list[StoredEvent]:
        self.histories += 1
        found = await super().timeline(identity)
        if self.meanwhile:
            await self.commit(Change(events=(self.meanwhile.pop(),)))
        return found

    async def events(
        self, *, after: int = 0, kinds: Collection[str] | None = None, limit: int = 1000
    ) -> list[StoredEvent]:
        self.looks += 1
        return await super().events(after=after, kinds=kinds, limit=limit)


def said(status: str, identity: str = "AC1") -> Event:
    return Event(kind=EventKind.SIGHTING, at=AT, identity=identity, data={"kind": "firmware", "detail": status})


def heard(events: list[Event]) -> list[str]:
    return [event.data["detail"] for event in events]


@pytest.fixture
def journal() -> CountingJournal:
    return CountingJournal()


async def test_a_station_hears_its_history_and_then_what_is_new_of_itself_alone(journal: CountingJournal) -> None:
    await journal.commit(Change(events=(said("old"), said("other", "AC2"))))

    words = Words()
    async with words.follow(journal, "AC1") as told:
        first = heard(told.events)
        await journal.commit(Change(events=(said("Downloading"), said("other", "AC2"))))
        await words.catch_up(journal, AT)

    assert first == ["old"]
    assert heard(told.events) == ["old", "Downloading"]


async def test_however_many_wait_and_however_long_their_histories_are_read_once_and_one_look_serves_all(
    journal: CountingJournal,
) -> None:
    words = Words()
    async with AsyncExitStack() as waiting:
        all_told = [await waiting.enter_async_context(words.follow(journal, f"AC{n}")) for n in range(50)]
        for minute in range(10):
            await journal.commit(Change(events=(said(str(minute), "AC7"),)))
            for _ in all_told:
                await words.catch_up(journal, AT + timedelta(minutes=minute))

    assert (journal.histories, journal.looks) == (50, 10)
    assert heard(all_told[7].events) == [str(minute) for minute in range(10)]


async def test_news_is_news_once_and_silence_is_none(journal: CountingJournal) -> None:
    words = Words()
    async with words.follow(journal, "AC1") as told:
        at_first = told.take_news()
        await words.catch_up(journal, AT)
        silent = told.take_news()
        await journal.commit(Change(events=(said("Downloading"),)))
        await words.catch_up(journal, LATER)
        news = (told.take_news(), told.take_news())

    assert (at_first, silent, news) == (True, False, (True, False))


async def test_what_is_said_while_a_history_is_read_is_heard_once(journal: CountingJournal) -> None:
    journal.meanwhile = [said("Downloading")]

    words = Words()
    async with words.follow(journal, "AC2"), words.follow(journal, "AC1") as told:
        await words.catch_up(journal, AT)
        await words.reread(journal, told)
        await words.catch_up(journal, LATER)

    assert heard(told.events) == ["Downloading"]


async def test_more_than_one_look_brings_is_read_to_its_end(journal: CountingJournal) -> None:
    words = Words()
    async with words.follow(journal, "AC1") as told:
        await journal.commit(Change(events=tuple(said(str(n)) for n in range(2500))))
        await words.catch_up(journal, AT)

    assert heard(told.events) == [str(n) for n in range(2500)]


async def test_two_who_wait_for_one_station_both_hear_it_also_when_one_has_gone(journal: CountingJournal) -> None:
    words = Words()
    async with words.follow(journal, "AC1") as told:
        async with words.follow(journal, "AC1"):
            pass
        await journal.commit(Change(events=(said("Downloaded"),)))
        await words.catch_up(journal, AT)

    assert heard(told.events) == ["Downloaded"]
