"""What came of a person's order over named stations: a document for scripts, lines for the operator.

Every ordered station stands in exactly one place; one whose rollback failed
stands where it stood before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from migrate.domain.attempt import NEEDS_A_PERSON, State
from migrate.domain.record import Attempt, Direction
from reports.redaction import redact
from reports.times import stamp
from reports.words import display

SCHEMAS = {"retry": "migrate.retry/1", "rollback": "migrate.rollback/1"}


def ordered_document(
    order: str,
    *,
    stations: Sequence[str],
    passed_over: Iterable[tuple[str, str]],
    by_rollback: Mapping[str, int],
    tries: Mapping[str, Attempt],
    ended: str,
) -> dict[str, Any]:
    """The order as data.  ``tries`` holds the attempt that the order opened at each station, as it stands."""
    rows = [_row(identity, tries.get(identity)) for identity in stations]
    return {
        "schema": SCHEMAS[order],
        "ended": ended,
        "ordered": len(rows),
        "by_rollback": dict(by_rollback),
        "outcomes": dict(Counter(row["outcome"] for row in rows)),
        "stations": rows,
        "passed_over": [{"identity": identity, "reason": why} for identity, why in passed_over],
    }


def outcome_of(attempt: Attempt | None) -> str:
    """What an order has come to at one station, in one word of a closed list.

    *done* is proven where it was to go; *kept* is a rollback that came to
    nothing and left the station where it was.
    """
    if attempt is None:
        return "waiting"
    if attempt.state in NEEDS_A_PERSON:
        return attempt.state.value
    if attempt.state is State.SETTLED:
        return "done"
    if attempt.is_void:
        return "kept"
    if attempt.is_ended:
        return "failed"
    return "by hand" if attempt.state is State.VISITING else "waiting"


def ordered_lines(document: Mapping[str, Any]) -> list[str]:
    """The same for a person: the sum, and each station that did not end as it was meant to."""
    outcomes = ", ".join(f"{count} {word}" for word, count in document["outcomes"].items())
    lines = [f"{document['ordered']} ordered: {outcomes or 'none'}."]
    lines += [
        f"  {display(row['identity']):<24}  {row['outcome']:<8}  {row['reason']}".rstrip()
        for row in document["stations"]
        if row["outcome"] not in ("done", "waiting")
    ]
    return lines


def _row(identity: str, attempt: Attempt | None) -> dict[str, Any]:
    goal = attempt.direction.goal.value if attempt else ""
    row: dict[str, Any] = {"identity": identity, "outcome": outcome_of(attempt), "state": "", "reason": ""}
    if attempt is None:
        return row
    return row | {
        "state": attempt.state.value,
        "direction": Direction(attempt.direction).value,
        "goal": goal,
        "evidence": str(attempt.evidence),
        "reason": display(redact(attempt.reason, keep=identity)),
        "updated_at": stamp(attempt.entered_at),
    }
