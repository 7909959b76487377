"""What only a person can move on: what is asked, of whom, by when, and the command that says it.

Most urgent first.  Roles are those of the campaign's people; a name is given
where the journal has one.  *By when* is the last day on which going on still
meets the legacy switch-off in 85 of 100 projections, or the switch-off itself
where there is no projection; without a date it stays open.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.record import Hold
from migrate.domain.wave import Deferral, Mode, Standing, WaveStanding, WaveState
from reports.forecast import Forecast
from reports.redaction import redact
from reports.times import stamp_or_none
from reports.words import command, display

COMMITTEE, MANAGER, OPERATOR = "steering committee", "migration manager", "operator"
OLD = timedelta(hours=24)
"""From then on an unknown whereabouts is the committee's business."""

_GO_ON = 'migrate resume --reason "…"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    text: str
    command: str
    who: str
    since: str | None = None


def decisions(
    standing: Standing,
    *,
    outlook: Forecast,
    holds: Sequence[Hold] = (),
    stopped: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """All of them, each with the same day by which it is wanted."""
    today = standing.at.date()
    by = latest_day(outlook, today)
    found = (
        *_switch_off(outlook),
        *_shut(standing.waves),
        *_held(standing, holds),
        *_stopped(stopped),
        *_unproven(standing),
        *_unknown(standing),
        *_stuck(standing),
        *_approval(standing),
    )
    return [
        {
            "text": d.text,
            "command": d.command,
            "who": d.who,
            "by": by.isoformat() if by else None,
            "since": d.since,
        }
        for d in found
    ]


def latest_day(outlook: Forecast, today: date) -> date | None:
    """The last day to go on from a standstill; never before today."""
    if outlook.switch_off is None:
        return None
    if outlook.p85 is None:
        return max(today, outlook.switch_off)
    return max(today, outlook.switch_off - (outlook.p85 - today) - timedelta(days=1))


def _switch_off(outlook: Forecast) -> Iterator[Decision]:
    if outlook.chance is not None and outlook.chance < 0.5:
        missed = f"The switch-off of {outlook.switch_off} has come with {outlook.remaining:,} still to settle: each may need a visit."
        text = (
            missed
            if outlook.has_passed
            else f"The switch-off of {outlook.switch_off} is more likely missed than met: move it, or give the work more hours."
        )
        yield Decision(text=text, command="migrate plan show", who=COMMITTEE)


def _shut(waves: Sequence[WaveStanding]) -> Iterator[Decision]:
    for wave in waves:
        if wave.state is WaveState.SHUT:
            text = f"Wave {wave.number} is shut: go on in spite of it, or stop."
            yield Decision(text=text, command=_GO_ON, who=MANAGER, since=stamp_or_none(wave.ended_at))


def _held(standing: Standing, holds: Sequence[Hold]) -> Iterator[Decision]:
    if standing.mode in (Mode.HALTED, Mode.PAUSED) and not any(not hold.scope for hold in holds):
        yield Decision(text=f"The campaign is {standing.mode.value}: go on?", command=_GO_ON, who=OPERATOR)
    for hold in sorted(holds, key=lambda h: (h.scope, h.at)):
        part, _, name = hold.scope.partition(":")
        over = f"{part.capitalize()} {display(name)}" if part else "The campaign"
        text = f"{over} is {hold.mode.value} ({redact(display(hold.reason))}): go on?"
        option = f"--{part} {shlex.quote(display(name))} " if part else ""
        line = f'migrate resume {option}--reason "…"'
        yield Decision(text=text, command=line, who=display(hold.by) or OPERATOR, since=stamp_or_none(hold.at))


def _stopped(stopped: Iterable[Mapping[str, Any]]) -> Iterator[Decision]:
    for row in stopped:
        device = " ".join(filter(None, (row["vendor"], row["model"], row["firmware"])))
        name, scope = (f"Profile {row['profile']}", row["profile"]) if row["profile"] else (device, row["model"])
        text = f"{display(name)} was stopped after {row['failed']:,} failures; {row['waiting']:,} of its stations wait: mended, or visits?"
        option = "--profile" if row["profile"] else "--model"
        line = f'migrate resume {option} {shlex.quote(display(scope))} --reason "…"'
        yield Decision(text=text, command=line, who=MANAGER)


def _unproven(standing: Standing) -> Iterator[Decision]:
    waiting = Counter(s.profile for s in standing.stations if s.deferral is Deferral.UNPROVEN)
    for profile, number in sorted(waiting.items()):
        text = f"{number:,} × waiting: profile {display(profile)} is not proven enough to leave the canary. Prove it, or accept it with a reason."
        yield Decision(text=text, command=command("profiles", "show", profile), who=MANAGER)


def _unknown(standing: Standing) -> Iterator[Decision]:
    lost = [s for s in standing.stations if s.state is State.LOST]
    number = standing.totals.get(State.LOST, 0)
    if not number:
        return
    since = min((s.updated_at for s in lost if s.updated_at), default=None)
    old = sum(s.updated_at is not None and standing.at - s.updated_at > OLD for s in lost)
    tail = (
        f", {old:,} of them unknown for more than 24 h: send somebody or write them off"
        if old
        else ": find it or give it up"
    )
    who = MANAGER if old else OPERATOR
    yield Decision(
        text=f"{number:,} × lost{tail}.", command="migrate status --stations", who=who, since=stamp_or_none(since)
    )


def _stuck(standing: Standing) -> Iterator[Decision]:
    if number := standing.totals.get(State.STUCK, 0):
        since = min((s.updated_at for s in standing.stations if s.state is State.STUCK and s.updated_at), default=None)
        text = f"{number:,} × stuck: say how it was undone."
        yield Decision(text=text, command="migrate status --stations", who=OPERATOR, since=stamp_or_none(since))


def _approval(standing: Standing) -> Iterator[Decision]:
    if waiting := _waits_for_approval(standing.waves):
        line = f"{command('plan', 'approve', standing.fingerprint)} --wave {waiting.number}"
        text = f"Wave {waiting.number} ({waiting.size:,} {'station' if waiting.size == 1 else 'stations'}) waits for approval."
        yield Decision(text=text, command=line, who=COMMITTEE)


def _waits_for_approval(waves: Sequence[WaveStanding]) -> WaveStanding | None:
    """The next wave, once every wave before it has opened its gate."""
    for wave in waves:
        if wave.state is WaveState.WAITING:
            return wave
        if wave.state not in (WaveState.OPEN, WaveState.DONE):
            return None
    return None
