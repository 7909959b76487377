"""What is remembered of one station while its kind is observed: few facts, however much it says.

The rules by which these are kept, and when something counts, are those of
:mod:`migrate.domain.observation`; here stand the values and how long each of
them means something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.flavour import Count, Flavour, Lapse, Spread, Trait

WITHIN = timedelta(seconds=60)
TRIGGER_WITHIN = timedelta(seconds=120)  # one maker takes 60 s to boot when asked
OURS_FOR = timedelta(minutes=10)  # a drop so soon after a command of ours is no link loss
UPDATE_FOR = timedelta(minutes=30)
LINK_LOSS_UPTO = timedelta(minutes=30)
FAULT_STANDS = timedelta(minutes=10)
AWAY_UPTO = timedelta(hours=1)  # one that stayed away for longer was helped, and says nothing of its kind's delay
BOOT_UPTO = timedelta(minutes=10)  # the same of a boot
MAX_SESSIONS = 4  # of one station that are remembered as open: a killed relay tells no ends
MAX_EXPECTED = 64  # things expected of one station at once, however many connectors it claims to have
MAX_KINDS = 10_000

Device = tuple[str, str, str]
"""Vendor, model and firmware."""

FURTHER: Device = ("(further kinds)", "", "")
"""Where stations are counted that say they are something new each time, once there are too many kinds."""


def as_it_says(_identity: str, said: IdentityFacts) -> Device:
    return said.vendor, said.model, said.firmware


class Cause(Enum):
    """Why a station was away."""

    LINK = "link"
    OURS = "ours"
    UPDATE = "update"
    UNKNOWN = "unknown"  # away for too long to call it a lost link, or moved to the other side by somebody else


@dataclass(slots=True)
class Spell:
    """One session, while it lasts; a *return* if there was one before."""

    side: Side
    since: datetime
    is_return: bool
    has_spoken: bool = False
    has_booted: bool = False


@dataclass(slots=True)
class Window:
    """Something that ought to be seen in a session until then, if the station has that trait."""

    trait: Trait
    session: str
    until: datetime
    connector: int = 0


@dataclass(slots=True)
class Remembered:
    """What is remembered of one station."""

    device: Device = ("", "", "")
    counted: int = 0  # one bit for each trait of which it has shown something, as this device
    said: IdentityFacts | None = None
    sessions: dict[str, Spell] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    faults: dict[int, datetime] = field(default_factory=dict)
    heard_at: datetime | None = None
    side: Side | None = None  # of its last session
    lost_at: datetime | None = None  # its last session ended, until it connects
    unseen_since: datetime | None = None  # the same, until the first sign of it
    changed_at: datetime | None = None  # a write or Reset of ours
    reset_at: datetime | None = None  # a Reset whose drop was not seen yet
    awaits_return: bool = False  # from a change of ours, since when no session began
    updating_at: datetime | None = None
    updated_at: datetime | None = None  # an update whose statuses were judged

    def forget(self, session: str) -> None:
        """A session is over, and with it what was expected in it."""
        self.sessions.pop(session, None)
        self.windows = [window for window in self.windows if window.session != session]

    def newest(self, side: Side) -> str:
        """The session on a side that began last; empty for none."""
        return next((id_ for id_, one in reversed(self.sessions.items()) if one.side is side), "")


@dataclass(slots=True)
class Tally:
    """What one kind has shown so far."""

    stations: int = 0
    traits: dict[Trait, Count] = field(default_factory=dict)
    lapses: dict[Lapse, Spread] = field(default_factory=dict)
    max_keys: int | None = None


def cause_of(station: Remembered, at: datetime, side: Side) -> Cause:
    """Why a station that is back now, on this side, was away."""
    left_at = station.lost_at or at
    if station.updating_at is not None and left_at - station.updating_at <= UPDATE_FOR:
        return Cause.UPDATE
    if station.changed_at is not None and left_at - station.changed_at <= OURS_FOR:
        return Cause.OURS
    return Cause.LINK if at - left_at <= LINK_LOSS_UPTO and side is station.side else Cause.UNKNOWN


_BIT = {trait: 1 << place for place, trait in enumerate(Trait)}


class Tallies:
    """The counts of all kinds; each observation counts for the kind that its station is at that moment."""

    def __init__(self) -> None:
        self._by_device: dict[Device, Tally] = {}

    def of(self, station: Remembered) -> Tally:
        if station.device not in self._by_device and len(self._by_device) >= MAX_KINDS:
            station.device = FURTHER
        return self._by_device.setdefault(station.device, Tally())

    def count(self, station: Remembered, trait: Trait, *, yes: int = 0, no: int = 0) -> None:
        traits, bit = self.of(station).traits, _BIT[trait]
        is_first = not station.counted & bit
        station.counted |= bit
        traits[trait] = traits.get(trait, Count()).plus(yes=yes, no=no, stations=int(is_first))

    def time(self, station: Remembered, lapse: Lapse, since: datetime, at: datetime) -> None:
        lapses = self.of(station).lapses
        lapses[lapse] = lapses.get(lapse, Spread()).plus(max((at - since).total_seconds(), 0.0))

    def keys(self, station: Remembered, told: str) -> None:
        """How many keys a station says that it takes at a time; the smallest number of a kind counts."""
        if told.isascii() and told.isdigit() and 0 < int(told) < 10_000:
            tally = self.of(station)
            tally.max_keys = min(int(told), tally.max_keys or int(told))

    def flavours(self, standing: Mapping[Device, int]) -> tuple[Flavour, ...]:
        """Every kind, the most frequent first; ``standing`` are its faults that nobody has ended yet."""
        found = []
        for device, tally in self._by_device.items():
            traits = dict(tally.traits)
            if lasting := standing.get(device, 0):
                traits[Trait.STAYS_FAULTED] = traits.get(Trait.STAYS_FAULTED, Count()).plus(yes=lasting)
            if tally.stations or traits:
                found.append(_flavour(device, tally, traits))
        return tuple(sorted(found, key=lambda one: (-one.stations, one.vendor, one.model, one.firmware)))


def _flavour(device: Device, tally: Tally, traits: dict[Trait, Count]) -> Flavour:
    vendor, model, firmware = device
    return Flavour(
        vendor=vendor,
        model=model,
        firmware=firmware,
        stations=tally.stations,
        traits=traits,
        lapses=dict(tally.lapses),
        max_keys=tally.max_keys,
    )
