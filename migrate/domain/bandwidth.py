"""Who shares a stretch of bandwidth, and how long a fleet's firmware takes over it.

A mobile network gives a group of stations one narrow way, a site has one
uplink.  This module says which group a station belongs to and what its
firmware weighs; it moves no byte and knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from migrate.domain.firmware import is_downgrade, next_step
from migrate.domain.station import Station
from migrate.domain.ways import Firmware


class Share(StrEnum):
    """What stations share the byte-rate of."""

    APN = "apn"  # of a mobile network; a station without one counts with its site
    SITE = "site"


def group_of(station: Station, share: Share) -> str:
    """The group whose byte-rate a station shares.

    >>> group_of(Station(identity="AC1", apn="iot.example", site_id="44"), Share.APN)
    'apn:iot.example'
    >>> group_of(Station(identity="AC1", site_id="44"), Share.APN)
    'site:44'
    """
    if share is Share.APN and station.apn:
        return f"apn:{station.apn}"
    return f"site:{station.site}"


def steps_ahead(firmware: Firmware, current: str) -> tuple[str, ...]:
    """Every version that a station still has to load, in order; none where the way would lead down.

    >>> steps_ahead(Firmware(steps=("5.8", "5.10", "6.0")), "5.9")
    ('5.10', '6.0')
    """
    ahead: list[str] = []
    while firmware.steps and (step := next_step(firmware, current, firmware.steps[-1])):
        if step in ahead or (is_downgrade(current, step) and not firmware.allows_downgrade):
            break
        ahead.append(step)
        current = step
    return tuple(ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one station has to load: the sizes of its files, ``None`` where no file is known for a step."""

    identity: str
    group: str
    sizes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freight:
    """What one group has to load, and how long that takes at its byte-rate alone: restarts come on top."""

    group: str
    stations: int
    files: int
    size_bytes: int
    duration_s: float
    unknown: int  # steps for which there is no file, so that nobody knows what they weigh


def load_of(station: Station, firmware: Firmware, share: Share, size: Callable[[str, str], int | None]) -> Load:
    """``size`` tells how large the file is that leads from one version to another."""
    ahead = steps_ahead(firmware, station.firmware)
    sizes = tuple(size(was, step) for was, step in zip((station.firmware, *ahead), ahead, strict=False))
    return Load(identity=station.identity, group=group_of(station, share), sizes=sizes)


def freight(loads: Iterable[Load], rate_bytes_per_s: int) -> tuple[Freight, ...]:
    """The freight of every group, the longest first.

    >>> [f.duration_s for f in freight([Load(identity="AC1", group="site:1", sizes=(400_000, None))], 64_000)]
    [6.25]
    """
    groups: dict[str, list[Load]] = {}
    for load in loads:
        if load.sizes:
            groups.setdefault(load.group, []).append(load)
    return tuple(sorted((_weighed(g, of, rate_bytes_per_s) for g, of in groups.items()), key=_longest_first))


def _weighed(group: str, loads: list[Load], rate: int) -> Freight:
    known = [size for load in loads for size in load.sizes if size is not None]
    unknown = sum(size is None for load in loads for size in load.sizes)
    return Freight(
        group=group,
        stations=len(loads),
        files=len(known),
        size_bytes=sum(known),
        duration_s=round(sum(known) / rate, 3),
        unknown=unknown,
    )


def _longest_first(one: Freight) -> tuple[float, str]:
    return -one.duration_s, one.group
