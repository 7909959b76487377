"""``migrate run``: execute an approved plan, or resume what a crash left."""

from __future__ import annotations

import click
import uvloop

from batches.standing import exit_code
from migrate.cli.exits import Exit
from migrate.cli.lines import JsonLines
from migrate.cli.live import Progress, open_progress, recap
from migrate.cli.options import Context, common_options, json_option, talk
from migrate.cli.work import at_work, run_to_the_end
from migrate.domain.errors import NotAllowed
from migrate.domain.wave import Plan, Standing
from migrate.wiring import Wired, open_campaign
from reports.plan import plan_lines


@click.command()
@click.option("--plan", "fingerprint", default=None, help="The fingerprint that was reviewed and approved.")
@click.option("--wave", type=click.IntRange(0), default=None, help="Run up to this wave and no further.")
@click.option("--yes", is_flag=True, help="Answer the question for wave and count; never for one-way steps.")
@click.option(
    "--accept-one-way", type=click.IntRange(0), default=None, metavar="N", help="Accept exactly N one-way stations."
)
@common_options
@json_option
def run(
    context: Context,
    *,
    fingerprint: str | None,
    wave: int | None,
    yes: bool,
    accept_one_way: int | None,
    as_json: bool,
) -> int:
    """Execute the approved plan, wave by wave; resumes what a crash left.

    Without --plan it only says what it would do.  Ctrl-C once stops starting
    and lets what is in flight come to rest; twice leaves it to the next run.

    \b
    migrate run                                  (what would be done)
    migrate run --plan 3f9c2a10b7de4411          (waves as far as they are approved)
    migrate run --plan 3f9c2a10b7de4411 --wave 0 --yes --no-input
    """
    return uvloop.run(_run(context, fingerprint, wave, Consent(yes=yes, one_way=accept_one_way), as_json=as_json))


class Consent:
    """What the person has agreed to beforehand."""

    def __init__(self, *, yes: bool, one_way: int | None) -> None:
        self.yes = yes
        self.one_way = one_way


async def _run(context: Context, fingerprint: str | None, wave: int | None, consent: Consent, *, as_json: bool) -> int:
    async with open_campaign(context.campaign, "run") as wired:
        if fingerprint is None:
            return await _only_say(wired)
        plan = await wired.approved_plan(fingerprint)
        await _require_approval(wired, plan)
        lease = await wired.journal.acquire_lease()
        try:
            _ask(context, plan, wave, consent)
            progress = await _progress(context, wired, as_json=as_json)
            async with at_work(wired, plan, "run", upto_wave=wave) as at:
                ended = await run_to_the_end(at, progress)
            return await _conclude(wired, plan, ended, progress, as_json=as_json, interrupted=at.interrupts > 0)
        finally:
            await wired.journal.release_lease(lease)


async def _only_say(wired: Wired) -> int:
    plan = await wired.current_plan()
    for line in plan_lines(plan):
        click.echo(line)
    click.echo(
        f"Nothing was done. To execute it: migrate plan approve {plan.fingerprint[:16]}, then migrate run --plan {plan.fingerprint[:16]}",
        err=True,
    )
    return Exit.PENDING


async def _require_approval(wired: Wired, plan: Plan) -> None:
    if await wired.journal.approvals(plan.fingerprint):
        return
    for line in plan_lines(plan):
        click.echo(line)
    raise NotAllowed(
        f"Plan {plan.fingerprint[:16]} is not approved; nothing was done.",
        hint=f"Approve it: migrate plan approve {plan.fingerprint[:16]}",
    )


def _ask(context: Context, plan: Plan, wave: int | None, consent: Consent) -> None:
    """Wave and count typed back on a terminal; one-way stations need their exact number in any case."""
    waves = [w for w in plan.waves if wave is None or w.number <= wave]
    count = sum(w.size for w in waves)
    one_way = sum(s.rollback.is_one_way and bool(s.profile) and s.method != "visit" for w in waves for s in w.stations)
    if one_way and consent.one_way != one_way:
        raise NotAllowed(
            f"{one_way} stations of these waves cannot be brought back remotely.",
            hint=f"If that is understood: --accept-one-way {one_way}",
        )
    if consent.yes or not context.may_ask:
        return
    wanted = f"{waves[-1].number if waves else 0} {count}"
    answer = click.prompt(
        f"This touches {count} stations up to wave {waves[-1].number if waves else 0}. Type wave and count", err=True
    )
    if answer.split() != wanted.split():
        raise NotAllowed(f"{answer!r} is not {wanted!r}; nothing was done.", hint="Look again: `migrate plan show`.")


async def _progress(context: Context, wired: Wired, *, as_json: bool) -> Progress:
    if as_json:
        return JsonLines(after=await wired.journal.newest_seq(), journal=wired.journal)
    return open_progress(talk(), quiet=context.verbosity < 0)


async def _conclude(
    wired: Wired, plan: Plan, ended: str, progress: Progress, *, as_json: bool, interrupted: bool
) -> int:
    standing = await wired.standing(is_running=False)
    progress.update(standing)
    if isinstance(progress, JsonLines):
        await progress.finish(standing)
    progress.close()
    if not as_json:
        click.echo(recap(standing), err=True)
        click.echo(how_it_ended(ended, plan), err=True)
    return code_for(ended, standing, interrupted=interrupted)


def how_it_ended(ended: str, plan: Plan) -> str:
    """The last line for the person, with the next command."""
    again = f"migrate run --plan {plan.fingerprint[:16]}"
    return {
        "done": "All waves have run and come to rest.",
        "shut": f"The gate is shut. Look at the reasons, then `migrate resume --reason …` and `{again}`.",
        "held": f"The gate will not open by itself. Look at the reasons, mend them, then `{again}`.",
        "approval": f"The next wave is not approved: `migrate plan approve {plan.fingerprint[:16]} --wave N`, then `{again}`.",
        "ending": f"Stopped on request. Nothing is lost; go on with `{again}`.",
    }.get(ended, ended)


def code_for(ended: str, standing: Standing, *, interrupted: bool = False) -> int:
    """The higher claim on attention wins: lost over shut over failed; a missing approval is its own."""
    if interrupted:
        return Exit.INTERRUPTED
    code = exit_code(standing)
    if code == Exit.SOME_LOST:
        return code
    if ended == "approval":
        return Exit.NOT_ALLOWED
    return Exit.STOPPED if ended in ("shut", "held") else code
