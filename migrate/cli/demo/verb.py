"""``migrate demo``: the whole job against a simulated fleet, over real sockets on loopback."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import uvloop

from migrate.cli.demo.choice import METHODS, PLAIN, STATIONS, STATIONS_OF_A_LIST, Choice
from migrate.cli.demo.fleet import published, stage_of
from migrate.cli.demo.show import perform
from migrate.cli.demo.stage import POLICY, Stage, simulated_fleet
from migrate.cli.demo.telling import Outcome, demo_document, disagreements, outcome_of, story
from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.counted import counted
from migrate.engine.beat import RUN
from migrate.wiring import open_campaign


@click.command()
@click.option(
    "--stations",
    type=click.IntRange(1, 20_000),
    default=None,
    help=f"How many; default {STATIONS}, of a list {STATIONS_OF_A_LIST}.",
)
@click.option(
    "--inventory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A published list: identity, site and connectors as they are, hardware dealt.",
)
@click.option(
    "--columns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Column map for that list.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="One seed, one fleet, to the last drawn second.")
@click.option(
    "--speed",
    type=click.FloatRange(0, 1000, min_open=True),
    default=30.0,
    show_default=True,
    help="How much faster campaign time runs.",
)
@click.option(
    "--faults",
    default="demo",
    show_default=True,
    metavar="NAME|none",
    help="Planted faults: demo, all, none, field (one station in twenty), or one by name.",
)
@click.option(
    "--families",
    "families_shown",
    type=click.Choice(["usual", "all"]),
    default="usual",
    show_default=True,
    help="Vendor families: the usual nine, or all that the simulated fleet knows.",
)
@click.option(
    "--methods",
    multiple=True,
    metavar="NAME…|all",
    help=f"Only families of these methods: {', '.join(METHODS)}. More than {' and '.join(sorted(PLAIN))} brings TLS, "
    "passwords and servers of the stations' own.",
)
@click.argument("more_methods", nargs=-1, metavar="")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The campaign folder to make; default demo-DATE-TIME.",
)
@common_options
@json_option
def demo(context: Context, /, *, as_json: bool, more_methods: Sequence[str], **chosen: Any) -> int:
    """Show the whole job against a simulated fleet over real sockets on loopback.

    Stations of nine vendor families, and a few for a crew, are moved from one
    simulated CSMS to another, canary first, with faults planted; the stations'
    own log judges the result.  The folder it leaves is an ordinary campaign.

    \b
    migrate demo
    migrate demo --stations 200 --faults none --seed 7
    migrate demo --methods all
    migrate demo --methods http script --stations 20
    migrate demo --inventory register.csv --columns register.toml --out demo-register
    """
    if more_methods and not chosen["methods"]:
        raise click.UsageError(f"Got unexpected extra argument ({more_methods[0]}).")
    choice = Choice(**chosen | {"methods": (*chosen["methods"], *more_methods)})
    choice.check()
    return uvloop.run(_demo(context, choice, as_json=as_json))


async def _demo(context: Context, choice: Choice, *, as_json: bool) -> int:
    began = time.monotonic()
    stage = stage_of(choice, published(context, choice))
    context.say(
        f"{counted(len(stage.specs), 'simulated station')}, seed {stage.seed}, {stage.speed:g} times faster than the wall clock."
    )
    context.say(f"Policy of the demonstration: {POLICY}.")
    async with simulated_fleet(stage) as fleet:
        stage.write_campaign(fleet.csms)
        async with open_campaign(stage.folder, RUN, create=True) as wired:
            is_interrupted = await perform(context, wired, stage, fleet, quietly=as_json)
            outcome = await outcome_of(wired, is_interrupted=is_interrupted)
    return _conclude(outcome, stage, wall_s=time.monotonic() - began, as_json=as_json)


def _conclude(outcome: Outcome, stage: Stage, *, wall_s: float, as_json: bool) -> int:
    """Tell how it went.  Exit code 0 when every station ended as its planted fault demands, else 1."""
    document = demo_document(outcome, stage, wall_s=wall_s)
    wrong = disagreements(outcome, stage)
    if as_json:
        print_json(document)
    else:
        click.echo(story(outcome, stage, document, wrong))
    if outcome.is_interrupted:
        click.echo("Broken off by a person; the simulated stations are gone.", err=True)
        return Exit.INTERRUPTED
    for one in wrong:
        click.echo(f"{one.identity} ({one.fault}): {one.text}", err=True)
    return Exit.SOME_FAILED if wrong or document["wire"]["commands_repeated_without_read"] else Exit.OK
