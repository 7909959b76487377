"""An operator's year in one campaign: every family, every fault drawn by seed, one model that is bad, one wave taken back.

What the toolkit says is held against what the stations wrote down: where each
of them lives, what it was sent, and how it had to end.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

from migrate.cli.demo.show import perform
from migrate.cli.demo.stage import Stage, free_ports, simulated_fleet, stations_of
from migrate.cli.demo.verdict import Disagreement, judge
from migrate.cli.options import Context
from migrate.domain.attempt import IN_FLIGHT, State
from migrate.domain.evidence import Grade
from migrate.domain.record import Direction, EventKind, StoredEvent
from migrate.domain.wave import Deferral, Standing, StationStanding
from migrate.engine.beat import RUN
from migrate.settings import FILE_NAME
from migrate.simulator.behaviour import KEYED_FAMILIES, SUPPLIERS, VISIT_FAMILIES, behaviour
from migrate.simulator.deal import StationSpec, deal
from migrate.simulator.faults import EVERY_FAULT, BadModel, Fault, FaultSet
from migrate.simulator.wirelog import commands_repeated_without_read, last_side
from migrate.simulator.wirelog import read as read_wire
from migrate.wiring import Wired, open_campaign
from tests.stories.conftest import program

BAD_FAMILY = "growatt"
FAMILIES = (*KEYED_FAMILIES * 3, *VISIT_FAMILIES[:8], *[BAD_FAMILY] * 4)
"""Twenty families with a key, three times as often as each of eight without one; of the bad one enough to be stopped."""

SHARE = 0.05

POLICY = (
    ("[gate]", '[waves]\nsizes = [50, "10%", "25%", "rest"]\n\n[caps]\nstations = {at_once}\nper_model = 40\n\n[gate]'),
    ('min_confirmed = "60%"', 'min_confirmed = "50%"'),
    ("max_failed = 20", "max_failed = {max_failed}"),
    ("max_lost = 2", "max_lost = 1000"),
    ("max_without_effect = 20", "max_without_effect = 1000"),
    ('appear = "10m"', 'appear = "10m"\narrive = "10m"'),
)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One vendor|model|firmware of the bad model: how many were written to, and what would have been too many."""

    kind: str
    stations: int
    touched: int
    in_flight: int  # when it was one failure too many: checked, written to, or away
    waiting: int  # never written to, and put off as model stopped
    max_failed: int

    @property
    def is_held(self) -> bool:
        return self.touched <= self.max_failed + 1 + self.in_flight and self.touched + self.waiting == self.stations


@dataclass(slots=True)
class Year:
    """How it went."""

    stations: int
    families: int
    planted: int
    ends: dict[str, int] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)
    held_back: int = 0  # healthy stations whose kind had too many planted failures: stopped as the gate demands
    repeated: int = 0
    quarantines: list[Quarantine] = field(default_factory=list)
    taken_back: dict[str, int] = field(default_factory=dict)
    not_home: list[str] = field(default_factory=list)
    run_s: float = 0.0
    back_s: float = 0.0

    @property
    def is_good(self) -> bool:
        is_true = not self.disagreements and not self.repeated and not self.not_home
        return is_true and bool(self.taken_back.get("done")) and all(q.is_held for q in self.quarantines)


def fleet_of(stations: int, seed: int) -> list[StationSpec]:
    bad = BadModel(model=behaviour(BAD_FAMILY).hardware[0].model, fault=Fault.READ_ONLY_KEY)
    faults = FaultSet(name="field", share=SHARE, pool=EVERY_FAULT, bad_model=bad)
    return deal(seed, stations, faults, FAMILIES, SUPPLIERS)


async def live_through(
    folder: Path,
    stations: int,
    *,
    seed: int,
    speed: float,
    at_once: int = 300,
    max_failed: int = 10,
    say: Callable[[str], None],
) -> Year:
    """Deal the fleet, run the campaign to its end, take a wave back, and judge both."""
    specs = fleet_of(stations, seed)
    source, target = free_ports(2)
    stage = Stage(
        folder=folder,
        seed=seed,
        speed=speed,
        specs=specs,
        stations=stations_of(specs),
        source_port=source,
        target_port=target,
    )
    planted = sum(spec.fault is not Fault.NONE for spec in specs)
    year = Year(stations=stations, families=len({spec.family for spec in specs}), planted=planted)
    say(f"{stations} stations of {year.families} families, {planted} with a fault, seed {seed}, speed {speed:g}")
    async with simulated_fleet(stage) as fleet:
        stage.write_campaign(fleet.csms)
        _set_policy(folder / FILE_NAME, at_once=at_once, max_failed=max_failed)
        context = Context(campaign=folder, may_ask=False, verbosity=-1, log_file=None)
        async with open_campaign(folder, RUN, create=True) as wired, _listening(wired):
            began = time.monotonic()
            await perform(context, wired, stage, fleet, quietly=True)
            year.run_s = time.monotonic() - began
            await _judge_the_run(year, wired, stage, max_failed)
            say(f"ran in {year.run_s:.0f} s: {year.ends}")
            await _take_a_wave_back(year, wired, stage)
            say(f"wave taken back in {year.back_s:.0f} s: {year.taken_back}")
    return year


@asynccontextmanager
async def _listening(wired: Wired) -> AsyncIterator[None]:
    """One listening process for all of it: stations with two slots dial home when nobody listens for long."""
    listener = await program("listen", "--campaign", str(wired.settings.folder))
    try:
        async with asyncio.timeout(60):
            while not wired.settings.socket.exists():
                await asyncio.sleep(0.05)
        yield
    finally:
        listener.send(signal.SIGTERM)
        await listener.ended(30)


def _set_policy(campaign: Path, **numbers: int) -> None:
    text = campaign.read_text()
    for old, new in POLICY:
        assert old in text, f"{old!r} is not in the campaign file"
        text = text.replace(old, reduce(_filled_in, numbers.items(), new), 1)
    campaign.write_text(text)


def _filled_in(text: str, number: tuple[str, int]) -> str:
    return text.replace(f"{{{number[0]}}}", str(number[1]))


async def _judge_the_run(year: Year, wired: Wired, stage: Stage, max_failed: int) -> None:
    standing, log = await wired.standing(is_running=False), list(read_wire(stage.wire))
    year.ends = {state.value: count for state, count in standing.totals.items() if count}
    stopped = _rightly_stopped(standing, max_failed)
    wrong = judge(standing, stage.specs, log)
    year.disagreements = [one for one in wrong if one.identity not in stopped]
    year.held_back = len(wrong) - len(year.disagreements)
    year.repeated = commands_repeated_without_read(log)
    moves = await wired.journal.events(kinds=[EventKind.MOVED.value], limit=10_000_000)
    model = behaviour(BAD_FAMILY).hardware[0].model
    for kind in sorted({station.kind for station in stage.stations if station.model == model}):
        year.quarantines.append(_quarantine(kind, standing, moves, max_failed))


def _rightly_stopped(standing: Standing, max_failed: int) -> set[str]:
    """Stations put off as *model stopped* of whose kind more than so many did end badly."""
    bad = Counter(_kind_of(s) for s in standing.stations if s.state in (State.FAILED, State.REVERTED, State.STUCK))
    return {
        s.identity for s in standing.stations if s.deferral is Deferral.MODEL_STOPPED and bad[_kind_of(s)] > max_failed
    }


def _kind_of(station: StationStanding) -> str:
    return f"{station.vendor}|{station.model}|{station.firmware}"


def _quarantine(kind: str, standing: Standing, moves: Sequence[StoredEvent], max_failed: int) -> Quarantine:
    members = {s.identity: s for s in standing.stations if _kind_of(s) == kind}
    begun, ended, flying, in_flight = set[str](), set[str](), set[str](), 0
    for stored in moves:
        event = stored.event
        if event.identity not in members:
            continue
        (flying.add if State(event.data["to"]) in IN_FLIGHT else flying.discard)(event.identity)
        if event.data["to"] == State.WRITING.value:
            begun.add(event.identity)
        elif event.data["to"] == State.FAILED.value:
            ended.add(event.identity)
            if len(ended) == max_failed + 1:
                in_flight = len(flying)
    waiting = sum(s.state is State.DEFERRED for s in members.values())
    return Quarantine(kind, len(members), len(begun), in_flight, waiting, max_failed)


async def _take_a_wave_back(year: Year, wired: Wired, stage: Stage) -> None:
    began = time.monotonic()
    wave = (await wired.current_plan()).waves[1]
    call = await program(
        *("rollback", "--wave", str(wave.number), "--reason", "target bills drivers twice"),
        *("--yes", "--no-input", "--json", "--campaign", str(stage.folder)),
    )
    ended = await call.ended(within_s=3600)
    year.back_s = time.monotonic() - began
    document = json.loads(ended.out)
    year.taken_back = document["outcomes"]
    lives = last_side(list(read_wire(stage.wire)))
    back = {row["identity"] for row in document["stations"] if row["outcome"] == "done"}
    proven = {
        a.identity
        for a in await wired.journal.attempts(identities=back)
        if a.direction is Direction.BACK and a.evidence >= Grade.E3
    }
    year.not_home = sorted(i for i in back if lives[i] != "source" or i not in proven)
    year.repeated += commands_repeated_without_read(list(read_wire(stage.wire)))
