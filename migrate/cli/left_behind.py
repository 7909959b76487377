"""The file that a run leaves: every station that failed, that was never reached, or that waits to be taken back.

One line each, identity first, in plan order, so that ``retry`` and
``rollback`` take it as ``--stations @FILE``.
"""

from __future__ import annotations

from pathlib import Path

from migrate.cli.drafts import drafted
from migrate.domain.attempt import State
from migrate.domain.wave import Standing, StationStanding
from reports.redaction import redact
from reports.words import display

FOLDER, NEWEST = "left_behind", "newest.txt"

_FAILED = frozenset({State.FAILED, State.REVERTED, State.STUCK, State.LOST})
_NEVER_REACHED = frozenset({State.PLANNED, State.DEFERRED, State.SKIPPED})


def write_left_behind(folder: Path, standing: Standing) -> str:
    """Write the file anew; the sentence for the operator, empty when nobody is left behind."""
    failed = [s for s in standing.stations if s.state in _FAILED]
    waiting = [s for s in standing.stations if s.state in _NEVER_REACHED]
    unreached, going_back = ([s for s in waiting if s.is_going_back is back] for back in (False, True))
    home = folder / FOLDER
    lines = [
        *_part("failed, reverted, stuck or lost", failed),
        *_part("never reached", unreached),
        *(_part("not taken back yet", going_back) if going_back else ()),
    ]
    head = f"# campaign {display(standing.campaign)}, {standing.at:%Y-%m-%d %H:%M:%S}Z"
    text = "\n".join([head, *lines, ""])
    for name in (f"{standing.at:%Y%m%d-%H%M%S}.txt", NEWEST):
        with drafted(home / name) as draft:
            draft.write_text(text, encoding="utf-8")
    if not (failed or waiting):
        return ""
    back = f", {len(going_back)} not taken back yet" if going_back else ""
    return f"{len(failed)} failed or came back, {len(unreached)} never reached{back}: {home / NEWEST} (for --stations @FILE)"


def _part(title: str, stations: list[StationStanding]) -> list[str]:
    rows = [f"{s.identity}\t{s.state.value}\t{display(redact(s.reason, keep=s.identity))}".rstrip() for s in stations]
    return [f"# {len(stations)} {title}", *rows]
