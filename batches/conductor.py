"""The conductor: runs one batch.

It admits stations up to the caps, gives each a driver, and ends when every
one of them is confirmed, settled, deferred, visiting, stuck, lost or ended,
or was never started because the run is coming to an end.
Before each start it asks the brake, which knows of orders, shut gates, blind
witnesses and stopped models.  It holds no decision of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from batches.driver import Driver
from batches.errand import Errand, Fence, Ports
from batches.lookout import Lookout
from batches.turnstile import Turnstile
from migrate.domain.attempt import BATCH_ENDS, Fact, State
from migrate.domain.errors import Stale
from migrate.domain.record import Attempt, move
from migrate.domain.wave import Deferral

WAIT_AT_BRAKE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Why a station may not start: wait (neither field set), put it off, or leave it as it is and end the batch.

    ``is_harm``: others have come to harm by the same way.  What has begun goes
    on all the same, but for the next of several firmwares.
    """

    reason: str
    deferral: Deferral | None = None
    leave: bool = False
    is_harm: bool = False


LetGo = Callable[[Attempt], None]
"""Told of each attempt the batch lets go of, so that the watch knows it before the next sighting."""


class Brake(Protocol):
    """Says whether a station may start now.  Asked anew for each, and again while it waits."""

    def stops(self, errand: Errand) -> Stopped | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """How a batch came to rest: the state each of its stations was let go in."""

    batch: str
    states: Mapping[State, int] = field(default_factory=dict)
    fenced: bool = False  # another worker took it over


class Conductor:
    """Runs batches for one process."""

    def __init__(
        self, ports: Ports, lookout: Lookout, turnstile: Turnstile, brake: Brake, *, executor: str, let_go: LetGo
    ) -> None:
        self._ports = ports
        self._lookout = lookout
        self._turnstile = turnstile
        self._brake = brake
        self._executor = executor
        self._let_go = let_go
        self._in_hand: dict[str, asyncio.Lock] = {}  # the batches of this process
        self._held: set[str] = set()  # a station belongs to one batch of this process at a time

    async def run(self, batch: str, attempts: list[Attempt], errand_of: Callable[[Attempt], Errand]) -> BatchReport:
        """Take the batch, drive its stations, report where each was let go.

        ``attempts`` come in plan order.  Raises what a driver could not
        explain; the wave stops then.  A batch that was dispatched twice runs
        twice in turn: taking it while it runs here would fence its own drivers.
        """
        lock = self._in_hand.setdefault(batch, asyncio.Lock())
        was_in_hand = lock.locked()
        async with lock:
            return await self._run(batch, await self._as_they_stand(attempts) if was_in_hand else attempts, errand_of)

    async def _as_they_stand(self, attempts: list[Attempt]) -> list[Attempt]:
        newest = await self._ports.journal.attempts(identities={a.identity for a in attempts})
        stands = {a.identity: a for a in newest}
        return [stands.get(a.identity, a) for a in attempts]

    async def _run(self, batch: str, attempts: list[Attempt], errand_of: Callable[[Attempt], Errand]) -> BatchReport:
        epoch = await self._ports.journal.take_batch(batch, self._executor, self._ports.clock.now())
        control = await self._ports.journal.control()
        fence = Fence(batch=batch, epoch=epoch, control=control, quarantine=self._quarantine, harm=self._harm)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(a, errand_of(a), fence)) for a in attempts]
        except BaseExceptionGroup as group_of_errors:
            if group_of_errors.split(_is_fenced)[1] is not None:
                raise
            return BatchReport(batch=batch, fenced=True)
        return BatchReport(batch=batch, states=Counter(task.result().state for task in tasks))

    def _quarantine(self, errand: Errand) -> tuple[Deferral, str] | None:
        """Why a station that was admitted is not begun after all: its kind or profile was stopped meanwhile."""
        stopped = self._brake.stops(errand)
        return (stopped.deferral, stopped.reason) if stopped is not None and stopped.deferral is not None else None

    def _harm(self, errand: Errand) -> str:
        stopped = self._brake.stops(errand)
        return stopped.reason if stopped is not None and stopped.is_harm else ""

    async def _one(self, attempt: Attempt, errand: Errand, fence: Fence) -> Attempt:
        if attempt.state in BATCH_ENDS or attempt.identity in self._held:
            return attempt
        self._held.add(attempt.identity)
        try:
            return await self._start_or_resume(attempt, errand, fence)
        finally:
            self._held.discard(attempt.identity)

    async def _start_or_resume(self, attempt: Attempt, errand: Errand, fence: Fence) -> Attempt:
        if attempt.state is not State.PLANNED:
            return await self._drive(attempt, errand, fence, resumed=True)  # it holds its place already
        while True:
            if (let_go := await self._wait_at_brake(attempt, errand, fence)) is not None:
                return let_go
            if errand.profile is None:
                return await self._start(attempt, errand, fence)  # a visit takes no place
            async with self._turnstile.place(errand.planned):
                if self._brake.stops(errand) is None:  # else: give the place to somebody who may start
                    return await self._start(attempt, errand, fence)

    async def _wait_at_brake(self, attempt: Attempt, errand: Errand, fence: Fence) -> Attempt | None:
        """Wait until the station may start; the attempt, if the batch has to let go of it instead."""
        while stopped := self._brake.stops(errand):
            if stopped.leave:
                return attempt
            if stopped.deferral is not None:
                return await self._put_off(attempt, stopped, fence)
            await self._ports.clock.sleep(WAIT_AT_BRAKE)
        return None

    async def _start(self, attempt: Attempt, errand: Errand, fence: Fence) -> Attempt:
        fence.control = await self._ports.journal.control()
        return await self._drive(attempt, errand, fence)

    async def _drive(self, attempt: Attempt, errand: Errand, fence: Fence, *, resumed: bool = False) -> Attempt:
        driver = Driver(errand, self._ports, fence, resumed=resumed)
        with self._lookout.for_driver(attempt.identity, driver):
            missed = await self._ports.journal.missed(attempt.identity) if resumed else ()
            attempt = await driver.drive(attempt, missed)
            self._let_go(attempt)  # before its sightings go elsewhere
        return attempt

    async def _put_off(self, attempt: Attempt, stopped: Stopped, fence: Fence) -> Attempt:
        now = self._ports.clock.now()
        change = move(
            attempt,
            Fact.NOT_NOW,
            now,
            guard=fence.for_undoing(),
            reason=stopped.reason,
            deferral=stopped.deferral,
            due_at=now + timedelta(hours=1),
        )
        await self._ports.journal.commit(change)
        self._let_go(change.attempts[0])
        return change.attempts[0]


def _is_fenced(error: BaseException) -> bool:
    return isinstance(error, Stale) and error.guard == "batch"
