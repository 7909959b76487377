"""Whether each station was told what its profile says, and nothing else: by the stations' own log.

The profile is data of the toolkit, the log is the stations'; here the two
meet, after everything is over.  Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from migrate.cli.demo.verdict import Disagreement
from migrate.domain.attempt import State
from migrate.domain.profile import Method, Profile, Restart
from migrate.domain.wave import StationStanding
from migrate.domain.ways import Way
from migrate.simulator.wirelog import EFFECTS, Kind, WireEvent

_ORDERS: Mapping[str, Way] = {
    "ChangeConfiguration": Way.OCPP,
    "SetVariables": Way.OCPP,
    "SetNetworkProfile": Way.OCPP,
    "Script": Way.SSH,
    "HTTP": Way.HTTP,
    "UpdateFirmware": Way.FIRMWARE,
    "SignedUpdateFirmware": Way.FIRMWARE,
    "InstallCertificate": Way.CERTIFICATE,
}
"""What stations write down when they are told something, and by which way it comes."""

_KEYED = frozenset({"ChangeConfiguration", "SetVariables"})


def misconduct(
    stations: Iterable[StationStanding], profile_of: Mapping[str, Profile], log: Sequence[WireEvent]
) -> list[Disagreement]:
    """Every station that was told something its profile does not say, or moved by another way than its own."""
    told: defaultdict[str, list[WireEvent]] = defaultdict(list)
    for event in log:
        if event.kind is Kind.COMMAND and (event.action in EFFECTS or event.action in _ORDERS):
            told[event.identity].append(event)
    return [
        Disagreement(identity=station.identity, fault="none", text=text)
        for station in stations
        for text in _judge(station, profile_of.get(station.profile), told[station.identity])
    ]


def _judge(station: StationStanding, profile: Profile | None, told: Sequence[WireEvent]) -> Iterator[str]:
    if profile is None or profile.method is Method.VISIT:
        if told:
            yield f"is for a crew, and was told {told[0].action} {told[0].key}".rstrip()
        return
    ways, keys = {write.via for write in profile.writes}, _keys(profile)
    for event in told:
        if event.action == "Reset":
            if profile.restart is Restart.NONE:
                yield "was told to restart, and its profile needs none"
        elif _ORDERS.get(event.action) not in ways:
            yield f"was told {event.action} {event.key}, and profile {profile.name} goes another way".rstrip()
        elif event.action in _KEYED and event.key.lower() not in keys:
            yield f"was told {event.action} of {event.key}, which is no key of profile {profile.name}"
    if station.state is State.SETTLED and not any(event.action in _ORDERS for event in told):
        yield f"is settled by {profile.method.value}, and was told nothing"


def _keys(profile: Profile) -> frozenset[str]:
    slots = profile.slots.keys if profile.slots else ()
    return frozenset(name.lower() for name in (*slots, *(n for write in profile.writes for n in write.names)))
