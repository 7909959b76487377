"""Where requests go: the station's own address from the inventory, or the one host that a profile names.

Nothing else decides it: no text of the inventory can become a scheme, a user,
a port or a path of the base, and no reply can send a request elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from migrate.domain.errors import Mismatch
from migrate.domain.station import Station
from migrate.domain.ways import HttpApi

OWN = "${ip}"
"""How a profile names the station's own address."""

_BASE = re.compile(
    r"(?P<scheme>https?)://(?P<host>\$\{ip\}|[a-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?P<path>(?:/[\w.~-]+)*)/?"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_NUMBER = re.compile(r"(?:\d+|0[xX][0-9A-Fa-f]*)", re.ASCII)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """``[http]`` of a campaign.

    ``port`` is where stations serve their own interface, ``at_once`` how many
    requests run at the same time, ``ca`` a file of roots that are trusted
    beside the system's, ``bases`` leads a cloud's base elsewhere: to a proxy,
    or to a cloud that only exists for a test.  ``users`` says whose account a
    secret belongs to, by the secret's name.
    """

    port: int = 80
    at_once: int = 16
    ca: Path | None = None
    bases: Mapping[str, str] = field(default_factory=dict, hash=False)
    users: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, folder: Path, values: Mapping[str, Any]) -> HttpSettings:
        """Out of the flat keys of a campaign's settings."""
        ca = values["http.ca"]
        return cls(
            port=values["http.port"],
            at_once=values["http.at_once"],
            ca=None if ca is None else folder / ca,
            bases=values["http.bases"],
            users=values["http.users"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Scheme, host and port of every request of one errand, with a path where the profile has one."""

    url: str
    is_shared: bool  # a cloud that answers for many stations, or one station's own interface


def base_of(api: HttpApi, station: Station, settings: HttpSettings) -> Base:
    """Where the requests for one station go.  Raises ``Mismatch`` where the inventory cannot say it."""
    given = settings.bases.get(api.base.rstrip("/"), api.base)
    match = _BASE.fullmatch(given)
    if match is None:
        raise Mismatch(
            f"{given!r} is no base address for {station.identity}.",
            identity=station.identity,
            hint="A base is http://${ip} or https://host, in the profile or in [http.bases].",
        )
    scheme, port = match["scheme"], match["port"]
    if match["host"] != OWN:
        return Base(url=f"{scheme}://{match['host']}:{port or _PORTS[scheme]}{match['path']}", is_shared=True)
    own_port = settings.port if scheme == "http" or settings.port != _PORTS["http"] else _PORTS[scheme]
    return Base(url=f"{scheme}://{host_of(station)}:{port or own_port}{match['path']}", is_shared=False)


def host_of(station: Station) -> str:
    """The station's own address as a URL may hold it.

    An address that means many hosts, none, or a neighbour on the link whom
    nobody routes to (169.254.169.254 is where clouds hand out credentials) is
    no station's.
    """
    text = station.ip_address
    if not text:
        raise _unusable(station, "has no ip_address in the inventory")
    try:
        found: IPv4Address | IPv6Address | None = ip_address(text)
    except ValueError:
        found = None
    if found is None:
        if not _NAME.fullmatch(text) or _NUMBER.fullmatch(text.rpartition(".")[2]):
            raise _unusable(
                station, f"has {text!r:.80} as its ip_address, which is neither an address nor a host's name"
            )
        return text.lower()
    if found.is_unspecified or found.is_multicast or found.is_link_local or str(found) == "255.255.255.255":
        raise _unusable(station, f"has {found} as its ip_address, which is no address of one station")
    return f"[{found.compressed}]" if found.version == 6 else str(found)


def _unusable(station: Station, why: str) -> Mismatch:
    return Mismatch(
        f"{station.identity} {why}, and it is reached by HTTP.",
        identity=station.identity,
        hint="Mend ip_address in the inventory: an address or a host's name, without a port.",
    )
