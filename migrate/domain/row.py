"""One row of a legacy list, under canonical names and still as text.

Here the readers of files end and the judges of rows begin: a row knows where
each of its texts stood, and nothing of what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrate.domain.finding import Finding
from migrate.domain.problem import Origin, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row under canonical names.

    ``dates`` are further published dates that the operator wants judged,
    ``found`` is what the reader of the file already noticed in its cells.
    """

    place: Place
    cells: Mapping[str, str]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()  # canonical columns whose cell held a number, not text
    dates: tuple[tuple[Origin, str], ...] = ()
    found: tuple[tuple[Origin, Finding, str], ...] = ()

    def origin(self, column: str) -> Origin:
        return self.origins.get(column) or Origin(column=column)
