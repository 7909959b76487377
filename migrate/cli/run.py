"""``migrate run``: execute an approved plan, or resume what a crash left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click
import uvloop

from batches.standing import exit_code
from migrate.cli.consent import Consent
from migrate.cli.exits import Exit
from migrate.cli.left_behind import write_left_behind
from migrate.cli.lines import JsonLines
from migrate.cli.live import Progress, open_progress, recap
from migrate.cli.options import Context, common_options, json_option, print_json, talk
from migrate.cli.work import at_work, run_to_the_end
from migrate.domain.attempt import AT_REST, IN_FLIGHT
from migrate.domain.counted import counted
from migrate.domain.errors import NotAllowed, PlanProblem
from migrate.domain.record import Approval
from migrate.domain.wave import Plan, Standing, WaveState
from migrate.engine.beat import RUN
from migrate.wiring import SHOWN, Wired, open_campaign, stale
from reports.plan import plan_document, plan_lines


@click.command()
@click.option("--plan", "fingerprint", default=None, help="The fingerprint that was reviewed and approved.")
@click.option("--wave", type=click.IntRange(0), default=None, help="Run up to this wave and no further.")
@click.option("--yes", is_flag=True, help="Answer the question for wave and count; never for one-way steps.")
@click.option(
    "--accept-one-way",
    type=click.IntRange(0),
    default=None,
    metavar="N",
    help="Accept N one-way stations: the plan's count for these waves.",
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


async def _run(context: Context, fingerprint: str | None, wave: int | None, consent: Consent, *, as_json: bool) -> int:
    async with open_campaign(context.campaign, RUN) as wired:
        if fingerprint is None:
            return await _only_say(context, wired, as_json=as_json)
        plan = await wired.named_plan(fingerprint)
        _require_wave(plan, wave)
        await _require_approval(wired, plan, as_json=as_json)
        recovers = await _to_recover(context, wired, plan)
        lease = await wired.journal.acquire_lease()
        try:
            if recovers is None:
                consent.require(context, plan, upto=wave, done=await _done(wired, plan))
            progress = await _progress(context, wired, as_json=as_json)
            if await _is_broken_off(context, wired, await wired.in_flight_outside(plan), progress):
                return Exit.INTERRUPTED
            async with at_work(wired, plan, RUN, upto_wave=wave) as at:
                ended = await run_to_the_end(at, progress, recovers=recovers)
            how = _Ending(word=ended, is_interrupted=at.interrupts > 0)
            code = await _conclude(context, wired, plan, how, progress)
        finally:
            await wired.journal.release_lease(lease)
        if recovers is not None:
            raise stale(plan)
        return code


async def _to_recover(context: Context, wired: Wired, plan: Plan) -> frozenset[str] | None:
    """A stale plan starts nothing; what a crash left in flight is brought to rest all the same.  ``None``: it is fresh."""
    if not await wired.is_stale(plan):
        return None
    under_way = await wired.journal.attempts(states=IN_FLIGHT, identities={s.identity for s in plan.stations})
    if not under_way:
        raise stale(plan)
    context.say(
        f"The plan is stale: who is in flight ({counted(len(under_way), 'station')}) comes to rest, no other is started."
    )
    return frozenset(attempt.identity for attempt in under_way)


async def _is_broken_off(context: Context, wired: Wired, older: Sequence[Plan], progress: Progress) -> bool:
    """Bring to rest what a crash left in flight and the new plan leaves out; whether somebody stopped that by Ctrl-C.

    It goes on under the plan it was begun by; nobody else of that plan is touched.
    """
    for plan in older:
        names = [station.identity for station in plan.stations]
        told = f"{counted(len(names), 'station')} of an older plan"
        context.say(
            f"{told}, left in flight and not in this one: brought to rest first, nothing else of it is started."
        )
        async with at_work(wired, plan, RUN) as at:
            await run_to_the_end(at, progress, recovers=names)
        if at.interrupts:
            return True
    return False


async def _only_say(context: Context, wired: Wired, *, as_json: bool) -> int:
    """What would be done.  Exit code 2 while anything is left to do."""
    plan = await wired.current_plan()
    approvals = await wired.journal.approvals(plan.fingerprint)
    tried = await wired.journal.attempts(identities={s.identity for s in plan.stations})
    left = len(plan.stations) - sum(a.state in AT_REST for a in tried)
    _tell(plan, approvals, as_json=as_json)
    name = plan.fingerprint[:SHOWN]
    approve = "" if approvals else f"migrate plan approve {name}, then "
    if await wired.is_stale(plan):
        context.say("Nothing was done. The plan is stale; make a new one: migrate plan make")
    elif left:
        context.say(
            f"Nothing was done; left to move: {counted(left, 'station')}. To execute it: {approve}migrate run --plan {name}"
        )
    else:
        context.say("Nothing was done, and nothing is left to do.")
    return Exit.PENDING if left else Exit.OK


def _tell(plan: Plan, approvals: Sequence[Approval], *, as_json: bool) -> None:
    if as_json:
        print_json(plan_document(plan, approvals=approvals))
    else:
        click.echo("\n".join(plan_lines(plan)))


def _require_wave(plan: Plan, wave: int | None) -> None:
    if wave is not None and wave not in {w.number for w in plan.waves}:
        raise PlanProblem(
            f"The plan has no wave {wave}, its last is {len(plan.waves) - 1}.", hint="See `migrate plan show`."
        )


async def _require_approval(wired: Wired, plan: Plan, *, as_json: bool) -> None:
    if await wired.journal.approvals(plan.fingerprint):
        return
    _tell(plan, (), as_json=as_json)
    raise NotAllowed(
        f"Plan {plan.fingerprint[:SHOWN]} is not approved; nothing was done.",
        hint=f"Approve it: migrate plan approve {plan.fingerprint[:SHOWN]}",
    )


async def _done(wired: Wired, plan: Plan) -> set[int]:
    marks = await wired.journal.wave_marks(plan.fingerprint)
    return {number for number, mark in marks.items() if mark.state in (WaveState.OPEN, WaveState.DONE)}


async def _progress(context: Context, wired: Wired, *, as_json: bool) -> Progress:
    if as_json:
        return JsonLines(after=await wired.journal.newest_seq(), journal=wired.journal)
    return open_progress(talk(), quiet=context.verbosity < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How a run came to its end."""

    word: str
    is_interrupted: bool


async def _conclude(context: Context, wired: Wired, plan: Plan, how: _Ending, progress: Progress) -> int:
    standing = await wired.standing(is_running=False)
    progress.update(standing)
    if isinstance(progress, JsonLines):
        await progress.finish(standing)
    progress.close()
    left = write_left_behind(wired.settings.folder, standing)
    if not isinstance(progress, JsonLines):
        context.say(recap(standing))
        if left:
            context.say(left)
        context.say(how_it_ended(how.word, plan))
    return code_for(how.word, standing, interrupted=how.is_interrupted)


def how_it_ended(ended: str, plan: Plan) -> str:
    """The last line for the person, with the next command."""
    again = f"migrate run --plan {plan.fingerprint[:SHOWN]}"
    return {
        "done": "All waves have run and come to rest.",
        "shut": f"The gate is shut. Look at the reasons, then `migrate resume --reason …` and `{again}`.",
        "stopped": f"The rest waits for a person: models stopped, profiles not accepted, or left out by a check. See `migrate status --stations`, then `{again}`.",
        "held": f"The gate will not open by itself. Look at the reasons, mend them, then `{again}`.",
        "unsound": f"A check stopped the next wave before it began; see above, and `migrate plan check`. Mend it, then `{again}`.",
        "away": f"A backend is away, so the next wave was not begun. Once it is back: `{again}`.",
        "approval": f"The next wave is not approved: `migrate plan approve {plan.fingerprint[:SHOWN]} --wave N`, then `{again}`.",
        "recovered": "What was in flight under the stale plan has come to rest; nothing else was started.",
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
    if ended == "away":
        return Exit.UNAVAILABLE
    return Exit.STOPPED if ended in ("shut", "held", "stopped", "unsound") else code
