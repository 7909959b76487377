"""What a campaign that was killed again and again is worth.

The stations' own log, the journal and the notes of the dead are laid side by
side.  It reads; it runs and ends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.adapters.journal.audit import verify
from migrate.cli.demo.verdict import judge
from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.record import Attempt, Direction, EventKind
from migrate.simulator.wirelog import Kind, Side, WireEvent, commands_repeated_without_read, transactions_cut
from migrate.simulator.wirelog import read as read_wire
from migrate.wiring import open_campaign
from tests.chaos.arena import Arena


@dataclass(slots=True)
class Verdict:
    """Everything that a kill must never cause, and did."""

    lost: list[str] = field(default_factory=list)  # acknowledged, and not in the journal; or a broken chain
    blind: int = 0  # effects repeated without a look, by the stations' own log
    cut: int = 0  # drivers cut off
    endings: list[str] = field(default_factory=list)  # not as undisturbed, not as the fault demands, not where it lives

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.blind or self.cut or self.endings)

    def lines(self) -> Iterator[str]:
        yield from self.lost
        yield from [f"{self.blind} blind repeats"] if self.blind else []
        yield from [f"{self.cut} drivers cut off"] if self.cut else []
        yield from self.endings


async def judge_campaign(arena: Arena, undisturbed: Mapping[str, str]) -> Verdict:
    """``undisturbed`` is how each station ends when nothing is killed; empty for that very run."""
    async with open_campaign(arena.folder, "cli") as wired:
        lost = await lost_transitions(wired.journal, arena.folder / "acknowledged.jsonl")
        lost += [f"journal: {found}" for found in verify(wired.journal.store)]
        standing = await wired.standing(is_running=False)
        attempts = await wired.journal.attempts()
    log = read_wire(arena.stage.wire)
    return Verdict(
        lost=lost,
        blind=commands_repeated_without_read(log),
        cut=transactions_cut(log),
        endings=[f"{w.identity} ({w.fault}) {w.text}" for w in judge(standing, arena.specs, log)]
        + list(unproven_returns(attempts, log))
        + list(other_endings(arena.ends(), undisturbed)),
    )


def unproven_returns(attempts: Iterable[Attempt], log: Sequence[WireEvent]) -> Iterator[str]:
    """Taken back by the journal, with less proof than a move needs, or without a boot that the source accepted last."""
    accepted = {event.identity: event.side for event in log if event.kind is Kind.BOOT_ACCEPTED}
    for attempt in attempts:
        if attempt.direction is not Direction.BACK or attempt.state is not State.SETTLED:
            continue
        if attempt.evidence < Grade.E3:
            yield f"{attempt.identity} was taken back on {attempt.evidence} only"
        if accepted.get(attempt.identity) is not Side.SOURCE:
            yield f"{attempt.identity} was taken back, and no boot of it was accepted on the source since"


def other_endings(ended: Mapping[str, str], undisturbed: Mapping[str, str]) -> Iterator[str]:
    for identity, state in undisturbed.items():
        if ended.get(identity) != state:
            yield f"{identity} ended {ended.get(identity)}, undisturbed {state}"


async def lost_transitions(journal: Any, notes: Path) -> list[str]:
    """Acknowledged by a process that is dead now, and not in the journal."""
    moves: dict[str, list[str]] = {}
    kinds = [EventKind.MOVED.value, EventKind.ATTEMPT_OPENED.value]
    for stored in await journal.events(kinds=kinds, limit=10_000_000):
        moves.setdefault(stored.event.attempt, []).append(str(stored.event.data.get("to", "planned")))
    newest = await journal.newest_seq()
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [f"lost: {line}" for line in lines if not _is_in(json.loads(line), moves, newest)]


def _is_in(note: Mapping[str, object], moves: Mapping[str, list[str]], newest: int) -> bool:
    """An attempt's version counts its events: version 4 is its fourth."""
    if int(str(note["seq"])) > newest:
        return False
    if "attempt" not in note:
        return True
    told, version = moves.get(str(note["attempt"]), []), int(str(note["version"]))
    return len(told) >= version and told[version - 1] == note["state"]
