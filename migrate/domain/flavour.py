"""How one kind of station behaves, as the wire showed it, and what follows for its errands.

A *flavour* is measured, never declared: each trait is counted, for and
against, by :mod:`migrate.domain.observation`, and nothing is rounded: one
observation to the contrary makes a trait *mixed*.  What a profile says of a
family stands until the wire has contradicted it often enough.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from migrate.domain.policy import Timeouts
from migrate.domain.profile import Quirks, Timing

ENOUGH = 3
"""So many observations, of as many stations if there are so many, none to the contrary, before a kind is treated
otherwise than its profile says: one sick station speaks for itself alone."""


class Trait(StrEnum):
    """What a kind of station does or does not do.  The first six are those by which suppliers are compared."""

    BOOT_AFTER_LINK_LOSS = "boot_notification_after_link_loss"
    STATUS_AFTER_STOP = "socket_update_after_transaction_stop"
    STATUS_AFTER_START = "socket_update_after_transaction_start"
    STATUS_AFTER_LINK_LOSS = "socket_update_after_link_loss"
    STATUS_AFTER_FIRMWARE = "status_notifications_after_firmware_update"
    STAYS_FAULTED = "stays_faulted_after_power_meter_failure"
    ANSWERS_TRIGGER = "answers_trigger_boot"  # TriggerMessage(BootNotification) brings a boot
    BOOTS_ON_ARRIVAL = "boots_on_arrival"  # by itself, on its first session after a change of ours


class Lapse(StrEnum):
    """How long something took, in seconds of campaign time."""

    RESET_TO_DROP = "reset_to_drop"
    AWAY_AFTER_CHANGE = (
        "away_after_change"  # from the drop that a change of ours caused to the next sign of it anywhere
    )
    AWAY_AFTER_LINK_LOSS = "away_after_link_loss"
    CONNECT_TO_BOOT = "connect_to_boot"  # a boot by itself, on the session after a drop


class Shown(StrEnum):
    """What the observations of a trait add up to."""

    YES = "yes"
    NO = "no"
    MIXED = "mixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Observations for and against one trait, and how many stations they are of."""

    yes: int = 0
    no: int = 0
    stations: int = field(default=0, compare=False)

    @property
    def of(self) -> int:
        return self.yes + self.no

    @property
    def shown(self) -> Shown:
        """One observation to the contrary is never rounded away.

        >>> Count(yes=199, no=1).shown.value, Count().shown.value
        ('mixed', 'unknown')
        """
        if self.yes and self.no:
            return Shown.MIXED
        return Shown.YES if self.yes else Shown.NO if self.no else Shown.UNKNOWN

    def plus(self, *, yes: int = 0, no: int = 0, stations: int = 0) -> Count:
        return Count(yes=self.yes + yes, no=self.no + no, stations=self.stations + stations)

    def __str__(self) -> str:
        """As people read it.

        >>> str(Count(yes=11, no=1)), str(Count(no=3)), str(Count())
        ('mixed (11 of 12)', 'no (0 of 3)', 'unknown')
        """
        return f"{self.shown.value} ({self.yes} of {self.of})" if self.of else self.shown.value


STEPS_S = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 3600)
"""Upper ends of the classes into which lapses are sorted: a fleet's worth of them takes as much room as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, over all observations: the shortest, the longest, and how many lay in each class."""

    count: int = 0
    least_s: float = 0.0
    most_s: float = 0.0
    classes: tuple[int, ...] = (0,) * (len(STEPS_S) + 1)

    def plus(self, seconds: float) -> Spread:
        at = bisect_left(STEPS_S, seconds)
        return Spread(
            count=self.count + 1,
            least_s=min(self.least_s, seconds) if self.count else seconds,
            most_s=max(self.most_s, seconds),
            classes=(*self.classes[:at], self.classes[at] + 1, *self.classes[at + 1 :]),
        )

    def within_s(self, percent: int) -> float:
        """So many of a hundred took no longer than this: the upper end of a class, never beyond the longest; 0 if none is known.

        >>> Spread().plus(4.0).plus(40.0).within_s(50), Spread().plus(4.0).within_s(95)
        (5, 4.0)
        """
        reached = 0
        for step, inside in zip(STEPS_S, self.classes, strict=False):
            reached += inside
            if reached and 100 * reached >= percent * self.count:
                return min(step, self.most_s)
        return self.most_s

    def __str__(self) -> str:
        """As people read it.

        >>> str(Spread().plus(4.0).plus(40.0)), str(Spread())
        ('4–40 s (2)', 'unknown')
        """
        if not self.count:
            return Shown.UNKNOWN.value
        ends = (
            f"{self.least_s:.0f}"
            if round(self.least_s) == round(self.most_s)
            else f"{self.least_s:.0f}–{self.most_s:.0f}"
        )
        return f"{ends} s ({self.count})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One kind of station as the wire showed it.

    ``stations`` were seen at all; most of them may have shown nothing of a
    trait.  ``max_keys`` is the smallest page of GetConfiguration that one of
    them named or kept to.
    """

    vendor: str
    model: str
    firmware: str
    stations: int = 0
    traits: Mapping[Trait, Count] = field(default_factory=dict)
    lapses: Mapping[Lapse, Spread] = field(default_factory=dict)
    max_keys: int | None = None

    @property
    def kind(self) -> str:
        return f"{self.vendor}|{self.model}|{self.firmware}"

    def trait(self, trait: Trait) -> Count:
        return self.traits.get(trait, _NEVER_SEEN)

    def acts_on(self, trait: Trait) -> bool:
        """Whether a trait was seen often enough, of enough stations and never otherwise, to overrule a profile."""
        count = self.trait(trait)
        is_enough = count.of >= ENOUGH and count.stations >= min(ENOUGH, self.stations)
        return is_enough and count.shown is not Shown.MIXED

    def lapse(self, lapse: Lapse) -> Spread:
        return self.lapses.get(lapse, _NEVER_TIMED)


_NEVER_SEEN, _NEVER_TIMED = Count(), Spread()


def measured(profile_quirks: Quirks, flavour: Flavour | None) -> Quirks:
    """A family's quirks, corrected by what its kind was seen to do.

    Only what was seen ``ENOUGH`` times and never otherwise counts against the
    profile; a mixed or scarce trait leaves what the profile says.  The page of
    keys only ever gets smaller: asking for fewer is slower and never wrong.
    """
    if flavour is None:
        return profile_quirks
    pages = [page for page in (profile_quirks.max_keys, flavour.max_keys) if page is not None]
    return replace(
        profile_quirks,
        triggers_boot=_shown(flavour, Trait.ANSWERS_TRIGGER, profile_quirks.triggers_boot),
        boots_on_reconnect=_shown(flavour, Trait.BOOT_AFTER_LINK_LOSS, profile_quirks.boots_on_reconnect),
        max_keys=min(pages, default=None),
    )


def _shown(flavour: Flavour, trait: Trait, says: bool) -> bool:
    return flavour.trait(trait).shown is Shown.YES if flavour.acts_on(trait) else says


MARGIN = 1.5
"""How much longer than nineteen in twenty took one is patient."""


def patient(timing: Timing, timeouts: Timeouts, flavour: Flavour | None) -> Timing:
    """A family's timing, lengthened where its kind was measured to need longer.

    Never shorter than what holds without the measurement: those that did not
    come back in time are not among the measured.  *Appear* follows the time
    away, *settle* (before the one TriggerMessage) the time until a station
    that boots by itself has done so, but leaves time to ask before *arrive* ends.
    """
    if flavour is None:
        return timing
    away, boots = flavour.lapse(Lapse.AWAY_AFTER_CHANGE), flavour.lapse(Lapse.CONNECT_TO_BOOT)
    return replace(
        timing,
        appear=_at_least(timing.appear, timeouts.appear, away, timedelta.max),
        settle=_at_least(timing.settle, timeouts.settle, boots, timeouts.arrive / 4),
    )


def _at_least(own: timedelta | None, policys: timedelta, seen: Spread, at_most: timedelta) -> timedelta | None:
    holds = policys if own is None else own
    wanted = min(timedelta(seconds=seen.within_s(95) * MARGIN), at_most)
    return wanted if seen.count >= ENOUGH and wanted > holds else own
