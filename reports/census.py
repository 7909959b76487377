"""What the fleet consists of: vendor by model by firmware, and what each kind can have done to it.

Every station is counted exactly once.  Which profile fits a station is asked
of the roof, station by station; spellings that differ only in case, blanks or
hyphens are shown side by side and never merged, because a profile is chosen
by what the list says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import pandas as pd

from migrate.domain.counted import counted
from migrate.domain.profile import Profile
from migrate.domain.station import Station
from reports.words import display


class Fitting(Protocol):
    """The answer to "which profile fits": one, or none."""

    @property
    def profile(self) -> Profile | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One kind of station and how many there are.  Without a profile, method and rollback are unknown."""

    vendor: str
    model: str
    firmware: str
    stations: int
    profile: str | None
    method: str | None
    rollback: str | None

    def to_json(self) -> dict[str, str | int | None]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """A fleet by kind, the most frequent first.  ``unmatched`` counts stations, not kinds."""

    stations: int
    sites: int
    models: tuple[Model, ...]
    unmatched: int
    spellings: tuple[tuple[str, ...], ...] = ()  # vendor and model written in several ways

    def to_json(self) -> dict[str, object]:
        """As ``migrate.census/1`` has it."""
        return {
            "schema": "migrate.census/1",
            "stations": self.stations,
            "sites": self.sites,
            "models": [model.to_json() for model in self.models],
            "unmatched": self.unmatched,
            "spellings": [list(group) for group in self.spellings],
        }


_KIND = ["vendor", "model", "firmware", "profile", "method", "rollback"]


def census(stations: Iterable[Station], fits: Callable[[Station], Fitting]) -> Census:
    """Count a fleet.  Order: by count, then by name, so that the same fleet always reads the same."""
    fleet = tuple(stations)
    models = _models([_kind(station, fits(station).profile) for station in fleet])
    return Census(
        stations=len(fleet),
        sites=len({station.site for station in fleet}),
        models=models,
        unmatched=sum(model.stations for model in models if model.profile is None),
        spellings=_spellings(models),
    )


def _kind(station: Station, profile: Profile | None) -> tuple[str, ...]:
    able = (profile.name, profile.method.value, profile.rollback.value) if profile else ("", "", "")
    return (station.vendor, station.model, station.firmware, *able)


def _models(kinds: Sequence[tuple[str, ...]]) -> tuple[Model, ...]:
    if not kinds:
        return ()
    counts = pd.DataFrame(kinds, columns=_KIND, dtype=object).groupby(_KIND, sort=False).size()
    models = [_model(cast(tuple[str, ...], kind), int(count)) for kind, count in counts.items()]
    return tuple(sorted(models, key=lambda m: (-m.stations, m.vendor, m.model, m.firmware, m.profile or "")))


def _model(kind: tuple[str, ...], count: int) -> Model:
    vendor, model, firmware, profile, method, rollback = kind
    return Model(
        vendor=vendor,
        model=model,
        firmware=firmware,
        stations=count,
        profile=profile or None,
        method=method or None,
        rollback=rollback or None,
    )


def _spellings(models: Iterable[Model]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, set[str]] = defaultdict(set)
    for model in models:
        name = f"{model.vendor} {model.model}"
        groups[re.sub(r"[\W_]+", "", name).casefold()].add(name)
    return tuple(tuple(sorted(names)) for key, names in sorted(groups.items()) if key and len(names) > 1)


def table_text(count: Census, *, most: int | None = None) -> str:
    """The census as plain text, for a terminal, a mail or a log; ``most`` cuts it to the commonest kinds."""
    rows: list[tuple[str, ...]] = [("stations", "vendor", "model", "firmware", "profile", "method", "rollback")]
    rows += [_row(model) for model in count.models[:most]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(_cell(row, i, widths) for i in range(len(row))).rstrip() for row in rows]
    lines += [f"and {counted(len(count.models) - most, 'kind')} more"] if most and len(count.models) > most else []
    lines += [
        "",
        f"{counted(count.stations, 'station')} on {counted(count.sites, 'site')}; without a profile: {count.unmatched:,}.",
    ]
    lines += [f"Written in several ways: {' / '.join(display(n) for n in group)}" for group in count.spellings]
    return "\n".join(lines) + "\n"


def _row(model: Model) -> tuple[str, ...]:
    kind = (display(text, limit=40) or "-" for text in (model.vendor, model.model, model.firmware))
    return (f"{model.stations:,}", *kind, model.profile or "none", model.method or "-", model.rollback or "-")


def _cell(row: Sequence[str], index: int, widths: Sequence[int]) -> str:
    return row[index].rjust(widths[index]) if index == 0 else row[index].ljust(widths[index])
