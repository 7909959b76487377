"""The lists that an inventory verb is given, and how they are to be read: ``FILE… --columns --sheet --exclude-rows``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import click

from migrate.adapters.references import KnownKinds, references
from migrate.adapters.spreadsheet import InventoryReading, read_inventory
from migrate.cli.options import Context
from migrate.domain.profile import Profile
from migrate.settings import FILE_NAME
from vendor_profiles import load_catalogue

P = ParamSpec("P")
R = TypeVar("R")


class RowList(click.ParamType[frozenset[int]]):
    """Rows by number and range: ``970-971,973``."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[int]:
        if isinstance(value, frozenset):
            return value
        try:
            return parse_rows(value)
        except ValueError as error:
            self.fail(f"{value!r} is no list of rows: {error}. Write for example 970-971,973.", param, ctx)


def parse_rows(text: str) -> frozenset[int]:
    """Row numbers from a list of numbers and ranges.

    >>> sorted(parse_rows("970-971, 973"))
    [970, 971, 973]
    """
    rows: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,9})\s*(?:-\s*(\d{1,9}))?", part, re.ASCII)
        begin, end = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= begin <= end or end - begin > 100_000:
            raise ValueError(f"{part!r} is no row and no range of rows")
        rows.update(range(begin, end + 1))
    return frozenset(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists that a command names, and how they are to be read."""

    files: tuple[Path, ...]
    columns: Path | None
    sheet: str | None
    exclude_rows: frozenset[int]

    def read(self, context: Context, *, keep_tables: bool = False) -> InventoryReading:
        """Read and judge them; names close to one of the catalogue, or of the campaign's own profiles, are pointed out."""
        kinds = (KnownKinds(p.selector.vendors, p.selector.models) for p in _profiles(context))
        return read_inventory(
            self.files,
            self.columns,
            sheet=self.sheet,
            exclude_rows=self.exclude_rows,
            references=references(kinds),
            keep_tables=keep_tables,
        )


def _profiles(context: Context) -> tuple[Profile, ...]:
    """The packaged ones, and a campaign's own; a folder called profiles elsewhere is none of ours."""
    is_campaign = (context.campaign / FILE_NAME).exists()
    return load_catalogue(context.campaign / "profiles" if is_campaign else None).profiles


def list_options(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add ``FILE… --columns --sheet --exclude-rows`` and pass them as one :class:`Lists`."""

    def add(command: Callable[P, R]) -> Callable[P, R]:
        @click.argument("files", nargs=-1, required=required, metavar="FILE...", type=click.Path(path_type=Path))
        @click.option(
            "--columns",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Column map (TOML). Without one, foreign headers get a map proposed.",
        )
        @click.option("--sheet", help="The sheet of a workbook that has several.")
        @click.option("--exclude-rows", type=RowList(), default="", help="Rows to leave out: 970-971,973.")
        @functools.wraps(command)
        def wrapper(
            *args: Any,
            files: tuple[Path, ...],
            columns: Path | None,
            sheet: str | None,
            exclude_rows: frozenset[int],
            **kwargs: Any,
        ) -> R:
            lists = Lists(files=files, columns=columns, sheet=sheet, exclude_rows=exclude_rows)
            return cast(Callable[..., R], command)(*args, lists=lists, **kwargs)

        return cast(Callable[P, R], wrapper)

    return add
