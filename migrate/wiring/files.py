"""Firmware of a campaign: what it has to offer, and the servers that offer it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from migrate.adapters.channels.firmware import Depot, FirmwareDoors
from migrate.adapters.files.serving import FileServer, Terms
from migrate.adapters.files.store import FirmwareStore, Shelf, open_store
from migrate.adapters.files.telling import Telling
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.vault import LINK_KEY
from migrate.domain.bandwidth import Freight, freight, load_of
from migrate.domain.profile import Method
from migrate.domain.station import Station
from migrate.domain.wave import Plan
from migrate.wiring import Wired


def store_of(wired: Wired) -> FirmwareStore:
    """The campaign's firmware files, every one proven.  Raises ``FirmwareProblem``; without ``[firmware]`` there are none."""
    firmware = wired.settings.firmware
    return open_store(firmware.store).checked() if firmware.is_on else FirmwareStore(firmware.store, ())


async def firmware_doors(wired: Wired, client: ListenClient) -> FirmwareDoors:
    """The door through which firmware is ordered.

    A file that is not sound is refused to each station that needs it, and
    keeps nobody from being taken back; whether all are sound is looked at
    before each wave.
    """
    firmware = wired.settings.firmware
    depot = Depot(store=await _found(wired), bases=firmware.bases, share=firmware.share)
    if firmware.is_on:
        wired.vault.drawn(LINK_KEY)
    return FirmwareDoors(client, depot, wired.vault, wired.journal.facts, clock=wired.clock, dice=wired.dice)


async def freight_of(wired: Wired, plan: Plan) -> tuple[Freight, ...]:
    """What the stations of a plan have to load, by the groups that share a byte-rate.  Touches no station.

    A store that is not sound yet makes no plan impossible: what no sound file
    brings is counted as unknown.
    """
    firmware, stations = wired.settings.firmware, {s.identity: s for s in await wired.journal.stations()}
    store = await _found(wired)
    loads = []
    for planned in plan.stations:
        profile = wired.catalogue.get(planned.profile) if planned.method is Method.FIRMWARE else None
        station = stations.get(planned.identity)
        if profile is not None and profile.firmware is not None and station is not None:
            size = partial(_size, store, station)
            loads.append(load_of(station, profile.firmware, firmware.share, size))
    return freight(loads, firmware.rate)


async def _found(wired: Wired) -> FirmwareStore:
    """The store as it is, with what is wrong with it."""
    firmware = wired.settings.firmware
    if not firmware.is_on:
        return FirmwareStore(firmware.store, ())
    return await asyncio.to_thread(Shelf(firmware.store).refresh)


def _size(store: FirmwareStore, station: Station, was: str, version: str) -> int | None:
    file = store.file_for(station.vendor, station.model, was, version)
    return None if isinstance(file, str) else file.size


@asynccontextmanager
async def serving_files(wired: Wired, say: Callable[[str], None]) -> AsyncIterator[FileServer | None]:
    """The file servers, as long as somebody needs them; nothing where the settings name none."""
    firmware = wired.settings.firmware
    if not firmware.is_on:
        yield None
        return
    terms = Terms(
        store=firmware.store,
        rate_bytes_per_s=firmware.rate,
        key=wired.vault.drawn(LINK_KEY),
        web=firmware.listen,
        certificate=firmware.certificate,
        certificate_key=firmware.key,
        ftp=firmware.ftp_listen,
        ftp_url=firmware.ftp_url or "",
        ftp_ports=firmware.ftp_ports,
    )
    telling = Telling(wired.journal.commit, wired.clock.now)
    server = FileServer(terms, telling.tell)
    await telling.start()
    try:
        for problem in await server.start():
            say(f"Not served: {problem}")
        say("Serving firmware at " + ", ".join(firmware.bases.values()))
        yield server
    finally:
        await server.stop()
        await telling.stop()
