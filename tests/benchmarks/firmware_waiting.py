"""What it costs to wait for stations that load a firmware: processor time for each look at all of them.

Every station has a history and an order under way; at each look, ten seconds
of campaign time after the last, one in a hundred has said something since.
The real waiting (``batches.flashing``) runs on a real journal; the station's
door is a word in the journal, and the clock is turned on by hand, so that a
look begins when the last one is over.  Beside it the same looks as single
questions for each station, by which a history's length would count every time.
Prints one JSON document.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from batches.flashing import LOOK_EVERY, Flashing
from batches.transfers import Transfers
from batches.words import Words
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.domain.evidence import Side
from migrate.domain.record import Change, Event, EventKind
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import FIRMWARE_KEY, Firmware, Way
from migrate.ports import Presence

STATIONS = 200 if "--small" in sys.argv else 10_000
ROUNDS = 3 if "--small" in sys.argv else 5
HISTORY = 60
"""Events of a station before the order: some weeks of boots and statuses."""

ONE_IN = 100
AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
VERSION = "6.0"


class ByHand:
    """A clock that stands still until everybody sleeps and it is turned on."""

    def __init__(self) -> None:
        self._now = AT
        self._asleep: list[asyncio.Future[None]] = []
        self.everybody = asyncio.Event()
        self.count = 0

    def now(self) -> datetime:
        return self._now

    def real_s(self, duration: timedelta) -> float:
        return duration.total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asleep.append(sleeper)
        if len(self._asleep) == self.count:
            self.everybody.set()
        await sleeper

    def turn_on(self) -> None:
        self._now += LOOK_EVERY
        sleepers, self._asleep = self._asleep, []
        self.everybody.clear()
        for sleeper in sleepers:
            sleeper.set_result(None)


class Ordered:
    """The hands of a station whose order is journaled and went out."""

    def __init__(self, journal: SqlJournal, clock: ByHand) -> None:
        self._journal, self._clock = journal, clock

    async def look(self, attempt: Any, _keys: Any) -> dict[str, str | None]:
        return {FIRMWARE_KEY: (await self._journal.facts(attempt.identity, Side.SOURCE)).firmware}

    async def order_firmware(self, attempt: Any, version: str) -> None:
        data = {"action": Way.FIRMWARE.action, "key": FIRMWARE_KEY, "value": version}
        at = self._clock.now()
        order = Event(kind=EventKind.COMMAND, at=at, identity=attempt.identity, attempt=attempt.id, data=data)
        await self._journal.commit(Change(events=(order,)))


class Nobody:
    """A witness that sees no driver."""

    async def presence(self, identity: str) -> Presence:
        return Presence(identity=identity)


def status(identity: str, at: datetime, word: str = "Available") -> Event:
    kind = "status" if word == "Available" else "firmware"
    data = {"side": "source", "kind": kind, "detail": word, "session": "s1", "connector": 1}
    return Event(kind=EventKind.SIGHTING, at=at, identity=identity, data=data)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        clock = ByHand()
        journal = open_journal(f"sqlite:///{Path(name) / 'journal.db'}", "bench", clock)
        names = [f"AC{number}" for number in range(STATIONS)]
        for at in range(0, STATIONS, 50):
            events = (status(one, AT) for one in names[at : at + 50] for _ in range(HISTORY))
            await journal.commit(Change(events=tuple(events)))
        waiting = await _begun(journal, clock, names)
        looks = [await _look(journal, clock, names) for _ in range(ROUNDS)]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        single_s = await _single(journal, names)
        await journal.close()
    each_s = sorted(looks)[len(looks) // 2]
    print(
        json.dumps(
            {
                "stations": STATIONS,
                "history": HISTORY,
                "one_in": ONE_IN,
                "look_cpu_s": round(each_s, 3),
                "single_cpu_s": round(single_s, 3),
                "of_one_core": round(each_s / LOOK_EVERY.total_seconds(), 4),
                "rounds": ROUNDS,
            }
        )
    )


async def _begun(journal: SqlJournal, clock: ByHand, names: list[str]) -> list[asyncio.Task[None]]:
    """Everybody has its order, and waits."""
    ports: Any = SimpleNamespace(
        journal=journal, clock=clock, witness=Nobody(), words=Words(), transfers=Transfers(STATIONS)
    )
    firmware = Firmware(steps=(VERSION,), keeps_address=True, within=timedelta(days=1))
    write = PreparedWrite(key=FIRMWARE_KEY, old="", new=VERSION, via=Way.FIRMWARE)
    clock.count = len(names)

    def one(identity: str) -> asyncio.Task[None]:
        errand: Any = SimpleNamespace(station=Station(identity=identity), profile=SimpleNamespace(firmware=firmware))
        attempt: Any = SimpleNamespace(
            identity=identity, id=f"{identity}/1", unit=(write,), direction=SimpleNamespace(origin=Side.SOURCE)
        )
        hands: Any = Ordered(journal, clock)
        return asyncio.create_task(Flashing(errand, ports, hands).install(attempt, write))

    waiting = [one(identity) for identity in names]
    await clock.everybody.wait()
    return waiting


async def _look(journal: SqlJournal, clock: ByHand, names: list[str]) -> float:
    """Processor seconds of one look at everybody, what the journal's threads do for it included."""
    some = tuple(status(one, clock.now(), "Downloading") for one in names[::ONE_IN])
    await journal.commit(Change(events=some))
    began = time.process_time()
    clock.turn_on()
    await clock.everybody.wait()
    return time.process_time() - began


async def _single(journal: SqlJournal, names: list[str]) -> float:
    """The same as two questions for each station."""
    few = names[:: max(1, len(names) // 1000)]
    began = time.process_time()
    for identity in few:
        await journal.facts(identity, Side.SOURCE)
        await journal.timeline(identity)
    return (time.process_time() - began) / len(few) * len(names)


if __name__ == "__main__":
    asyncio.run(main())
