"""From the journal into an observer: every page of it, once, and on from where the last reading ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migrate.adapters.journal.rows import sighting_change
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.flavour import Count, Trait
from migrate.domain.observation import Observer
from migrate.domain.record import Change, Event, EventKind, StoredEvent
from migrate.engine import observed
from migrate.engine.observed import observe
from tests.doubles.clock import EPOCH
from tests.doubles.journal import MemoryJournal
from tests.doubles.world import FACTS


async def happened(journal: MemoryJournal, at_s: float, kind: Kind, session: str = "s1", **said: object) -> None:
    at = EPOCH + timedelta(seconds=at_s)
    sighting = Sighting(side=Side.SOURCE, kind=kind, at=at, identity="AC1", session=session, **said)  # type: ignore[arg-type]
    await journal.commit(sighting_change([sighting]))


async def asked_for_a_boot(journal: MemoryJournal, at_s: float, status: str) -> None:
    at = EPOCH + timedelta(seconds=at_s)
    asked = {"action": "TriggerMessage", "message": "BootNotification", "side": "source"}
    for kind, data in ((EventKind.COMMAND, asked), (EventKind.ANSWER, asked | {"status": status})):
        await journal.commit(Change(events=(Event(kind=kind, at=at, identity="AC1", data=data),)))


@pytest.fixture(params=[1, 3, 5_000], ids=lambda size: f"{size} a page")
def page_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(observed, "PAGE", request.param)
    return int(request.param)


async def test_sightings_and_commands_are_read_once_however_large_the_pages(page_size: int) -> None:
    journal, observer = MemoryJournal(), Observer()
    await happened(journal, 0, Kind.CONNECTED)
    await happened(journal, 1, Kind.BOOT, facts=FACTS, answer="Accepted")
    for round_ in range(4):
        await asked_for_a_boot(journal, 100 + round_, "Rejected")

    place = await observe(journal, observer)

    (flavour,) = observer.flavours()
    assert flavour.trait(Trait.ANSWERS_TRIGGER) == Count(no=4)
    assert (flavour.vendor, flavour.stations) == (FACTS.vendor, 1)
    assert place == await journal.newest_seq()


async def test_who_goes_on_counts_only_what_is_new(page_size: int) -> None:
    journal, observer = MemoryJournal(), Observer()
    await happened(journal, 0, Kind.CONNECTED)
    await asked_for_a_boot(journal, 100, "Rejected")
    place = await observe(journal, observer)
    await asked_for_a_boot(journal, 200, "NotImplemented")

    await observe(journal, observer, after=place)

    (flavour,) = observer.flavours()
    assert flavour.trait(Trait.ANSWERS_TRIGGER) == Count(no=2)


class Busy(MemoryJournal):
    """A journal to which something is told while somebody reads it."""

    is_told = True

    async def events(self, **asked: Any) -> list[StoredEvent]:
        page = await super().events(**asked)
        if self.is_told:
            self.is_told = False
            await asked_for_a_boot(self, 300, "Rejected")
        return page


async def test_what_is_told_while_somebody_reads_is_counted_once_the_next_time() -> None:
    journal, observer = Busy(), Observer()
    journal.is_told = False
    await happened(journal, 0, Kind.CONNECTED)
    await asked_for_a_boot(journal, 100, "Rejected")
    journal.is_told = True

    place = await observe(journal, observer)
    first = [flavour.trait(Trait.ANSWERS_TRIGGER) for flavour in observer.flavours()]
    await observe(journal, observer, after=place)

    assert first == [Count(no=1)]
    assert [flavour.trait(Trait.ANSWERS_TRIGGER) for flavour in observer.flavours()] == [Count(no=2)]
