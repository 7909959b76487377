"""What a probe does at a station: after its record, soon after it, and under the orders that it was allowed under."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from batches.deeds import Deeds
from migrate.domain.answered import Taken
from migrate.domain.errors import NotAllowed, Refused, Unreachable
from migrate.domain.record import Change, Control, Event, EventKind, Hold
from migrate.domain.wave import Mode
from tests.doubles.clock import EPOCH, VirtualClock
from tests.doubles.journal import MemoryJournal

RESET = {"action": "Reset", "side": "source"}


class SlowDisk(MemoryJournal):
    """Records in its own time."""

    async def commit(self, change: Change) -> int:
        await asyncio.sleep(3)
        return await super().commit(change)


@dataclass
class Station:
    """Notes what it was told, and answers as a test wants."""

    refuses: bool = False
    told: list[str] = field(default_factory=list)

    async def reset(self) -> None:
        self.told.append("Reset")
        if self.refuses:
            raise Refused("AC1 refused Reset (Rejected).", identity="AC1", status="Rejected")


async def halt(journal: MemoryJournal) -> None:
    hold = Hold(scope="", mode=Mode.HALTED, reason="storm", by="ann", at=EPOCH)
    said = Event(kind=EventKind.CONTROL, at=EPOCH)
    await journal.order(Control(epoch=(await journal.control()).epoch + 1, holds=(hold,)), Change(events=(said,)))


def told(journal: MemoryJournal) -> list[tuple[EventKind, object]]:
    return [(line.event.kind, line.event.data.get("status")) for line in journal.lines]


async def test_a_deed_is_recorded_before_it_and_its_answer_after() -> None:
    journal, station = MemoryJournal(), Station(refuses=True)
    deeds = Deeds("AC1", journal, VirtualClock())

    taken, status = await deeds.done(RESET, station.reset, control=await journal.control())

    assert (taken, status) == (Taken.REFUSED, "Rejected")
    assert told(journal) == [(EventKind.COMMAND, None), (EventKind.ANSWER, "Rejected")]


async def test_a_halt_that_comes_after_the_last_look_at_the_orders_stops_the_restart() -> None:
    journal, station = MemoryJournal(), Station()
    seen = await journal.control()
    await halt(journal)

    with pytest.raises(NotAllowed, match="ordered since"):
        await Deeds("AC1", journal, VirtualClock()).done(RESET, station.reset, control=seen)

    assert station.told == []
    assert EventKind.COMMAND not in dict(told(journal))


async def test_a_restart_whose_record_took_too_long_is_not_sent_and_the_journal_says_so() -> None:
    journal, station = SlowDisk(), Station()

    with pytest.raises(Unreachable, match="was not sent") as raised:
        await Deeds("AC1", journal, VirtualClock()).done(RESET, station.reset, control=await journal.control())

    assert raised.value.sent is False
    assert station.told == []
    assert journal.lines[-1].event.data["sent"] is False
