"""What survives: a kill, a full disk, a locked file, a second process."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from migrate.adapters.journal.audit import verify
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.domain.errors import JournalError
from migrate.domain.record import EventKind
from tests.adapters.journal.builders import StillClock, an_attempt, opening, url_of

ROOT = Path(__file__).resolve().parents[3]


def _committer(*arguments: object) -> str:
    """What a committing process said it was told of."""
    command = [sys.executable, "-m", "tests.adapters.journal.committer", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode()


async def test_no_acknowledged_change_is_lost_to_twenty_kills(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")

    said = await asyncio.to_thread(_committer, "die", url, 20, 20)

    journal = open_journal(url, "reader", StillClock())
    stored = {attempt.identity: attempt for attempt in await journal.attempts()}
    lines = await journal.events(kinds=[EventKind.MOVED, EventKind.ATTEMPT_OPENED], limit=10**6)
    breaks, faults = verify(journal.store), journal.store.faults()
    await journal.close()

    acknowledged = {identity: int(version) for identity, version in map(str.split, said.splitlines())}
    assert len(acknowledged) > 100
    assert {name for name, version in acknowledged.items() if stored[name].version < version} == set()
    assert len(lines) == sum(attempt.version for attempt in stored.values())
    assert (breaks, faults) == ([], [])


async def test_two_processes_write_beside_each_other(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")

    both = (asyncio.to_thread(_committer, "commit", url, executor, 16, 21) for executor in ("ex-1", "ex-2"))
    said = await asyncio.gather(*both)

    journal = open_journal(url, "reader", StillClock())
    attempts, anchors = await journal.attempts(), await journal.events(kinds=[EventKind.ANCHOR])
    breaks = verify(journal.store)
    await journal.close()

    assert [len(told.splitlines()) for told in said] == [16 * 21, 16 * 21]
    assert {attempt.version for attempt in attempts} == {21}
    assert len(attempts) == 32
    assert anchors
    assert breaks == []


@contextmanager
def _disk_of(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond this: as a full disk, for this process only."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def _fill(journal: SqlJournal, prefix: str) -> tuple[int, int]:
    """Commit in groups of ten until one fails: how many were acknowledged, how many refused."""
    stored = 0
    for group in range(500):
        changes = [opening(an_attempt(f"{prefix}{group}-{n}", reason="x" * 500)) for n in range(10)]
        outcomes = await asyncio.gather(*map(journal.commit, changes), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, JournalError)]
        stored += sum(isinstance(outcome, int) for outcome in outcomes)
        if refused:
            return stored, len(refused)
    raise AssertionError("the disk never was full")


@pytest.mark.parametrize("size_kb", [256, 300, 512], ids=lambda kb: f"{kb} KB")
async def test_a_full_disk_stores_nothing_by_halves_and_recovers_when_there_is_room(
    tmp_path: Path, size_kb: int
) -> None:
    journal = open_journal(url_of(tmp_path / "campaign.db"), "ex-1", StillClock())
    with _disk_of(size_kb * 1024):
        stored, refused = await _fill(journal, "S")
        readable = await journal.attempts()
        with pytest.raises(JournalError):
            await journal.commit(opening(*(an_attempt(f"T{n}", reason="x" * 5000) for n in range(200))))

    await journal.commit(opening(an_attempt("after")))

    assert refused == 10
    assert len(readable) == stored
    assert len(await journal.attempts()) == stored + 1
    assert verify(journal.store) == []
    assert journal.store.faults() == []
    await journal.close()


async def test_a_store_that_another_program_holds_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    journal = open_journal(url_of(path), "ex-1", StillClock(), busy_timeout_s=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(JournalError, match="locked"):
        await journal.commit(opening(an_attempt("A")))

    holder.execute("ROLLBACK")
    holder.close()
    await journal.commit(opening(an_attempt("A")))
    assert [attempt.identity for attempt in await journal.attempts()] == ["A"]
    await journal.close()


async def test_reading_never_waits_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    journal = open_journal(url_of(path), "ex-1", StillClock(), busy_timeout_s=0.05)
    await journal.commit(opening(an_attempt("A")))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    found = await journal.attempts()

    holder.close()
    assert len(found) == 1
    await journal.close()


def test_a_process_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from migrate.adapters.journal.journal import open_journal\n"
        "from tests.adapters.journal.builders import *\n"
        f"journal = open_journal({url_of(tmp_path / 'campaign.db')!r}, 'ex-1', StillClock())\n"
        "asyncio.run(journal.commit(opening(an_attempt())))\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=30, check=False, env={**os.environ})

    assert ended.returncode == 0


async def test_a_database_server_that_dropped_us_costs_one_group_and_no_more(postgresql: str) -> None:
    journal = open_journal(postgresql, f"ex-{os.getpid()}", StillClock())
    others = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    await journal.commit(opening(an_attempt("before")))
    with others.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
    others.dispose()

    with pytest.raises(JournalError):
        await journal.commit(opening(an_attempt("while it was gone")))
    await journal.commit(opening(an_attempt("after")))

    assert {"before", "after"} <= {attempt.identity for attempt in await journal.attempts()}
    assert verify(journal.store) == []
    await journal.close()
