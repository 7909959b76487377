"""What stands beside each verb in a list of verbs, what its exit codes say, and which verb comes next.

One table, so that no list is cut off in the middle of a sentence and every
help ends with a way on.  It runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Signpost:
    """``codes`` are those with a meaning of the verb's own; 64, 65, 70, 74 and 130 mean the same everywhere."""

    summary: str
    next: str = ""
    codes: str = ""


_NO_CAMPAIGN_YET = "migrate init DIR"
_ORDERED = "0 all done, 1 some failed, 3 stopped, 4 not allowed, 5 some lost or stuck, 65 nobody to order it for"

SIGNPOSTS: Mapping[str, Signpost] = {
    "demo": Signpost("Show the whole job against simulated stations.", _NO_CAMPAIGN_YET, "0 as planted, 1 otherwise"),
    "init": Signpost("Make a campaign folder.", "migrate doctor, then migrate inventory import FILE"),
    "inventory": Signpost("Bring in the list of stations, and see what it holds."),
    "profiles": Signpost("See what each family of stations can do."),
    "plan": Signpost("Deal stations into waves, check and approve them."),
    "run": Signpost(
        "Execute the approved plan; resume what a crash left.",
        "migrate status; migrate explain IDENTITY for whoever was left behind",
        "0 done, 1 some failed or came back, 2 dry run, 3 stopped, 4 not allowed, 5 some lost or stuck, 75 another run",
    ),
    "status": Signpost("Where everything stands and why.", "the commands under Next; migrate explain IDENTITY"),
    "station": Signpost("One station's whole story.", "migrate explain IDENTITY"),
    "explain": Signpost("Why a station stands so, and what can be done.", "one of the commands it names"),
    "resolve": Signpost("A person's word on a stuck or lost station.", "migrate status"),
    "trust": Signpost(
        "Record the host keys of stations.",
        "migrate plan check",
        "1 somebody showed no key, 4 nobody said yes, or a key has changed",
    ),
    "pause": Signpost("No new attempts; those under way go on.", "migrate status, then migrate resume --reason …"),
    "resume": Signpost("Lift a pause or a halt.", "migrate run --plan FINGERPRINT, if no run is up"),
    "halt": Signpost("No new step anywhere but undoing, at once.", "migrate status, then migrate resume --reason …"),
    "retry": Signpost("Try stations again that failed or were put off.", "migrate status --stations", _ORDERED),
    "rollback": Signpost("Take stations back to the source.", "migrate status --stations", _ORDERED),
    "finish": Signpost(
        "Take settled stations a step further.",
        "migrate status --stations",
        "0 done, 1 some refused or unanswered, 2 dry run, 4 not allowed, 5 some not back, 65 nothing to do, 75 a run is up",
    ),
    "listen": Signpost("Hold the stations' connections.", "migrate run --plan FINGERPRINT", "75 another one listens"),
    "worker": Signpost("Run batches beside the run.", "migrate status --watch"),
    "visits": Signpost("Work orders for crews, and what they bring back."),
    "report": Signpost("Reports for those who sit at no terminal."),
    "doctor": Signpost(
        "Is everything in order? Touches no station.", "migrate plan check", "0 well, 1 look at something"
    ),
    "inventory import": Signpost(
        "Read lists into the campaign.", "migrate inventory census, then migrate plan make", "2 dry run of a sound list"
    ),
    "inventory check": Signpost("Judge lists without importing them.", "migrate inventory import FILE"),
    "inventory history": Signpost("The lists that were imported.", "migrate inventory history IDENTITY"),
    "inventory census": Signpost("What the fleet consists of.", "migrate profiles match VENDOR MODEL FIRMWARE"),
    "inventory template": Signpost("Write an empty list to fill in.", "migrate inventory check FILE"),
    "profiles list": Signpost("Every profile, with how well it is proven.", "migrate profiles show NAME"),
    "profiles show": Signpost("One profile in full.", "migrate profiles match VENDOR MODEL FIRMWARE"),
    "profiles check": Signpost("Check profile files before use.", "migrate profiles list"),
    "profiles match": Signpost("Which profile fits a kind, and why.", "migrate profiles show NAME"),
    "profiles probe": Signpost(
        "Ask one live station what it can do.", "migrate profiles check FILE.yaml", "4 it must not be touched now"
    ),
    "profiles schema": Signpost("The form of a profile file as JSON Schema.", "migrate profiles check FILE"),
    "plan make": Signpost("Make a plan and keep it as the current one.", "migrate plan check"),
    "plan show": Signpost(
        "Show the current plan.", "migrate plan check", "2 with --exit-code, while stations are left"
    ),
    "plan check": Signpost(
        "What to know before anyone is touched.",
        "migrate plan approve FINGERPRINT",
        "0 sound, 65 somebody is stopped or left out, 69 only a backend is away",
    ),
    "plan approve": Signpost("Approve the plan, or one wave of it.", "migrate run --plan FINGERPRINT"),
    "visits list": Signpost("Orders, and who needs hands and has none.", "migrate visits export crews.html"),
    "visits export": Signpost("Issue and print work orders.", "migrate visits return crews.xlsx --dry-run"),
    "visits return": Signpost(
        "Record what a crew brought back.", "migrate visits list", "2 dry run with something new"
    ),
    "report progress": Signpost("Progress on one page, for the committee."),
    "report stations": Signpost("Every station, to filter in Excel."),
    "report census": Signpost("The fleet by kind, and what the wire showed."),
}


def signed(command: click.Command | None, words: str) -> click.Command | None:
    """The command with its line for the list of verbs, and its way on below the options."""
    sign = SIGNPOSTS.get(words)
    if command is None or sign is None:
        return command
    command.short_help = sign.summary
    told = [f"Exit codes: {sign.codes}." if sign.codes else "", f"Next: {sign.next}" if sign.next else ""]
    command.epilog = "\n\n".join(filter(None, told)) or None
    return command
