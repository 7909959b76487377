"""The three rates a committee asks for, each with what it was counted over.

A rate without its denominator is a rumour: both numbers are always told, and
a share of nothing is unknown, not zero.  What counts is published here, in
the words that the report prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.wave import StationStanding
from reports.journeys import TOUCHED, Journeys

_RESULTS = frozenset({State.SETTLED, State.FAILED, State.REVERTED, State.STUCK, State.LOST})


class Rate(StrEnum):
    FIRST_TIME = "first_time_success"
    ROLLBACK = "rollback"
    VISIT = "visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    label: str
    counted: str
    over: str


DEFINITIONS: Mapping[Rate, Definition] = {
    Rate.FIRST_TIME: Definition(
        label="First-time success",
        counted="settled by their first attempt, written to at most once",
        over="stations whose first attempt has its result",
    ),
    Rate.ROLLBACK: Definition(
        label="Rollback",
        counted="brought back to the source at least once, by the tool, by themselves or by order",
        over="stations to which a write was begun, or that left without one",
    ),
    Rate.VISIT: Definition(
        label="Visit",
        counted="planned as a visit, visited since, or given a work order",
        over="stations of the plan",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """So many of so many."""

    numerator: int = 0
    denominator: int = 0

    @property
    def share(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None

    def plus(self, *, counts: bool, within: bool) -> Ratio:
        return Ratio(numerator=self.numerator + counts, denominator=self.denominator + within)

    def to_json(self) -> dict[str, Any]:
        share = None if self.share is None else round(self.share, 4)
        return {"numerator": self.numerator, "denominator": self.denominator, "share": share}


def percent(numerator: int, denominator: int) -> str:
    """A share for people, which never rounds to all or to none what is not.

    >>> percent(1, 3), percent(9_999, 10_000), percent(1, 100_000), percent(5, 5), percent(0, 0)
    ('33.3 %', '> 99.9 %', '< 0.1 %', '100 %', '–')
    """
    if not denominator:
        return "–"
    if numerator in (0, denominator):
        return "100 %" if numerator else "0 %"
    share = 100 * numerator / denominator
    if share >= 99.95:
        return "> 99.9 %"
    return "< 0.1 %" if share < 0.05 else f"{share:.1f} %"


class Judge:
    """Whether one station counts for a rate: by where it stands, and by what the journal says of its way."""

    def __init__(self, told: Journeys) -> None:
        self._told = told

    def first_time(self, station: StationStanding) -> tuple[bool, bool]:
        settled = station.state is State.SETTLED and station.attempts <= 1 and station.tries <= 1
        return settled, settled or station.state in _RESULTS or station.attempts > 1

    def rollback(self, station: StationStanding) -> tuple[bool, bool]:
        back = station.state is State.REVERTED or station.identity in self._told.came_back
        return back, back or station.state in TOUCHED or station.identity in self._told.touched

    def visit(self, station: StationStanding) -> tuple[bool, bool]:
        hands = station.method is Method.VISIT or station.state is State.VISITING
        return hands or station.identity in self._told.in_hands, True

    def of(self, rate: Rate, station: StationStanding) -> tuple[bool, bool]:
        """Whether it counts, and whether it is counted over."""
        match rate:
            case Rate.FIRST_TIME:
                return self.first_time(station)
            case Rate.ROLLBACK:
                return self.rollback(station)
            case Rate.VISIT:
                return self.visit(station)
