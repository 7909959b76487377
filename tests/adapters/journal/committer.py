"""A process that commits, for the tests that kill it or run two of it.

``commit URL EXECUTOR TASKS COMMITS`` commits so often with each task and ends.
``die URL KILLS SEED`` has children that commit for ever, one after the other,
and kills each at a random moment.  Every acknowledged commit is printed, the
station and its version, before its task goes on.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time

from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.domain.attempt import Fact
from migrate.domain.record import move
from migrate.domain.wave import Deferral
from tests.adapters.journal.builders import AT, StillClock, an_attempt, opening


async def _walk(journal: SqlJournal, identity: str, commits: int) -> None:
    attempt = an_attempt(identity)
    await journal.commit(opening(attempt))
    _say(identity, attempt.version)
    while not commits or attempt.version < commits:
        for fact, settings in ((Fact.NOT_NOW, {"deferral": Deferral.BUSY}), (Fact.DUE, {})):
            change = move(attempt, fact, AT, **settings)  # type: ignore[arg-type]
            await journal.commit(change)
            (attempt,) = change.attempts
            _say(identity, attempt.version)


def _say(identity: str, version: int) -> None:
    os.write(1, f"{identity} {version}\n".encode())


async def _main(url: str, executor: str, tasks: int, commits: int, opened: int | None = None) -> None:
    journal = open_journal(url, executor, StillClock())
    if opened is not None:
        os.write(opened, b".")
    await asyncio.gather(*(_walk(journal, f"{executor}-{number}", commits) for number in range(tasks)))
    await journal.close()


def _die(url: str, kills: int, dice: random.Random) -> None:
    """Forked, so that a kill costs no second start of Python; nothing is open yet in the parent.

    The moment is drawn from when the child has its store open, however slow
    the machine: before that there is nothing to lose.
    """
    for number in range(kills):
        begun, opened = os.pipe()
        child = os.fork()
        if not child:
            asyncio.run(_main(url, f"ex-{number}", 24, 0, opened))
        os.close(opened)
        os.read(begun, 1)
        os.close(begun)
        time.sleep(dice.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case "commit", url, executor, tasks, commits:
            asyncio.run(_main(url, executor, int(tasks), int(commits)))
        case "die", url, kills, seed:
            _die(url, int(kills), random.Random(int(seed)))
