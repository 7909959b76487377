"""A station's answers to a probe, as they came: each says what was asked and how it was taken, and concludes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

BASES = ("FullInventory", "ConfigurationInventory", "SummaryInventory")
"""What OCPP 2.0.1 can have reported of a device model, most first (B07): whoever refuses one is asked for the next."""


class Taken(StrEnum):
    """How a station took a request."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key as the station told it.  ``readonly`` is its own word, and ``None`` where it said nothing of that."""

    key: str
    value: str | None = field(default=None, repr=False)
    readonly: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer to one question for keys; ``silent`` are those that it neither showed nor called unknown."""

    entries: tuple[Entry, ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One report of the device model.  ``status`` is the station's word.

    ``beside`` counts variables of an EVSE or connector, which no move writes.
    A report that is not whole proves what is in it, and of the rest nothing.
    """

    base: str
    taken: Taken
    status: str = ""
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    beside: int = 0
    parts: int = 0
    missing: tuple[int, ...] = ()
    is_whole: bool = False
    is_cut_off: bool = False  # it was more than anybody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """What a TriggerMessage brought.  ``after_s`` is campaign time; ``None`` when nothing came."""

    message: str
    taken: Taken
    status: str = ""
    after_s: float | None = None

    @property
    def came(self) -> bool:
        return self.after_s is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What the station did when its line was cut, or when it was restarted: seconds of campaign time.

    ``away_s`` is ``None`` when it did not come back within our patience,
    ``boot_after_s`` when it did not boot by itself on its new session.
    """

    status: str = ""
    drop_after_s: float | None = None
    away_s: float | None = None
    boot_after_s: float | None = None
    statuses: int = 0
