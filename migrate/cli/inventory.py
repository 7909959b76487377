"""``migrate inventory``: legacy lists in, what the fleet consists of out.

Every problem of a list is told at once.  Nothing is written while an error
remains; a row is left out only when ``--exclude-rows`` names it.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from migrate.adapters.spreadsheet import InventoryReading, read_inventory, template_csv, template_xlsx
from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.inventory import Problem
from reports.census import census as count_fleet
from reports.census import table_text
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


def _reading_options(command: Callable[P, R]) -> Callable[P, R]:
    """What tells how a list is to be read."""
    options = (
        click.option(
            "--columns",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Column map (TOML). Without one, foreign headers get a map proposed.",
        ),
        click.option("--sheet", help="The sheet of a workbook that has several."),
        click.option(
            "--exclude-rows",
            type=RowList(),
            default="",
            help="Rows to leave out, as the spreadsheet counts: 970-971,973.",
        ),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


def _files(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return click.argument("files", nargs=-1, required=required, metavar="FILE...", type=click.Path(path_type=Path))


@click.group()
def inventory() -> None:
    """Bring in a legacy list of stations, and see what the fleet consists of.

    \b
    migrate inventory check chargers.xlsx
    migrate inventory import register.csv --columns register.toml --exclude-rows 970-971
    migrate inventory census
    """


@inventory.command("import")
@_files(required=True)
@_reading_options
@click.option("--dry-run", is_flag=True, help="Read and judge, write nothing; exit code 2 when it would be written.")
@common_options
@json_option
def import_(
    context: Context,
    files: tuple[Path, ...],
    columns: Path | None,
    sheet: str | None,
    exclude_rows: frozenset[int],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Read lists into the campaign's inventory; every problem with its place.

    Nothing is written while an error remains (exit code 65).  A file with
    foreign headers and no map gets a map proposed on stdout.

    \b
    migrate inventory import chargers.xlsx --sheet Stations
    migrate inventory import register.csv > register.toml     (a map to correct)
    """
    began = time.monotonic()
    reading = read_inventory(files, columns, sheet=sheet, exclude_rows=exclude_rows)
    imported = reading.is_importable and not dry_run
    if imported:
        from migrate.wiring import store_inventory  # noqa: PLC0415 - the journal is slow to load, and check needs none

        store_inventory(context.campaign, reading)
    duration_s = time.monotonic() - began
    if as_json:
        print_json(document(reading, imported=imported, duration_s=duration_s))
    else:
        _tell(context, reading)
        if not reading.proposal:
            click.echo(summary(reading, imported=imported))
    if not reading.is_importable:
        return Exit.BAD_DATA
    return Exit.OK if imported else Exit.PENDING


@inventory.command()
@_files(required=True)
@_reading_options
@common_options
@json_option
def check(
    context: Context,
    files: tuple[Path, ...],
    columns: Path | None,
    sheet: str | None,
    exclude_rows: frozenset[int],
    *,
    as_json: bool,
) -> int:
    """Judge lists without writing anything; needs no campaign.  Exit code 65 while an error remains.

    \b
    migrate inventory check register.csv --columns register.toml --json | jq '.problems[] | select(.severity == "error")'
    """
    began = time.monotonic()
    reading = read_inventory(files, columns, sheet=sheet, exclude_rows=exclude_rows)
    if as_json:
        print_json(document(reading, imported=False, duration_s=time.monotonic() - began))
    else:
        _tell(context, reading)
        if not reading.proposal:
            click.echo(summary(reading, imported=False))
    return Exit.OK if reading.is_importable else Exit.BAD_DATA


@inventory.command()
@_files(required=False)
@_reading_options
@common_options
@json_option
def census(
    context: Context,
    files: tuple[Path, ...],
    columns: Path | None,
    sheet: str | None,
    exclude_rows: frozenset[int],
    *,
    as_json: bool,
) -> int:
    """Count the fleet by vendor, model and firmware, with the profile each kind gets.

    Of the campaign's inventory, or of FILE without importing it.

    \b
    migrate inventory census
    migrate inventory census register.csv --columns register.toml
    """
    from migrate.wiring import fit_of, load_stations  # noqa: PLC0415 - as above

    reading = read_inventory(files, columns, sheet=sheet, exclude_rows=exclude_rows) if files else None
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
    migrate inventory template chargers.xlsx
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


_MOST_RANGES = 30


def ranges(rows: Iterable[int]) -> str:
    """Row numbers as ``--exclude-rows`` takes them; empty when they are too many to be left out by hand.

    >>> ranges([970, 971, 973])
    '970-971,973'
    """
    begun: list[list[int]] = []
    for row in sorted(set(rows)):
        if begun and row == begun[-1][1] + 1:
            begun[-1][1] = row
        else:
            begun.append([row, row])
    if len(begun) > _MOST_RANGES:
        return ""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in begun)


def _tell(context: Context, reading: InventoryReading) -> None:
    for detected in reading.detected:
        context.say(display(str(detected)))
    for line in told(reading.problems, most=1000 if context.verbosity > 0 else 5):
        context.say(line)
    if reading.proposal:
        click.echo(reading.proposal, nl=False)


def told(problems: Sequence[Problem], *, most: int) -> Iterator[str]:
    """Problems of one kind together, errors first: how many, where, the first ``most`` in full, and the way out."""
    kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.code, problem.column].append(problem)
    for (code, column), group in sorted(kinds.items(), key=lambda item: (not item[1][0].is_error, -len(item[1]))):
        of = f" in {display(column, limit=60)}" if column else ""
        yield f"{group[0].severity.value} {code}{of}: {len(group):,}"
        for problem in group[:most]:
            yield f"  {_place(problem)}: {display(problem.message)}"
        if len(group) > most:
            yield f"  … and {len(group) - most:,} more; --json lists every one, -v shows up to 1,000."
        if group[0].hint:
            yield f"  {display(group[0].hint)}"


def _place(problem: Problem) -> str:
    """``register.xlsx, sheet Stations, F17``, as short as it stays findable."""
    parts = [display(Path(problem.file).name, limit=60)]
    parts += [f"sheet {display(problem.sheet, limit=40)}"] if problem.sheet else []
    parts += [problem.cell or f"row {problem.row}"] if problem.row else []
    parts += [f"line {problem.line}"] if problem.line and problem.line != problem.row else []
    return ", ".join(parts)
