"""``migrate status``: where everything stands and why."""

from __future__ import annotations

import time

import click

from migrate.cli.live import open_progress, recap
from migrate.cli.options import Context, common_options, json_option, print_json, talk
from migrate.domain.wave import Standing
from migrate.wiring import Wired, with_campaign
from reports.status import status_document


@click.command()
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
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
    if watch and not as_json:
        _watch(context)
        return
    standing = with_campaign(context.campaign, Wired.standing)
    if as_json:
        print_json(status_document(standing, with_stations=with_stations))
        return
    click.echo(recap(standing))
    if with_stations:
        for row in standing.stations:
            click.echo(
                "  ".join(
                    (f"{row.identity:<24}", f"wave {row.wave}", f"{row.state.value:<11}", row.evidence, row.reason)
                )
            )


def _watch(context: Context) -> None:
    """Redraw until Ctrl-C; the run itself does not notice."""
    progress = open_progress(talk(), quiet=False)
    try:
        while True:
            progress.update(_standing(context))
            time.sleep(1.0)
    finally:
        progress.close()


def _standing(context: Context) -> Standing:
    return with_campaign(context.campaign, Wired.standing)
