"""The faults that can be planted in a simulated station, and the ending each demands.

A closed list: a demo is judged by it, so a fault without an ending does not
exist.  Endings are named as in the attempt table.  Nothing here acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from migrate.simulator.behaviour import FAMILIES


class Fault(StrEnum):
    """What is wrong with a station.  Every one was seen in the field or on the wire of a real stack."""

    NONE = "none"
    READ_ONLY_KEY = "read_only_key"  # Rejected: built read-only
    HALF_WAY_REFUSAL = "half_way_refusal"  # the second key of several is Rejected, the first is applied
    RESET_UNANSWERED = "reset_unanswered"  # restarts without answering
    RESET_IGNORED = "reset_ignored"  # answers Accepted and does nothing
    NO_BOOT = "no_boot"  # arrives, boots only when triggered
    SLOW_RETURN = "slow_return"  # takes three times as long
    FALLS_BACK = "falls_back"  # reaches the target, gives up, returns by itself
    WITHOUT_EFFECT = "without_effect"  # accepts, reads back, never uses it
    BUSY = "busy"  # a driver is charging
    LOST = "lost"  # after the restart it appears nowhere
    DUPLICATE_SESSION = "duplicate_session"  # a second, silent socket under the same identity
    MASKED_READBACK = "masked_readback"  # the backend's keys are shown as asterisks
    PAGING = "paging"  # lists at most three keys at a time
    OFFLINE = "offline"  # not there when the campaign begins


def _ends(*states: str) -> frozenset[str]:
    return frozenset(states)


# MASKED_READBACK: nobody can prove the write, so a toolkit may refuse, stop, or move it and prove it by the boot;
# only `lost` and an unexplained end would be wrong.  OFFLINE: depends on whether the campaign waits for its return.
ENDINGS: Mapping[Fault, frozenset[str]] = MappingProxyType(
    {
        Fault.NONE: _ends("settled"),
        Fault.READ_ONLY_KEY: _ends("failed"),
        Fault.HALF_WAY_REFUSAL: _ends("failed"),
        Fault.RESET_UNANSWERED: _ends("settled"),
        Fault.RESET_IGNORED: _ends("failed", "reverted"),
        Fault.NO_BOOT: _ends("settled"),
        Fault.SLOW_RETURN: _ends("settled"),
        Fault.FALLS_BACK: _ends("reverted"),
        Fault.WITHOUT_EFFECT: _ends("reverted"),
        Fault.BUSY: _ends("settled"),
        Fault.LOST: _ends("lost"),
        Fault.DUPLICATE_SESSION: _ends("settled"),
        Fault.MASKED_READBACK: _ends("settled", "failed", "skipped", "stuck"),
        Fault.PAGING: _ends("settled"),
        Fault.OFFLINE: _ends("deferred", "skipped", "settled"),
    }
)

# Where a fault makes sense, likeliest first; any family where none is named.
NATURAL: Mapping[Fault, tuple[str, ...]] = MappingProxyType(
    {
        Fault.READ_ONLY_KEY: ("everest", "microocpp"),
        Fault.HALF_WAY_REFUSAL: ("amina", "alfen5", "keba"),
        Fault.RESET_UNANSWERED: ("keba", "growatt", "microocpp"),
        Fault.NO_BOOT: ("microocpp", "eviq", "everest"),
        Fault.FALLS_BACK: ("openocpp", "amina"),
        Fault.WITHOUT_EFFECT: ("growatt", "eviq", "microocpp"),
        Fault.LOST: ("alfen6", "keba"),
        Fault.PAGING: ("alfen5", "amina", "keba"),
    }
)


def families_for(fault: Fault) -> tuple[str, ...]:
    return NATURAL.get(fault, FAMILIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSet:
    """How many stations get which fault.

    Counts are absolute, whatever the size of the fleet: a share of lost
    stations would shut every gate of a large one.
    """

    name: str
    counts: Mapping[Fault, int] = field(default_factory=dict)
    visits: int = 0  # stations of makers without a backend key


_DEMO = (
    Fault.READ_ONLY_KEY,
    Fault.HALF_WAY_REFUSAL,
    Fault.RESET_UNANSWERED,
    Fault.NO_BOOT,
    Fault.FALLS_BACK,
    Fault.WITHOUT_EFFECT,
    Fault.BUSY,
    Fault.LOST,
)

FAULT_SETS: Mapping[str, FaultSet] = MappingProxyType(
    {
        "none": FaultSet(name="none"),
        "demo": FaultSet(name="demo", counts=dict.fromkeys(_DEMO, 1), visits=3),
        "all": FaultSet(name="all", counts={fault: 1 for fault in Fault if fault is not Fault.NONE}, visits=3),
    }
)


def fault_set(name: str) -> FaultSet:
    """A planted set by name: none, demo, all, or a single fault once; ValueError names the known ones."""
    if name in FAULT_SETS:
        return FAULT_SETS[name]
    if name in set(Fault):
        return FaultSet(name=name, counts={Fault(name): 1})
    raise ValueError(f"no fault set {name!r}; there are: {', '.join([*FAULT_SETS, *Fault])}")
