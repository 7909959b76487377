"""Many tasks share one commit, and none pays for another's mistake."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from migrate.adapters.journal.audit import verify
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.domain.attempt import ENDS, TABLE
from migrate.domain.errors import JournalError, Stale
from migrate.domain.record import Attempt, Change, Guard, Permit, move
from tests.adapters.journal.builders import AT, StillClock, an_attempt, an_event, opening, url_of
from tests.doubles.journal import MemoryJournal

PLACE = Permit(scope="all", limit=3)


async def test_tasks_that_wait_together_share_a_commit(sqlite_journal: SqlJournal) -> None:
    commits = 0

    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(sqlite_journal.store.writing, "commit", count)

    await asyncio.gather(*(sqlite_journal.commit(opening(an_attempt(f"S{n}"))) for n in range(128)))

    assert commits < 13


async def test_changes_are_stored_in_the_order_they_were_submitted(sqlite_journal: SqlJournal) -> None:
    async def a_change(number: int) -> int:
        if number % 7 == 0:
            return await sqlite_journal.take_batch(f"b{number}", "ex-1", AT)
        return await sqlite_journal.commit(Change(events=(an_event(number=number),)))

    await asyncio.gather(*(a_change(number) for number in range(100)))

    told = [line.event.data for line in await sqlite_journal.events(kinds=["command", "batch"])]
    assert [data.get("number", data.get("batch")) for data in told] == [
        number if number % 7 else f"b{number}" for number in range(100)
    ]


async def test_a_cancelled_caller_harms_nobody(sqlite_journal: SqlJournal) -> None:
    commits = [asyncio.ensure_future(sqlite_journal.commit(opening(an_attempt(f"S{n}")))) for n in range(20)]
    await asyncio.sleep(0)
    for commit in commits[::2]:
        commit.cancel()

    outcomes = await asyncio.gather(*commits, return_exceptions=True)

    assert all(isinstance(outcome, int) for outcome in outcomes[1::2])
    assert verify(sqlite_journal.store) == []


async def test_a_row_that_the_store_cannot_hold_fails_alone(sqlite_journal: SqlJournal) -> None:
    changes = [opening(an_attempt(f"S{n}")) for n in range(10)]
    changes[4] = opening(an_attempt("S4", tries=2**70))

    outcomes = await asyncio.gather(*map(sqlite_journal.commit, changes), return_exceptions=True)

    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, JournalError)] == [4]
    assert len(await sqlite_journal.attempts()) == 9


async def test_what_is_no_json_is_refused_before_it_reaches_the_store(sqlite_journal: SqlJournal) -> None:
    for data in ({"x": object()}, {"x": float("nan")}, {"x": b"bytes"}):
        with pytest.raises(JournalError):
            await sqlite_journal.commit(Change(events=(an_event(**data),)))

    assert await sqlite_journal.events() == []


async def test_a_time_without_a_zone_is_refused(sqlite_journal: SqlJournal) -> None:
    with pytest.raises(JournalError, match="zone"):
        await sqlite_journal.commit(opening(an_attempt(opened_at=AT.replace(tzinfo=None))))


async def test_a_closed_journal_records_nothing(tmp_path: Path) -> None:
    journal = open_journal(url_of(tmp_path / "campaign.db"), "ex-1", StillClock())
    await journal.commit(opening(an_attempt()))
    await journal.close()

    with pytest.raises(JournalError):
        await journal.commit(opening(an_attempt("B")))


async def test_a_writer_that_dies_tells_every_caller_and_takes_nothing_more(
    sqlite_journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda hook: died.append(hook.exc_type.__name__))

    def defect(_transaction: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(JournalError):
        await sqlite_journal._writer.submit(defect)

    with pytest.raises(JournalError):
        await sqlite_journal.commit(opening(an_attempt()))
    await asyncio.to_thread(sqlite_journal._writer._thread.join)
    assert died == ["ZeroDivisionError"]


# --- against the double -----------------------------------------------------


def _next(attempt: Attempt, dice: random.Random) -> Change:
    """A legal move from what the task believes, which may be long out of date."""
    fact = dice.choice(sorted(TABLE[attempt.state])) if attempt.state not in ENDS else None
    if fact is None:
        return opening(an_attempt(attempt.identity, attempt.number + 1))
    guard = Guard(permits=(PLACE,), batch="w0b0", epoch=dice.choice((1, 1, 1, 2)))
    return move(attempt, fact, AT, guard=guard)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_crowd_of_tasks_some_of_them_stale_ends_as_in_the_double(seed: int, tmp_path: Path) -> None:
    asyncio.run(_crowd(random.Random(seed), tmp_path / f"{seed}.db"))


async def _crowd(dice: random.Random, path: Path) -> None:
    path.unlink(missing_ok=True)
    real, double = open_journal(url_of(path), "ex-1", StillClock()), MemoryJournal()
    believed = [an_attempt(f"S{n}") for n in range(8)]
    for journal in (real, double):
        await journal.take_batch("w0b0", "ex-1", AT)
        await journal.commit(opening(*believed))
    for _ in range(12):
        changes = [_next(dice.choice(believed), dice) for _ in range(dice.randint(1, 40))]
        got = await asyncio.gather(*map(real.commit, changes), return_exceptions=True)
        wanted = [await _outcome(double, change) for change in changes]
        assert [_said(outcome) for outcome in got] == [_said(outcome) for outcome in wanted]
        stored = [c.attempts[0] for c, outcome in zip(changes, got, strict=True) if isinstance(outcome, int)]
        believed = [*believed[-8:], *stored]
    assert await real.attempts() == await double.attempts()
    assert verify(real.store) == []
    await real.close()


async def _outcome(journal: MemoryJournal, change: Change) -> object:
    try:
        return await journal.commit(change)
    except Stale as stale:
        return stale


def _said(outcome: object) -> str:
    return outcome.guard if isinstance(outcome, Stale) else type(outcome).__name__
