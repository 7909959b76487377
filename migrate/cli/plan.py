"""``migrate plan``: make a plan, look at it, check it, approve it.

It prints what ``batches.plan`` and ``batches.findings`` decide, and keeps the
plan and its approvals in the journal.  It touches no station.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click

from batches.findings import Finding, Severity, difference, findings
from batches.plan import Fit, is_stale, make_plan
from migrate import __version__
from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.attempt import ENDS, State
from migrate.domain.errors import PlanProblem
from migrate.domain.record import Approval
from migrate.domain.station import Station
from migrate.domain.wave import Plan
from migrate.ports import Clock
from migrate.settings import Settings, load_settings
from reports.plan import plan_document, plan_lines
from reports.words import display
from vendor_profiles import Catalogue, load_catalogue

_SHORTEST_PREFIX = 12  # of a fingerprint typed by hand
_SHOWN_IDENTITIES = 5
_NOTHING_LEFT_TO_DO = ENDS | {State.CONFIRMED, State.SETTLED}


@click.group()
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
    """
    made, before = asyncio.run(_make(context))
    _print_plan(made, as_json=as_json)
    if before is not None and is_stale(before, made):
        context.say(f"{len(difference(before, made))} stations stand elsewhere than in the plan before.")
    context.say(f"Next: `migrate plan check`, then `migrate plan approve {made.fingerprint[:_SHORTEST_PREFIX]}`.")


@plan.command()
@click.option("--stations", is_flag=True, help="One line per station.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 while stations are left to move, 0 when none is.")
@common_options
@json_option
def show(context: Context, *, stations: bool, exit_code: bool, as_json: bool) -> int:
    """Show the current plan: waves, methods, rollback classes, one-way steps, who is left alone and why."""
    view = asyncio.run(_look(context))
    _print_plan(view.plan, approvals=view.approvals, as_json=as_json, stations=stations)
    if view.is_stale:
        context.say("Stale: the inventory, a profile, the policy or the toolkit has changed. `migrate plan make`.")
    return Exit.PENDING if exit_code and view.left else Exit.OK


@plan.command()
@common_options
@json_option
def check(context: Context, *, as_json: bool) -> int:
    """Say what should be known before anyone is touched.

    Exit code 65 when the plan is stale or leaves stations that it can never move.
    """
    view = asyncio.run(_look(context))
    if as_json:
        found = [_finding_document(f) for f in view.findings]
        print_json(
            {
                "schema": "migrate.findings/1",
                "fingerprint": view.plan.fingerprint,
                "stale": view.is_stale,
                "findings": found,
            }
        )
    else:
        _print_findings(view)
    stops = view.is_stale or any(f.severity is Severity.STOP for f in view.findings)
    return Exit.BAD_DATA if stops else Exit.OK


@plan.command()
@click.argument("fingerprint")
@click.option("--wave", type=click.IntRange(min=0), default=None, help="Approve this wave only.")
@click.option("--by", default=None, metavar="NAME", help="Who approves. Default: who is logged in.")
@common_options
@json_option
def approve(context: Context, fingerprint: str, *, wave: int | None, by: str | None, as_json: bool) -> None:
    """Approve exactly the plan of this fingerprint, whole or one wave of it.

    The approval of the whole covers the waves before ``approval_from_wave``;
    each later wave needs its own. FINGERPRINT may be cut to 12 characters.
    """
    view = asyncio.run(_approve(context, fingerprint, wave, by or _who()))
    if as_json:
        print_json(plan_document(view.plan, approvals=view.approvals))
    one_way = sum(s.rollback.is_one_way for s in view.plan.stations if wave is None or s.wave == wave)
    what = "The plan" if wave is None else f"Wave {wave}"
    context.say(f"{what} is approved by {by or _who()}; {one_way} of its stations are one-way.")


# ── what the verbs share ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The current plan with all that is known about it."""

    plan: Plan
    approvals: tuple[Approval, ...]
    is_stale: bool
    findings: tuple[Finding, ...]
    left: int  # stations still to be moved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What planning needs of a campaign."""

    settings: Settings
    catalogue: Catalogue
    journal: SqlJournal
    clock: Clock

    def fit(self, station: Station) -> Fit:
        match = self.catalogue.match(station.vendor, station.model, station.firmware, station.ocpp_version)
        return Fit(profile=match.profile, reason=match.why)

    async def fresh_plan(self) -> Plan:
        """What the plan would be, made now."""
        stations = await self.journal.stations()
        if not stations:
            raise PlanProblem("There is no inventory to plan.", hint="`migrate inventory import FILE` first.")
        return make_plan(
            stations,
            self.fit,
            self.settings.policy,
            catalogue_digest=self.catalogue.digest(),
            version=__version__,
        )

    async def current(self) -> Plan:
        current = await self.journal.current_plan()
        if current is None:
            raise PlanProblem("There is no plan yet.", hint="`migrate plan make` makes one.")
        return current

    async def view(self) -> _View:
        current = await self.current()
        attempts = {a.identity: a for a in await self.journal.attempts()}
        done = {i for i, a in attempts.items() if a.state in _NOTHING_LEFT_TO_DO}
        return _View(
            plan=current,
            approvals=tuple(await self.journal.approvals(current.fingerprint)),
            is_stale=is_stale(current, await self.fresh_plan()),
            findings=findings(current, self.settings.policy, at=self.clock.now()),
            left=sum(s.identity not in done for s in current.stations),
        )


@asynccontextmanager
async def _desk(context: Context) -> AsyncIterator[_Desk]:
    settings = load_settings(context.campaign)
    clock = CampaignClock(speed=settings.drill.speed, since=settings.drill.since)
    catalogue = load_catalogue(settings.folder / "profiles")
    journal = open_journal(settings.store_url, f"plan-{os.getpid()}-{secrets.token_hex(4)}", clock)
    try:
        yield _Desk(settings=settings, catalogue=catalogue, journal=journal, clock=clock)
    finally:
        await journal.close()


async def _make(context: Context) -> tuple[Plan, Plan | None]:
    async with _desk(context) as desk:
        before, made = await desk.journal.current_plan(), await desk.fresh_plan()
        await desk.journal.store_plan(made)
        return made, before


async def _look(context: Context) -> _View:
    async with _desk(context) as desk:
        return await desk.view()


async def _approve(context: Context, fingerprint: str, wave: int | None, by: str) -> _View:
    async with _desk(context) as desk:
        view = await desk.view()
        _refuse_unless_current(view, fingerprint, wave)
        approval = Approval(fingerprint=view.plan.fingerprint, wave=wave, by=by, at=desk.clock.now())
        await desk.journal.approve(approval)
        return await desk.view()


def _refuse_unless_current(view: _View, fingerprint: str, wave: int | None) -> None:
    typed, current = fingerprint.strip().lower(), view.plan.fingerprint
    if len(typed) < _SHORTEST_PREFIX or not current.startswith(typed):
        raise PlanProblem(
            f"The current plan is {current[:_SHORTEST_PREFIX]}…, not {display(fingerprint)!r}.",
            hint=f"Look at it with `migrate plan show`; give at least {_SHORTEST_PREFIX} characters of its fingerprint.",
        )
    if view.is_stale:
        raise PlanProblem(
            f"The plan {current[:_SHORTEST_PREFIX]}… is stale: what it was made from has changed.",
            hint="`migrate plan make` makes a new one; look at it before it is approved.",
        )
    if wave is not None and wave not in {w.number for w in view.plan.waves}:
        raise PlanProblem(f"The plan has no wave {wave}, its last is {len(view.plan.waves) - 1}.")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def _print_plan(
    shown: Plan, *, approvals: Iterable[Approval] = (), as_json: bool = False, stations: bool = False
) -> None:
    if as_json:
        print_json(plan_document(shown, approvals=approvals, with_stations=stations))
        return
    for line in plan_lines(shown):
        click.echo(line)
    for station in shown.stations if stations else ():
        click.echo(
            f"{station.wave:>4} {display(station.identity):<24} {station.profile or 'unmatched'} {station.method.value}"
        )


def _print_findings(view: _View) -> None:
    if view.is_stale:
        click.echo("stop     the plan is stale: what it was made from has changed; `migrate plan make`")
    for found in view.findings:
        names = ", ".join(display(i) for i in found.identities[:_SHOWN_IDENTITIES])
        more = ", …" if len(found.identities) > _SHOWN_IDENTITIES else ""
        click.echo(f"{found.severity.value:<8} {display(found.text)}" + (f": {names}{more}" if names else ""))
    if not view.findings and not view.is_stale:
        click.echo("nothing found")


def _finding_document(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity.value,
        "text": found.text,
        "count": found.count,
        "identities": list(found.identities),
    }
