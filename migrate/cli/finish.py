"""``migrate finish``: what is done at settled stations on order only, apart from the move."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import click
import uvloop

from batches.errand import Fence
from batches.finish_order import FinishOrder
from batches.finisher import Boots, Finisher, Ordered
from batches.finishing import ONE_WAY, Ended, Finished, Within, within
from migrate.cli.consent import ask_for_count
from migrate.cli.exits import Exit
from migrate.cli.named import names_of, naming_options
from migrate.cli.options import Context, Reason, common_options, json_option, print_json
from migrate.cli.ordering import say_passed_over
from migrate.cli.people import who
from migrate.cli.work import open_ports, outline_of
from migrate.domain.counted import counted
from migrate.domain.errors import NotAllowed, PlanProblem
from migrate.domain.record import Attempt, Change, Event, EventKind, Hold
from migrate.domain.wave import Plan
from migrate.domain.ways import Finish
from migrate.engine.beat import RUN
from migrate.wiring import Wired, open_campaign
from reports.redaction import redact
from reports.words import display


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How the verb was called."""

    context: Context
    step: Finish
    reason: str
    yes: bool
    one_way: int | None
    dry_run: bool
    as_json: bool


@click.command()
@click.argument("what", type=click.Choice([step.value for step in Finish]))
@naming_options
@click.option("--reason", type=Reason(), required=True, help="Why; it goes into the journal with your name.")
@click.option("--yes", is_flag=True, help="Answer the question for the count; never for one-way steps.")
@click.option(
    "--accept-one-way", type=click.IntRange(0), default=None, metavar="N", help="Accept N stations that cannot go back."
)
@click.option("--dry-run", is_flag=True, help="Only say whom it reaches, and how many of them one way.")
@common_options
@json_option
def finish(
    context: Context,
    what: str,
    *,
    wave: int | None,
    stations: tuple[str, ...],
    reason: str,
    yes: bool,
    accept_one_way: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Take settled stations a step further: raise_security, password or clean_up.

    Each is looked at, told what differs, read back, restarted where it says so
    and awaited on the target with the same proof as on its move.  Windows are
    not asked; nobody who charges is cut off.  raise_security and password are
    one-way: the source takes such a station back no more.

    \b
    migrate finish raise_security --wave 0 --reason "change 4711" --dry-run
    migrate finish raise_security --wave 0 --reason "change 4711" --accept-one-way 12
    migrate finish clean_up --stations AC22-0417 --reason "source is switched off" --yes
    """
    call = Call(
        context=context,
        step=Finish(what),
        reason=reason,
        yes=yes,
        one_way=accept_one_way,
        dry_run=dry_run,
        as_json=as_json,
    )
    return uvloop.run(_finish(call, wave, stations))


async def _finish(call: Call, wave: int | None, stations: tuple[str, ...]) -> int:
    async with open_campaign(call.context.campaign, RUN) as wired:
        plan = await wired.current_plan()
        names = names_of(plan, wave=wave, stations=stations)
        attempts = await wired.journal.attempts(identities=names)
        planned = {station.identity: station for station in plan.stations}
        found = within(call.step, names, planned, attempts, wired.catalogue.get)
        _show(call, found)
        if call.dry_run:
            return _tell(call, found, ())
        _require_secrets(call, wired, found)
        _require_consent(call, found)
        lease = await wired.journal.acquire_lease()  # beside a run nobody else commands stations
        try:
            return _tell(call, found, await _carry_out(call, wired, plan, found))
        finally:
            await wired.journal.release_lease(lease)


def _show(call: Call, found: Within) -> None:
    say, step = call.context.say, call.step.value
    one_way = found.one_way(call.step)
    if found.stations:
        say(f"{step} at {counted(len(found.stations), 'station')}; {one_way} of them one way.")
    say_passed_over(call.context, found.passed_over)
    if not found.stations:
        raise PlanProblem(
            f"There is nothing to do: {step} reaches none of the named stations.",
            hint="The reasons are above; see `migrate status --stations`.",
        )


def _require_secrets(call: Call, wired: Wired, found: Within) -> None:
    """Every station's secret is there before the first is touched; raises ``NotAllowed`` otherwise."""
    for station in found.stations:
        profile = wired.catalogue.get(station.profile)
        for write in profile.finish[call.step] if profile else ():
            if write.secret:
                wired.vault.of(station.identity).secret(write.secret)


def _require_consent(call: Call, found: Within) -> None:
    count, one_way = len(found.stations), found.one_way(call.step)
    if call.step in ONE_WAY and call.one_way != one_way:
        raise NotAllowed(
            f"{call.step.value} is one-way at {counted(one_way, 'station')}, and {call.one_way or 'none'} were accepted.",
            hint=f"If that is understood: --accept-one-way {one_way}",
        )
    if call.step not in ONE_WAY and not call.yes:
        ask_for_count(call.context, count, f"changes {counted(count, 'station')} ({call.step.value})")


async def _carry_out(call: Call, wired: Wired, plan: Plan, found: Within) -> list[Finished]:
    ordered = Ordered(step=call.step, by=who(), reason=call.reason)
    async with AsyncExitStack() as opened:
        ports = await open_ports(wired, [], opened)
        outline, _ = await outline_of(wired, plan, None, False)
        fence = Fence(batch="", epoch=0, control=await wired.journal.control())
        boots, after = Boots(), await wired.journal.newest_seq()
        await wired.journal.commit(Change(events=(_order_event(wired, ordered, found),)))
        following = asyncio.ensure_future(boots.follow(ports.witness, after))
        opened.callback(following.cancel)

        async def at(attempt: Attempt) -> Finished:
            errand = outline.errand(attempt)
            if hold := fence.order_over(errand):
                return _held(attempt.identity, hold)
            return await Finisher(ordered, errand, ports, fence, boots).finish(attempt)

        def tell(ended: Finished) -> None:
            call.context.say(f"{display(ended.identity)}: {_said(ended)}")

        return await FinishOrder(wired.settings.policy.gate, at, tell).carry_out(found)


def _held(identity: str, hold: Hold) -> Finished:
    return Finished(identity=identity, ended=Ended.NOT_NOW, detail=f"{hold.mode.value}: {hold.reason}")


def _order_event(wired: Wired, ordered: Ordered, found: Within) -> Event:
    data = {
        "order": f"finish {ordered.step.value}",
        "reason": ordered.reason,
        "by": ordered.by,
        "stations": len(found.stations),
        "one_way": found.one_way(ordered.step),
    }
    return Event(kind=EventKind.ORDERED, at=wired.clock.now(), data=data)


def _said(done: Finished) -> str:
    detail = display(redact(done.detail, keep=done.identity), limit=300)
    return done.ended.value.replace("_", " ") + (f": {detail}" if detail else "")


def _tell(call: Call, found: Within, done: Sequence[Finished]) -> int:
    outcomes = dict(Counter(one.ended.value for one in done))
    if call.as_json:
        print_json(_document(call, found, done, outcomes))
    elif not call.dry_run:
        click.echo(", ".join(f"{count} {ended.replace('_', ' ')}" for ended, count in outcomes.items()))
    if call.dry_run:
        return Exit.PENDING
    if any(one.ended in (Ended.MISSING, Ended.UNPROVEN) for one in done):
        return Exit.SOME_LOST
    return Exit.OK if all(one.ended.is_well for one in done) else Exit.SOME_FAILED


def _document(call: Call, found: Within, done: Sequence[Finished], outcomes: dict[str, int]) -> dict[str, Any]:
    rows = [
        {"identity": one.identity, "ended": one.ended.value, "detail": redact(one.detail, keep=one.identity)}
        for one in done
    ]
    return {
        "schema": "migrate.finish/1",
        "step": call.step.value,
        "dry_run": call.dry_run,
        "ordered": len(found.stations),
        "one_way": found.one_way(call.step),
        "outcomes": outcomes,
        "stations": rows or [{"identity": s.identity, "ended": None, "detail": ""} for s in found.stations],
        "passed_over": [{"identity": one.identity, "reason": one.reason} for one in found.passed_over],
    }
