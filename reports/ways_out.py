"""What a person can do about a station, as commands to copy: one list for each state it may stand in."""

from __future__ import annotations

import shlex

from migrate.domain.record import Attempt, Direction
from reports.words import command, display

REASON = '--reason "…"'
Ways = tuple[tuple[str, str], ...]
"""Pairs of a situation and the command that fits it."""


def look(_: Attempt) -> Ways:
    return (("Nothing is needed; watch it", "migrate status --watch"),)


def stop(_: Attempt) -> Ways:
    return (
        ("Nothing is needed; watch it", "migrate status --watch"),
        ("Stop whatever has not begun, everywhere", f"migrate halt {REASON}"),
    )


def run_on(attempt: Attempt) -> Ways:
    plan = f" --plan {shlex.quote(display(attempt.fingerprint))}" if attempt.fingerprint else ""
    return (("Keep a run waiting for it", f"migrate run{plan}"), ("See what else waits", "migrate status"))


def begin(_: Attempt) -> Ways:
    return (
        ("See what is running and what waits", "migrate status"),
        ("Keep it from starting", f"migrate pause {REASON}"),
    )


def _resolve(identity: str, state: str) -> str:
    # The reason is for the person to fill in, so it stays outside the quoting.
    if display(identity).startswith("-"):
        return f"migrate resolve --as {state} {REASON} {command('resolve', identity).removeprefix('migrate resolve ')}"
    return f"{command('resolve', identity)} --as {state} {REASON}"


def _for_it(verb: str, identity: str, more: str) -> str:
    """A command for this station alone.  A name that a list of names cannot hold goes into a file."""
    shown = display(identity)
    name = "@FILE" if "," in shown or shown.startswith("@") else shlex.quote(shown)
    return f"migrate {verb} --stations={name} {more}".rstrip()


def _send_a_crew(attempt: Attempt) -> tuple[str, str]:
    return ("Nothing helps from afar: send a crew", _for_it("visits export order.html", attempt.identity, ""))


def _try_again(attempt: Attempt) -> tuple[str, str]:
    return ("The cause is mended: try it again", _for_it("retry", attempt.identity, REASON))


def _take_back(attempt: Attempt) -> tuple[str, str]:
    return ("It has to go back to the source", _for_it("rollback", attempt.identity, REASON))


def stuck_ways(attempt: Attempt) -> Ways:
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


def lost_ways(attempt: Attempt) -> Ways:
    origin = attempt.direction.origin.value
    return (
        ("It is found or mended on site: let it boot; the sighting closes this by itself", "migrate status --watch"),
        (f"It is on the {origin} and must be looked at there", _resolve(attempt.identity, "undoing")),
        ("Somebody has to look for it", _for_it("visits export order.html", attempt.identity, "")),
        ("It is given up", _resolve(attempt.identity, "skipped")),
    )


def visit_ways(attempt: Attempt) -> Ways:
    return (
        *look(attempt),
        ("Its work order, to print", _for_it("visits export order.html", attempt.identity, "")),
        ("The crew came back with the workbook filled in", "migrate visits return crews.xlsx"),
        ("The crew came back without doing it, and without a workbook", _resolve(attempt.identity, "failed")),
    )


def settled_ways(attempt: Attempt) -> Ways:
    if attempt.direction is Direction.BACK:
        return (_try_again(attempt),)
    return (_take_back(attempt),)


def skipped_ways(attempt: Attempt) -> Ways:
    return (_try_again(attempt),)


def setback_ways(attempt: Attempt) -> Ways:
    profile = command("profiles", "show", attempt.profile) if attempt.profile else "migrate profiles list"
    again = _take_back(attempt) if attempt.direction is Direction.BACK else _try_again(attempt)
    return (again, ("What its profile expects", profile), _send_a_crew(attempt))
