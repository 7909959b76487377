"""How a line of the log is written: one record, one line, and nothing in it that could act or should stay secret.

A station chooses its own words, and a log is read in a terminal: what came
from outside can begin no line of its own, colour none, and hide none.
"""

from __future__ import annotations

import logging

from migrate.adapters.confided import unconfided
from reports.redaction import redact
from reports.words import display

_LONGEST = 4000


class OneLine(logging.Formatter):
    """A record as one line; the lines of a traceback follow it, each as harmless."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        return display(redact(unconfided(super().formatMessage(record))), limit=_LONGEST)

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name that logging calls
        told = unconfided(super().formatException(ei))  # type: ignore[arg-type]
        return "\n".join(f"  {display(redact(line), limit=_LONGEST)}" for line in told.splitlines())
