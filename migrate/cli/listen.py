"""``migrate listen``: the process that holds the stations' sockets."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Sequence

import click
import uvloop

from migrate.adapters.journal.presence import LastSeen
from migrate.adapters.journal.rows import sighting_change
from migrate.adapters.ocpp.listen import ListenServer
from migrate.adapters.ocpp.recorder import Record
from migrate.adapters.ocpp.relay import LAB, Relay
from migrate.adapters.vault import IDTAG_KEY
from migrate.cli.options import Context, common_options
from migrate.domain.evidence import Side, Sighting
from migrate.engine.beat import LISTEN, beating
from migrate.wiring import Wired, new_process, open_campaign


@click.command()
@common_options
def listen(context: Context) -> None:
    """Hold the stations' connections: forward, watch, and carry commands for the other processes.

    The permanent addresses of source and target point here until DNS or the
    balancer moves on.  SIGTERM drains: no new stations, the others are let go
    in order, what was seen is recorded.

    \b
    migrate listen --campaign cutover-2026
    """
    uvloop.run(_listen(context))


async def _listen(context: Context) -> None:
    async with open_campaign(context.campaign, LISTEN) as wired:
        _raise_file_limit()
        last_seen = await wired.journal.presence_rows()
        server = ListenServer(
            [_relay(wired, side, last_seen) for side in Side], wired.settings.socket, _recorder(wired)
        )
        await server.start()
        loop = asyncio.get_running_loop()
        draining: list[asyncio.Task[None]] = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: draining.append(asyncio.ensure_future(server.drain())))
        context.say(f"Listening for {wired.settings.name}: " + _addresses(wired))
        async with beating(wired.journal, new_process(wired, LISTEN)):
            await server.wait()
        await asyncio.gather(*draining)


def _relay(wired: Wired, side: Side, last_seen: Sequence[LastSeen]) -> Relay:
    settings = wired.settings.side(side)
    return Relay(
        side=side,
        listen=(settings.relay.host, settings.relay.port),
        upstream=LAB if settings.relay.upstream is None else settings.relay.upstream.url(),
        now=wired.clock.now,
        tag_key=wired.vault.secret(IDTAG_KEY),
        charging={last.identity: last.charging for last in last_seen if last.side is side and last.charging},
    )


def _recorder(wired: Wired) -> Record:
    async def record(sightings: Sequence[Sighting]) -> Sequence[int]:
        """Store what was seen; the events of one change stand side by side in the journal."""
        last = await wired.journal.commit(sighting_change(sightings))
        return range(last - len(sightings) + 1, last + 1)

    return record


def _addresses(wired: Wired) -> str:
    sides = ((side, wired.settings.side(side).relay) for side in Side)
    return ", ".join(
        f"{side.value} on {relay.host}:{relay.port} → {'lab' if relay.upstream is None else relay.upstream}"
        for side, relay in sides
    )


def _raise_file_limit() -> None:
    """Two sockets a station; the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
