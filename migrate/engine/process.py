"""One process at work on a campaign: a run, or a worker beside it.

It beats in the journal, keeps the watch when it leads, runs the batches that
dbos hands it, and takes over those of processes that stopped beating.  Two
may take the same batch over at once: the batch's epoch lets only the later
one act, so no claim is needed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from batches.errand import Ports
from migrate.domain.record import Change, Event, EventKind, Process
from migrate.engine.beat import BEAT_S, DEAD_AFTER, RUN, WORKER
from migrate.engine.campaign import Campaign
from migrate.engine.durable import Durable
from migrate.engine.foresight import Foresight
from migrate.engine.lore import Lore
from migrate.engine.outline import Outline, is_catch_up


class CampaignProcess:
    """A run or a worker.  ``alive`` says whether another process of this host still exists."""

    def __init__(
        self,
        outline: Outline,
        ports: Ports,
        me: Process,
        store: Path,
        *,
        lore: Lore,
        alive: Callable[[Process], bool],
        poll_s: float,
        foresight: Foresight | None = None,
    ) -> None:
        self._ports = ports
        self._me = me
        self._alive = alive
        self._is_errand = False  # it carries out one order, and opens no wave
        self._lying_since: dict[str, float] = {}
        self._fingerprint = outline.plan.fingerprint
        self.campaign = Campaign(outline, ports, me.executor, foresight)
        self._lore = lore
        self.campaign.is_helper = me.role == WORKER
        self._durable = Durable(store, me.executor, self.campaign.steps, poll_s=poll_s)

    async def run(self) -> str:
        """Run the campaign to its end: ``done``, ``shut``, ``held``, ``approval`` or ``ending``."""
        async with self._at_work():
            name = await self._name()
            while await self._durable.is_over(name):  # killed before its end was noted, or of a journal brought back
                await self._note_end(name, "not noted")
                name = await self._name()
            await self._take_care_of_orphans(name)
            ended = await self._durable.run_campaign(name)
            await self.campaign.rest.until_brought_back()
            await self._note_end(name, ended)
        if self.campaign.broken is not None:
            raise self.campaign.broken
        return ended

    async def _take_care_of_orphans(self, campaign: str) -> None:
        for batch in await self.campaign.orphans():
            of_wave = "" if is_catch_up(batch) else campaign
            await self._durable.dispatch_again(batch, self._ports.dice.token(), campaign=of_wave)

    async def carry_out(self, ordered: Collection[str]) -> str:
        """Bring the stations of one order to rest, and nobody else but those a dead process left in flight."""
        self._is_errand = True
        self.campaign.brake.only = frozenset(ordered)
        async with self._at_work():
            await self.campaign.foreseen.look_again(ordered)
            await self._take_care_of_orphans("")
            ended = await self.campaign.rest.until_at_rest(ordered)
        if self.campaign.broken is not None:
            raise self.campaign.broken
        return ended

    async def recover(self, under_way: Collection[str]) -> str:
        """Bring to rest what a dead process left in flight, and start nobody: all that a stale plan is good for."""
        self._is_errand = True
        self.campaign.brake.only = frozenset()
        async with self._at_work():
            await self._take_care_of_orphans("")
            await self.campaign.rest.until_landed(under_way)
        if self.campaign.broken is not None:
            raise self.campaign.broken
        return "recovered"

    async def work(self, until: asyncio.Event) -> None:
        """Lend a hand until told to stop, then let what is under way come to rest."""
        async with self._at_work():
            await until.wait()
            self.stop_starting()
            await self.campaign.lookout.at_rest()

    def stop_starting(self) -> None:
        """Start no further station; what is in flight goes on."""
        self.campaign.brake.is_ending = True

    # ── the background ─────────────────────────────────────────────────────

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """dbos open, witness read, heart beating; whatever breaks in the background breaks the work."""
        await self._durable.open()
        await self._beat()
        background = asyncio.ensure_future(self._background())
        owner = asyncio.current_task()
        background.add_done_callback(lambda done: _break_off(done, owner))
        try:
            yield
        except asyncio.CancelledError:
            if background.done() and not background.cancelled() and (error := background.exception()):
                raise error from None
            raise
        finally:
            background.cancel()
            await asyncio.gather(background, return_exceptions=True)
            await self._durable.close()
            await self._ports.journal.beat(replace(self._me, beat_at=datetime.now(UTC), ended=True))

    async def _background(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.campaign.keep_watch(self._durable.dispatch))
            group.create_task(self._lore.keep_reading())
            group.create_task(self._beat_for_ever())

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        """Sign of life; who leads; and the batches of those who gave none."""
        self._me = replace(self._me, beat_at=datetime.now(UTC))
        await self._ports.journal.beat(self._me)
        everyone = [p for p in await self._ports.journal.processes() if p.role in (RUN, WORKER)]
        living = [p for p in everyone if self._lives(p)]
        self.campaign.is_leader = self._leads(living)
        await self._take_over([p.executor for p in everyone if p not in living])
        if self.campaign.is_leader and not self._is_errand and self._durable.is_open:
            await self._take_up_what_lies()

    def _lives(self, process: Process) -> bool:
        if process.executor == self._me.executor:
            return True
        late = datetime.now(UTC) - process.beat_at > DEAD_AFTER
        return not process.ended and not late and self._alive(process)

    def _leads(self, living: list[Process]) -> bool:
        """The run leads; without one, the worker that has been there longest."""
        if self._me.role == RUN:
            return True
        workers = sorted((p.started_at, p.executor) for p in living if p.role == WORKER)
        return not any(p.role == RUN for p in living) and bool(workers) and workers[0][1] == self._me.executor

    async def _take_over(self, dead: list[str]) -> None:
        if self._durable.is_open:
            await self._durable.take_over(dead, campaigns=not self._is_errand)

    async def _take_up_what_lies(self) -> None:
        """Orders whose giver died between opening their attempts and putting them off: nobody else would begin them."""
        now, lying = time.monotonic(), self.campaign.lying()
        self._lying_since = {batch: self._lying_since.get(batch, now) for batch in lying}
        for batch in [b for b, since in self._lying_since.items() if now - since > DEAD_AFTER.total_seconds()]:
            await self._durable.dispatch_again(batch, self._ports.dice.token())
            self._lying_since[batch] = now

    # ── names ──────────────────────────────────────────────────────────────

    async def _name(self) -> str:
        """A campaign that ended keeps its name for ever in dbos, so the next run of the same plan counts one up."""
        told = await self._ports.journal.events(kinds=[EventKind.PROCESS.value], limit=100_000)
        ended = sum(1 for line in told if line.event.data.get("campaign_of") == self._fingerprint)
        return f"{self._fingerprint[:16]}.{ended + 1}"

    async def _note_end(self, name: str, ended: str) -> None:
        data = {"campaign_of": self._fingerprint, "campaign": name, "ended": ended}
        event = Event(kind=EventKind.PROCESS, at=self._ports.clock.now(), data=data)
        await self._ports.journal.commit(Change(events=(event,)))


def _break_off(background: asyncio.Future[None], owner: asyncio.Task[object] | None) -> None:
    """A background that broke must not leave the work waiting for ever."""
    if not background.cancelled() and background.exception() is not None and owner is not None:
        owner.cancel()
