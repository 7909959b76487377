"""``migrate listen``: the process that holds the stations' sockets."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import click
import uvloop

from migrate.adapters.files.serving import FileServer
from migrate.adapters.journal.presence import LastSeen
from migrate.adapters.journal.rows import sighting_change
from migrate.adapters.ocpp.guests import Directory
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.listen import ListenServer
from migrate.adapters.ocpp.recorder import Record
from migrate.adapters.ocpp.relay import LAB, Relay
from migrate.adapters.ocpp.tls import Files
from migrate.adapters.vault import IDTAG_KEY
from migrate.cli.options import Context, common_options
from migrate.domain.errors import JournalError, MigrateError
from migrate.domain.evidence import Side, Sighting
from migrate.domain.record import EventKind
from migrate.domain.secrecy import redact
from migrate.engine.beat import LISTEN, beating
from migrate.settings import SideSettings
from migrate.wiring import Wired, new_process, open_campaign
from migrate.wiring.files import serving_files

SPARE_FILES = 256
"""For the journal, the other processes and the firmware that is loaded."""

LEARN_EVERY_S = 2.0
"""How soon a name that an import has changed is known at the door; real seconds."""


@click.command()
@common_options
def listen(context: Context) -> None:
    """Hold the stations' connections: forward, watch, and carry commands for the other processes.

    The permanent addresses of source and target point here until DNS or the
    balancer moves on.  SIGTERM drains: no new stations, the others are let go
    in order, what was seen is recorded.  Where a relay or the firmware server
    has certificates, SIGHUP reads them and the lists of those revoked anew:
    they hold for whoever connects next.

    \b
    migrate listen --campaign cutover-2026
    """
    uvloop.run(_listen(context))


async def _listen(context: Context) -> None:
    async with open_campaign(context.campaign, LISTEN) as wired:
        limits = room_for(_raise_file_limit())
        last_seen, directory = await wired.journal.presence_rows(), Directory()
        place = await _learn(wired, directory, after=None)
        relays = [_relay(wired, side, last_seen, directory, limits) for side in Side]
        server = ListenServer(relays, wired.settings.socket, _recorder(wired))
        await server.start()
        serving: list[FileServer] = []
        has_files = any(r.contexts.has_files for r in relays) or wired.settings.firmware.certificate is not None
        draining = _heed_signals(context, server, partial(_renew, context, relays, serving) if has_files else None)
        context.say(f"Listening for {wired.settings.name}: " + _addresses(wired))
        _tell_stale(context, relays)
        learning = asyncio.ensure_future(_keep_learning(wired, directory, place))
        try:
            async with serving_files(wired, context.say) as files:
                serving += [files] if files else []
                async with beating(wired.journal, new_process(wired, LISTEN)):
                    await server.wait()
        finally:
            learning.cancel()
            await asyncio.gather(learning, return_exceptions=True)
        await asyncio.gather(*draining)


def _heed_signals(context: Context, server: ListenServer, renew: Callable[[], None] | None) -> list[asyncio.Task[None]]:
    """SIGTERM and SIGINT drain; so does SIGHUP where there is nothing to read anew."""
    draining: list[asyncio.Task[None]] = []

    def drain() -> None:
        draining.append(asyncio.ensure_future(server.drain()))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain)
    loop.add_signal_handler(signal.SIGHUP, renew or drain)
    return draining


def _renew(context: Context, relays: Sequence[Relay], serving: Sequence[FileServer]) -> None:
    """Read every certificate anew, those of the firmware server included."""
    for relay in relays:
        context.say(_renewed(relay))
    for files in serving:
        try:
            if files.read_anew():
                context.say("The certificate of the firmware server was read anew.")
        except MigrateError as error:
            context.say(f"{error} The firmware server goes on with the old one.")
    _tell_stale(context, relays)


def _renewed(relay: Relay) -> str:
    """What came of reading one relay's files anew; where one is not sound, all of its old ones stay in use."""
    if not relay.contexts.has_files:
        return f"{relay.side.value}.relay has no certificates."
    try:
        relay.contexts.read_anew()
    except MigrateError as error:
        return f"{error} The {relay.side.value} relay goes on with the old ones."
    return f"The certificates of the {relay.side.value} relay were read anew."


def _tell_stale(context: Context, relays: Sequence[Relay]) -> None:
    """A list of revoked certificates that should be newer counts on; whoever reads the log is to know."""
    for relay in relays:
        if said := relay.contexts.revocations.stale_in_words(datetime.now(UTC)):
            context.say(
                f"{relay.side.value}.relay.client_crl: {said}. It goes on counting; whoever was revoked since gets in."
            )


async def _learn(wired: Wired, directory: Directory, *, after: int | None) -> int:
    """Who is who, where an inventory was imported since; the place in the journal up to which that holds."""
    newest = await wired.journal.newest_seq()
    kinds = [EventKind.INVENTORY.value]
    if after is None or await wired.journal.events(after=after, kinds=kinds, limit=1):
        directory.learn(await wired.journal.stations())
    return newest


async def _keep_learning(wired: Wired, directory: Directory, place: int) -> None:
    """For ever; a journal that cannot be read just now is asked again."""
    while True:
        await asyncio.sleep(LEARN_EVERY_S)
        with suppress(JournalError):
            place = await _learn(wired, directory, after=place)


def _relay(wired: Wired, side: Side, last_seen: Sequence[LastSeen], directory: Directory, limits: Limits) -> Relay:
    settings = wired.settings.side(side)
    return Relay(
        side=side,
        listen=(settings.relay.host, settings.relay.port),
        upstream=LAB if settings.relay.upstream is None else settings.relay.upstream.url(),
        now=wired.clock.now,
        tag_key=wired.vault.secret(IDTAG_KEY),
        tls=_files(settings, side),
        limits=limits,
        directory=directory,
        charging={last.identity: last.charging for last in last_seen if last.side is side and last.charging},
    )


def _files(settings: SideSettings, side: Side) -> Files:
    """The certificates of one relay.  A wss:// address and no certificate: TLS ends before the relay."""
    relay = settings.relay
    return Files(
        side=side.value,
        certificates=relay.certificates,
        keys=relay.keys,
        client_ca=relay.client_ca,
        client_crl=relay.client_crl,
        takes_plain=relay.takes_plain,
        front=settings.url.is_tls and not relay.certificates,
        upstream_ca=relay.upstream_ca,
        upstream_certificate=relay.upstream_certificate,
        upstream_key=relay.upstream_key,
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
        f"{side.value} on {relay.host}:{relay.port} → {'lab' if relay.upstream is None else redact(str(relay.upstream))}"
        for side, relay in sides
    )


def _raise_file_limit() -> int:
    """As many open files as this process may have; the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def room_for(files: int) -> Limits:
    """How many stations a relay takes, two sockets each.

    Whoever comes beyond that is told 503 and when to come again: out of files
    the process could dial no CSMS and record nothing.

    >>> room_for(4_096).max_connections
    1920
    """
    usual = Limits()
    if files == resource.RLIM_INFINITY:
        return usual
    return replace(usual, max_connections=min(usual.max_connections, max(1, (files - SPARE_FILES) // 2)))
