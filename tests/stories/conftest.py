"""A real campaign folder, a simulated fleet beside it, and the program as its users call it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from migrate.cli.demo.stage import Stage, free_ports, simulated_fleet, stations_of
from migrate.domain.attempt import State
from migrate.domain.record import Approval
from migrate.domain.wave import Plan, Standing
from migrate.simulator.control import ask
from migrate.simulator.deal import StationSpec, deal
from migrate.simulator.faults import Fault, FaultSet
from migrate.simulator.wirelog import WireEvent, commands_repeated_without_read, last_side
from migrate.simulator.wirelog import read as read_wire
from migrate.wiring import Wired, open_campaign
from tests import processes

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
"""Real seconds; nothing that goes well on a slow and busy machine is given up."""
TO_END_S = 10.0
SPEED = 80.0

LENIENT_POLICY = (
    ("[gate]", "[waves]\ncanary_per_profile = 200\n\n[gate]"),
    ('min_confirmed = "60%"', 'min_confirmed = "1%"'),
    ("max_failed = 20", "max_failed = 1000"),
    ('max_failed_share = "40%"', 'max_failed_share = "100%"'),
    ("max_lost = 2", "max_lost = 1000"),
)
"""One wave for everybody, and no gate that shuts: where faults are what is looked at."""

ONE_TRY = ('backoff = "2m"', 'backoff = "2m"\nattempts = 1')


@dataclass(frozen=True, slots=True)
class Ended:
    """What a call of the program left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Program:
    """One running ``migrate``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ended(self, within_s: float = PATIENCE_S) -> Ended:
        async with asyncio.timeout(within_s):
            out, err = await self.process.communicate()
        return Ended(self.process.returncode or 0, out.decode(), err.decode())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def stopped(self, within_s: float = PATIENCE_S) -> Ended:
        """Ask it to end, and see it end well; one that had died before says of what."""
        if self.process.returncode is None:
            self.send(signal.SIGTERM)
        ended = await self.ended(within_s)
        assert ended.code == 0, ended.out + ended.err
        return ended


async def program(*words: str) -> Program:
    return Program(
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "migrate", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
    )


@dataclass
class Field:
    """A campaign and its fleet."""

    stage: Stage
    wired: Wired
    plan: Plan
    running: list[Program] = field(default_factory=list)

    async def migrate(self, *words: str) -> Program:
        one = await program(*words, "--campaign", str(self.stage.folder))
        self.running.append(one)
        return one

    async def run(self) -> Program:
        one_way = sum(s.rollback.is_one_way and s.method != "visit" for s in self.plan.stations)
        return await self.migrate(
            "run", "--plan", self.plan.fingerprint[:16], "--yes", "--no-input", "--accept-one-way", str(one_way)
        )

    async def says(self, *words: str) -> Ended:
        return await (await self.migrate(*words)).ended()

    async def simulator(self, op: str, **more: Any) -> dict[str, Any]:
        return await ask(self.stage.control, op=op, **more)

    async def standing(self) -> Standing:
        return await self.wired.standing()

    async def until(self, seen: Callable[[Standing], bool], within_s: float = PATIENCE_S) -> Standing:
        """Wait until the journal shows it."""
        async with asyncio.timeout(within_s):
            while not seen(standing := await self.standing()):
                await asyncio.sleep(0.1)
        return standing

    def log(self) -> list[WireEvent]:
        return list(read_wire(self.stage.wire))

    def agrees_with_the_stations(self, standing: Standing) -> bool:
        """Every settled station lives on the target by its own log, every failed one on the source, nothing was repeated blindly."""
        lives = last_side(log := self.log())
        homes = {State.SETTLED: "target", State.FAILED: "source", State.REVERTED: "source"}
        wrong = [s.identity for s in standing.stations if homes.get(s.state, lives[s.identity]) != lives[s.identity]]
        return not wrong and commands_repeated_without_read(log) == 0


def how_many(standing: Standing, *states: State) -> int:
    return sum(standing.totals[state] for state in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery(Stage):
    """A stage whose simulated fleet is told more than that of a demonstration."""

    fleet: Mapping[str, Any] = field(default_factory=dict)

    def write_fleet(self) -> Path:
        path = Stage.write_fleet(self)
        path.write_text(json.dumps(json.loads(path.read_text()) | self.fleet))
        return path


@asynccontextmanager
async def a_field(
    stations: int = 0,
    *,
    faults: dict[Fault, int] | None = None,
    policy: Sequence[tuple[str, str]] = (),
    speed: float = SPEED,
    specs: Sequence[StationSpec] = (),
    target: str = "ws://127.0.0.1:{port}/ocpp",
    csms: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
    furnish: Callable[[Path], None] | None = None,
) -> AsyncIterator[Field]:
    """A fleet that is online on the source, a plan that is approved, a listening process, and nothing begun.

    The fleet is dealt, or it is these very specs.  `target` is the new
    backend's address as stations dial it, `csms` what the simulated backends
    are like, `beside` what is simulated beside OCPP; `furnish` puts files and
    secrets into the campaign's folder.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="story-")))
        dealt = specs or deal(3, stations, FaultSet(name="story", counts=faults or {}))
        stage = _stage(folder, dealt, speed, target, csms or {}, beside or {})
        was, wanted = (one.format(port=stage.target_port) for one in ("ws://127.0.0.1:{port}/ocpp", target))
        told = [(f'url = "{was}"', f'url = "{wanted}"'), *policy]
        yield await stack.enter_async_context(a_field_on(stage, policy=told, furnish=furnish))


@asynccontextmanager
async def a_field_on(
    stage: Stage,
    *,
    policy: Sequence[tuple[str, str]] = (),
    furnish: Callable[[Path], None] | None = None,
    listen: Sequence[str] = (),
) -> AsyncIterator[Field]:
    """The same on a stage that is set; `listen` is what the listening process is told beside its campaign."""
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(simulated_fleet(stage))
        stage.write_campaign(fleet.csms)
        _change(stage.folder / "campaign.toml", policy)
        if furnish:
            furnish(stage.folder)
        wired = await stack.enter_async_context(open_campaign(stage.folder, create=True))
        site = Field(stage, wired, await _approved(wired, stage))
        stack.push_async_callback(_end, site)
        await _listen(site, listen)
        await fleet.ready()
        yield site


def _stage(
    folder: Path,
    specs: Sequence[StationSpec],
    speed: float,
    target_url: str,
    csms: Mapping[str, Any],
    beside: Mapping[str, Any],
) -> Scenery:
    source, target = free_ports(2)
    return Scenery(
        folder=folder,
        seed=3,
        speed=speed,
        specs=specs,
        stations=stations_of(specs),
        source_port=source,
        target_port=target,
        fleet={
            "target_url": target_url.format(port=target).rstrip("/"),
            "csms": {"source": {}, "target": {}} | dict(csms),
        }
        | dict(beside),
    )


def _change(campaign: Path, policy: Sequence[tuple[str, str]]) -> None:
    text = campaign.read_text()
    for old, new in policy:
        assert old in text, f"{old!r} is not in the campaign file"
        text = text.replace(old, new, 1)
    campaign.write_text(text)


async def _approved(wired: Wired, stage: Stage) -> Plan:
    await wired.journal.store_stations(stage.stations, note={"from": "a story"})
    plan = await wired.make_plan()
    await wired.journal.store_plan(plan)
    for wave in (None, *(w.number for w in plan.waves)):
        await wired.journal.approve(Approval(fingerprint=plan.fingerprint, wave=wave, by="story", at=wired.clock.now()))
    return plan


async def _listen(site: Field, words: Sequence[str]) -> None:
    await site.migrate("listen", *words)
    async with asyncio.timeout(PATIENCE_S):
        while not site.wired.settings.socket.exists():
            await asyncio.sleep(0.05)


async def _end(site: Field) -> None:
    """End what the story started, runs before the listening process, and whoever a run made listen in its place."""
    for one in reversed(site.running):
        if one.process.returncode is None:
            one.send(signal.SIGTERM)
            try:
                await one.ended(TO_END_S)
            except TimeoutError:
                one.process.kill()
                await one.process.communicate()
    processes.end(processes.listening_for(site.stage.folder), TO_END_S)


@pytest.fixture
def field_of() -> Callable[..., Any]:
    return a_field
