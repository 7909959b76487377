"""The fleet of a campaign by vendor, by model and by profile, each group with its states and its three rates.

One walk over the stations gives all of them, so that every table of a report
adds up to the same total.  Names are taken as the list and the stations give
them; nothing is merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.wave import Deferral, StationStanding
from reports.journeys import Journeys
from reports.rates import Judge, Rate, Ratio
from reports.status import totals_document
from reports.words import bands

_FAILED = (State.FAILED, State.REVERTED, State.STUCK)


@dataclass(slots=True)
class Group:
    """What some of the stations add up to."""

    totals: Counter[State] = field(default_factory=Counter)
    good: Counter[Rate] = field(default_factory=Counter)
    of: Counter[Rate] = field(default_factory=Counter)

    def add(self, state: State, good: Iterable[Rate], of: Iterable[Rate]) -> None:
        self.totals[state] += 1
        self.good.update(good)
        self.of.update(of)

    @property
    def stations(self) -> int:
        return self.totals.total()

    def rates(self) -> dict[str, Any]:
        return {rate.value: Ratio(numerator=self.good[rate], denominator=self.of[rate]).to_json() for rate in Rate}

    def to_json(self) -> dict[str, Any]:
        return {
            "stations": self.stations,
            "totals": totals_document(self.totals),
            "bands": {band.value: number for band, number in bands(self.totals).items()},
            "rates": self.rates(),
        }


@dataclass(slots=True)
class Groups:
    """The whole, and its parts by name."""

    whole: Group = field(default_factory=Group)
    vendors: dict[str, Group] = field(default_factory=dict)
    models: dict[tuple[str, str], Group] = field(default_factory=dict)
    profiles: dict[tuple[str, str], Group] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Each list with the largest group first; vendors and their models by name."""
        return {
            "by_vendor": [{"vendor": v or None} | g.to_json() for v, g in sorted(self.vendors.items())],
            "by_model": [
                {"vendor": v or None, "model": m or None} | g.to_json() for (v, m), g in sorted(self.models.items())
            ],
            "by_profile": [
                {"profile": p or None, "method": m} | g.to_json() for (p, m), g in sorted(self.profiles.items())
            ],
        }


def grouped(stations: Iterable[StationStanding], told: Journeys) -> Groups:
    """Every station once in the whole and once in each division."""
    judge, groups = Judge(told), Groups()
    for station in stations:
        judged = {rate: judge.of(rate, station) for rate in Rate}
        good = [rate for rate, (counts, _) in judged.items() if counts]
        of = [rate for rate, (_, within) in judged.items() if within]
        model, profile = (station.vendor, station.model), (station.profile, station.method.value)
        for group in (
            groups.whole,
            groups.vendors.setdefault(station.vendor, Group()),
            groups.models.setdefault(model, Group()),
            groups.profiles.setdefault(profile, Group()),
        ):
            group.add(station.state, good, of)
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What was stopped alone, with how often it failed: vendor|model|firmware, and profiles."""

    kinds: Mapping[str, int] = field(default_factory=dict)
    profiles: Mapping[str, int] = field(default_factory=dict)


def quarantined(stations: Iterable[StationStanding], stopped: Stopped) -> list[dict[str, Any]]:
    """What was stopped alone: how often it failed, and how many stations do not go on because of it.

    A kind whose stations wait is told also when a person has taken note of
    its failures in the meantime: nothing moves them before the next run.
    """
    failed: Counter[str] = Counter()
    deferred: Counter[str] = Counter()
    ahead: Counter[str] = Counter()
    profiles: Counter[str] = Counter()
    for s in stations:
        kind, waits = f"{s.vendor}|{s.model}|{s.firmware}", s.deferral is Deferral.MODEL_STOPPED
        failed[kind] += s.state in _FAILED
        ahead[kind] += s.state is State.PLANNED
        if s.profile in stopped.profiles:
            profiles[s.profile] += waits or s.state is State.PLANNED
        else:
            deferred[kind] += s.state is State.DEFERRED and waits
    kinds = sorted({*stopped.kinds, *(kind for kind, number in deferred.items() if number)})
    by_kind = [(kind, "", stopped.kinds.get(kind, failed[kind]), deferred[kind] + ahead[kind]) for kind in kinds]
    by_profile = [("||", name, number, profiles[name]) for name, number in sorted(stopped.profiles.items())]
    return [_stopped(*row) for row in (*by_kind, *by_profile)]


def _stopped(kind: str, profile: str, failed: int, waiting: int) -> dict[str, Any]:
    vendor_model, _, firmware = kind.rpartition("|")
    vendor, _, model = vendor_model.partition("|")
    return {
        "vendor": vendor,
        "model": model,
        "firmware": firmware,
        "profile": profile or None,
        "failed": failed,
        "waiting": waiting,
    }
