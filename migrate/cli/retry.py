"""``migrate retry``: another try at stations that failed, were put off, or were taken back."""

from __future__ import annotations

from collections.abc import Collection

import click
import uvloop

from batches.ordered import Order, reach
from batches.standing import is_approved
from migrate.cli.consent import Consent
from migrate.cli.named import names_of, naming_options
from migrate.cli.options import Context, Reason, common_options, json_option
from migrate.cli.ordering import Call, place, show
from migrate.domain.counted import counted
from migrate.domain.errors import NotAllowed
from migrate.domain.wave import Plan
from migrate.engine.beat import RUN
from migrate.wiring import SHOWN, Wired, open_campaign, stale


@click.command()
@naming_options
@click.option(
    "--reason", type=Reason(), required=True, help="What has changed since; it goes into the journal with your name."
)
@click.option("--yes", is_flag=True, help="Answer the question for the count; never for one-way steps.")
@click.option(
    "--accept-one-way", type=click.IntRange(0), default=None, metavar="N", help="Accept N one-way stations among them."
)
@common_options
@json_option
def retry(
    context: Context,
    *,
    wave: int | None,
    stations: tuple[str, ...],
    reason: str,
    yes: bool,
    accept_one_way: int | None,
    as_json: bool,
) -> int:
    """Try a wave's or named stations again that failed, reverted, were put off, skipped or taken back.

    Nothing that is settled, under way, stuck or lost is touched: stuck and
    lost ones need `migrate resolve` first.  Gates, caps, windows and stopped
    models hold as in a run.  If a run is up, it takes the order up.

    \b
    migrate retry --stations @left_behind/newest.txt --reason "supplier opened the keys"
    migrate retry --wave 1 --reason "network mended" --yes
    """
    call = Call(context=context, order=Order.RETRY, reason=reason, as_json=as_json)
    return uvloop.run(_retry(call, wave, stations, Consent(yes=yes, one_way=accept_one_way)))


async def _retry(call: Call, wave: int | None, stations: tuple[str, ...], consent: Consent) -> int:
    async with open_campaign(call.context.campaign, RUN) as wired:
        plan = await wired.current_plan()
        if await wired.is_stale(plan):
            raise stale(plan)
        names = names_of(plan, wave=wave, stations=stations)
        attempts = await wired.journal.attempts(identities=names)
        found = reach(Order.RETRY, names, {s.identity: s for s in plan.stations}, attempts)
        show(call, found, plan)
        await _require_approval(wired, plan, {s.wave for s in found.stations})
        consent.require_for(call.context, found.stations, f"tries {counted(len(found.stations), 'station')} again")
        return await place(call, wired, plan, found)


async def _require_approval(wired: Wired, plan: Plan, waves: Collection[int]) -> None:
    approvals = await wired.journal.approvals(plan.fingerprint)
    gate = wired.settings.policy.gate
    missing = sorted(n for n in waves if not is_approved(n, plan.fingerprint, approvals, gate))
    if missing:
        raise NotAllowed(
            f"Wave {missing[0]} is not approved; nothing was done.",
            hint=f"Approve it: migrate plan approve {plan.fingerprint[:SHOWN]} --wave {missing[0]}",
        )
