"""What the seal costs: the same changes, with the units and commands of real moves, stored with a key and without.

128 tasks commit moves that carry a unit of three writes and a command each, as
a driver does.  Rounds of both alternate in one run, so that what the machine
does meanwhile falls on both; then every attempt is read back.  Prints one JSON
document.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from migrate.adapters.journal.journal import Keys, open_journal
from migrate.domain.record import Attempt, Change, Event, EventKind, Guard
from migrate.domain.unit import PreparedWrite
from tests.benchmarks.journal_vs_sqlite3 import AT, MOVES, TASKS, WallClock, moves_of, opening

ROUNDS = 1 if "--small" in sys.argv else 7
KEY = b"4" * 64
UNIT = tuple(
    PreparedWrite(key=key, new=f"wss://new.example:8443/ocpp/{key}", old=f"ws://old.example/steve/websocket/{key}")
    for key in ("CentralSystemPath", "CentralSystemPort", "CentralSystemAddress")
)


@dataclass(frozen=True, slots=True)
class Cost:
    per_s: float
    cpu_us: float  # of the whole process, for each change
    read_us: float  # for each attempt that is read back


def loaded(identity: str, guard: Guard) -> list[Change]:
    """The moves of one station, each with its unit and one command."""
    changes = []
    for change in moves_of(identity, guard):
        attempts = tuple(_with_unit(attempt) for attempt in change.attempts)
        write = UNIT[len(changes) % 3]
        data = {"action": "ChangeConfiguration", "key": write.key, "value": write.new}
        command = Event(kind=EventKind.COMMAND, at=AT, identity=identity, data=data)
        changes.append(replace(change, events=(*change.events, command), attempts=attempts))
    return changes


def _with_unit(attempt: Attempt) -> Attempt:
    return replace(attempt, unit=UNIT)


async def stored(path: Path, *, sealed: bool) -> Cost:
    keys = Keys(kept=lambda: KEY, made=lambda: KEY) if sealed else None
    journal = open_journal(f"sqlite:///{path}", "bench", WallClock(), keys=keys)
    await journal.commit(opening())
    guard = Guard(batch="w0b0", epoch=await journal.take_batch("w0b0", "bench", AT), control_epoch=0)
    changes = [loaded(f"S{number:03}", guard) for number in range(TASKS)]

    async def walk(number: int) -> None:
        for change in changes[number]:
            await journal.commit(change)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(walk, range(TASKS)))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    began = time.perf_counter()
    read = await journal.attempts()
    reading = time.perf_counter() - began
    await journal.close()
    if [attempt.unit for attempt in read] != [UNIT] * TASKS:
        raise SystemExit("what was read back is not what was stored")
    count = TASKS * MOVES
    return Cost(count / wall, cpu / count * 1e6, reading / TASKS * 1e6)


def main() -> None:
    rounds: list[tuple[Cost, Cost]] = []
    for number in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory() as folder:
            plain = asyncio.run(stored(Path(folder) / "plain.db", sealed=False))
            sealed = asyncio.run(stored(Path(folder) / "sealed.db", sealed=True))
        print(f"round {number}: sealed {sealed.per_s:,.0f}/s, plain {plain.per_s:,.0f}/s", file=sys.stderr)
        rounds += [(sealed, plain)] if number else []  # the first warms up
    document = {
        "schema": "migrate.bench.journal_seal/1",
        "tasks": TASKS,
        "changes_per_round": TASKS * MOVES,
        "rounds": ROUNDS,
        "sealed_per_s": round(statistics.median(sealed.per_s for sealed, _ in rounds)),
        "plain_per_s": round(statistics.median(plain.per_s for _, plain in rounds)),
        "sealed_cpu_us": round(statistics.median(sealed.cpu_us for sealed, _ in rounds), 1),
        "plain_cpu_us": round(statistics.median(plain.cpu_us for _, plain in rounds), 1),
        "sealed_read_us": round(statistics.median(sealed.read_us for sealed, _ in rounds), 1),
        "plain_read_us": round(statistics.median(plain.read_us for _, plain in rounds), 1),
        "ratio": round(statistics.median(sealed.per_s / plain.per_s for sealed, plain in rounds), 3),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
