"""Group commit: many tasks, one writer thread, one disk flush for all that wait.

Tasks hand their changes over in the order they came; the thread takes all that
are waiting into one transaction, and each task learns its own outcome after
the commit and never before.  When the store fails, every task of the group is
told so and nothing of the group is stored; the next group tries a fresh
connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from migrate.adapters.journal.dialect import is_store_failure
from migrate.adapters.journal.rows import Prepared
from migrate.adapters.journal.transaction import Transaction
from migrate.domain.errors import JournalError, MigrateError
from migrate.domain.record import Event, EventKind
from migrate.ports import Clock

GROUP = 512
"""The most changes in one transaction: it bounds how long the first of them waits."""

ANCHOR_EVERY = 256
"""After so many lines of its own a process writes down where the other chains end."""

Errand = Callable[[Transaction], Any]
"""What is not a plain change: it checks, raising a ``MigrateError`` before it writes anything, then writes."""


@dataclass(slots=True, eq=False)
class Job:
    """One caller's wish and, after the transaction, its outcome."""

    work: Prepared | Errand
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    outcome: Any = None


class Writer:
    """The one thread of a process that writes to its store."""

    def __init__(self, engine: Engine, name: str, clock: Clock) -> None:
        self._engine = engine
        self._name = name
        self._clock = clock
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._outbox: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._closed = False
        self._door = threading.Lock()
        self._since_anchor = ANCHOR_EVERY  # the first transaction of a process anchors what the others left
        self._anchored: dict[str, list[Any]] = {}

    async def submit(self, work: Prepared | Errand) -> Any:
        """The outcome of a change or errand, once it is durable.  Raises ``JournalError`` when it cannot be."""
        if self._closed:
            raise JournalError("The journal is closed.", hint="Nothing may be done to a station now.")
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future(), loop)
        waiting = self._outbox.setdefault(loop, [])
        if not waiting:
            loop.call_soon(self._hand_over, loop)  # tasks that wake in the same turn of the loop share a commit
        waiting.append(job)
        return await job.answer

    async def close(self) -> None:
        """Store what is waiting, anchor the other chains, let the thread end."""
        if self._closed:
            return
        if self._thread is not None and self._thread.is_alive():
            with suppress(JournalError):  # what was acknowledged is safe; the next process will anchor it
                await self.submit(self._last_anchor)
        with self._door:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = self._outbox.pop(loop)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"journal {self._name}", daemon=True)
            self._thread.start()
        with self._door:
            if not self._closed:
                self._queue.put(jobs)
                return
        _answer([_failed(job, _stopped()) for job in jobs])

    # --- in the thread ------------------------------------------------------

    def _run(self) -> None:
        left: list[Job] = []
        try:
            while (group := self._next()) is not None:
                left = group
                self._store(group)
                _answer(group)
                left = []
        finally:
            self._drop_connection()
            with self._door:  # nobody can slip in between the last look and the closing
                self._closed = True
                left = self._remaining(left)
            _answer([_failed(job, _stopped()) for job in left])

    def _next(self) -> list[Job] | None:
        """All that waits, up to a group; ``None`` when there will be no more."""
        group = self._queue.get()
        while group is not None and len(group) < GROUP:
            try:
                more = self._queue.get_nowait()
            except Empty:
                return group
            if more is None:
                self._queue.put(None)
                return group
            group += more
        return group

    def _remaining(self, left: list[Job]) -> list[Job]:
        remaining = list(left)
        while not self._queue.empty():
            remaining += self._queue.get() or []
        return remaining

    def _store(self, jobs: Sequence[Job]) -> None:
        """Store a group; where one job's rows are at fault, store the others without it."""
        try:
            self._transact(jobs)
        except (SQLAlchemyError, OSError, OverflowError, UnicodeError) as error:
            if is_store_failure(error) or isinstance(error, OSError):
                self._drop_connection()
            elif len(jobs) > 1:
                for job in jobs:
                    self._store([job])
                return
            for job in jobs:
                _failed(job, _cannot_record(error))

    def _transact(self, jobs: Sequence[Job]) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            transaction = Transaction(self._connection, self._name)
            for is_change, run in groupby(jobs, key=lambda job: isinstance(job.work, Prepared)):
                (_apply if is_change else _run_errands)(transaction, list(run))
            if self._since_anchor + transaction.written >= ANCHOR_EVERY and transaction.written:
                self._anchor(transaction)
            transaction.close()
        self._since_anchor += transaction.written

    def _anchor(self, transaction: Transaction) -> None:
        heads = transaction.heads_of_others()
        if heads and heads != self._anchored:
            transaction.append(Event(kind=EventKind.ANCHOR, at=self._clock.now(), data={"heads": heads}))
        self._anchored = heads
        self._since_anchor = -transaction.written

    def _last_anchor(self, transaction: Transaction) -> None:
        if transaction.pen.link:
            self._anchor(transaction)

    def _drop_connection(self) -> None:
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        with suppress(SQLAlchemyError):  # it may have failed already; the next group gets a fresh one
            connection.invalidate()
            connection.close()


def _apply(transaction: Transaction, jobs: Sequence[Job]) -> None:
    works = [job.work for job in jobs if isinstance(job.work, Prepared)]
    for job, outcome in zip(jobs, transaction.apply(works), strict=True):
        job.outcome = outcome


def _run_errands(transaction: Transaction, jobs: Sequence[Job]) -> None:
    for job in jobs:
        assert not isinstance(job.work, Prepared)
        try:
            job.outcome = job.work(transaction)
        except MigrateError as error:
            job.outcome = error


def _failed(job: Job, error: JournalError) -> Job:
    job.outcome = error
    return job


def _stopped() -> JournalError:
    return JournalError("The journal's writer has stopped.", hint="Nothing may be done to a station now.")


def _cannot_record(error: BaseException) -> JournalError:
    reason = getattr(error, "orig", None) or error
    failure = JournalError(
        f"The store could not record a change ({reason}).",
        hint="Nothing is done to a station that cannot be recorded; see to the disk or the database and start again.",
    )
    failure.__cause__ = error
    return failure


def _answer(jobs: Iterable[Job]) -> None:
    """Wake the callers, one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, answered in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_wake, answered)


def _wake(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.answer.done():
            continue  # its caller was cancelled; what was stored stays stored
        if isinstance(job.outcome, BaseException):
            job.answer.set_exception(job.outcome)
        else:
            job.answer.set_result(job.outcome)
