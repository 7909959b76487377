"""``migrate report``: what the steering committee reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.errors import SettingsProblem
from migrate.domain.record import EventKind
from migrate.wiring import Wired, with_campaign
from reports.progress import progress_document


@click.group()
def report() -> None:
    """Reports for those who do not sit at the terminal.

    \b
    migrate report progress --out progress.html
    """


@report.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="A file ending in .html or .json."
)
@common_options
@json_option
def progress(context: Context, *, out: Path | None, as_json: bool) -> None:
    """Progress on one page: traffic light by rule, waves and gates, what needs a person.

    \b
    migrate report progress --out progress.html
    migrate report progress --json
    """
    if out is None and not as_json:
        raise click.UsageError("Name a file with --out, or ask for --json.")
    if out is not None:
        _require_known(out)
    document = with_campaign(context.campaign, document_of)
    if as_json:
        print_json(document)
    if out is not None:
        write_report(document, out)
        context.say(f"Wrote {out}")


async def document_of(wired: Wired) -> dict[str, Any]:
    """The progress report of a campaign as it stands, as data."""
    kinds = [EventKind.MOVED.value, EventKind.ATTEMPT_OPENED.value]
    return progress_document(
        await wired.standing(),
        events=await wired.journal.events(kinds=kinds, limit=10_000_000),
        attempts=await wired.journal.attempts(),
        timezone=wired.settings.policy.windows.timezone,
        switch_off=wired.settings.policy.legacy_switch_off,
    )


def write_report(document: dict[str, Any], out: Path) -> None:
    """Write by a temporary file and a rename: a kill leaves the old report or the new one."""
    _require_known(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(out.name + ".part")
    draft.write_text(_WRITERS[out.suffix.lower()](document), encoding="utf-8")
    draft.replace(out)


def _html(document: dict[str, Any]) -> str:
    from reports.html import progress_html  # noqa: PLC0415 - jinja2 is slow to load, and JSON needs none

    return progress_html(document)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


_WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {".html": _html, ".json": _json}


def _require_known(out: Path) -> None:
    if out.suffix.lower() not in _WRITERS:
        raise SettingsProblem(
            f"{out.name}: this release writes {' and '.join(_WRITERS)}.", hint="Name the file accordingly."
        )
