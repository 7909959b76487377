"""The demonstration itself: import, plan, approve, run, with crews for the visits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from subprocess import Popen

from migrate.cli.demo.stage import SimulatedFleet, Stage
from migrate.cli.live import Progress, Silent, open_progress
from migrate.cli.options import Context, talk
from migrate.cli.work import AtWork, at_work, run_to_the_end
from migrate.domain.attempt import State
from migrate.domain.record import Approval
from migrate.domain.wave import Plan
from migrate.engine.beat import RUN
from migrate.simulator.control import ask
from migrate.wiring import Wired
from reports.plan import plan_lines


async def perform(context: Context, wired: Wired, stage: Stage, fleet: SimulatedFleet, *, quietly: bool) -> bool:
    """What a manager and an operator would do, to the end; whether a person broke it off."""
    plan = await _prepare(wired, stage)
    context.say("\n".join(plan_lines(plan)))
    lease = await wired.journal.acquire_lease()
    try:
        return await _run(context, wired, plan, stage, fleet, quietly=quietly)
    finally:
        await wired.journal.release_lease(lease)


async def _prepare(wired: Wired, stage: Stage) -> Plan:
    await wired.journal.store_stations(stage.stations, note={"from": "migrate demo", "synthetic": True})
    plan = await wired.make_plan()
    await wired.journal.store_plan(plan)
    for wave in (None, *(w.number for w in plan.waves)):
        await wired.journal.approve(
            Approval(fingerprint=plan.fingerprint, wave=wave, by="migrate demo", at=wired.clock.now())
        )
    return plan


async def _run(
    context: Context, wired: Wired, plan: Plan, stage: Stage, fleet: SimulatedFleet, *, quietly: bool
) -> bool:
    started: list[Popen[bytes]] = []
    try:
        async with at_work(wired, plan, RUN, waits_for_visits=True) as at:
            started = at.listeners
            await fleet.ready()
            await _trust(stage)
            progress: Progress = Silent() if quietly else open_progress(talk(), quiet=context.verbosity < 0)
            try:
                async with _crews(at, stage):
                    await run_to_the_end(at, progress)
                progress.update(await wired.standing(is_running=False))
            finally:
                progress.close()
    finally:
        _end_listeners(started)  # only now: while it is at work it starts another one for each that ends
    return at.interrupts > 0


async def _trust(stage: Stage) -> None:
    """Somebody reads the host keys off the stations; a campaign without scripts has none to trust."""
    if stage.equipment.ssh_port:
        told = (await ask(stage.control, op="host_keys"))["host_keys"]
        shown = {spec.ip_address: told[spec.identity] for spec in stage.specs if spec.identity in told}
        stage.equipment.trust(stage.folder, shown)


def _end_listeners(started: Sequence[Popen[bytes]]) -> None:
    """A demonstration ends what it started."""
    for listener in started:
        listener.terminate()
    for listener in started:
        listener.wait(timeout=20)


@asynccontextmanager
async def _crews(at: AtWork, stage: Stage) -> AsyncIterator[None]:
    """Simulated crews: each work order is carried out once, after the drawn time."""
    task = asyncio.ensure_future(_send_crews(at, stage))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _send_crews(at: AtWork, stage: Stage) -> None:
    sent: set[str] = set()
    while True:
        for identity, attempt in list(at.process.campaign.watch.known.items()):
            if attempt.state is State.VISITING and identity not in sent:
                sent.add(identity)
                await ask(stage.control, op="visit", identity=identity)
        await asyncio.sleep(0.2)
