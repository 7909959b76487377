"""``migrate inventory``: legacy lists in, what the fleet consists of out.

Every problem of a list is told at once.  Nothing is written while an error
remains; a row is left out only when ``--exclude-rows`` names it.  A list that
comes again says what it changes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migrate.adapters.spreadsheet import InventoryReading, template_csv, template_xlsx
from migrate.cli.checked import refuse_to_overwrite, write_checked
from migrate.cli.exits import Exit
from migrate.cli.groups import Group
from migrate.cli.lists import Lists, list_options
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.counted import counted
from migrate.domain.errors import RowProblem
from reports.census import census as count_fleet
from reports.census import table_text
from reports.problems import ranges, told
from reports.words import command, display

if TYPE_CHECKING:
    from migrate.cli.relisting import Relisting

_NO_LIST = "No list was imported yet. Bring one in: `migrate inventory import FILE`."


@click.group(cls=Group)
def inventory() -> None:
    """Bring in a legacy list of stations, and see what the fleet consists of.

    \b
    migrate inventory check stations.xlsx
    migrate inventory import register.csv --columns register.toml --exclude-rows 970-971
    migrate inventory census
    migrate inventory history
    """


@inventory.command("import")
@list_options(required=True)
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
    reading = lists.read(context)
    imported = reading.is_importable and not dry_run
    relisting = _relisted(context, reading, imported=imported)
    if relisting is not None:
        reading = replace(reading, problems=(*reading.problems, *relisting.warnings))
    told = document(reading, imported=imported, duration_s=time.monotonic() - began)
    if as_json:
        print_json({**told, "changes": relisting.to_json() if relisting is not None else None})
    else:
        _tell(context, reading)
        if not reading.proposal:
            lines = relisting.lines() if relisting is not None else ()
            click.echo("\n".join((*lines, summary(reading, imported=imported))))
    if not reading.is_importable:
        return Exit.BAD_DATA
    return Exit.OK if imported else Exit.PENDING


def _relisted(context: Context, reading: InventoryReading, *, imported: bool) -> Relisting | None:
    """Store a sound list, or see what storing it would change."""
    if not reading.is_importable:
        return None
    from migrate.cli import relisting  # noqa: PLC0415 - the journal is slow to load, and check needs none

    return (relisting.store if imported else relisting.rehearse)(context.campaign, reading)


@inventory.command()
@list_options(required=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a workbook of the findings: the list with its faulty cells marked, and links to each.",
)
@common_options
@json_option
def check(context: Context, *, lists: Lists, out: Path | None, as_json: bool) -> int:
    """Judge lists without importing anything; needs no campaign.  Exit code 65 while an error remains.

    \b
    migrate inventory check stations.xlsx --out checked.xlsx
    migrate inventory check register.csv --columns register.toml --json | jq '.problems[] | select(.severity == "error")'
    """
    began = time.monotonic()
    if out is not None:
        refuse_to_overwrite(out, ".xlsx")
    reading = lists.read(context, keep_tables=out is not None)
    _answer(context, reading, imported=False, duration_s=time.monotonic() - began, as_json=as_json)
    if out is not None:
        write_checked(out, reading, verdict=summary(reading, imported=False))
        context.say(f"Wrote {display(str(out))}: {counted(len(reading.problems), 'finding')}, each with its cell.")
    return Exit.OK if reading.is_importable else Exit.BAD_DATA


@inventory.command()
@list_options(required=False)
@common_options
@json_option
def census(context: Context, *, lists: Lists, as_json: bool) -> int:
    """Count the fleet by vendor, model and firmware, with the profile each kind gets.

    Of the campaign's inventory, or of FILE without importing it.

    \b
    migrate inventory census
    migrate inventory census register.csv --columns register.toml
    """
    from migrate.wiring import fit_of, load_stations  # noqa: PLC0415 - slow to load, and check needs none

    reading = lists.read(context) if lists.files else None
    if reading is not None:
        _tell(context, reading)
    stations = reading.stations if reading is not None else load_stations(context.campaign)
    count = count_fleet(stations, fit_of(context.campaign))
    if as_json:
        print_json(count.to_json())
    elif not stations and reading is None:
        click.echo(_NO_LIST)
    else:
        click.echo(table_text(count), nl=False)
    return Exit.BAD_DATA if reading is not None and reading.errors else Exit.OK


@inventory.command()
@click.argument("identity", required=False)
@common_options
@json_option
def history(context: Context, *, identity: str | None, as_json: bool) -> int:
    """The lists that were imported, or what each of them made of one station.

    \b
    migrate inventory history
    migrate inventory history AC22-0417
    """
    from migrate.cli import relisting as past  # noqa: PLC0415 - as above

    if identity is None:
        imports = past.read_imports(context.campaign)
        if as_json:
            print_json(past.history_document(imports))
        else:
            click.echo("\n".join(past.imports_told(imports)) if imports else _NO_LIST)
        return Exit.OK
    imports, versions = past.read_versions(context.campaign, identity)
    if not versions:
        raise RowProblem(
            f"No list ever held {identity!r}.",
            hint="Identities are case-sensitive; see `migrate inventory history` for the lists.",
        )
    if as_json:
        print_json(past.versions_document(identity, imports, versions))
    else:
        click.echo("\n".join(past.versions_told(identity, imports, versions)))
    return Exit.OK


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
    refuse_to_overwrite(file, file.suffix)
    file.write_bytes(maker())
    context.say(f"Wrote {display(str(file))}. Fill it, then: {command('inventory', 'check', str(file))}")


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
    wrong = f"{counted(len(reading.errors), 'error')}, {counted(len(reading.warnings), 'warning')}"
    found = f"{counted(len(reading.stations), 'station')} on {counted(reading.sites, 'site')}"
    what = f"{found} from {counted(reading.rows, 'row')}; {wrong}."
    if imported:
        return f"Imported {what}"
    if rows := ranges(_rows_at_fault(reading)):
        return f"Nothing was imported: {what} Mend the errors, or leave their rows out: --exclude-rows {rows}"
    return f"Nothing was imported: {what}"


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
