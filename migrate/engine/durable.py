"""Durable workflows on dbos: the campaign, and its batches.

A campaign's workflow opens wave after wave, dispatches the batches and waits
for the gate; a batch's workflow is one step that the conductor runs.  Both
survive the process.  What dbos does not do, and is done elsewhere: notice a
dead worker (heartbeats in the journal), fence one that was taken for dead
(epochs in the journal), know what a station was told (the journal again).
Its store is disposable: a campaign started with an empty one goes on from
what the journal holds.

Steps return outcomes and never raise, because dbos forgets an error's type
when it replays one.  Workflow arguments are identifiers only.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, SetWorkflowID

T = TypeVar("T")

APPLICATION = "fleet-migrate"
VERSION = "fleet-migrate-1"  # a constant: dbos would hash the code and strand old workflows
CAMPAIGNS, BATCHES, CATCH_UPS = "campaigns", "batches", "catch-ups"
"""Three queues: a campaign must never hold a batch's slot, nor a waiting wave that of a station to be undone."""

BATCHES_AT_ONCE = 64  # per process; the caps bound stations, not batches
_UNFINISHED = ("PENDING", "ENQUEUED", "DELAYED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the workflows do in this process.  All of them may run again after a crash, and must not mind.

    ``open_wave`` answers the batches to dispatch; ``judge`` waits until the
    wave has earned the next one, or never will, and answers how it ended.
    """

    waves: Callable[[str], Coroutine[Any, Any, list[int]]]
    open_wave: Callable[[str, int], Coroutine[Any, Any, list[str]]]
    run_batch: Callable[[str], Coroutine[Any, Any, dict[str, Any]]]
    judge: Callable[[str, int], Coroutine[Any, Any, str]]
    finish: Callable[[str], Coroutine[Any, Any, str]]


class Durable:
    """dbos, opened on the loop it is called from and closed before that loop ends."""

    def __init__(self, store: Path, executor: str, steps: Steps, *, poll_s: float) -> None:
        self._store = store
        self._executor = executor
        self._steps = steps
        self._poll_s = poll_s
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        self.is_open = False
        self._batch: Any = None
        self._campaign: Any = None

    # ── the workflows ──────────────────────────────────────────────────────

    def _define(self) -> None:
        """Register before launch: queued work may start during it."""

        @DBOS.workflow(name="batch", max_recovery_attempts=None)
        async def batch(name: str) -> dict[str, Any]:
            return await self._tracked(DBOS.run_step_async({"name": "run_batch"}, self._steps.run_batch, name))

        @DBOS.workflow(name="campaign", max_recovery_attempts=None)
        async def campaign(name: str) -> str:
            return await self._tracked(self._waves(name))

        self._batch, self._campaign = batch, campaign

    async def _waves(self, campaign: str) -> str:
        for wave in await DBOS.run_step_async({"name": "waves"}, self._steps.waves, campaign):
            batches = await DBOS.run_step_async({"name": "open_wave"}, self._steps.open_wave, campaign, wave)
            handles = [await self._enqueue(BATCHES, f"{campaign}/{batch}", batch) for batch in batches]
            verdict = await DBOS.run_step_async({"name": "judge"}, self._steps.judge, campaign, wave)
            for handle in handles:
                await handle.get_result(polling_interval_sec=self._poll_s)
            if verdict != "open":
                return verdict
        return await DBOS.run_step_async({"name": "finish"}, self._steps.finish, campaign)

    async def _tracked(self, body: Coroutine[Any, Any, T]) -> T:
        """Run a workflow's body where ``close`` can find and cancel it; a cancelled one stays pending."""
        task = asyncio.current_task()
        if self._is_closing or task is None:
            body.close()
            raise asyncio.CancelledError
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await body

    # ── opening and closing ────────────────────────────────────────────────

    async def open(self) -> None:
        logging.getLogger("dbos").addHandler(logging.NullHandler())  # else dbos adds a console handler of its own
        self._define()
        await asyncio.to_thread(self._prepare)
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": self._url,
                "application_version": VERSION,
                "executor_id": self._executor,
                "log_level": "CRITICAL",
                "serializer": DBOSPortableJSONSerializer(),
                "max_executor_threads": 16,
                "notification_listener_polling_interval_sec": self._poll_s,
                "run_migrations": False,
            }
        )
        DBOS.launch()  # on this loop and in no thread: dbos adopts the loop it is launched from
        self.is_open = True

    def _prepare(self) -> None:
        """WAL and the queues before the launch; a queue made after it is noticed up to a second late."""
        with sqlite3.connect(self._store) as database:
            database.execute("PRAGMA journal_mode=WAL")
        database.close()
        DBOS.migrate(self._url)
        client = DBOSClient(system_database_url=self._url, application_name=APPLICATION)
        try:
            client.register_queue(CAMPAIGNS, polling_interval_sec=self._poll_s)
            for queue in (BATCHES, CATCH_UPS):
                client.register_queue(queue, worker_concurrency=BATCHES_AT_ONCE, polling_interval_sec=self._poll_s)
        finally:
            client.destroy()

    @property
    def _url(self) -> str:
        return f"sqlite:///{quote(str(self._store), safe=' +/')}"  # a folder may be called 50%, or have a question mark

    async def close(self) -> None:
        """Cancel what runs (it stays pending and is taken over by the next process), then shut dbos down."""
        self._is_closing, self.is_open = True, False
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as own:
            await loop.run_in_executor(own, DBOS.destroy)
        loop.set_default_executor(ThreadPoolExecutor())  # dbos put its own in place, and has shut it down

    # ── starting and taking over ───────────────────────────────────────────

    async def run_campaign(self, name: str) -> str:
        """Start a campaign, or join the one of that name; how it ended."""
        with SetWorkflowID(name):
            handle = await DBOS.enqueue_workflow_async(CAMPAIGNS, self._campaign, name)
        return str(await handle.get_result(polling_interval_sec=self._poll_s))

    async def dispatch(self, batch: str) -> None:
        """Hand a catch-up batch to whichever worker is free."""
        await self._enqueue(CATCH_UPS, batch, batch)

    async def _enqueue(self, queue: str, workflow: str, batch: str) -> Any:
        with SetWorkflowID(workflow):
            return await DBOS.enqueue_workflow_async(queue, self._batch, batch)

    async def dispatch_again(self, batch: str, token: str, *, campaign: str = "") -> bool:
        """Dispatch a batch that has work, if nobody will run it any more; whether that was so.

        ``campaign`` names whose wave the batch is of.  Such a batch is
        dispatched by its campaign when it opens the wave, so it is left alone
        until then.  It gets a fresh workflow name: dbos runs no name twice.
        """
        workflow = f"{campaign}/{batch}" if campaign else batch
        rows = await DBOS.list_workflows_async(workflow_id_prefix=workflow, load_input=False, load_output=False)
        known = [row for row in rows if row.workflow_id.partition("+")[0] == workflow]
        if any(row.status in _UNFINISHED for row in known) or (campaign and not known):
            return False
        await self._enqueue(CATCH_UPS, f"{workflow}+{token}", batch)
        return True

    async def is_over(self, campaign: str) -> bool:
        """Whether a campaign of this name has run to its end already."""
        rows = await DBOS.list_workflows_async(workflow_ids=[campaign], load_input=False, load_output=False)
        return any(row.status not in _UNFINISHED for row in rows)

    async def take_over(self, dead: Collection[str], *, campaigns: bool = True) -> int:
        """Make the unfinished workflows of dead executors run again, here or wherever a worker is free; how many.

        ``campaigns`` is false for a process that carries out one order: it
        opens no wave on a dead run's behalf.
        """
        if not dead:
            return 0
        rows = await DBOS.list_workflows_async(
            executor_id=list(dead), status="PENDING", load_input=False, load_output=False
        )
        for row in (row for row in rows if campaigns or row.name != "campaign"):
            queue = row.queue_name or (CAMPAIGNS if row.name == "campaign" else BATCHES)
            await DBOS.resume_workflow_async(row.workflow_id, queue_name=queue)
        return len(rows)
