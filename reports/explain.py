"""Why a station stands where it stands, what happens next and when, and what a person can do.

A table of answers, one per state, filled in with what the attempt knows.  It
promises only what the attempt table allows: deadlines are told as earliest
moments, because they rest while the witnesses cannot see.  It proposes
commands and runs none.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from migrate.domain.attempt import State
from migrate.domain.policy import Timeouts
from migrate.domain.record import Attempt, Direction, Hold
from migrate.domain.span import span
from migrate.domain.wave import Cause, Deferral, Mode, Standing
from reports.redaction import redact
from reports.times import local
from reports.unattempted import never_attempted
from reports.ways_out import (
    REASON,
    begin,
    look,
    lost_ways,
    run_on,
    setback_ways,
    settled_ways,
    skipped_ways,
    stop,
    stuck_ways,
    visit_ways,
)
from reports.words import DEFERRALS, GRADES, STATES, command, display


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the answers depend on beside the attempt itself."""

    now: datetime
    zone: tzinfo
    timeouts: Timeouts = field(default_factory=Timeouts)
    soak: timedelta = timedelta(minutes=30)
    hold: Hold | None = None  # the strictest order that lies on the station
    firmware: str = ""  # what is known of the firmware on its way into it, in words
    flashing: timedelta = timedelta(0)  # how much longer a write may take for it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What follows a state.  ``patience`` is how long the state may last; ``ways`` are (situation, command)."""

    next: str
    ways: Callable[[Attempt], tuple[tuple[str, str], ...]]
    patience: Callable[[Circumstances], timedelta] | None = None


def explain(
    attempt: Attempt | None,
    circumstances: Circumstances,
    *,
    identity: str = "",
    standing: Standing | None = None,
    excluded: str = "",
) -> str:
    """One station's answer to *why, what next, what can I do*, in that order; ``excluded``: why the plan leaves it alone."""
    if attempt is None:
        return never_attempted(identity, standing, excluded)
    answer = ANSWERS[attempt.state]
    why = _section("Why", _why(attempt, circumstances))
    following = _section("What happens next", _next(attempt, answer, circumstances))
    ways = (*_order_ways(circumstances.hold), *answer.ways(attempt), _timeline_way(attempt.identity))
    can = _section("What you can do", [f"{situation}:\n      {line}" for situation, line in ways])
    return "\n".join([_head(attempt, circumstances), "", *why, "", *following, "", *can]) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  - {line}" for line in lines)]


def _head(attempt: Attempt, circumstances: Circumstances) -> str:
    word = STATES[attempt.state]
    age = span(circumstances.now - attempt.entered_at)
    back = ""
    if attempt.direction is Direction.BACK:
        back = " back on the source" if attempt.state is State.SETTLED else " on its way back to the source"
    return f"{display(attempt.identity)}: {word.label}{back} since {local(attempt.entered_at, circumstances.zone)}, {age} ago."


_MIRRORED = {"source": "target", "target": "source", "old": "new", "new": "old"}
_SIDED = re.compile(r"\b(?:source|target|(?:old|new)(?= (?:address|values)))\b")


def _seen_from(direction: Direction, sentence: str) -> str:
    """What is said of a move to the target, of the direction it has: on the way back both sides change places."""
    if direction is Direction.FORWARD:
        return sentence
    return _SIDED.sub(lambda found: _MIRRORED[found[0]], sentence)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "…", "!", "?")) else f"{sentence}."


def _why(attempt: Attempt, circumstances: Circumstances) -> list[str]:
    lines = [_seen_from(attempt.direction, STATES[attempt.state].sentence)]
    if attempt.reason:
        lines.append(_ended(f"Reason on record: {display(redact(attempt.reason, keep=attempt.identity))}"))
    if attempt.deferral:
        lines.append(f"Put off: {DEFERRALS[attempt.deferral].label}. {DEFERRALS[attempt.deferral].sentence}")
    if attempt.cause is Cause.ENVIRONMENT:
        lines.append("A CSMS was down or a witness blind at that time; this is not charged to the station.")
    if attempt.cause is Cause.WITHOUT_EFFECT:
        lines.append(
            "It stored the new address, restarted and did not use it; its profile waits until somebody has looked."
        )
    lines.append(
        f"Proven so far: {attempt.evidence}. {_seen_from(attempt.direction, GRADES[attempt.evidence].sentence)}"
    )
    if attempt.tries:
        lines.append(f"Writes begun in this attempt: {attempt.tries}.")
    if circumstances.firmware and attempt.state is State.WRITING:
        lines.append(circumstances.firmware)
    if circumstances.hold:
        lines.append(_order_told(circumstances.hold, circumstances.zone))
    return lines


def _order_told(hold: Hold, zone: tzinfo) -> str:
    scope = f" over {display(hold.scope)}" if hold.scope else ""
    return _ended(
        f"The campaign is {hold.mode.value}{scope} by {display(hold.by)} since {local(hold.at, zone)}: {display(hold.reason)}"
    )


_LIFTED_FIRST = "No due time is on record: a person's order or a stopped model must be lifted first."
_MENDED_FIRST = {
    Deferral.UNPROVEN: "No due time is on record: its profile must be accepted first, under [profiles.accepted] in campaign.toml.",
    Deferral.CHECKS: "No due time is on record: what its check found must be mended first; see `migrate plan check`.",
}


def _next(attempt: Attempt, answer: _Answer, circumstances: Circumstances) -> list[str]:
    lines = [_seen_from(attempt.direction, answer.next)]
    if attempt.due_at:
        lines.append(
            f"Next due: {local(attempt.due_at, circumstances.zone)}, {_from_now(attempt.due_at, circumstances.now)}."
        )
    elif attempt.state is State.DEFERRED:
        lines.append(_MENDED_FIRST.get(attempt.deferral or Deferral.MODEL_STOPPED, _LIFTED_FIRST))
    if answer.patience:
        until = attempt.entered_at + answer.patience(circumstances)
        lines.append(
            f"That is decided at {local(until, circumstances.zone)} at the earliest "
            f"({_from_now(until, circumstances.now)}); the clock rests while the witnesses cannot see."
        )
    if circumstances.hold:
        halted = circumstances.hold.mode is Mode.HALTED
        lines.append("Until resumed, nothing new is sent to it." if halted else "Until resumed, no new attempt starts.")
    return lines


def _from_now(at: datetime, now: datetime) -> str:
    return f"in {span(at - now)}" if at > now else "now due"


def _order_ways(hold: Hold | None) -> tuple[tuple[str, str], ...]:
    if hold is None:
        return ()
    kind, _, name = hold.scope.partition(":")
    scope = f" --{kind}={shlex.quote(display(name))}" if kind else ""
    return (("Lift the order", f"migrate resume{scope} {REASON}"),)


def _timeline_way(identity: str) -> tuple[str, str]:
    return ("Its whole story", command("station", identity))


ANSWERS: Mapping[State, _Answer] = {
    State.PLANNED: _Answer(
        next="Its checks run when its wave is open, its window too, and a place under the caps is free.", ways=begin
    ),
    State.DEFERRED: _Answer(
        next="It goes back to planned when due and is checked again; put off for too long, it is skipped.",
        ways=run_on,
    ),
    State.CHECKED: _Answer(
        next="Its new address is written next, unless it becomes busy or its window closes: then it is put off.",
        ways=begin,
        patience=lambda c: c.timeouts.check,
    ),
    State.VISITING: _Answer(
        next="A crew visits it. It closes by itself when its boot is accepted on the target; returned undone it is failed. "
        "There is no deadline, and the gate does not wait for it.",
        ways=visit_ways,
    ),
    State.WRITING: _Answer(
        next="The value is read back: whole, it is written; refused with nothing applied, it has failed; "
        "partly applied or too late, it is undone.",
        ways=stop,
        patience=lambda c: c.timeouts.write + c.flashing,
    ),
    State.WRITTEN: _Answer(
        next="It is told to restart as soon as no driver is charging; if that takes too long, its old values are put back.",
        ways=stop,
        patience=lambda c: c.timeouts.idle,
    ),
    State.RESTARTING: _Answer(
        next="It leaves the source, or its old values are put back: an acknowledged restart proves nothing.",
        ways=stop,
        patience=lambda c: c.timeouts.restart,
    ),
    State.UNDOING: _Answer(
        next="Its values are read, and those that differ are put back: then it is failed (it never left) or reverted. "
        "If that is refused or takes too long, it is stuck.",
        ways=look,
        patience=lambda c: c.timeouts.undo,
    ),
    State.DEPARTED: _Answer(
        next="A boot on the target confirms it; back on the source, it is undone; seen nowhere by then, it is lost.",
        ways=stop,
        patience=lambda c: c.timeouts.appear,
    ),
    State.ARRIVED: _Answer(
        next="An accepted boot with agreeing identity facts confirms it (it is asked once to send one); "
        "without that proof it is stuck.",
        ways=stop,
        patience=lambda c: c.timeouts.arrive,
    ),
    State.CONFIRMED: _Answer(
        next="When the soak has passed quietly it is settled; gone again, it counts as departed.",
        ways=look,
        patience=lambda c: c.soak,
    ),
    State.SETTLED: _Answer(
        next="Nothing: this is the end we want. It is still watched; gone for longer than the grace time, it is looked for.",
        ways=settled_ways,
    ),
    State.SKIPPED: _Answer(
        next="Nothing: it was left alone. Seen on the target, a new attempt opens by itself.", ways=skipped_ways
    ),
    State.FAILED: _Answer(
        next="Nothing: it works on the source as before. Seen on the target, a new attempt opens by itself.",
        ways=setback_ways,
    ),
    State.REVERTED: _Answer(
        next="Nothing: it works on the source as before. Seen on the target, a new attempt opens by itself.",
        ways=setback_ways,
    ),
    State.STUCK: _Answer(
        next="Nothing, until a person decides. An accepted boot on the target would still confirm it.",
        ways=stuck_ways,
    ),
    State.LOST: _Answer(
        next="Nothing is sent to it blindly. Seen on the target it is confirmed, seen on the source it is undone, "
        "whenever that happens.",
        ways=lost_ways,
    ),
}
