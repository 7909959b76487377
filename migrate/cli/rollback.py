"""``migrate rollback``: take stations back to the source, by their own old settings and with the same proof."""

from __future__ import annotations

import click
import uvloop

from batches.finishing import ways_lost
from batches.ordered import Order, reach
from migrate.cli.consent import ask_for_count
from migrate.cli.named import names_of, naming_options
from migrate.cli.options import Context, Reason, common_options, json_option
from migrate.cli.ordering import Call, place, show
from migrate.domain.counted import counted
from migrate.domain.record import EventKind
from migrate.engine.beat import RUN
from migrate.wiring import open_campaign

_ALL = 10_000_000


@click.command()
@naming_options
@click.option("--reason", type=Reason(), required=True, help="Why; it goes into the journal with your name.")
@click.option("--yes", is_flag=True, help="Answer the question for the count.")
@common_options
@json_option
def rollback(
    context: Context, *, wave: int | None, stations: tuple[str, ...], reason: str, yes: bool, as_json: bool
) -> int:
    """Take a wave or named stations back to the source through the target CSMS.

    Each gets the settings back that it had, and counts as back only when it
    has booted on the source with the same proof as on its way there.  A few of
    every profile go first; too many failures, or one that is lost, stop the
    rest.  Windows are not asked; drivers are never cut off.  What only a crew
    can take back becomes a work order.  If a run is up, it takes the order up.

    \b
    migrate rollback --wave 2 --reason "target bills drivers twice"
    migrate rollback --stations AC22-0417,AC22-0423 --reason "stuck plugs"
    migrate rollback --stations @left_behind/newest.txt --reason "see ticket 4711" --yes --json
    """
    call = Call(context=context, order=Order.ROLLBACK, reason=reason, as_json=as_json)
    return uvloop.run(_rollback(call, wave, stations, yes=yes))


async def _rollback(call: Call, wave: int | None, stations: tuple[str, ...], *, yes: bool) -> int:
    async with open_campaign(call.context.campaign, RUN) as wired:
        plan = await wired.current_plan()
        names = names_of(plan, wave=wave, stations=stations)
        attempts = await wired.journal.attempts(identities=names)
        finished = await wired.journal.events(kinds=[EventKind.FINISHED.value], limit=_ALL)
        barred = ways_lost(line.event for line in finished)
        found = reach(Order.ROLLBACK, names, {s.identity: s for s in plan.stations}, attempts, barred=barred)
        show(call, found, plan)
        if not yes:
            count = len(found.stations)
            ask_for_count(call.context, count, f"takes {counted(count, 'station')} off the target, by a restart each")
        return await place(call, wired, plan, found)
