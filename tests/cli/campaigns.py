"""Campaign folders for the tests of the command line, built as an operator would leave them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.record import Approval, Attempt, Change, Event, EventKind, WaveMark
from migrate.domain.station import Station
from migrate.domain.wave import Plan, WaveState
from migrate.wiring import open_campaign

CAMPAIGN = """
name = "cutover"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
upstream = "lab"
[target]
url = "ws://new.example/ocpp"
[target.relay]
upstream = "lab"
[waves]
canary_per_profile = 1
sizes = [3, "rest"]
"""

ALFEN = [Station(identity=f"ALF-{n}", vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123") for n in range(6)]
ODD = [Station(identity=f"ODD-{n}", vendor="Nobody Knows", model="X") for n in range(2)]
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def campaign(folder: Path, stations: Sequence[Station] = (*ALFEN, *ODD), *, more: str = "") -> Path:
    """A campaign with an inventory and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaign.toml").write_text(CAMPAIGN + more)
    with_journal(folder, lambda journal: journal.store_stations(list(stations)))
    return folder


def with_journal(folder: Path, work: Callable[[SqlJournal], Awaitable[None]]) -> None:
    async def opened() -> None:
        journal = open_journal(f"sqlite:///{folder / 'campaign.db'}", "test", CampaignClock())
        try:
            await work(journal)
        finally:
            await journal.close()

    asyncio.run(opened())


def planned(folder: Path, *, approved: bool = True, waves: Sequence[int] = ()) -> Plan:
    """Make the plan, and approve it, whole or some waves."""

    async def make() -> Plan:
        async with open_campaign(folder) as wired:
            plan = await wired.make_plan()
            await wired.journal.store_plan(plan)
            for wave in (*((None,) if approved else ()), *waves):
                await wired.journal.approve(Approval(fingerprint=plan.fingerprint, wave=wave, by="maria", at=AT))
            return plan

    return asyncio.run(make())


def attempted(folder: Path, plan: Plan, identity: str, state: State) -> Attempt:
    """An attempt at one station of the plan, put straight into a state."""
    spot = next(s for s in plan.stations if s.identity == identity)
    attempt = Attempt(
        id=f"{identity}#1",
        identity=identity,
        number=1,
        wave=spot.wave,
        batch=f"w{spot.wave}.b{spot.batch}",
        profile=spot.profile,
        method=Method.VISIT if not spot.profile else spot.method,
        opened_at=AT,
        entered_at=AT,
        fingerprint=plan.fingerprint,
    )
    attempt = replace(attempt, state=state)
    opened = Event(kind=EventKind.ATTEMPT_OPENED, at=AT, identity=identity, attempt=attempt.id)
    change = Change(events=(opened,), attempts=(attempt,))

    async def record(journal: SqlJournal) -> None:
        await journal.commit(change)

    with_journal(folder, record)
    return attempt


def marked(folder: Path, plan: Plan, wave: int, state: WaveState) -> None:
    event = Event(kind=EventKind.WAVE, at=AT, data={"wave": wave, "state": state.value, "reasons": []})
    mark = WaveMark(wave=wave, state=state, at=AT, started_at=AT)
    with_journal(folder, lambda journal: journal.mark_wave(plan.fingerprint, mark, Change(events=(event,))))
