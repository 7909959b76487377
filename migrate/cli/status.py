"""``migrate status``: where everything stands and why."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from migrate.cli.live import Silent, open_progress, recap
from migrate.cli.options import Context, common_options, json_option, print_json, print_json_line, talk
from migrate.domain.wave import Standing, StationStanding
from migrate.wiring import Wired, open_campaign, with_campaign
from reports.redaction import redact
from reports.status import status_document
from reports.words import display


@click.command()
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C; with --json one line for each change.")
@click.option("--stations", "with_stations", is_flag=True, help="One line per station.")
@common_options
@json_option
def status(context: Context, *, watch: bool, with_stations: bool, as_json: bool) -> None:
    """Where everything stands and why.

    \b
    migrate status
    migrate status --watch
    migrate status --stations --json | jq '.stations[] | select(.state == "lost")'
    """
    if watch:
        asyncio.run(_watch(context, with_stations=with_stations, as_json=as_json))
        return
    standing, has_list = with_campaign(context.campaign, _look)
    if as_json:
        print_json(status_document(standing, with_stations=with_stations))
        return
    click.echo(recap(standing))
    if not standing.fingerprint:
        click.echo(f"Next:   {'migrate plan make' if has_list else 'migrate inventory import FILE'}")
    for row in standing.stations if with_stations else ():
        click.echo(_line(row))


async def _look(wired: Wired) -> tuple[Standing, bool]:
    """Where everything stands, and whether there are stations to plan for."""
    standing = await wired.standing(before_a_plan=True)
    return standing, bool(standing.fingerprint or await wired.journal.stations())


def _line(row: StationStanding) -> str:
    due = f"next {row.due_at:%Y-%m-%d %H:%M:%S}Z" if row.due_at else ""
    reason = "; ".join(filter(None, (display(redact(row.reason, keep=row.identity)), due)))
    return f"{display(row.identity):<24}  wave {row.wave}  {row.state.value:<11} {row.evidence}  {reason}".rstrip()


async def _watch(context: Context, *, with_stations: bool, as_json: bool) -> None:
    """Show it again every second until Ctrl-C, on one open journal; the run itself does not notice."""
    progress = Silent() if as_json else open_progress(talk(), quiet=False)
    told: dict[str, Any] = {}
    async with open_campaign(context.campaign) as wired:
        try:
            while True:
                standing = await wired.standing(before_a_plan=True)
                progress.update(standing)
                if as_json and told != (told := status_document(standing, with_stations=with_stations)):
                    print_json_line(told)
                await asyncio.sleep(1.0)
        finally:
            progress.close()
