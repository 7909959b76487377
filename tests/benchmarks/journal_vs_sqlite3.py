"""How much of a bare group commit the journal keeps: durable transitions per second from 128 tasks.

The bare side is what one would write by hand for this and nothing else: the
same tasks, one writer thread on ``sqlite3``, the same tables and indexes, the
same rows, the same hash chain, synced to the disk alike.  It judges nothing: no
versions, epochs or unique stations.  What is to be stored is made before the
watch starts: measured is the journal, not the attempt table.  Rounds of both
alternate in one run, so that what the machine does meanwhile falls on both.
Prints one JSON document.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from migrate.adapters.journal.audit import verify
from migrate.adapters.journal.journal import open_journal
from migrate.adapters.journal.store import open_store
from migrate.domain.attempt import Fact
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Change, Event, EventKind, Guard, attempt_id, move
from migrate.domain.wave import Deferral

TASKS = 128
MOVES = 120
ROUNDS = 1 if "--small" in sys.argv else 7
AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
CYCLE = ((Fact.CHECKS_PASSED, {}), (Fact.NOT_NOW, {"deferral": Deferral.BUSY}), (Fact.DUE, {}))
STATES = (("planned", "checked"), ("checked", "deferred"), ("deferred", "planned"))


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def real_s(self, duration: timedelta) -> float:
        return duration.total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


def an_attempt(identity: str) -> Attempt:
    return Attempt(
        id=attempt_id(identity, 1),
        identity=identity,
        number=1,
        wave=0,
        batch="w0b0",
        profile="alfen_6",
        method=Method.CHANGE_CONFIGURATION,
        opened_at=AT,
        entered_at=AT,
    )


def opening() -> Change:
    attempts = tuple(an_attempt(f"S{number:03}") for number in range(TASKS))
    events = tuple(Event(kind=EventKind.ATTEMPT_OPENED, at=AT, identity=a.identity, attempt=a.id) for a in attempts)
    return Change(events=events, attempts=attempts)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast all tasks went together, and what each transition cost this process."""

    per_s: float
    cpu_us: float


async def crowd(walk: Callable[[int], Awaitable[None]]) -> Pace:
    began, burnt = time.perf_counter(), time.process_time()
    await asyncio.gather(*(walk(number) for number in range(TASKS)))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - burnt
    return Pace(per_s=TASKS * MOVES / wall_s, cpu_us=cpu_s / (TASKS * MOVES) * 1e6)


# --- the journal ------------------------------------------------------------


def moves_of(identity: str, guard: Guard) -> list[Change]:
    attempt, changes = an_attempt(identity), []
    for step in range(MOVES):
        fact, settings = CYCLE[step % 3]
        changes.append(move(attempt, fact, AT, guard=guard, **settings))
        (attempt,) = changes[-1].attempts
    return changes


async def adapter(path: Path) -> Pace:
    journal = open_journal(f"sqlite:///{path}", "bench", WallClock())
    await journal.commit(opening())
    guard = Guard(batch="w0b0", epoch=await journal.take_batch("w0b0", "bench", AT), control_epoch=0)

    changes = [moves_of(f"S{number:03}", guard) for number in range(TASKS)]

    async def walk(number: int) -> None:
        for change in changes[number]:
            await journal.commit(change)

    pace = await crowd(walk)
    await journal.close()
    return pace


# --- by hand ----------------------------------------------------------------

_EVENT = (
    "INSERT INTO event (seq, writer, link, prev_hash, hash, kind, at, identity, attempt, data)"
    " VALUES (?, 'bench', ?, ?, ?, 'moved', ?, ?, ?, ?)"
)
_ATTEMPT = (
    "UPDATE attempt SET seq = ?, state = ?, deferral = ?, entered_at = ?, version = ?,"
    " wave = 0, batch = 'w0b0', profile = 'alfen_6', method = 'change_configuration', direction = 'forward', evidence = 0,"
    " reason = '', cause = 'station', due_at = NULL, tries = 0, \"left\" = 0, unit = '[]', source_session = '',"
    " opened_at = ?, confirmed_at = NULL, fingerprint = '' WHERE id = ?"
)
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Bare:
    """A queue, a thread, two statements."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._store = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._store.execute(f"PRAGMA {pragma}")
        newest = self._store.execute("SELECT max(seq) FROM event").fetchone()[0]
        link, known = self._store.execute("SELECT link, hash FROM chain WHERE writer = 'bench'").fetchone()
        self._seq, self._link, self._hash = newest, link, known
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    async def commit(self, identity: str, version: int, before: str, after: str) -> None:
        stored = self._loop.create_future()
        self._queue.put((stored, identity, version, before, after))
        await stored

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            try:
                while len(group) < 512:
                    group.append(self._queue.get_nowait())
            except Empty:
                pass
            self._write(group)
            self._loop.call_soon_threadsafe(_wake, group)

    def _write(self, group: list[Any]) -> None:
        events, attempts = [], []
        for _, identity, version, before, after in group:
            events.append(self._line(identity, version, before, after))
            deferral = "busy" if after == "deferred" else None
            at = AT.isoformat(timespec="microseconds")
            attempts.append((self._seq, after, deferral, at, version, at, f"{identity}#1"))
        self._store.execute("BEGIN IMMEDIATE")
        self._store.executemany(_EVENT, events)
        self._store.executemany(_ATTEMPT, attempts)
        self._store.execute("UPDATE chain SET link = ?, hash = ? WHERE writer = 'bench'", (self._link, self._hash))
        self._store.execute("COMMIT")

    def _line(self, identity: str, version: int, before: str, after: str) -> tuple[Any, ...]:
        fact, settings = CYCLE[(version - 2) % 3]
        told = {"fact": fact.value, "from": before, "to": after, "evidence": "E0"}
        data = _dumps(told | ({"deferral": "busy"} if settings else {}))
        at = AT.isoformat(timespec="microseconds")
        self._seq, self._link, previous = self._seq + 1, self._link + 1, self._hash
        whole = [self._seq, "bench", self._link, previous, "moved", at, identity, f"{identity}#1", data]
        self._hash = hashlib.sha256(_dumps(whole).encode()).hexdigest()
        return self._seq, self._link, previous, self._hash, at, identity, f"{identity}#1", data


def _wake(group: list[Any]) -> None:
    for stored, *_ in group:
        stored.set_result(None)


async def by_hand(path: Path) -> Pace:
    journal = open_journal(f"sqlite:///{path}", "bench", WallClock())
    await journal.commit(opening())
    await journal.close()
    bare = Bare(path, asyncio.get_running_loop())

    async def walk(number: int) -> None:
        for step in range(MOVES):
            await bare.commit(f"S{number:03}", step + 2, *STATES[step % 3])

    pace = await crowd(walk)
    bare.close()
    return pace


# --- the comparison ---------------------------------------------------------


def rows_of(path: Path) -> tuple[int, list[Any]]:
    """How many lines, and the attempts but for the order in which their moves fell."""
    store = sqlite3.connect(path)
    lines = store.execute("SELECT count(*) FROM event WHERE kind = 'moved'").fetchone()[0]
    attempts = store.execute(
        "SELECT id, state, deferral, version, entered_at, unit FROM attempt ORDER BY id"
    ).fetchall()
    store.close()
    return lines, attempts


def round_of(folder: Path) -> tuple[Pace, Pace]:
    paces = asyncio.run(adapter(folder / "adapter.db")), asyncio.run(by_hand(folder / "bare.db"))
    if rows_of(folder / "adapter.db") != rows_of(folder / "bare.db"):
        raise SystemExit("the two sides did not store the same rows")
    for name in ("adapter.db", "bare.db"):
        store = open_store(f"sqlite:///{folder / name}")
        if broken := verify(store):
            raise SystemExit(f"{name} has a broken chain: {broken[0]}")
        store.close()
    return paces


def main() -> None:
    rounds = []
    for number in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory() as folder:
            paces = round_of(Path(folder))
        print(f"round {number}: journal {paces[0].per_s:,.0f}/s, by hand {paces[1].per_s:,.0f}/s", file=sys.stderr)
        rounds += [paces] if number else []  # the first warms up
    ratios = [journal.per_s / bare.per_s for journal, bare in rounds]
    document = {
        "schema": "migrate.bench.journal/1",
        "tasks": TASKS,
        "transitions_per_round": TASKS * MOVES,
        "rounds": ROUNDS,
        "journal_per_s": round(statistics.median(journal.per_s for journal, _ in rounds)),
        "bare_per_s": round(statistics.median(bare.per_s for _, bare in rounds)),
        "journal_cpu_us": round(statistics.median(journal.cpu_us for journal, _ in rounds), 1),
        "bare_cpu_us": round(statistics.median(bare.cpu_us for _, bare in rounds), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_lowest": round(min(ratios), 3),
        "wanted": 0.3,
        "sqlite": sqlite3.sqlite_version,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
