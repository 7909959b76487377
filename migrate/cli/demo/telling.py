"""What is told after a demonstration: ``migrate.demo/1``, or the story for a person.

Everything is counted from the standing, the journal's events and the wire log
of the stations themselves; nothing here judges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batches.schedule import floor_s
from migrate.cli.demo.conduct import misconduct
from migrate.cli.demo.stage import Stage
from migrate.cli.demo.verdict import Disagreement, judge, makespan_s, wire_counts
from migrate.cli.live import recap
from migrate.cli.report import document_of, write_report
from migrate.domain.counted import counted
from migrate.domain.policy import Caps
from migrate.domain.profile import Method, Profile
from migrate.domain.record import EventKind, StoredEvent
from migrate.domain.wave import Plan, Standing, StationStanding
from migrate.simulator.behaviour import VISIT_ONLY
from migrate.simulator.deal import StationSpec, drawn
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import read as read_wire
from migrate.wiring import Wired
from reports.status import status_document
from reports.words import STATES, command, display


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a demonstration went, as the journal has it."""

    plan: Plan
    caps: Caps
    standing: Standing
    moves: Sequence[StoredEvent]
    reports: Sequence[Path]
    profiles: Mapping[str, Profile]
    is_interrupted: bool


async def outcome_of(wired: Wired, *, is_interrupted: bool) -> Outcome:
    """Everything the telling needs, with the reports written."""
    return Outcome(
        plan=await wired.current_plan(),
        caps=wired.settings.policy.caps,
        standing=await wired.standing(is_running=False),
        moves=await wired.journal.events(kinds=[EventKind.MOVED.value], limit=10_000_000),
        reports=await _reports(wired),
        profiles={profile.name: profile for profile in wired.catalogue.profiles},
        is_interrupted=is_interrupted,
    )


async def _reports(wired: Wired) -> list[Path]:
    folder = wired.settings.folder / "reports"
    document = await document_of(wired)
    paths = [folder / "progress.html", folder / "progress.xlsx", folder / "progress.json"]
    for path in paths:
        write_report(document, path)
    return paths


def disagreements(outcome: Outcome, stage: Stage) -> list[Disagreement]:
    """Where the journal and the stations' own log do not agree, a fault ended otherwise than it must, or a station
    was told what its profile does not say."""
    log = read_wire(stage.wire)
    return [
        *judge(outcome.standing, stage.specs, log),
        *misconduct(outcome.standing.stations, outcome.profiles, log),
    ]


def demo_document(outcome: Outcome, stage: Stage, *, wall_s: float) -> dict[str, Any]:
    """``migrate.demo/1``: the status, and what a demonstration adds to it."""
    remote = {s.identity for s in outcome.plan.stations if s.method is not Method.VISIT}
    times = {identity: seconds for identity, seconds in drawn(stage.specs).items() if identity in remote}
    floor = floor_s([w.stations for w in outcome.plan.waves], times, outcome.caps)
    makespan = makespan_s(outcome.standing, outcome.moves, times)
    return status_document(outcome.standing) | {
        "schema": "migrate.demo/1",
        "by_method": dict(Counter(s.method.value for s in outcome.standing.stations)),
        "out": str(stage.folder),
        "seed": stage.seed,
        "wall_s": round(wall_s, 2),
        "floor_s": round(floor, 2),
        "makespan_ratio": round(makespan / floor, 3) if floor else None,
        "reports": [str(path) for path in outcome.reports],
        "wire": wire_counts(read_wire(stage.wire)),
    }


def story(outcome: Outcome, stage: Stage, document: dict[str, Any], wrong: Sequence[Disagreement]) -> str:
    """What happened, station by station where something was planted, and where the report is."""
    return "\n".join(
        [
            *_planted(outcome.standing, stage.specs),
            recap(outcome.standing, report=str(outcome.reports[0])),
            *_measured(document, wrong, outcome.is_interrupted),
            *_onward(stage),
        ]
    )


def _planted(standing: Standing, specs: Sequence[StationSpec]) -> list[str]:
    shown = {s.identity: s for s in standing.stations}
    planted = [s for s in specs if s.fault is not Fault.NONE or s.family == VISIT_ONLY]
    rows = [
        _row(spec, shown[spec.identity]) for spec in sorted(planted, key=lambda s: (s.family == VISIT_ONLY, s.fault))
    ]
    if not rows:
        return ["No faults were planted.", ""]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]) for row in rows
    )
    return ["What was planted, and how it ended:", *(f"  {line}".rstrip() for line in lines), ""]


def _row(spec: StationSpec, station: StationStanding) -> tuple[str, str, str, str]:
    planted = "visit (no remote way)" if spec.family == VISIT_ONLY else spec.fault.value.replace("_", " ")
    return planted, display(spec.identity), STATES[station.state].label, display(station.reason)


def _measured(document: dict[str, Any], wrong: Sequence[Disagreement], is_interrupted: bool) -> list[str]:
    wire = document["wire"]
    by_their_log = (
        f"By the stations' own log: {counted(wire['boots_on_target'], 'boot')} on the target, {counted(wire['commands_sent'], 'command')}, "
        f"{wire['commands_repeated_without_read']} repeated without a look"
    )
    if is_interrupted:  # half of a demonstration proves nothing either way
        return [f"{by_their_log}."]
    verdict = counted(len(wrong), "disagreement") if wrong else "it agrees with the journal for every station"
    return [
        f"{by_their_log}; {verdict}.",
        _pace(document),
    ]


def _pace(document: dict[str, Any]) -> str:
    took = f"{document['wall_s']:.0f} s on the wall"
    if document["makespan_ratio"] is None:
        return f"{took}; nothing was moved remotely, so there is no floor to measure by."
    return f"{took}; makespan {document['makespan_ratio']} × the floor of {document['floor_s']:.0f} campaign seconds."


def _onward(stage: Stage) -> list[str]:
    return [
        f"An ordinary campaign was left in {stage.folder}; its simulated stations have ended, so nothing moves there any more. To look at it:",
        f"  cd {display(str(stage.folder), limit=1000)}",
        f"  {command('station', stage.specs[0].identity)}",
    ]
