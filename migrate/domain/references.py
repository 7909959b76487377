"""What an inventory is held against that no list can hold itself.

Telephone plans, the rules of time zones and the names that the catalogue
knows change over the years and live outside the domain; they come in as
functions.  The defaults know nothing and therefore object to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LocalTime(StrEnum):
    """How often a time on the clock comes on its day in its zone."""

    ONCE = "once"
    MISSING = "missing"  # clocks are put forward over it
    TWICE = "twice"  # clocks are put back over it


@dataclass(frozen=True, slots=True, kw_only=True)
class NearKind:
    """A name of the catalogue that is close to what a row says.  A suggestion for a person, never a mapping."""

    column: str  # "vendor" or "model"
    name: str
    score: int  # of 100


def _once(at: datetime, zone: str) -> LocalTime:
    return LocalTime.ONCE


def _no_complaint(text: str, country: str) -> str:
    return ""


def _not_near(vendor: str, model: str) -> NearKind | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """``phone`` gives what is wrong with a number, or nothing; ``near`` a kind that may be meant, or ``None``."""

    local_time: Callable[[datetime, str], LocalTime] = _once
    phone: Callable[[str, str], str] = _no_complaint
    near: Callable[[str, str], NearKind | None] = _not_near
