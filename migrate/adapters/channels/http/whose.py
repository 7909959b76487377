"""Whose interface answers: what a reply shows of the device itself, against what the inventory says of the station.

An address in a list goes out of date: behind it may be another station of the
same make, which would take an order as readily.  Where a maker shows the
identity or the serial number beside what is read, a profile picks it, and a
device that shows another one is told nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.adapters.channels.http.picks import as_text
from migrate.domain.errors import Mismatch
from migrate.domain.evidence import Side
from migrate.domain.station import Station
from migrate.domain.ways import ITS_IDENTITY, ITS_NAMES, ITS_SERIAL, Call

HINT = "See ip_address in the inventory: what stands there may be another device."


def judge_whose(station: Station, picked: Mapping[str, Any]) -> None:
    """Raises ``Mismatch`` where the device shows another identity or serial number.  One that shows none proves nothing."""
    names = frozenset(station.identity_on(side) for side in Side)  # while it moves it may have either
    identity, serial = _shown(picked, ITS_IDENTITY), _shown(picked, ITS_SERIAL)
    if identity and identity not in names:
        raise _another(station, f"is {identity!r:.80} by its own word")
    if serial and station.serial and _bare(serial) != _bare(station.serial):
        raise _another(
            station, f"has the serial number {serial!r:.80}, where the inventory says {station.serial!r:.80}"
        )


def shows_whose(calls: Iterable[Call]) -> bool:
    """Whether these requests ask for what tells one device from another."""
    return any(ITS_NAMES & call.picks.keys() for call in calls)


def _shown(picked: Mapping[str, Any], name: str) -> str:
    value = picked.get(name)
    return "" if value is None else as_text(value).strip()


def _bare(serial: str) -> str:
    """Spreadsheets drop the zeros before a number."""
    return serial.strip().casefold().lstrip("0")


def _another(station: Station, what: str) -> Mismatch:
    name = station.identity if station.identity.isprintable() else repr(station.identity)
    return Mismatch(f"{name}: what answers at {station.ip_address} {what}.", identity=name, hint=HINT)
