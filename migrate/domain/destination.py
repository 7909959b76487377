"""Whether a target address suits the fleet that is to dial it.

What an address does to one station in the night, too long for its key, in the
clear where its security profile wants TLS, its own name in it twice, is known
when the plan is made.  Stations and profiles come in, sentences go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote, unquote

from migrate.domain.address import Backend
from migrate.domain.evidence import Side
from migrate.domain.filling import unfit
from migrate.domain.profile import Profile
from migrate.domain.station import Station

TLS_FROM = 2  # security profiles 2 and 3 speak TLS (OCPP 1.6 security whitepaper, edition 2, 2.1)
_SHOWN = 3


def address_for(station: Station, url: Backend, *, takes_both: bool) -> Backend:
    """What a station is told to dial: ``url``, or its twin in the clear or over TLS where one port takes both.

    A security profile is not changed by a move: a station of profile 0 or 1
    goes on in the clear, one of 2 or 3 over TLS.  One of which nobody knows is
    told the address as it stands.
    """
    if not takes_both or station.security_profile is None:
        return url
    scheme = "wss" if station.security_profile >= TLS_FROM else "ws"
    return url if scheme == url.scheme else replace(url, scheme=scheme, port=url.effective_port)


def misfits(
    stations: Iterable[Station], profile_of: Callable[[Station], Profile | None], target: Backend
) -> tuple[str, ...]:
    """Every reason for which stations could not live behind this address, each with the first of them."""
    fleet = [station for station in stations if station.lifecycle.is_plannable and not station.hold]
    return (*_named_twice(fleet, target), *_in_the_clear(fleet, target), *_too_long(fleet, profile_of, target))


def _named_twice(fleet: Iterable[Station], target: Backend) -> Iterator[str]:
    last = unquote(target.path.rstrip("/").rpartition("/")[2]).casefold()
    if same := [station for station in fleet if last and station.identity_on(Side.TARGET).casefold() == last]:
        yield (
            f"target.url ends with {same[0].identity_on(Side.TARGET)!r}, which is a station of the inventory: stations add their identity "
            "themselves. Leave it out."
        )


def _in_the_clear(fleet: Iterable[Station], target: Backend) -> Iterator[str]:
    if target.is_tls:
        return
    if secured := [station for station in fleet if (station.security_profile or 0) >= TLS_FROM]:
        yield (
            f"target.url is ws://, but security profile 2 or 3 dials wss:// only, and {len(secured)} "
            f"station{'s have' if len(secured) > 1 else ' has'} it ({_named(secured)}). Write wss://, or put them on hold."
        )


def _too_long(
    fleet: Iterable[Station], profile_of: Callable[[Station], Profile | None], target: Backend
) -> Iterator[str]:
    """Two looks per family: at the longest identity as it stands, and at the one that is longest in an address."""
    families: dict[str, tuple[Profile, list[str]]] = {}
    for station in fleet:
        profile = profile_of(station)
        if profile is not None and profile.writes:
            families.setdefault(profile.name, (profile, []))[1].append(station.identity_on(Side.TARGET))
    for profile, identities in families.values():
        for identity in (max(identities, key=len), max(identities, key=_dialled)):
            if why := unfit(profile, target, identity):
                yield f"target.url is too long for {identity!r}: {why}. Shorten it."
                break


def _dialled(identity: str) -> int:
    """How long an identity is in an address: a letter beyond ASCII takes six characters there, and more."""
    return len(quote(identity, safe=""))


def _named(stations: list[Station]) -> str:
    names = ", ".join(repr(station.identity) for station in stations[:_SHOWN])
    return names + (", …" if len(stations) > _SHOWN else "")
