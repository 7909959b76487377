"""What ``run``, ``worker`` and ``demo`` share: ports built, somebody listening, a process at work, progress shown."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from subprocess import Popen

from batches.errand import Ports
from batches.pace import Pacer
from batches.transfers import Transfers, by
from migrate.adapters.certificates import fingerprint
from migrate.adapters.channels.relay import RelayChannel
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.cli.lines import JsonLines
from migrate.cli.listening import ensure_listening, keep_listening
from migrate.cli.live import Progress, Silent, keep_looking
from migrate.domain.address import Backend
from migrate.domain.destination import address_for
from migrate.domain.evidence import Side
from migrate.domain.station import Station
from migrate.domain.wave import Plan
from migrate.domain.ways import Way
from migrate.engine.lore import Lore
from migrate.engine.outline import Outline
from migrate.engine.process import CampaignProcess
from migrate.ports import Doors
from migrate.settings import Settings
from migrate.wiring import Wired, exists, new_process
from migrate.wiring.doors import doors_of
from migrate.wiring.lookahead import Lookahead

POLL_S, DRILL_POLL_S = 0.25, 0.1
"""How often dbos looks for work; a drill is in a hurry."""


@dataclass(slots=True)
class AtWork:
    """A process at work, and the listening processes it started."""

    wired: Wired
    process: CampaignProcess
    listeners: list[Popen[bytes]] = field(default_factory=list)
    interrupts: int = 0


@asynccontextmanager
async def at_work(
    wired: Wired, plan: Plan, role: str, *, upto_wave: int | None = None, waits_for_visits: bool = False
) -> AsyncIterator[AtWork]:
    """Everything a run or worker needs, open; closed again whatever happens."""
    async with AsyncExitStack() as opened:
        listeners: list[Popen[bytes]] = []
        ports = await open_ports(wired, listeners, opened)
        outline, lore = await outline_of(wired, plan, upto_wave, waits_for_visits)
        process = CampaignProcess(
            outline,
            ports,
            new_process(wired, role),
            wired.settings.engine_store,
            lore=lore,
            alive=exists,
            poll_s=DRILL_POLL_S if wired.settings.drill.is_on else POLL_S,
            foresight=Lookahead(wired, plan, ports, is_listening=True),
        )
        yield AtWork(wired, process, listeners)


async def open_ports(wired: Wired, listeners: list[Popen[bytes]], opened: AsyncExitStack) -> Ports:
    """The world, with somebody listening; what was started for that is added to ``listeners``."""
    folder, door = wired.settings.folder, wired.settings.socket
    listeners.extend(p for p in [await ensure_listening(folder, door)] if p is not None)
    client = ListenClient(door)
    opened.push_async_callback(client.close)
    witness = RelayWitness(client, wired.journal.tail_sightings)
    await witness.start()
    opened.push_async_callback(witness.stop)
    keeper = asyncio.ensure_future(keep_listening(folder, door, listeners))
    opened.push_async_callback(_end, keeper)
    return ports_over(wired, client, witness, await opened.enter_async_context(doors_of(wired, client)))


def ports_over(wired: Wired, client: ListenClient, witness: RelayWitness, doors: Mapping[Way, Doors]) -> Ports:
    """The world as a campaign sees it through its listening process and its doors."""
    return Ports(
        journal=wired.journal,
        source=RelayChannel(client, Side.SOURCE),
        target=RelayChannel(client, Side.TARGET),
        witness=witness,
        clock=wired.clock,
        dice=wired.dice,
        pacer=Pacer(witness, wired.clock),
        doors=doors,
        vault=wired.vault,
        transfers=Transfers(wired.settings.firmware.at_once, by(wired.settings.firmware.share)),
    )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def outline_of(wired: Wired, plan: Plan, upto_wave: int | None, waits_for_visits: bool) -> tuple[Outline, Lore]:
    settings = wired.settings
    stations = {**_gone_from_the_inventory(plan), **{s.identity: s for s in await wired.journal.stations()}}
    lore = Lore(wired.journal, stations)
    outline = Outline(
        plan=plan,
        stations=stations,
        profiles=wired.catalogue.get,
        refit=wired.refit,
        address_of=partial(_address, settings),
        root=fingerprint(settings.target.root) if settings.target.root else "",
        policy=settings.policy,
        as_measured=lore.as_measured,
        upto_wave=upto_wave,
        lab_counts=settings.drill.is_on,
        waits_for_visits=waits_for_visits,
    )
    return outline, lore


def _address(settings: Settings, side: Side, station: Station) -> Backend:
    """What a station dials on a side; one port may take stations in the clear and over TLS."""
    told = settings.side(side)
    return address_for(station, told.url, takes_both=told.relay.takes_plain)


def _gone_from_the_inventory(plan: Plan) -> dict[str, Station]:
    """What the plan knows of its stations: enough to bring one to rest that a later import left out."""
    return {s.identity: Station(identity=s.identity, site_id=s.site, connectors=s.connectors) for s in plan.stations}


async def run_to_the_end(
    at: AtWork,
    progress: Progress,
    *,
    ordered: Collection[str] | None = None,
    recovers: Collection[str] | None = None,
    every_s: float = 1.0,
) -> str:
    """Run the campaign, carry out one order, or only bring to rest what a dead process left, while progress is shown.

    Ctrl-C once stops starting, twice leaves everything to the next run.
    """
    work = asyncio.ensure_future(_work(at.process, ordered, recovers))
    shown = asyncio.ensure_future(keep_looking(partial(_look, at, progress), every_s))
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        at.interrupts += 1
        at.process.stop_starting()
        if at.interrupts == 1:
            progress.say(
                "Starting no further station; those in flight go on. Ctrl-C again leaves them to the next run."
            )
        else:
            work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt)
    try:
        return await work
    except asyncio.CancelledError:
        if at.interrupts:
            return "ending"
        raise
    finally:
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _work(process: CampaignProcess, ordered: Collection[str] | None, recovers: Collection[str] | None) -> str:
    if recovers is not None:
        return await process.recover(recovers)
    return await (process.run() if ordered is None else process.carry_out(ordered))


async def _look(at: AtWork, progress: Progress) -> None:
    """Show where the campaign stands now."""
    if isinstance(progress, JsonLines):
        await progress.tell()
    elif not isinstance(progress, Silent):
        progress.update(await at.wired.standing(is_running=True))
