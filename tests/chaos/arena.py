"""Where a campaign is killed again and again: one simulated fleet that survives everything, one folder, many lives.

It sets the scene and ends processes, each by its number and none that it did
not cause.  What the outcome is worth is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from migrate.cli.demo.stage import Stage, free_ports, simulated_fleet
from migrate.cli.listening import ensure_listening
from migrate.domain.record import Approval, Direction
from migrate.simulator.control import ask
from migrate.simulator.deal import StationSpec
from migrate.wiring import open_campaign
from tests.chaos.child import BACK, Trigger
from tests.chaos.fleets import Fleet
from tests.processes import listening_for

CHILD = Path(__file__).with_name("child.py")
LIFE_LIMIT_S = 400.0
AHEAD = ("planned", "deferred", "checked", "writing", "written", "restarting", "undoing", "departed")
"""While a station stands in one of these, something may be under way to it, now or later on."""

GATE = {
    'min_confirmed = "60%"': 'min_confirmed = "10%"',
    "max_failed = 20": "max_failed = 500",
    'max_failed_share = "40%"': 'max_failed_share = "95%"',
    "max_lost = 2": "max_lost = 50",
}
"""A fleet dealt for its faults would shut the gate of a demonstration; kills are judged here, not gates."""

CAPS = "\n[caps]\nstations = 6\n"
"""Few at once, one after the other: so that there is something to kill for a long time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How one process ended, and where its stations stood in the journal at that moment."""

    code: int
    said: str = ""
    states: Counter[str] = field(default_factory=Counter)

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def is_done(self) -> bool:
        return self.code == 0 and self.said == "done"


@dataclass(slots=True)
class Arena:
    """A campaign folder under fire."""

    stage: Stage
    listeners: list[subprocess.Popen[bytes]] = field(default_factory=list)
    expected: dict[str, frozenset[str]] = field(default_factory=dict)
    """How stations have to end that were given another lot after they were dealt, as those that are taken back."""

    _child: asyncio.subprocess.Process | None = None

    @property
    def specs(self) -> list[StationSpec]:
        """What is wrong with whom, and how that has to end."""
        return [replace(s, expected=self.expected.get(s.identity, s.expected)) for s in self.stage.specs]

    @property
    def folder(self) -> Path:
        return self.stage.folder

    async def live(self, trigger: Trigger | None = None, *, kill_after_s: float = 0.0) -> Life:
        """One run from its start to its end: by its own trigger, by our kill after some seconds, or by itself."""
        try:
            return await self._live((), trigger or Trigger(), kill_after_s)
        finally:
            self.kill_child()  # also when the harness itself is broken off

    async def take_back(
        self, names: Sequence[str], trigger: Trigger | None = None, *, kill_after_s: float = 0.0
    ) -> Life:
        """An order that takes these stations back, until it has ended like a run; it may be given while one is up."""
        return await self._live(names, trigger or Trigger(), kill_after_s)

    async def _live(self, ordered: Sequence[str], trigger: Trigger, kill_after_s: float) -> Life:
        with (self.folder / "child.log").open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                str(CHILD),
                str(self.folder),
                json.dumps(asdict(trigger)),
                json.dumps(list(ordered)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._child = self._child if ordered else child
        try:
            async with asyncio.timeout(kill_after_s or LIFE_LIMIT_S):
                said, _ = await child.communicate()
        except TimeoutError:
            child.kill()
            await child.wait()
            if not kill_after_s:
                return Life(
                    code=1, said=f"still running after {LIFE_LIMIT_S:.0f} s", states=self.returning() or self.states()
                )
            said = b""
        finally:
            if child.returncode is None:
                child.kill()
        assert child.returncode is not None
        return Life(code=child.returncode, said=said.decode().strip(), states=self.returning() or self.states())

    def kill_child(self) -> None:
        """SIGKILL to the run that lives now."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    @property
    def is_held(self) -> bool:
        """Whether the run that lives now holds the campaign: who orders something then leaves it to that run."""
        holders = self._ask("SELECT pid FROM lease WHERE executor <> ''")
        return self._child is not None and self._child.returncode is None and (self._child.pid,) in holders

    def states(self) -> Counter[str]:
        """How many stations stand where, by the journal."""
        return Counter(self.where().values())

    @property
    def has_more_ahead(self) -> bool:
        """Whether a station stands where something will still be done to it, or has not begun."""
        states = self.states()
        return states.total() < len(self.stage.specs) or any(states[state] for state in AHEAD)

    def where(self) -> dict[str, str]:
        return dict(self._ask("SELECT identity, state FROM attempt ORDER BY number"))

    def ends(self) -> dict[str, str]:
        """Where the newest attempt at each station stands, with its direction: a void rollback is one."""
        return dict(self._ask("SELECT identity, direction || ' ' || state FROM attempt ORDER BY number"))

    def every_second(self) -> set[str]:
        """Every second station beyond the canary: taking these back shuts no gate."""
        later = {identity for (identity,) in self._ask("SELECT identity FROM attempt WHERE wave > 0")}
        return {spec.identity for spec in self.stage.specs[::2] if spec.identity in later}

    def returning(self) -> Counter[str]:
        """Where the stations stand that are being taken back, or were."""
        return Counter(end.removeprefix(BACK) for end in self.ends().values() if end.startswith(BACK))

    def last_words(self) -> set[str]:
        """What the dead acknowledged last, as a trigger calls it: the states of one change."""
        notes = [json.loads(line) for line in (self.folder / "acknowledged.jsonl").read_text().splitlines()]
        last = [note for note in notes if note["seq"] == notes[-1]["seq"] and "attempt" in note]
        return {"opened" if note["version"] == 1 else str(note["state"]) for note in last}

    def kill_listener(self) -> bool:
        """SIGKILL to the listening process of this folder, whoever started it."""
        ours = listening_for(self.folder)
        for listener in ours:
            listener.send(signal.SIGKILL)
        for listener in self.listeners:
            listener.poll()
        return bool(ours)

    def delete_engine_store(self) -> bool:
        files = list(self.folder.glob("engine.db*"))
        for file in files:
            file.unlink()
        return bool(files)

    async def send_crews(self) -> None:
        """Simulated crews: each work order is carried out once, whatever dies meanwhile."""
        sent: set[tuple[str, str]] = set()
        while True:
            for identity, end in self.ends().items():
                direction, _, state = end.partition(" ")
                if state == "visiting" and (identity, direction) not in sent:
                    sent.add((identity, direction))
                    await ask(self.stage.control, op="visit", identity=identity, side=Direction(direction).goal)
            await asyncio.sleep(0.3)

    def end_listeners(self) -> None:
        """The fleet is gone: whatever listens for this folder has nothing left to do."""
        self.kill_listener()
        for listener in self.listeners:
            listener.wait(timeout=20)

    def _ask(self, query: str) -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.folder}/campaign.db?mode=ro", uri=True, timeout=10)) as store:
            return store.execute(query).fetchall()


@asynccontextmanager
async def arena(fleet: Fleet, *, speed: float) -> AsyncIterator[Arena]:
    """A folder with inventory, plan and approvals, its stations on line and somebody listening."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{fleet.name}-"))
    source, target = free_ports(2)
    stage = Stage(
        folder=folder,
        seed=fleet.seed,
        speed=speed,
        specs=fleet.specs(),
        stations=fleet.inventory(),
        source_port=source,
        target_port=target,
    )
    async with simulated_fleet(stage) as stations:
        stage.write_campaign(stations.csms)
        _set_the_policy(folder / "campaign.toml")
        await _approve_everything(stage)
        here = Arena(stage)
        try:
            if listener := await ensure_listening(folder, folder / "listen.sock"):
                here.listeners.append(listener)
            await stations.ready()
            for identity in fleet.unwelcome:
                await ask(stage.control, op="boot_answer", side="target", identity=identity, status="Pending")
            crews = asyncio.ensure_future(here.send_crews())
            try:
                yield here
            finally:
                crews.cancel()
                await asyncio.gather(crews, return_exceptions=True)
        finally:
            here.end_listeners()


def _set_the_policy(path: Path) -> None:
    text = path.read_text()
    for narrow, wide in GATE.items():
        assert narrow in text
        text = text.replace(narrow, wide)
    path.write_text(text + CAPS)


async def _approve_everything(stage: Stage) -> None:
    async with open_campaign(stage.folder, "cli", create=True) as wired:
        await wired.journal.store_stations(stage.stations, note={"from": "chaos", "synthetic": True})
        plan = await wired.make_plan()
        await wired.journal.store_plan(plan)
        for wave in (None, *(w.number for w in plan.waves)):
            await wired.journal.approve(
                Approval(fingerprint=plan.fingerprint, wave=wave, by="chaos", at=wired.clock.now())
            )
