"""One life of a run, or of a rollback, that is going to be killed.

Does what ``migrate run`` or ``migrate rollback`` does, with a journal around
the campaign's own that appends every acknowledged transition to a side file
and, at the moment it was told, ends this process with SIGKILL.  It is run as
a script, by the harness only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import uvloop

from batches.ordered import Order, reach
from migrate.adapters.journal.journal import SqlJournal
from migrate.cli.live import Silent
from migrate.cli.options import Context
from migrate.cli.ordering import Call, place
from migrate.cli.work import at_work, run_to_the_end
from migrate.domain.attempt import INTENTS
from migrate.domain.record import Attempt, Change, Direction, EventKind, WaveMark
from migrate.wiring import Wired, open_campaign

NEVER = "never"
NOTHING = "nothing"
"""What an order says that reaches no station."""

BACK = "back "
"""What the states of a station that is taken back are called by a trigger: ``back writing``."""


@dataclass(slots=True)
class Trigger:
    """Kill at the ``nth`` acknowledged event called ``on``, ``after_ms`` later: a state, or opened, command, batch, wave.

    When ``intents`` is not 0, that many intents are the limit: the process
    dies at the last of them though what it waits for has not come.
    """

    on: str = NEVER
    nth: int = 1
    after_ms: float = 0.0
    intents: int = 0

    def told(self, names: list[str]) -> None:
        """Count what was just acknowledged, and die when it is time."""
        self.nth -= names.count(self.on)
        begun = sum(name in INTENTS for name in names)
        is_spent = 0 < self.intents <= begun
        self.intents -= begun
        if not is_spent and (self.nth > 0 or self.on not in names):
            return
        if self.after_ms:
            threading.Timer(self.after_ms / 1000, _die).start()
        else:
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KillingJournal:
    """The campaign's journal, with a note of everything it acknowledged and a death at one of these moments."""

    def __init__(self, journal: SqlJournal, notes: Path, trigger: Trigger) -> None:
        self._journal = journal
        self._notes = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._trigger = trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, change: Change) -> int:
        seq = await self._journal.commit(change)
        self._note(seq, change.attempts)
        self._trigger.told(names_of(change))
        return seq

    async def take_batch(self, batch: str, executor: str, at: datetime) -> int:
        epoch = await self._journal.take_batch(batch, executor, at)
        self._trigger.told(["batch"])
        return epoch

    async def mark_wave(self, fingerprint: str, mark: WaveMark, change: Change) -> None:
        await self._journal.mark_wave(fingerprint, mark, change)
        self._trigger.told(["wave"])

    def _note(self, seq: int, attempts: tuple[Attempt, ...]) -> None:
        """One write for the whole change, so that a kill leaves whole lines."""
        lines = [json.dumps({"seq": seq, "attempt": a.id, "version": a.version, "state": a.state}) for a in attempts]
        os.write(self._notes, "".join(f"{line}\n" for line in lines or [json.dumps({"seq": seq})]).encode())


def names_of(change: Change) -> list[str]:
    """What a change is called by a trigger: the states it leads to, openings and commands."""
    named = {EventKind.ATTEMPT_OPENED: "opened", EventKind.COMMAND: "command"}
    names = [event.data["to"] for event in change.events if event.kind is EventKind.MOVED]
    names += [named[event.kind] for event in change.events if event.kind in named]
    back = [attempt for attempt in change.attempts if attempt.direction is Direction.BACK]
    return names + [BACK + (attempt.state if attempt.version > 1 else "opened") for attempt in back]


def watched(opened: Wired, trigger: Trigger) -> Wired:
    journal: Any = KillingJournal(opened.journal, opened.settings.folder / "acknowledged.jsonl", trigger)
    return replace(opened, journal=journal)


async def live(folder: Path, trigger: Trigger) -> str:
    """Run the campaign to its end, or to ours."""
    async with open_campaign(folder, "run") as opened:
        wired = watched(opened, trigger)
        plan = await wired.approved_plan((await wired.current_plan()).fingerprint)
        lease = await wired.journal.acquire_lease()
        try:
            async with at_work(wired, plan, "run", waits_for_visits=True) as at:
                return await run_to_the_end(at, Silent())
        finally:
            await wired.journal.release_lease(lease)


async def take_back(folder: Path, trigger: Trigger, names: list[str]) -> str:
    """Order the way back for these stations, and carry it out unless a run that is up will."""
    async with open_campaign(folder, "run") as opened:
        wired = watched(opened, trigger)
        plan, attempts = await wired.current_plan(), await wired.journal.attempts(identities=names)
        found = reach(Order.ROLLBACK, names, {s.identity: s for s in plan.stations}, attempts)
        if not found.stations:
            return NOTHING
        context = Context(campaign=folder, may_ask=False, verbosity=-1, log_file=None)
        told = StringIO()
        with redirect_stdout(told):
            await place(Call(context=context, order=Order.ROLLBACK, reason="chaos", as_json=True), wired, plan, found)
        return str(json.loads(told.getvalue())["ended"])


if __name__ == "__main__":
    here, doom, ordered = Path(sys.argv[1]), Trigger(**json.loads(sys.argv[2])), json.loads(sys.argv[3])
    print(uvloop.run(take_back(here, doom, ordered) if ordered else live(here, doom)))
