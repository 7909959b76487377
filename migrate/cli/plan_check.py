"""``migrate plan check``: what should be known before anyone is touched.

Shows what ``batches.findings`` and ``batches.outlook`` say of the current plan.
It touches no station: those that are connected are read, and only ``--knock``
opens anything under a station's name.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import click

from batches.errand import Ports
from batches.findings import Finding, Severity, by_gravity, findings
from batches.outlook import Outlook
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.cli.exits import Exit
from migrate.cli.listening import is_listening
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.work import ports_over
from migrate.domain.errors import CsmsUnavailable, PlanProblem
from migrate.domain.wave import Plan
from migrate.wiring import Wired, with_campaign
from migrate.wiring.doors import doors_of
from migrate.wiring.lookahead import Depth, Lookahead
from reports.words import display

_SHOWN_IDENTITIES = 5
_TOLD_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How far a person wants it looked at."""

    wave: int | None = None
    offline: bool = False
    knock: bool = False


@click.command()
@click.option("--wave", type=click.IntRange(min=0), default=None, help="Look at this wave only, and at its stations.")
@click.option("--offline", is_flag=True, help="Dial nobody: what files and settings tell.")
@click.option(
    "--knock", is_flag=True, help="Try each identity at the target's door, five a second; see docs/checks.md."
)
@common_options
@json_option
def check(context: Context, *, wave: int | None, offline: bool, knock: bool, as_json: bool) -> int:
    """Say what should be known before anyone is touched: stations, backends, certificates, this host.

    The stations of the next wave (or of --wave) are read where they are
    connected; nothing is written.  Exit code 65 when somebody is stopped or
    left out, or the plan is stale; 69 when only a backend is away.

    \b
    migrate plan check
    migrate plan check --wave 2 --json | jq '.findings[] | select(.severity == "exclude")'
    migrate plan check --wave 0 --knock
    """
    if offline and knock:
        raise click.UsageError("--knock dials the target, --offline dials nobody.")
    asked = Asked(wave=wave, offline=offline, knock=knock)
    checked = with_campaign(context.campaign, partial(_check, context, asked))
    if as_json:
        print_json(checked.document())
    else:
        checked.tell()
    return checked.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found of a plan.  ``waves`` were looked at, the stations of ``closely`` themselves."""

    plan: Plan
    is_stale: bool
    findings: tuple[Finding, ...]
    waves: tuple[int, ...]
    closely: tuple[int, ...]

    @property
    def exit_code(self) -> Exit:
        outlook = Outlook(findings=self.findings)
        if self.is_stale:
            return Exit.BAD_DATA
        if outlook.is_away and not outlook.excluded:
            return Exit.UNAVAILABLE
        return Exit.OK if outlook.is_sound else Exit.BAD_DATA

    def document(self) -> dict[str, Any]:
        return {
            "schema": "migrate.findings/1",
            "fingerprint": self.plan.fingerprint,
            "stale": self.is_stale,
            "waves": list(self.waves),
            "stations_read_of_waves": list(self.closely),
            "findings": [finding_document(found) for found in self.findings],
        }

    def tell(self) -> None:
        if self.is_stale:
            click.echo(
                "stop     stale: what the plan was made from has changed\n         Make a new one: `migrate plan make`."
            )
        for _, several in groupby(self.findings, key=lambda found: found.severity):
            for found in several:
                click.echo("\n".join(lines_of(found)))
        if not self.findings and not self.is_stale:
            click.echo("nothing found")


def lines_of(found: Finding) -> list[str]:
    """A finding as a person reads it: what, which stations, and what to do."""
    names = ", ".join(display(i) for i in found.identities[:_SHOWN_IDENTITIES])
    more = ", …" if len(found.identities) > _SHOWN_IDENTITIES else ""
    said = f"{found.severity.value:<8} {found.code}: {display(found.text, limit=600)}" + (
        f": {names}{more}" if names else ""
    )
    return [said, f"         {display(found.hint, limit=300)}"] if found.hint else [said]


def finding_document(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity.value,
        "text": found.text,
        "hint": found.hint or None,
        "count": found.count,
        "identities": list(found.identities),
    }


# ── looking ────────────────────────────────────────────────────────────────


async def _check(context: Context, asked: Asked, wired: Wired) -> Checked:
    plan = await wired.current_plan()
    _require_wave(plan, asked.wave)
    is_up = not asked.offline and await is_listening(wired.settings.socket)
    if asked.knock and not is_up:
        raise CsmsUnavailable(
            "Nobody listens: who is on the target already cannot be seen, and is not knocked at.",
            side="target",
            hint="Start it with `migrate listen`.",
        )
    async with ports_of(wired, is_listening=is_up) as ports:
        ahead = Lookahead(wired, plan, ports, is_listening=is_up, tell=_Telling(context))
        waves = tuple(await ahead.waves_ahead()) if asked.wave is None else (asked.wave,)
        closely = () if asked.offline else waves[:1]
        depth = Depth(backends=not asked.offline, stations=not asked.offline, knocks=asked.knock)
        seen = await ahead.look(waves, depth, closely=closely)
    if waves and not is_up and not asked.offline:
        context.say(
            "Nobody listens, so no station was asked over OCPP. For that: `migrate listen`, then `migrate plan check` again."
        )
    return Checked(
        plan=plan,
        is_stale=await wired.is_stale(plan),
        findings=by_gravity((*_of_the_plan(wired, plan), *seen.findings)),
        waves=waves,
        closely=closely,
    )


def _require_wave(plan: Plan, wave: int | None) -> None:
    if wave is not None and wave not in {w.number for w in plan.waves}:
        raise PlanProblem(
            f"The plan has no wave {wave}, its last is {len(plan.waves) - 1}.", hint="See `migrate plan show`."
        )


def _of_the_plan(wired: Wired, plan: Plan) -> Sequence[Finding]:
    settings = wired.settings
    return (
        *findings(plan, settings.policy, at=wired.clock.now(), unproven=wired.unproven),
        *(Finding(code="address", severity=Severity.WARNING, text=caution) for caution in settings.cautions),
    )


@asynccontextmanager
async def ports_of(wired: Wired, *, is_listening: bool) -> AsyncIterator[Ports]:
    """The world as a check may see it."""
    client = ListenClient(wired.settings.socket)
    witness = RelayWitness(client, wired.journal.tail_sightings)
    if is_listening:
        await witness.start()
    try:
        async with doors_of(wired, client) as doors:
            yield ports_over(wired, client, witness, doors)
    finally:
        await witness.stop()
        await client.close()


@dataclass(slots=True)
class _Telling:
    """Progress on stderr, with the time that is left at this pace."""

    context: Context
    began: dict[str, float] = field(default_factory=dict)
    told: float = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        began = self.began.setdefault(what, now)
        if total == 0 or (done not in (0, total) and now - self.told < _TOLD_EVERY_S):
            return
        self.told = now
        left = f", about {(now - began) / done * (total - done):.0f} s left" if 0 < done < total else ""
        self.context.say(f"Looking at {what}: {done} of {total}{left}")
