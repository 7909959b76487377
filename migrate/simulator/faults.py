"""The faults that can be planted in a simulated station, and the ending each demands.

A closed list: a demo is judged by it, so a fault without an ending does not
exist.  Endings are named as in the attempt table.  Nothing here acts: most
faults are ways that a family does not have, the rest is done by the station.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from migrate.simulator.behaviour import FAMILIES, KEYED_FAMILIES
from migrate.simulator.habits import Drop, Resetting, Storing, Trigger, Writing


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
    KEY_ABSENT = "key_absent"  # NotSupported: the maker's build leaves the key out
    STORES_NOTHING = "stores_nothing"  # accepts any key at all and stores nothing
    SHOWS_OLD = "shows_old"  # shows the old value until it has restarted
    WRITE_UNANSWERED = "write_unanswered"  # stores the value and says nothing
    WRITE_LOST = "write_lost"  # the first write is lost on its way
    WRITE_IGNORED = "write_ignored"  # neither stores nor answers, however often
    RESET_DROPS_LATE = "reset_drops_late"  # answers, leaves ten seconds later without a close frame
    RESET_CLOSES = "reset_closes"  # closes the connection instead of answering
    RESET_TWO_SOCKETS = "reset_two_sockets"  # a Hard one is not answered, and the old socket stays open
    RESET_BEFORE_BOOT = "reset_before_boot"  # CALLERROR until its own boot is accepted
    ANSWERS_TWICE = "answers_twice"  # a result and an error for one message, and then a crash
    COUNTS_IDS = "counts_ids"  # message ids begin at 1 in every session
    TRIGGERED_FIRST = "triggered_first"  # what was triggered is sent before the answer; boots only when triggered
    TRIGGER_ABSENT = "trigger_absent"  # no boot, and NotImplemented when asked for one
    TRIGGER_SILENT = "trigger_silent"  # no boot, Accepted when asked for one, and nothing comes
    TRIGGER_REFUSED = "trigger_refused"  # no boot, Rejected when asked for one
    TRIGGER_ERROR = "trigger_error"  # no boot, a CALLERROR when asked for one
    TRIGGER_MISNAMED = "trigger_misnamed"  # no boot, and something else comes when asked for one
    RECONNECTS_SILENTLY = "reconnects_silently"  # after a lost connection neither a boot nor a status


def _ends(*states: str) -> frozenset[str]:
    return frozenset(states)


# MASKED_READBACK: nobody can prove the write, so a toolkit may refuse, stop, or move it and prove it by the boot;
# only `lost` and an unexplained end would be wrong.  OFFLINE: depends on whether the campaign waits for its return.
# WRITE_UNANSWERED, WRITE_LOST, WRITE_IGNORED: an answer is awaited for half a minute of real time; a campaign that is
# judged by these ends has the patience for it, however fast its time runs.
# No boot and no way to get one: it is on the target and nobody can prove that it is itself: a person has to look.
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
        Fault.KEY_ABSENT: _ends("skipped"),
        Fault.STORES_NOTHING: _ends("failed"),
        Fault.SHOWS_OLD: _ends("failed"),
        Fault.WRITE_UNANSWERED: _ends("settled"),
        Fault.WRITE_LOST: _ends("settled"),
        Fault.WRITE_IGNORED: _ends("failed"),
        Fault.RESET_DROPS_LATE: _ends("settled"),
        Fault.RESET_CLOSES: _ends("settled"),
        Fault.RESET_TWO_SOCKETS: _ends("settled"),
        Fault.RESET_BEFORE_BOOT: _ends("settled"),
        Fault.ANSWERS_TWICE: _ends("settled"),
        Fault.COUNTS_IDS: _ends("settled"),
        Fault.TRIGGERED_FIRST: _ends("settled"),
        Fault.TRIGGER_ABSENT: _ends("stuck"),
        Fault.TRIGGER_SILENT: _ends("stuck"),
        Fault.TRIGGER_REFUSED: _ends("stuck"),
        Fault.TRIGGER_ERROR: _ends("stuck"),
        Fault.TRIGGER_MISNAMED: _ends("stuck"),
        Fault.RECONNECTS_SILENTLY: _ends("settled"),
    }
)

# The ways that a fault switches, whatever the family does otherwise.
_NO_BOOT = {"boots_on_target": False, "fallback": "none"}  # a fallback would bring it home before anybody can ask
WAYS: Mapping[Fault, Mapping[str, Any]] = MappingProxyType(
    {
        Fault.RESET_UNANSWERED: {"resetting": Resetting.UNANSWERED},
        Fault.RESET_IGNORED: {"resetting": Resetting.NOTHING},
        Fault.WITHOUT_EFFECT: {"storing": Storing.NEVER_USED},
        Fault.NO_BOOT: {"boots_on_target": False},
        Fault.KEY_ABSENT: {"has_backend_keys": False},
        Fault.STORES_NOTHING: {"storing": Storing.NOTHING},
        Fault.SHOWS_OLD: {"shows_old_until_restart": True},
        Fault.WRITE_UNANSWERED: {"writing": Writing.STORES_SILENTLY},
        Fault.WRITE_LOST: {"writing": Writing.LOSES_FIRST},
        Fault.WRITE_IGNORED: {"writing": Writing.IGNORES},
        Fault.RESET_DROPS_LATE: {"resetting": Resetting.ANSWERS, "drop": Drop.ABRUPT, "reset_drop_s": 10.0},
        Fault.RESET_CLOSES: {"resetting": Resetting.CLOSES},
        Fault.RESET_TWO_SOCKETS: {"resetting": Resetting.TWO_SOCKETS},
        Fault.RESET_BEFORE_BOOT: {"reset_needs_boot": True},
        Fault.ANSWERS_TWICE: {"answers_twice": "ChangeConfiguration"},
        Fault.COUNTS_IDS: {"counts_ids": True},
        Fault.TRIGGERED_FIRST: _NO_BOOT | {"trigger": Trigger.ANSWERS, "trigger_first": True},
        Fault.TRIGGER_ABSENT: _NO_BOOT | {"trigger": Trigger.NEVER},
        Fault.TRIGGER_SILENT: _NO_BOOT | {"trigger": Trigger.SILENT},
        Fault.TRIGGER_REFUSED: _NO_BOOT | {"trigger": Trigger.NO_BOOT},
        Fault.TRIGGER_ERROR: _NO_BOOT | {"trigger": Trigger.ERROR},
        Fault.TRIGGER_MISNAMED: _NO_BOOT | {"trigger": Trigger.OTHER_NAME},
        Fault.RECONNECTS_SILENTLY: {"boots_on_reconnect": False, "reports_on_reconnect": False},
    }
)

# Where a fault makes sense, likeliest first; any family where none is named.
_HARD_RESET = ("alfen6", "alfen5", "alfen5_gsm")
_SEVERAL_KEYS = ("amina", "alfen5", "keba")
_ONE_KEY = tuple(one for one in KEYED_FAMILIES if one not in (*_SEVERAL_KEYS, "amina3", "alfen5_gsm"))
NATURAL: Mapping[Fault, tuple[str, ...]] = MappingProxyType(
    {
        Fault.READ_ONLY_KEY: ("everest", "microocpp"),
        Fault.HALF_WAY_REFUSAL: _SEVERAL_KEYS,
        Fault.RESET_UNANSWERED: ("keba", "growatt", "microocpp"),
        Fault.NO_BOOT: ("microocpp", "eviq", "everest"),
        Fault.FALLS_BACK: ("openocpp", "amina"),
        Fault.WITHOUT_EFFECT: ("growatt", "eviq", "microocpp"),
        Fault.LOST: ("alfen6", "keba"),
        Fault.PAGING: ("alfen5", "amina", "keba"),
        Fault.KEY_ABSENT: ("microocpp", "everest", "grizzl_e"),
        Fault.RESET_TWO_SOCKETS: _HARD_RESET,
        Fault.ANSWERS_TWICE: _ONE_KEY,  # a crash between two keys leaves half an address: that is another fault
    }
)

# Where a fault can be at all; any family with a key where none is named.  On loopback both backends share host and
# path: of the units with several keys only those with slots differ in more than one.
POSSIBLE: Mapping[Fault, tuple[str, ...]] = MappingProxyType(
    {
        Fault.HALF_WAY_REFUSAL: ("amina", "amina3"),
        Fault.RESET_TWO_SOCKETS: _HARD_RESET,
        Fault.ANSWERS_TWICE: _ONE_KEY,
    }
)


def families_for(fault: Fault) -> tuple[str, ...]:
    return NATURAL.get(fault, FAMILIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadModel:
    """A model all of whose stations have the same fault: what a canary is for."""

    model: str
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSet:
    """What goes wrong in a fleet: so many stations with this fault, so large a part of it with any, a whole model.

    Counts are absolute, whatever the size of the fleet: a share of lost
    stations would shut every gate of a large one.  A share is drawn evenly
    from its pool.
    """

    name: str
    counts: Mapping[Fault, int] = field(default_factory=dict)
    visits: int = 0  # stations of makers without a backend key
    share: float = 0.0
    pool: tuple[Fault, ...] = ()
    bad_model: BadModel | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"a share is between 0 and 1, not {self.share!r}")
        if self.share and not self.pool:
            raise ValueError("a share needs a pool of faults to draw from")


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

EVERY_FAULT = tuple(fault for fault in Fault if fault is not Fault.NONE)
WELL_ENDING = tuple(fault for fault in EVERY_FAULT if ENDINGS[fault] == {"settled"})
FIELD_SHARE = 0.05

FAULT_SETS: Mapping[str, FaultSet] = MappingProxyType(
    {
        "none": FaultSet(name="none"),
        "demo": FaultSet(name="demo", counts=dict.fromkeys(_DEMO, 1), visits=3),
        "all": FaultSet(name="all", counts=dict.fromkeys(EVERY_FAULT, 1), visits=3),
        "field": FaultSet(name="field", share=FIELD_SHARE, pool=EVERY_FAULT),
    }
)


def fault_set(name: str) -> FaultSet:
    """A planted set by name: none, demo, all, field (one station in twenty), or a single fault once.

    ValueError names the known ones.
    """
    if name in FAULT_SETS:
        return FAULT_SETS[name]
    if name in set(Fault):
        return FaultSet(name=name, counts={Fault(name): 1})
    raise ValueError(f"no fault set {name!r}; there are: {', '.join(dict.fromkeys([*FAULT_SETS, *Fault]))}")
