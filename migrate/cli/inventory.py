"""``migrate inventory``: legacy lists in, what the fleet consists of out.

Every problem of a list is told at once.  Nothing is written while an error
remains; a row is left out only when ``--exclude-rows`` names it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import click

from migrate.adapters.spreadsheet import InventoryReading, read_inventory, template_csv, template_xlsx
from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from reports.census import census as count_fleet
from reports.census import table_text
from reports.problems import ranges, told
from reports.words import display

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
        first, _, last = part.partition("-")
        begin, end = int(first), int(last or first)
        if not 1 <= begin <= end or end - begin > 100_000:
            raise ValueError(f"{part} is no range of rows")
        rows.update(range(begin, end + 1))
    return frozenset(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists that a command names, and how they are to be read."""

    files: tuple[Path, ...]
    columns: Path | None
    sheet: str | None
    exclude_rows: frozenset[int]

    def read(self) -> InventoryReading:
        return read_inventory(self.files, self.columns, sheet=self.sheet, exclude_rows=self.exclude_rows)


def _list_options(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
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


@click.group()
def inventory() -> None:
    """Bring in a legacy list of stations, and see what the fleet consists of.

    \b
    migrate inventory check stations.xlsx
    migrate inventory import register.csv --columns register.toml --exclude-rows 970-971
    migrate inventory census
    """


@inventory.command("import")
@_list_options(required=True)
@click.option("--dry-run", is_flag=True, help="Read and judge, write nothing; exit code 2 when it would be written.")
@common_options
@json_option
def import_(context: Context, *, lists: Lists, dry_run: bool, as_json: bool) -> int:
    """Read lists into the campaign's inventory; every problem with its place.

    Nothing is written while an error remains (exit code 65).  A file with
    foreign headers and no map gets a map proposed on stdout.

    \b
    migrate inventory import stations.xlsx --sheet Stations
    migrate inventory import register.csv > register.toml     (a map to correct)
    """
    began = time.monotonic()
    reading = lists.read()
    imported = reading.is_importable and not dry_run
    if imported:
        from migrate.wiring import store_inventory  # noqa: PLC0415 - the journal is slow to load, and check needs none

        store_inventory(context.campaign, reading)
    _answer(context, reading, imported=imported, duration_s=time.monotonic() - began, as_json=as_json)
    if not reading.is_importable:
        return Exit.BAD_DATA
    return Exit.OK if imported else Exit.PENDING


@inventory.command()
@_list_options(required=True)
@common_options
@json_option
def check(context: Context, *, lists: Lists, as_json: bool) -> int:
    """Judge lists without writing anything; needs no campaign.  Exit code 65 while an error remains.

    \b
    migrate inventory check register.csv --columns register.toml --json | jq '.problems[] | select(.severity == "error")'
    """
    began = time.monotonic()
    reading = lists.read()
    _answer(context, reading, imported=False, duration_s=time.monotonic() - began, as_json=as_json)
    return Exit.OK if reading.is_importable else Exit.BAD_DATA


@inventory.command()
@_list_options(required=False)
@common_options
@json_option
def census(context: Context, *, lists: Lists, as_json: bool) -> int:
    """Count the fleet by vendor, model and firmware, with the profile each kind gets.

    Of the campaign's inventory, or of FILE without importing it.

    \b
    migrate inventory census
    migrate inventory census register.csv --columns register.toml
    """
    from migrate.wiring import fit_of, load_stations  # noqa: PLC0415 - as above

    reading = lists.read() if lists.files else None
    if reading is not None:
        _tell(context, reading)
    stations = reading.stations if reading is not None else load_stations(context.campaign)
    count = count_fleet(stations, fit_of(context.campaign))
    if as_json:
        print_json(count.to_json())
    else:
        click.echo(table_text(count), nl=False)
    return Exit.BAD_DATA if reading is not None and reading.errors else Exit.OK


@inventory.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@common_options
def template(context: Context, file: Path | None) -> None:
    """Write an empty inventory with the canonical columns: FILE.xlsx with explanations, FILE.csv, or CSV on stdout.

    \b
    migrate inventory template stations.xlsx
    """
    if file is None:
        click.echo(template_csv().decode("utf-8-sig"), nl=False)
        return
    makers = {".csv": template_csv, ".xlsx": template_xlsx}
    maker = makers.get(file.suffix.lower())
    if maker is None:
        raise click.UsageError(f"{file.name} is neither .csv nor .xlsx.")
    if file.exists():
        raise click.UsageError(f"{file} is there already; it may hold somebody's work.")
    file.write_bytes(maker())
    context.say(f"Wrote {file}. Fill it, then: migrate inventory check {file}")


def _answer(context: Context, reading: InventoryReading, *, imported: bool, duration_s: float, as_json: bool) -> None:
    if as_json:
        print_json(document(reading, imported=imported, duration_s=duration_s))
        return
    _tell(context, reading)
    if not reading.proposal:
        click.echo(summary(reading, imported=imported))


def document(reading: InventoryReading, *, imported: bool, duration_s: float) -> dict[str, Any]:
    """``migrate.inventory/1``: every problem singly, however many of a kind."""
    return {
        "schema": "migrate.inventory/1",
        "file": ", ".join(reading.files),
        "rows": reading.rows,
        "stations": len(reading.stations),
        "sites": reading.sites,
        "imported": imported,
        "duration_s": round(duration_s, 3),
        "problems": [problem.to_json() for problem in reading.problems],
        "proposal": reading.proposal or None,
    }


def summary(reading: InventoryReading, *, imported: bool) -> str:
    """The one sentence a person looks for."""
    wrong = f"{len(reading.errors):,} errors, {len(reading.warnings):,} warnings"
    what = f"{len(reading.stations):,} stations on {reading.sites:,} sites from {reading.rows:,} rows; {wrong}."
    if imported:
        return f"Imported {what}"
    if rows := ranges(_rows_at_fault(reading)):
        return f"Nothing was written: {what} Mend the errors, or leave their rows out: --exclude-rows {rows}"
    return f"Nothing was written: {what}"


_OF_FILE = ("E-FILE-", "E-HEADER-", "E-MAP-MISSING", "E-ROW-EXCLUDED")


def _rows_at_fault(reading: InventoryReading) -> list[int]:
    """The rows whose exclusion would make the list importable; none where file, header or map are wrong."""
    if len(reading.files) > 1 or any(p.code.startswith(_OF_FILE) for p in reading.errors):
        return []
    return [p.row for p in reading.errors if p.row is not None]


def _tell(context: Context, reading: InventoryReading) -> None:
    """Talk on stderr; ``--quiet`` leaves the errors.  A proposed map is data and goes to stdout."""
    if context.verbosity >= 0:
        for detected in reading.detected:
            context.say(display(str(detected)))
    problems = reading.problems if context.verbosity >= 0 else reading.errors
    for line in told(problems, most=1000 if context.verbosity > 0 else 5):
        click.echo(line, err=True)
    if reading.proposal:
        click.echo(reading.proposal, nl=False)
