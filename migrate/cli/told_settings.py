"""Settings as a person would write them, each with the place it came from.

What ``doctor`` prints.  A password in an address is never among it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import singledispatch
from typing import Any

from migrate.domain.policy import Daily, Freeze
from migrate.settings import Settings
from reports.redaction import redact
from reports.words import display

_WIDEST = 40
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def rows(settings: Settings) -> list[dict[str, str]]:
    """Every key with its value and its origin: a file, an environment variable, or ``default``."""
    return [
        {"key": key, "value": _shown(key, settings.values[key]), "origin": _origin(key, origin)}
        for key, origin in sorted(settings.origins.items())
    ]


def in_columns(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """The same as lines; a value that is far longer than the others pushes its own origin aside and no other."""
    keys, values = (max((len(row[name]) for row in settings), default=0) for name in ("key", "value"))
    return [f"{row['key']:<{keys}}  {row['value']:<{min(values, _WIDEST)}}  {row['origin']}" for row in settings]


def _origin(key: str, origin: str) -> str:
    return "MIGRATE_" + key.replace(".", "_").upper() if origin == "environment" else display(origin, limit=1000)


def _shown(key: str, value: Any) -> str:
    if key.endswith("listen") and value is not None:
        return ":".join(map(str, value))
    if key.endswith(".upstream") and value is None:
        return "lab"
    if key == "firmware.rate":
        return f"{value / 1000:g} kB/s"
    if key == "waves.sizes":
        return ", ".join("rest" if size is None else str(size) for size in value)
    return display(redact(told(value)), limit=1000)


@singledispatch
def told(value: Any) -> str:
    """One value in the words of ``campaign.toml``.

    >>> told(timedelta(minutes=90))
    '90m'
    """
    return "none" if value is None else str(value)


@told.register
def _(value: timedelta) -> str:
    seconds = value.total_seconds()
    return next(
        (f"{seconds / unit:g}{letter}" for unit, letter in _UNITS if seconds and not seconds % unit), f"{seconds:g}s"
    )


@told.register
def _(value: bool) -> str:
    return "true" if value else "false"


@told.register
def _(value: Daily) -> str:
    return f"{value.begin:%H:%M}-{value.end:%H:%M}"


@told.register
def _(value: Freeze) -> str:
    return f"{value.first}/{value.last}"


@told.register
def _(value: tuple) -> str:  # type: ignore[type-arg]
    return ", ".join(map(told, value)) or "none"


@told.register
def _(value: dict) -> str:  # type: ignore[type-arg]
    return "; ".join(f"{name}: {told(one)}" for name, one in value.items()) or "none"


@told.register
def _(value: float) -> str:
    return f"{value:g}"


@told.register
def _(value: date) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()
