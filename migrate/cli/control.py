"""``migrate pause``, ``resume``, ``halt``: a person's orders, whole or part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import click

from batches.orders import laid, lies_on, lifted, names_of, order
from migrate.cli.options import Context, Reason, common_options
from migrate.cli.people import who
from migrate.domain.counted import counted, who_does
from migrate.domain.record import Attempt, Change, Control, Event, EventKind
from migrate.domain.wave import Mode, PlannedStation
from migrate.wiring import Wired, with_campaign
from reports.words import display


def _scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One part of the fleet, or all of it."""
    for name, what in (("--site", "one site"), ("--profile", "one profile"), ("--model", "one model")):
        command = click.option(name, default=None, help=f"Only {what}.")(command)
    return click.option("--reason", type=Reason(), required=True, help="Why; it goes into the journal with your name.")(
        command
    )


def scope_of(model: str | None, profile: str | None, site: str | None) -> str:
    """The scope an order lies on: empty for everything."""
    named = [f"{kind}:{value}" for kind, value in (("model", model), ("profile", profile), ("site", site)) if value]
    if len(named) > 1:
        raise click.UsageError("Name one of --model, --profile and --site; give two orders for two scopes.")
    return named[0] if named else ""


@click.command()
@_scope_options
@common_options
def pause(context: Context, *, reason: str, model: str | None, profile: str | None, site: str | None) -> None:
    """No new attempts; those under way go on.

    \b
    migrate pause --reason "storm over the north"
    migrate pause --model NG910-60123 --reason "two stuck plugs"
    """
    _lay(context, Mode.PAUSED, scope_of(model, profile, site), reason)


@click.command()
@_scope_options
@common_options
def halt(context: Context, *, reason: str, model: str | None, profile: str | None, site: str | None) -> None:
    """No new step anywhere but undoing, at once, in every process.

    \b
    migrate halt --reason "target CSMS bills drivers twice"
    """
    _lay(context, Mode.HALTED, scope_of(model, profile, site), reason)


@click.command()
@_scope_options
@common_options
def resume(context: Context, *, reason: str, model: str | None, profile: str | None, site: str | None) -> None:
    """Lift a pause or a halt, and take note of the failures so far: only new ones can shut a gate again.

    \b
    migrate resume --reason "supplier mended it, see ticket 4711"
    """
    scope = scope_of(model, profile, site)

    async def lift(wired: Wired) -> str:
        before = await wired.journal.control()
        after = lifted(before, scope, await _attempts_in(wired, scope))
        await _record(wired, after, "resume", scope, reason)
        left = f"; {who_does(len(after.holds), 'other order', 'are')} still in force" if after.holds else ""
        reach = await _reach(wired, scope)
        return f"Resumed {reach.told}{left}. If no run is up: `migrate run --plan FINGERPRINT`.{reach.caution}"

    context.say(with_campaign(context.campaign, lift))


def _lay(context: Context, mode: Mode, scope: str, reason: str) -> None:
    async def lay(wired: Wired) -> str:
        hold = order(mode, scope, reason=reason, by=who(), at=wired.clock.now())
        await _record(wired, laid(await wired.journal.control(), hold), mode.value, scope, reason)
        reach = await _reach(wired, scope)
        return f"{mode.value.capitalize()}: {reach.told}. Lift it with `migrate resume --reason …`.{reach.caution}"

    context.say(with_campaign(context.campaign, lay))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """Whom an order lies on, in words.  One that lies on nobody is laid all the same: a station may call itself so yet."""

    told: str
    caution: str = ""


async def _reach(wired: Wired, scope: str) -> _Reach:
    stations, plan = await wired.journal.stations(), await wired.journal.current_plan()
    profiles = {planned.identity: planned.profile for planned in (plan.stations if plan else ())}
    count = sum(lies_on(scope, station, profiles.get(station.identity, "")) for station in stations)
    kind, _, name = scope.partition(":")
    told = f"{kind} {display(name)}" if scope else "everything"
    if not scope or count:
        return _Reach(told=f"{told} ({counted(count, 'station')})")
    known = {one for s in stations for one in names_of(s, profiles.get(s.identity, "")) if one.startswith(f"{kind}:")}
    instead = f" Did you mean {display(_nearest(scope, known).partition(':')[2])}?" if _nearest(scope, known) else ""
    return _Reach(
        told=told, caution=f"\nCaution: no station of the campaign has {told}; the order lies on nobody.{instead}"
    )


def _nearest(scope: str, known: Iterable[str]) -> str:
    by_fold = {one.casefold(): one for one in sorted(known)}
    near = get_close_matches(scope.casefold(), by_fold, n=1, cutoff=0.75)
    return by_fold[near[0]] if near else ""


async def _record(wired: Wired, control: Control, word: str, scope: str, reason: str) -> None:
    data = {"order": word, "scope": scope, "reason": reason, "by": who(), "epoch": control.epoch}
    event = Event(kind=EventKind.CONTROL, at=wired.clock.now(), data=data)
    await wired.journal.order(control, Change(events=(event,)))


async def _attempts_in(wired: Wired, scope: str) -> Sequence[Attempt]:
    attempts = await wired.journal.attempts()
    plan = await wired.journal.current_plan()
    if not scope or plan is None:
        return attempts
    members = {s.identity for s in plan.stations if _lies_in(s, scope)}
    return [a for a in attempts if a.identity in members]


def _lies_in(planned: PlannedStation, scope: str) -> bool:
    vendor, model, _ = planned.kind.split("|", 2)
    return scope in (f"model:{model}", f"model:{vendor} {model}", f"profile:{planned.profile}", f"site:{planned.site}")
