"""``migrate report``: what those read who do not sit at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from batches.gate import stopped_kinds, stopped_profiles
from migrate.cli.drafts import drafted, require_form
from migrate.cli.groups import Group
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.report_census import census
from migrate.domain.attempt import State
from migrate.domain.record import Control
from migrate.domain.wave import Standing
from migrate.wiring import Wired, with_campaign
from reports.groups import Stopped
from reports.progress import EVENTS, progress_document
from reports.words import display

Writer = Callable[[dict[str, Any], Path], None]


@click.group(cls=Group)
def report() -> None:
    """Reports for those who do not sit at the terminal.

    \b
    migrate report progress --out progress.html
    migrate report stations --out stations.xlsx
    migrate report census --out census.xlsx
    """


report.add_command(census)


@report.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="A file ending in .html, .xlsx or .json; more of them show the same moment.",
)
@common_options
@json_option
def progress(context: Context, *, out: tuple[Path, ...], as_json: bool) -> None:
    """Progress on one page: traffic light by rule, rates, forecast, waves, and what needs a decision.

    \b
    migrate report progress --out progress.html
    migrate report progress --out progress.html --out progress.xlsx
    migrate report progress --json
    """
    _made(context, out, as_json, document_of, write_report)


@report.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="A file ending in .xlsx, .html or .json; more of them show the same moment.",
)
@common_options
@json_option
def stations(context: Context, *, out: tuple[Path, ...], as_json: bool) -> None:
    """Every station with its state, evidence, attempts, reason and times: the list to filter in Excel.

    \b
    migrate report stations --out stations.xlsx
    """
    _made(context, out, as_json, _stations_of, lambda document, path: write_document(document, path, _STATIONS))


def _made(
    context: Context,
    out: tuple[Path, ...],
    as_json: bool,
    read: Callable[[Wired], Any],
    write: Callable[[dict[str, Any], Path], None],
) -> None:
    """Read once, and write every form of it: one data set, one hash."""
    if not out and not as_json:
        raise click.UsageError("Name a file with --out, or ask for --json.")
    for path in out:
        require_form(path, _FORMS)
    document = with_campaign(context.campaign, read)
    if as_json:
        print_json(document)
    for path in out:
        write(document, path)
        context.say(f"Wrote {display(str(path))}")


async def document_of(wired: Wired) -> dict[str, Any]:
    """The progress report of a campaign as it stands, as data."""
    control, standing = await wired.journal.control(), await wired.standing()
    return progress_document(
        standing,
        events=await wired.journal.events(kinds=EVENTS, limit=10_000_000),
        holds=control.holds,
        stopped=await _stopped(wired, control, standing),
        timezone=wired.settings.policy.windows.timezone,
        switch_off=wired.settings.policy.legacy_switch_off,
    )


async def _stopped(wired: Wired, control: Control, standing: Standing) -> Stopped:
    """What a run would stop alone at this moment, by the same rule and from the failures alone."""
    failures = await wired.journal.attempts(states=_FAILURES)
    taken_back = {a.identity for a in await wired.journal.rollbacks() if a.state is State.SETTLED}
    failures += await wired.journal.attempts(identities=taken_back) if taken_back else []
    seen = {name: version for wave in control.acknowledged.values() for name, version in wave.items()}
    kinds = {s.identity: f"{s.vendor}|{s.model}|{s.firmware}" for s in standing.stations}
    gate = wired.settings.policy.gate
    return Stopped(kinds=stopped_kinds(failures, kinds, gate, seen), profiles=stopped_profiles(failures, gate, seen))


_FAILURES = (State.FAILED, State.REVERTED, State.STUCK)


async def _stations_of(wired: Wired) -> dict[str, Any]:
    from reports.stations import stations_document  # noqa: PLC0415 - only this verb needs it

    return stations_document(await wired.standing(), timezone=wired.settings.policy.windows.timezone)


def write_report(document: dict[str, Any], out: Path) -> None:
    """The progress report, in the form that the file's name asks for."""
    write_document(document, out, _PROGRESS)


def write_document(document: dict[str, Any], out: Path, writers: Mapping[str, Writer]) -> None:
    """Write a report in the form that the file's name asks for; whole or not at all."""
    require_form(out, _FORMS)
    with drafted(out) as draft:
        writers[out.suffix.lower()](document, draft)


def write_json(document: dict[str, Any], path: Path) -> None:
    """The document as it is.  Half a character of a broken encoding becomes its escape, which JSON reads back alike."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


# Renderers are slow to load, and JSON needs none.


def _progress_page(document: dict[str, Any], path: Path) -> None:
    from reports.html import progress_html  # noqa: PLC0415

    path.write_text(progress_html(document), encoding="utf-8")


def _progress_workbook(document: dict[str, Any], path: Path) -> None:
    from reports.progress_workbook import write_progress_workbook  # noqa: PLC0415

    write_progress_workbook(document, path)


def _stations_page(document: dict[str, Any], path: Path) -> None:
    from reports.html import write_stations_page  # noqa: PLC0415

    write_stations_page(document, path)


def _stations_workbook(document: dict[str, Any], path: Path) -> None:
    from reports.stations import write_stations_workbook  # noqa: PLC0415

    write_stations_workbook(document, path)


_FORMS = (".html", ".xlsx", ".json")
_PROGRESS: dict[str, Writer] = {".html": _progress_page, ".xlsx": _progress_workbook, ".json": write_json}
_STATIONS: dict[str, Writer] = {".html": _stations_page, ".xlsx": _stations_workbook, ".json": write_json}
