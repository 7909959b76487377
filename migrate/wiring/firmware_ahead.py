"""What firmware stations have ahead of them: the files on their way, and what those weigh.

Reads the campaign's own store.  It orders nothing and judges nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from batches.prospects import Prospect
from migrate.adapters.files.store import FirmwareStore
from migrate.domain.bandwidth import Load, load_of, steps_ahead
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.station import Station
from migrate.domain.ways import Firmware
from migrate.wiring import Wired
from migrate.wiring.files import store_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareAhead:
    """By identity: what is missing on a station's way, and what it has to load; ``idle`` files are for nobody."""

    lacks: dict[str, str] = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


async def firmware_ahead(wired: Wired, prospects: Iterable[Prospect], everyone: Sequence[Station]) -> FirmwareAhead:
    """Raises ``FirmwareProblem`` where the store is not sound."""
    settings = wired.settings.firmware
    if not settings.is_on:
        return FirmwareAhead()
    store = await asyncio.to_thread(store_of, wired)
    found = FirmwareAhead(idle=store.unused(everyone))
    for prospect in prospects:
        firmware = prospect.profile.firmware if prospect.profile and prospect.is_remote else None
        if firmware is None:
            continue
        said = await wired.journal.facts(prospect.identity, Side.SOURCE)
        station = _as_it_says(prospect.station, said)
        if why := _missing(store, station, firmware):
            found.lacks[prospect.identity] = f"its way to {firmware.steps[-1]} has a gap: {why}"
        found.loads[prospect.identity] = load_of(station, firmware, settings.share, partial(_size, store, station))
    return found


def _as_it_says(station: Station, said: IdentityFacts) -> Station:
    """What its own boots say counts before the list, as when the order is given."""
    return replace(
        station,
        vendor=said.vendor or station.vendor,
        model=said.model or station.model,
        firmware=said.firmware or station.firmware,
    )


def _missing(store: FirmwareStore, station: Station, firmware: Firmware) -> str:
    ahead = steps_ahead(firmware, station.firmware)
    for was, step in zip((station.firmware, *ahead), ahead, strict=False):
        file = store.file_for(station.vendor, station.model, was, step)
        if isinstance(file, str):
            return file
        if firmware.is_signed and not file.entry.is_signed:
            return f"{file.name} has no signature, and its profile wants one"
    return ""


def _size(store: FirmwareStore, station: Station, was: str, step: str) -> int | None:
    file = store.file_for(station.vendor, station.model, was, step)
    return None if isinstance(file, str) else file.size
