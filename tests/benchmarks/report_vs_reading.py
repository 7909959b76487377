"""What a progress report costs beside reading the rows it is made from.

A campaign of 100,000 stations is put into a journal with the moves that such
a campaign leaves.  Its rows alone are read (plan, inventory, attempts, events)
before and after all else; between, the whole report is made in each form:
rows, standing, document, and the file written to disk.  Measured is this
process's CPU time, so that a busy machine weighs on both alike.  Prints one
JSON document.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import open_journal
from migrate.cli.report import document_of, write_report
from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.record import Attempt, Change, Event, EventKind, attempt_id
from migrate.domain.station import Station
from migrate.domain.wave import PlannedStation
from migrate.wiring import Wired, open_campaign
from reports.progress import EVENTS

STATIONS = 2_000 if "--small" in sys.argv else 100_000
AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
AT_ONCE = 1_000
PATH = (
    State.CHECKED,
    State.WRITING,
    State.WRITTEN,
    State.RESTARTING,
    State.DEPARTED,
    State.CONFIRMED,
    State.SETTLED,
)
SETTINGS = """
name = "bench"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
upstream = "lab"
[target]
url = "ws://new.example/ocpp"
[target.relay]
upstream = "lab"
[deadline]
legacy_switch_off = "2026-12-31"
"""


def inventory() -> list[Station]:
    return [
        Station(
            identity=f"CP-{n:06}",
            vendor="Alfen BV" if n % 3 else "Keba AG",
            model=f"NG910-6{n % 40:04}" if n % 3 else "KC-P30-ESS400C2",
            firmware="5.8.1-4123" if n % 3 else "1.12.0",
            site_id=f"site-{n // 4}",
        )
        for n in range(STATIONS)
    ]


def moved(planned: PlannedStation, number: int) -> tuple[Attempt, list[Event]]:
    """One station's way: most settle, one in fifty fails, over two weeks."""
    name, at = attempt_id(planned.identity, 1), AT + timedelta(days=14) * (number / STATIONS)
    path = PATH if number % 50 else (*PATH[:2], State.FAILED)
    events = [
        Event(
            kind=EventKind.ATTEMPT_OPENED, at=at, identity=planned.identity, attempt=name, data={"wave": planned.wave}
        )
    ]
    for state in path:
        at += timedelta(seconds=40)
        data = {"fact": "seen", "from": "planned", "to": state.value, "evidence": "E3"}
        events.append(Event(kind=EventKind.MOVED, at=at, identity=planned.identity, attempt=name, data=data))
    attempt = Attempt(
        id=name,
        identity=planned.identity,
        number=1,
        wave=planned.wave,
        batch=f"w{planned.wave}.b{planned.batch}",
        profile=planned.profile,
        method=planned.method,
        state=path[-1],
        evidence=Grade.E4 if number % 50 else Grade.E0,
        tries=1,
        opened_at=AT,
        entered_at=at,
    )
    return attempt, events


def changes(stations: tuple[PlannedStation, ...]) -> Iterator[Change]:
    for first in range(0, len(stations), AT_ONCE):
        made = [moved(s, first + n) for n, s in enumerate(stations[first : first + AT_ONCE])]
        yield Change(events=tuple(e for _, events in made for e in events), attempts=tuple(a for a, _ in made))


async def fill(folder: Path) -> None:
    (folder / "campaign.toml").write_text(SETTINGS)
    journal = open_journal(f"sqlite:///{folder / 'campaign.db'}", "bench", CampaignClock())
    await journal.store_stations(inventory())
    await journal.close()
    async with open_campaign(folder) as wired:
        plan = await wired.make_plan()
        await wired.journal.store_plan(plan)
        for change in changes(plan.stations):
            await wired.journal.commit(change)


async def read(wired: Wired) -> int:
    """The rows a report is made from, and nothing done with them."""
    journal = wired.journal
    plan, stations, attempts = await journal.current_plan(), await journal.stations(), await journal.attempts()
    events = await journal.events(kinds=EVENTS, limit=10_000_000)
    return len(plan.stations if plan else ()) + len(stations) + len(attempts) + len(events)


async def report(wired: Wired, out: Path) -> int:
    document = await document_of(wired)
    write_report(document, out)
    return out.stat().st_size


async def measured(folder: Path) -> dict[str, object]:
    await fill(folder)
    times: dict[str, list[float]] = {"reading": [], "html": [], "xlsx": [], "json": []}
    rows = 0
    for name in ("reading", "html", "xlsx", "json", "reading"):
        async with open_campaign(folder) as wired:
            gc.collect()
            begun = time.process_time()
            if name == "reading":
                rows = await read(wired)
            else:
                await report(wired, folder / f"progress.{name}")
            times[name].append(time.process_time() - begun)
    seconds = {name: statistics.mean(spent) for name, spent in times.items()}
    return {
        "stations": STATIONS,
        "rows": rows,
        "ratio": round(max(seconds[name] for name in ("html", "xlsx", "json")) / seconds["reading"], 2),
        "seconds": {name: round(spent, 2) for name, spent in seconds.items()},
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measured(Path(folder)))))


if __name__ == "__main__":
    main()
