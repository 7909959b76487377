"""``migrate worker``: a further process on the campaign of this host."""

from __future__ import annotations

import asyncio
import signal

import click
import uvloop

from migrate.cli.options import Context, common_options
from migrate.cli.work import at_work
from migrate.domain.errors import NotAllowed
from migrate.engine.beat import WORKER
from migrate.wiring import SHOWN, open_campaign


@click.command()
@common_options
def worker(context: Context) -> None:
    """Lend a hand: run batches beside the run, and take over those of a process that died.

    SIGTERM or Ctrl-C stops starting and ends when what is in flight has come
    to rest.  On SQLite workers share the host.

    \b
    migrate worker --campaign cutover-2026
    """
    uvloop.run(_work(context))


async def _work(context: Context) -> None:
    async with open_campaign(context.campaign, WORKER) as wired:
        plan = await wired.current_plan()
        if not await wired.journal.approvals(plan.fingerprint):
            raise NotAllowed(
                f"Plan {plan.fingerprint[:SHOWN]} is not approved.",
                hint=f"A worker lends a hand to an approved plan only: migrate plan approve {plan.fingerprint[:SHOWN]}",
            )
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with at_work(wired, plan, WORKER) as at:
            context.say(f"{wired.executor} lends a hand to {wired.settings.name}.")
            await at.process.work(stop)
