"""``migrate plan``: make a plan, look at it, approve it.

It prints what ``batches.plan`` decides, and keeps the
plan and its approvals in the journal.  It touches no station.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from batches.findings import difference, findings
from batches.plan import is_stale
from migrate.cli.exits import Exit
from migrate.cli.groups import Group
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.people import who
from migrate.cli.plan_check import check
from migrate.domain.attempt import AT_REST
from migrate.domain.bandwidth import Freight
from migrate.domain.counted import counted, who_does
from migrate.domain.errors import PlanProblem
from migrate.domain.record import Approval
from migrate.domain.wave import Plan
from migrate.wiring import SHOWN, Wired, with_campaign
from migrate.wiring.files import freight_of
from reports.plan import freight_lines, plan_document, plan_lines
from reports.words import display


@click.group(cls=Group)
def plan() -> None:
    """Decide which station moves in which wave, and have it approved.

    \b
    migrate plan make                      deal the inventory into waves
    migrate plan check                     what to know before anyone is touched
    migrate plan approve FINGERPRINT       the plan, and with it the canary
    migrate plan approve FINGERPRINT --wave 1
    """


@plan.command()
@common_options
@json_option
def make(context: Context, *, as_json: bool) -> None:
    """Make a plan from the inventory, the profiles and campaign.toml, and keep it as the current one.

    The same input always gives the same plan and the same fingerprint.
    Nothing is touched, and an approval of another plan does not carry over.

    \b
    migrate plan make
    migrate plan make --json | jq .fingerprint
    """
    made, before, cautions, freight = with_campaign(context.campaign, _make)
    _print_plan(made, as_json=as_json, freight=freight)
    for caution in cautions:
        context.say(f"Caution: {display(caution, limit=500)}")
    if before is not None and is_stale(before, made):
        moved = len(difference(before, made))
        context.say(f"{who_does(moved, 'station', 'are')} planned otherwise than before.")
    context.say(f"Next: `migrate plan check`, then `migrate plan approve {made.fingerprint[:SHOWN]}`.")


@plan.command()
@click.option("--stations", is_flag=True, help="One line per station.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 while stations are left to move, 0 when none is.")
@common_options
@json_option
def show(context: Context, *, stations: bool, exit_code: bool, as_json: bool) -> int:
    """Show the current plan: waves, methods, rollback classes, one-way steps, who is left alone and why.

    \b
    migrate plan show
    migrate plan show --stations --json | jq '.stations[] | select(.wave == 0)'
    """
    view = with_campaign(context.campaign, _view)
    _print_plan(view.plan, approvals=view.approvals, as_json=as_json, stations=stations, freight=view.freight)
    if view.is_stale:
        context.say("Stale: inventory, profiles, policy, addresses or version have changed since. `migrate plan make`.")
    return Exit.PENDING if exit_code and view.left else Exit.OK


@plan.command()
@click.argument("fingerprint")
@click.option("--wave", type=click.IntRange(min=0), default=None, help="Approve this wave only.")
@click.option("--by", default=None, metavar="NAME", help="Who approves. Default: who is logged in.")
@common_options
@json_option
def approve(context: Context, fingerprint: str, *, wave: int | None, by: str | None, as_json: bool) -> None:
    """Approve exactly the plan of this fingerprint, whole or one wave of it.

    The approval of the whole covers the waves before ``approval_from_wave``;
    each later wave needs its own.  FINGERPRINT may be cut to 8 characters.

    \b
    migrate plan approve 3f9c2a10b7de4411
    migrate plan approve 3f9c2a10b7de4411 --wave 1 --by "M. Jansen"
    """
    approver = by or who()
    view = with_campaign(context.campaign, lambda wired: _approve(wired, fingerprint, wave, approver))
    if as_json:
        print_json(plan_document(view.plan, approvals=view.approvals))
    one_way = sum(s.rollback.is_one_way for s in view.plan.stations if wave is None or s.wave == wave)
    what = "The plan" if wave is None else f"Wave {wave}"
    context.say(f"{what} is approved by {approver}; one-way: {counted(one_way, 'station')}.")


# ── what the verbs share ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The current plan with all that is known about it."""

    plan: Plan
    approvals: tuple[Approval, ...]
    is_stale: bool
    left: int  # stations still to be moved
    freight: tuple[Freight, ...]  # what firmware has to be loaded


async def _view(wired: Wired) -> _View:
    current = await wired.current_plan()
    attempts = {a.identity: a for a in await wired.journal.attempts()}
    done = {i for i, a in attempts.items() if a.state in AT_REST}
    return _View(
        plan=current,
        approvals=tuple(await wired.journal.approvals(current.fingerprint)),
        is_stale=await wired.is_stale(current),
        left=sum(s.identity not in done for s in current.stations),
        freight=await freight_of(wired, current),
    )


async def _make(wired: Wired) -> tuple[Plan, Plan | None, Sequence[str], Sequence[Freight]]:
    before, made = await wired.journal.current_plan(), await wired.make_plan()
    await wired.journal.store_plan(made)
    found = findings(made, wired.settings.policy, at=wired.clock.now(), unproven=wired.unproven)
    cautions = (*wired.settings.cautions, *(one.text for one in found if one.code == "unproven"))
    return made, before, cautions, await freight_of(wired, made)


async def _approve(wired: Wired, fingerprint: str, wave: int | None, by: str) -> _View:
    reviewed = await wired.approved_plan(fingerprint)
    if wave is not None and wave not in {w.number for w in reviewed.waves}:
        raise PlanProblem(
            f"The plan has no wave {wave}, its last is {len(reviewed.waves) - 1}.", hint="See `migrate plan show`."
        )
    await wired.journal.approve(Approval(fingerprint=reviewed.fingerprint, wave=wave, by=by, at=wired.clock.now()))
    return await _view(wired)


def _print_plan(
    shown: Plan,
    *,
    approvals: Iterable[Approval] = (),
    as_json: bool = False,
    stations: bool = False,
    freight: Sequence[Freight] = (),
) -> None:
    if as_json:
        print_json(plan_document(shown, approvals=approvals, with_stations=stations, freight=freight))
        return
    for line in (*plan_lines(shown), *freight_lines(freight)):
        click.echo(line)
    for station in shown.stations if stations else ():
        click.echo(
            f"{station.wave:>4} {display(station.identity):<24} {station.profile or 'unmatched'} {station.method.value}"
        )


plan.add_command(check)
