"""What was asked of a demonstration on the command line, checked before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from migrate.domain.errors import SettingsProblem
from migrate.domain.profile import Method
from migrate.settings import FILE_NAME
from migrate.simulator.behaviour import (
    FAMILIES,
    FAMILIES_201,
    FIRMWARE_FAMILIES,
    HTTP_FAMILIES,
    KEYED_FAMILIES,
    SCRIPT_FAMILIES,
    VISIT_FAMILIES,
    VISIT_ONLY,
)
from migrate.simulator.faults import FAULT_SETS, FaultSet, fault_set

METHODS = tuple(Method)
PLAIN = frozenset({Method.CHANGE_CONFIGURATION, Method.VISIT})
"""Methods that need nothing beside two backends."""

_BY_METHOD = {
    Method.NETWORK_PROFILE: FAMILIES_201,
    Method.HTTP: HTTP_FAMILIES,
    Method.SCRIPT: SCRIPT_FAMILIES,
    Method.FIRMWARE: FIRMWARE_FAMILIES,
}

STATIONS, STATIONS_OF_A_LIST = 60, 500


_ALSO_MOVED_BY = frozenset({"bender"})
"""Families that need a visit only where nobody has a login on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The options of one demonstration."""

    stations: int | None
    inventory: Path | None
    columns: Path | None
    seed: int
    speed: float
    faults: str
    methods: Sequence[str]
    out: Path | None
    families_shown: str = "usual"

    def check(self) -> None:
        """Refuse what cannot be, all of it before a folder is made: a wrong word as a wrong command line."""
        if unknown := [m for m in self.methods if m not in (*METHODS, "all")]:
            raise click.UsageError(
                f"Stations are moved by {', '.join(METHODS)}; not by {', '.join(map(repr, unknown))}. "
                "Leave --methods out, or say --methods all."
            )
        if self.columns and not self.inventory:
            raise click.UsageError("--columns maps a list, and none was named. Name it with --inventory FILE.")
        self.fault_set()
        if self.out and (self.out / FILE_NAME).exists():
            raise SettingsProblem(f"{self.out} is a campaign already.", hint="Name another folder with --out.")

    def _may(self, method: Method) -> bool:
        """Whether stations of this method are shown; without a word these are the plain ones."""
        return method in self.methods or "all" in self.methods or (not self.methods and method in PLAIN)

    @property
    def is_equipped(self) -> bool:
        """Whether the fleet has more than two backends in the clear: servers of its own, TLS, passwords, files."""
        return any(self._may(method) for method in METHODS if method not in PLAIN)

    @property
    def families(self) -> tuple[str, ...]:
        """The vendor families that these methods move: the usual nine and those of the other methods, or all there are."""
        keyed, visited = (FAMILIES, (VISIT_ONLY,)) if self._is_usual else (KEYED_FAMILIES, VISIT_FAMILIES)
        others = tuple(family for method in _BY_METHOD if self._may(method) for family in _BY_METHOD[method])
        moved = (*(keyed if self._may(Method.CHANGE_CONFIGURATION) else ()), *others)
        if not moved:
            return visited
        if self._is_usual or not self._may(Method.VISIT):
            return moved
        return (*moved, *(family for family in visited if family not in _ALSO_MOVED_BY or not self._may(Method.SCRIPT)))

    @property
    def _is_usual(self) -> bool:
        """Nine families by keys; where every method is shown, every family that goes by keys is."""
        return self.families_shown == "usual" and "all" not in self.methods

    def fault_set(self) -> FaultSet:
        """The faults to plant; crews are sent only where visits were asked for."""
        try:
            chosen = fault_set(self.faults)
        except ValueError as error:
            text = str(error)
            raise click.UsageError(text[0].upper() + text[1:] + ".") from error
        if not self._may(Method.CHANGE_CONFIGURATION):
            return FAULT_SETS["none"]
        return chosen if self._is_usual and self._may(Method.VISIT) else replace(chosen, visits=0)

    def folder(self) -> Path:
        folder = self.out or Path(f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()
