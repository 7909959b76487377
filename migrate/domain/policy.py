"""What a campaign allows: waves, caps, gate, windows, patience, retries.

Plain values, read from ``campaign.toml`` by ``migrate.settings``.  A plan's
fingerprint covers all of them but the caps and the timeouts, which may be
tightened in the night without asking the committee again.  One cap shapes the
waves themselves and is covered: the share of a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, 0 to 1.  ``Share(0.5)`` prints as ``50%``."""

    of_one: float

    @property
    def exact(self) -> Fraction:
        """The share as people wrote it: 0.07 is seven hundredths, not the float next to it.

        Raises ``ValueError`` or ``OverflowError`` for what is no number.

        >>> Share(0.07).exact * 100
        Fraction(7, 1)
        """
        return Fraction(self.of_one).limit_denominator(1_000_000)

    def __str__(self) -> str:
        return f"{self.of_one * 100:g}%"


Size = int | Share | None
"""A wave's size: a count, a share of all plannable stations, or ``None`` for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePolicy:
    canary_per_profile: int = 2
    sizes: tuple[Size, ...] = (10, 50, Share(0.10), Share(0.25), None)
    batch_size: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many stations may be in flight at once, over everything and in each scope."""

    stations: int = 200
    per_site_share: Share = Share(0.5)  # of a site's connectors; a site always may have one station in flight
    per_model: int = 100
    per_apn: int = 100
    loading: int = 12  # on their way to new firmware, of those that share a bandwidth: one APN, else one site
    loading_by_site: bool = False  # they share that of their site, whatever their APN


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    min_confirmed: Share = Share(0.98)
    max_failed: int = 3  # of one vendor, model and firmware; more stops that kind alone
    max_without_effect: int = 0  # of one profile that stored its setting and did not use it; more stops that profile
    max_failed_share: Share = Share(0.05)
    max_lost: int = 0
    min_sample: int = 5
    soak: timedelta = timedelta(minutes=30)
    approval_from_wave: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """The hours of a day in which stations may be touched, in each site's own time zone.

    ``begin`` after ``end`` spans midnight; equal means the whole day.
    """

    begin: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Days, both included, on which nothing is touched."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    daily: Daily | None = None
    freeze: tuple[Freeze, ...] = ()
    timezone: str = "UTC"  # for stations that name none


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    check: timedelta = timedelta(minutes=2)
    write: timedelta = timedelta(minutes=2)
    restart: timedelta = timedelta(minutes=5)
    appear: timedelta = timedelta(minutes=20)
    arrive: timedelta = timedelta(minutes=20)
    undo: timedelta = timedelta(minutes=5)
    idle: timedelta = timedelta(hours=4)
    settle: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(minutes=5)
    defer: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    attempts: int = 3
    backoff: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a campaign allows, in one value."""

    waves: WavePolicy = field(default_factory=WavePolicy)
    caps: Caps = field(default_factory=Caps)
    gate: GatePolicy = field(default_factory=GatePolicy)
    windows: Windows = field(default_factory=Windows)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    legacy_switch_off: date | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)
    """Profiles below bench level that may leave wave 0 all the same, each with the reason a person gave."""
    requires_proof: bool = True  # false in demonstrations: simulated stations prove nothing and need no proof
