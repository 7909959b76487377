"""What was asked of a demonstration on the command line, checked before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from migrate.domain.errors import SettingsProblem
from migrate.domain.profile import Method
from migrate.settings import FILE_NAME
from migrate.simulator.behaviour import FAMILIES, KEYED_FAMILIES, VISIT_FAMILIES, VISIT_ONLY
from migrate.simulator.faults import FAULT_SETS, FaultSet, fault_set

METHODS = (Method.CHANGE_CONFIGURATION, Method.VISIT)
"""What this release moves stations by."""

STATIONS, STATIONS_OF_A_LIST = 60, 500


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
        """Refuse what cannot be, all of it before a folder is made."""
        if unknown := [m for m in self.methods if m not in (*METHODS, "all")]:
            raise SettingsProblem(
                f"This release moves stations by {' and '.join(METHODS)}, not by {', '.join(map(repr, unknown))}.",
                hint="Leave --methods out, or say --methods all.",
            )
        if self.columns and not self.inventory:
            raise SettingsProblem("--columns maps a list, and none was named.", hint="Name it with --inventory FILE.")
        self.fault_set()
        if self.out and (self.out / FILE_NAME).exists():
            raise SettingsProblem(f"{self.out} is a campaign already.", hint="Name another folder with --out.")

    def _may(self, method: Method) -> bool:
        return not self.methods or "all" in self.methods or method in self.methods

    @property
    def families(self) -> tuple[str, ...]:
        """The vendor families that these methods move: the usual nine, or every one there is."""
        keyed, visited = (FAMILIES, (VISIT_ONLY,)) if self._is_usual else (KEYED_FAMILIES, VISIT_FAMILIES)
        if not self._may(Method.CHANGE_CONFIGURATION):
            return visited
        return keyed if self._is_usual or not self._may(Method.VISIT) else (*keyed, *visited)

    @property
    def _is_usual(self) -> bool:
        return self.families_shown == "usual"

    def fault_set(self) -> FaultSet:
        """The faults to plant; crews are sent only where visits were asked for."""
        try:
            chosen = fault_set(self.faults)
        except ValueError as error:
            text = str(error)
            raise SettingsProblem(text[0].upper() + text[1:] + ".", hint="See `migrate demo --help`.") from error
        if not self._may(Method.CHANGE_CONFIGURATION):
            return FAULT_SETS["none"]
        return chosen if self._is_usual and self._may(Method.VISIT) else replace(chosen, visits=0)

    def folder(self) -> Path:
        folder = self.out or Path(f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()
