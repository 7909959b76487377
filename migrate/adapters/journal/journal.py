"""The journal on a database: the port of the batches, and what the roof asks beside it.

Everything that is written goes through one writer thread, everything that is
read through a few reading threads of its own; the event loop waits for neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from migrate.adapters.journal import errands, history, lease, reads, seal
from migrate.adapters.journal.history import Imported
from migrate.adapters.journal.holders import Lease, is_dead, of_this_process
from migrate.adapters.journal.presence import LastSeen
from migrate.adapters.journal.rows import prepared, sighting_from
from migrate.adapters.journal.seal import NO_SEAL, Seal
from migrate.adapters.journal.store import BUSY_TIMEOUT_S, Store, open_store
from migrate.adapters.journal.transaction import Transaction
from migrate.adapters.journal.writer import Writer
from migrate.domain.attempt import State
from migrate.domain.changes import Import, Version
from migrate.domain.errors import JournalError, NotAllowed
from migrate.domain.evidence import IdentityFacts, Side, Sighting
from migrate.domain.record import Approval, Attempt, Change, Control, Process, StoredEvent, WaveMark
from migrate.domain.station import Station
from migrate.domain.wave import Plan
from migrate.ports import Clock

T = TypeVar("T")
NOTHING: Mapping[str, Any] = {}


def open_journal(
    url: str,
    executor: str,
    clock: Clock,
    *,
    create: bool = True,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    keys: Keys | None = None,
) -> SqlJournal:
    """Open the journal of a campaign for one process, whose chain bears the executor's name.

    Raises ``JournalError`` when the store cannot be written to,
    ``InputProblem`` when it is damaged or from a newer toolkit, ``NotAllowed``
    when it is sealed and its key is not at hand.  Without ``keys`` nothing is
    sealed, as with the stores of tests.
    """
    store = open_store(url, create=create, busy_timeout_s=busy_timeout_s)
    try:
        return SqlJournal(store, executor, clock, keys.seal_of(store) if keys else NO_SEAL)
    except NotAllowed:
        store.close()
        raise


@dataclass(frozen=True, slots=True)
class Keys:
    """How a store's key is had: ``kept`` gives it, ``made`` draws it first where there is none."""

    kept: Callable[[], bytes]
    made: Callable[[], bytes]

    def seal_of(self, store: Store) -> Seal:
        """The store's seal.  One that has none gets it now, under the lock of its writers."""
        if store.read(seal.is_sealed):
            return store.read(seal.seal_of, self.kept)
        with store.writing.begin() as connection:
            return seal.begin(connection, self.made)


class SqlJournal:
    """``migrate.ports.Journal`` on SQLite or PostgreSQL."""

    def __init__(self, store: Store, executor: str, clock: Clock, seal: Seal = NO_SEAL) -> None:
        self.store = store
        self._seal = seal
        self.executor = executor
        self._clock = clock
        self._is_closed = False
        self._writer = Writer(store.writing, executor, clock)
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="journal reader")

    async def close(self) -> None:
        """Store what is waiting, then let go of the store."""
        await self._writer.close()
        self._is_closed = True
        await asyncio.to_thread(self._readers.shutdown)
        self.store.close()

    async def _read(self, query: Callable[..., T], *arguments: Any, **options: Any) -> T:
        if self._is_closed:
            raise JournalError("The journal is closed.")
        asked = partial(self.store.read, query, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(self._readers, asked)

    async def _send(self, errand: Callable[..., T], *arguments: Any, **options: Any) -> T:
        def work(transaction: Transaction) -> T:
            return errand(transaction, *arguments, **options)

        outcome: T = await self._writer.submit(work)
        return outcome

    # --- the port -----------------------------------------------------------

    async def commit(self, change: Change) -> int:
        seq: int = await self._writer.submit(prepared(change, self._seal))
        return seq

    async def attempts(
        self,
        *,
        wave: int | None = None,
        batch: str | None = None,
        states: Collection[State] | None = None,
        identities: Collection[str] | None = None,
    ) -> list[Attempt]:
        return await self._read(
            reads.attempts, self._seal, wave=wave, batch=batch, states=states, identities=identities
        )

    async def history(self, identity: str) -> list[Attempt]:
        return await self._read(reads.history, self._seal, identity)

    async def rollbacks(self, *, after: int = 0) -> list[Attempt]:
        return await self._read(reads.rollbacks, self._seal, after=after)

    async def facts(self, identity: str, side: Side) -> IdentityFacts:
        return await self._read(reads.facts, identity, side)

    async def missed(self, identity: str) -> list[Sighting]:
        return [sighting_from(line) for line in await self._read(reads.missed, self._seal, identity)]

    async def timeline(self, identity: str) -> list[StoredEvent]:
        return await self._read(reads.timeline, self._seal, identity)

    async def events(
        self, *, after: int = 0, kinds: Collection[str] | None = None, limit: int = 1000
    ) -> list[StoredEvent]:
        return await self._read(reads.events, self._seal, after=after, kinds=kinds, limit=limit)

    async def control(self) -> Control:
        return await self._read(reads.control)

    async def order(self, control: Control, change: Change) -> None:
        await self._send(errands.order, control, prepared(change, self._seal))

    async def approvals(self, fingerprint: str) -> list[Approval]:
        return await self._read(reads.approvals, fingerprint)

    async def wave_marks(self, fingerprint: str) -> dict[int, WaveMark]:
        return await self._read(reads.wave_marks, fingerprint)

    async def mark_wave(self, fingerprint: str, mark: WaveMark, change: Change) -> None:
        await self._send(errands.mark_wave, fingerprint, mark, prepared(change, self._seal))

    async def take_batch(self, batch: str, executor: str, at: datetime) -> int:
        return await self._send(errands.take_batch, batch, executor, at)

    async def beat(self, process: Process) -> None:
        await self._send(errands.beat, process)

    async def processes(self) -> list[Process]:
        return await self._read(reads.processes)

    # --- for the roof -------------------------------------------------------

    async def newest_seq(self) -> int:
        """The place of the newest event."""
        return await self._read(reads.newest_seq)

    async def tail_sightings(self, after: int, *, limit: int = 1000) -> list[Sighting]:
        """Sightings after a place in the journal, oldest first, each with its own place."""
        stored = await self._read(reads.sightings, self._seal, after=after, limit=limit)
        return [sighting_from(line) for line in stored]

    async def presence_rows(self, identities: Collection[str] | None = None) -> list[LastSeen]:
        """What was last seen of stations, per side."""
        return await self._read(reads.presence, identities=identities)

    async def batches(self) -> dict[str, tuple[str, int]]:
        """Per batch its executor and epoch."""
        return await self._read(reads.batches)

    async def store_stations(self, stations: Sequence[Station], *, note: Mapping[str, Any] = NOTHING) -> str:
        """Replace the inventory; ``note`` says where it came from.  The digest of what was stored."""
        return (await self.import_stations(stations, note=note)).digest

    async def import_stations(self, stations: Sequence[Station], *, note: Mapping[str, Any] = NOTHING) -> Imported:
        """Replace the inventory, keep what it was, and tell what that changed."""
        return await self._send(history.import_stations, self._seal, stations, self._clock.now(), note)

    async def imports(self) -> list[Import]:
        """Every import of an inventory, oldest first."""
        return await self._read(history.imports)

    async def station_versions(self, identity: str) -> list[Version]:
        """What each import that touched a station made of it, oldest first."""
        return await self._read(history.versions, self._seal, identity)

    async def stations(self) -> list[Station]:
        return await self._read(reads.stations, self._seal)

    async def store_plan(self, plan: Plan, *, note: Mapping[str, Any] = NOTHING) -> None:
        """Keep a plan and make it the current one."""
        await self._send(errands.store_plan, plan, self._clock.now(), note)

    async def current_plan(self) -> Plan | None:
        return await self._read(reads.plan, None)

    async def plan(self, fingerprint: str) -> Plan | None:
        """A plan that was once made, current or not."""
        return await self._read(reads.plan, fingerprint)

    async def approve(self, approval: Approval) -> None:
        await self._send(errands.approve, approval)

    async def acquire_lease(self, *, force: bool = False) -> Lease:
        """Make this process the campaign's one run.  Raises ``Locked`` naming the holder."""
        wish = of_this_process(self.executor)
        return await self._send(lease.acquire, wish, self._clock.now(), force=force, dead=is_dead)

    async def hold_station(self, identity: str) -> Lease:
        """Keep every run from beginning with a station until the lease is given back, or this process has ended.

        Raises ``NotAllowed`` where an attempt at it is in flight, ``Locked`` where somebody else holds it.
        """
        wish = of_this_process(self.executor)
        return await self._send(lease.acquire_station, wish, identity, self._clock.now(), dead=is_dead)

    async def release_lease(self, held: Lease) -> None:
        await self._send(lease.release, held, self._clock.now())
