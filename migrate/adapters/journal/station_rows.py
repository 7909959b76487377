"""A station of the inventory as a document, and back.

How to get in to it may be a code: that is sealed.
"""

from __future__ import annotations

from dataclasses import replace

from migrate.adapters.journal.rows import document, revived
from migrate.adapters.journal.seal import Seal
from migrate.domain.station import Station


def station_body(station: Station, seal: Seal) -> str:
    """A station as it is stored."""
    if not station.access:
        return document(station)
    return document(replace(station, access=seal.close(station.access, _place(station))))


def station_from(body: str, seal: Seal) -> Station:
    station = revived(body, Station)
    return replace(station, access=seal.open(station.access, _place(station))) if station.access else station


def _place(station: Station) -> str:
    return f"access\0{station.identity}"
