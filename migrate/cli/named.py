"""Which stations a verb is for: ``--stations A,B``, ``--stations @FILE``, or a whole wave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from migrate.domain.errors import PlanProblem, RowProblem
from migrate.domain.wave import Plan

P = ParamSpec("P")
R = TypeVar("R")

MOST_BYTES = 16 << 20
"""A list of names: a hundred thousand of the longest identities, and room for a word about each."""


def naming_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--wave`` and ``--stations``, of which a call gives one."""
    stations = click.option(
        "--stations",
        multiple=True,
        metavar="NAMES",
        help="Identities with commas between, @FILE with one to a line, or @- for stdin.",
    )
    wave = click.option("--wave", type=click.IntRange(0), default=None, help="Every station of one wave.")
    return wave(stations(command))


def names_of(plan: Plan, *, wave: int | None, stations: Iterable[str]) -> tuple[str, ...]:
    """The identities that a call names, in the order in which they were named or planned."""
    values = tuple(stations)
    if (wave is None) == (not values):
        raise click.UsageError("Name the stations with either --wave N or --stations A,B,… (or @FILE).")
    if wave is None:
        return named_stations(values)
    found = next((w for w in plan.waves if w.number == wave), None)
    if found is None:
        last = plan.waves[-1].number if plan.waves else "none"
        raise PlanProblem(f"The plan has no wave {wave}, its last is {last}.", hint="See `migrate plan show`.")
    return tuple(station.identity for station in found.stations)


def named_stations(values: Iterable[str]) -> tuple[str, ...]:
    """The identities that were named, each once, in their order.

    A file has one identity to a line, as ``run`` leaves them behind: what
    follows a TAB is a remark, blank lines and lines that begin with ``# `` are
    passed over.  An identity that holds a comma can be named by a file only.
    """
    values = tuple(values)
    found = (name for value in values for name in _of(value))
    names = tuple(dict.fromkeys(name.strip() for name in found if name.strip()))
    if not names and values:
        raise RowProblem(
            "No station was named.", hint="Name them by identity: --stations AC22-0417,AC22-0423 or @FILE."
        )
    return names


def _of(value: str) -> Iterator[str]:
    if not value.startswith("@"):
        yield from value.split(",")
        return
    lines = _text_of(value[1:]).splitlines()
    yield from (line.partition("\t")[0] for line in lines if not line.startswith("# "))


def _text_of(name: str) -> str:
    if name == "-":
        if sys.stdin is None:
            raise RowProblem(
                "No station was named: stdin is closed.", hint="Pipe the list in, or give --stations @FILE."
            )
        raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise RowProblem(f"{name} is no list of stations: it has over 16 MiB.", hint="One identity to a line.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RowProblem(f"{name} is no UTF-8 text.", hint="One identity to a line, saved as UTF-8.") from error
