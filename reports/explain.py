"""Why a station stands where it stands, what happens next and when, and what a person can do.

A table of answers, one per state, filled in with what the attempt knows.  It
promises only what the attempt table allows: deadlines are told as earliest
moments, because they rest while the witnesses cannot see.  It proposes
commands and runs none.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from migrate.domain.attempt import State
from migrate.domain.policy import Timeouts
from migrate.domain.record import Attempt, Direction, Hold
from migrate.domain.wave import Cause, Deferral, Mode
from reports.redaction import redact
from reports.times import local, span
from reports.words import DEFERRALS, GRADES, STATES, command, display

_REASON = '--reason "…"'


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


def explain(attempt: Attempt | None, circumstances: Circumstances, *, identity: str = "") -> str:
    """One station's answer to *why, what next, what can I do*, in that order."""
    if attempt is None:
        return _never_attempted(identity)
    answer = ANSWERS[attempt.state]
    why = _section("Why", _why(attempt, circumstances))
    following = _section("What happens next", _next(attempt, answer, circumstances))
    ways = (*_order_ways(circumstances.hold), *answer.ways(attempt), _timeline_way(attempt.identity))
    can = _section("What you can do", [f"{situation}:\n      {line}" for situation, line in ways])
    return "\n".join([_head(attempt, circumstances), "", *why, "", *following, "", *can]) + "\n"


def _never_attempted(identity: str) -> str:
    return (
        f"{display(identity)} has not been attempted.\n\n"
        "Why\n  - It is in no running wave: not planned, excluded, or its wave has not begun.\n\n"
        "What happens next\n  - Nothing, until a plan that holds it is approved and run.\n\n"
        "What you can do\n  - See where it is planned or why it is excluded:\n      migrate plan show --stations\n"
    )


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  - {line}" for line in lines)]


def _head(attempt: Attempt, circumstances: Circumstances) -> str:
    word = STATES[attempt.state]
    age = span(circumstances.now - attempt.entered_at)
    back = " (moving back to the source)" if attempt.direction is Direction.BACK else ""
    return f"{display(attempt.identity)} is {word.label}{back} since {local(attempt.entered_at, circumstances.zone)}, {age} ago."


def _why(attempt: Attempt, circumstances: Circumstances) -> list[str]:
    lines = [STATES[attempt.state].sentence]
    if attempt.reason:
        lines.append(f"Reason on record: {display(redact(attempt.reason, keep=attempt.identity))}.")
    if attempt.deferral:
        lines.append(f"Put off: {DEFERRALS[attempt.deferral].label}. {DEFERRALS[attempt.deferral].sentence}")
    if attempt.cause is Cause.ENVIRONMENT:
        lines.append("A CSMS was down or a witness blind at that time; this is not charged to the station.")
    if attempt.cause is Cause.WITHOUT_EFFECT:
        lines.append(
            "It stored the new address, restarted and did not use it; its profile waits until somebody has looked."
        )
    lines.append(f"Proven so far: {attempt.evidence}. {GRADES[attempt.evidence].sentence}")
    if attempt.tries:
        lines.append(f"Writes begun in this attempt: {attempt.tries}.")
    if circumstances.firmware and attempt.state is State.WRITING:
        lines.append(circumstances.firmware)
    if circumstances.hold:
        lines.append(_order_told(circumstances.hold, circumstances.zone))
    return lines


def _order_told(hold: Hold, zone: tzinfo) -> str:
    scope = f" over {display(hold.scope)}" if hold.scope else ""
    return f"The campaign is {hold.mode.value}{scope} by {display(hold.by)} since {local(hold.at, zone)}: {display(hold.reason)}."


_LIFTED_FIRST = "No due time is on record: a person's order or a stopped model must be lifted first."
_MENDED_FIRST = {
    Deferral.UNPROVEN: "No due time is on record: its profile must be accepted first, under [profiles.accepted] in campaign.toml.",
    Deferral.CHECKS: "No due time is on record: what its check found must be mended first; see `migrate plan check`.",
}


def _next(attempt: Attempt, answer: _Answer, circumstances: Circumstances) -> list[str]:
    lines = [answer.next]
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
    return (("Lift the order", f"migrate resume{scope} {_REASON}"),)


def _timeline_way(identity: str) -> tuple[str, str]:
    return ("Its whole story", command("station", identity))


def _look(_: Attempt) -> tuple[tuple[str, str], ...]:
    return (("Nothing is needed; watch it", "migrate status --watch"),)


def _stop(_: Attempt) -> tuple[tuple[str, str], ...]:
    return (
        ("Nothing is needed; watch it", "migrate status --watch"),
        ("Stop whatever has not begun, everywhere", f"migrate halt {_REASON}"),
    )


def _run_on(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    plan = f" --plan {shlex.quote(display(attempt.fingerprint))}" if attempt.fingerprint else ""
    return (("Keep a run waiting for it", f"migrate run{plan}"), ("See what else waits", "migrate status"))


def _begin(_: Attempt) -> tuple[tuple[str, str], ...]:
    return (
        ("See what is running and what waits", "migrate status"),
        ("Keep it from starting", f"migrate pause {_REASON}"),
    )


def _resolve(identity: str, state: str) -> str:
    # The reason is for the person to fill in, so it stays outside the quoting.
    if display(identity).startswith("-"):
        return f"migrate resolve --as {state} {_REASON} {command('resolve', identity).removeprefix('migrate resolve ')}"
    return f"{command('resolve', identity)} --as {state} {_REASON}"


def _for_it(verb: str, identity: str, more: str) -> str:
    """A command for this station alone.  A name that a list of names cannot hold goes into a file."""
    shown = display(identity)
    name = "@FILE" if "," in shown or shown.startswith("@") else shlex.quote(shown)
    return f"migrate {verb} --stations={name} {more}".rstrip()


def _send_a_crew(attempt: Attempt) -> tuple[str, str]:
    return ("Nothing helps from afar: send a crew", _for_it("visits export order.html", attempt.identity, ""))


def _try_again(attempt: Attempt) -> tuple[str, str]:
    return ("The cause is mended: try it again", _for_it("retry", attempt.identity, _REASON))


def _stuck_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    sent_off = ("It has been sent off by hand and is on its way", _resolve(attempt.identity, "departed"))
    if attempt.direction is Direction.BACK:
        given_up = ("Its way back is given up and it stays on the target", _resolve(attempt.identity, "failed"))
        return (given_up, sent_off, _send_a_crew(attempt))
    return (
        ("Its old values were put back and it never left the source", _resolve(attempt.identity, "failed")),
        ("It is back on the source with its old values", _resolve(attempt.identity, "reverted")),
        sent_off,
        _send_a_crew(attempt),
    )


def _lost_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    origin = attempt.direction.origin.value
    return (
        ("It is found or mended on site: let it boot; the sighting closes this by itself", "migrate status --watch"),
        (f"It is on the {origin} and must be looked at there", _resolve(attempt.identity, "undoing")),
        ("Somebody has to look for it", _for_it("visits export order.html", attempt.identity, "")),
        ("It is given up", _resolve(attempt.identity, "skipped")),
    )


def _visit_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return (
        *_look(attempt),
        ("Its work order, to print", _for_it("visits export order.html", attempt.identity, "")),
        ("The crew came back with the workbook filled in", "migrate visits return crews.xlsx"),
        ("The crew came back without doing it, and without a workbook", _resolve(attempt.identity, "failed")),
    )


def _settled_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    if attempt.direction is Direction.BACK:
        return (_try_again(attempt),)
    return (("It has to go back to the source", _for_it("rollback", attempt.identity, _REASON)),)


def _skipped_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    return (_try_again(attempt),)


def _setback_ways(attempt: Attempt) -> tuple[tuple[str, str], ...]:
    profile = command("profiles", "show", attempt.profile) if attempt.profile else "migrate profiles list"
    return (_try_again(attempt), ("What its profile expects", profile), _send_a_crew(attempt))


ANSWERS: Mapping[State, _Answer] = {
    State.PLANNED: _Answer(
        next="Its checks run when its wave is open, its window too, and a place under the caps is free.", ways=_begin
    ),
    State.DEFERRED: _Answer(
        next="It goes back to planned when due and is checked again; put off for too long, it is skipped.",
        ways=_run_on,
    ),
    State.CHECKED: _Answer(
        next="Its new address is written next, unless it becomes busy or its window closes: then it is put off.",
        ways=_begin,
        patience=lambda c: c.timeouts.check,
    ),
    State.VISITING: _Answer(
        next="A crew visits it. It closes by itself when its boot is accepted on the target; returned undone it is failed. "
        "There is no deadline, and the gate does not wait for it.",
        ways=_visit_ways,
    ),
    State.WRITING: _Answer(
        next="The value is read back: whole, it is written; refused with nothing applied, it has failed; "
        "partly applied or too late, it is undone.",
        ways=_stop,
        patience=lambda c: c.timeouts.write + c.flashing,
    ),
    State.WRITTEN: _Answer(
        next="It is told to restart as soon as no driver is charging; if that takes too long, its old values are put back.",
        ways=_stop,
        patience=lambda c: c.timeouts.idle,
    ),
    State.RESTARTING: _Answer(
        next="It leaves the source, or its old values are put back: an acknowledged restart proves nothing.",
        ways=_stop,
        patience=lambda c: c.timeouts.restart,
    ),
    State.UNDOING: _Answer(
        next="Its values are read, and those that differ are put back: then it is failed (it never left) or reverted. "
        "If that is refused or takes too long, it is stuck.",
        ways=_look,
        patience=lambda c: c.timeouts.undo,
    ),
    State.DEPARTED: _Answer(
        next="A boot on the target confirms it; back on the source, it is undone; seen nowhere by then, it is lost.",
        ways=_stop,
        patience=lambda c: c.timeouts.appear,
    ),
    State.ARRIVED: _Answer(
        next="An accepted boot with agreeing identity facts confirms it (it is asked once to send one); "
        "without that proof it is stuck.",
        ways=_stop,
        patience=lambda c: c.timeouts.arrive,
    ),
    State.CONFIRMED: _Answer(
        next="When the soak has passed quietly it is settled; gone again, it counts as departed.",
        ways=_look,
        patience=lambda c: c.soak,
    ),
    State.SETTLED: _Answer(
        next="Nothing: this is the end we want. It is still watched; gone for longer than the grace time, it is looked for.",
        ways=_settled_ways,
    ),
    State.SKIPPED: _Answer(
        next="Nothing: it was left alone. Seen on the target, a new attempt opens by itself.", ways=_skipped_ways
    ),
    State.FAILED: _Answer(
        next="Nothing: it works on the source as before. Seen on the target, a new attempt opens by itself.",
        ways=_setback_ways,
    ),
    State.REVERTED: _Answer(
        next="Nothing: it works on the source as before. Seen on the target, a new attempt opens by itself.",
        ways=_setback_ways,
    ),
    State.STUCK: _Answer(
        next="Nothing, until a person decides. An accepted boot on the target would still confirm it.",
        ways=_stuck_ways,
    ),
    State.LOST: _Answer(
        next="Nothing is sent to it blindly. Seen on the target it is confirmed, seen on the source it is undone, "
        "whenever that happens.",
        ways=_lost_ways,
    ),
}
