"""The judge of the kills can be displeased: what must never happen is noticed when it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrate.domain.attempt import Fact
from migrate.domain.record import Change, EventKind, move
from tests.adapters.journal.builders import AT, an_attempt, an_event, opening
from tests.chaos.child import NEVER, Trigger, names_of
from tests.chaos.judge import lost_transitions, other_endings
from tests.doubles.journal import MemoryJournal


def a_note(**changes: object) -> dict[str, object]:
    return {"seq": 2, "attempt": "AC22-0417#1", "version": 2, "state": "skipped"} | changes


@pytest.mark.parametrize(
    ("note", "is_lost"),
    [
        (a_note(), False),
        (a_note(version=1, seq=1, state="planned"), False),
        ({"seq": 2}, False),
        (a_note(state="checked"), True),
        (a_note(version=3), True),
        (a_note(attempt="AC22-0418#1"), True),
        ({"seq": 3}, True),
    ],
    ids=["moved", "opened", "a command", "another state", "a later move", "another attempt", "a line beyond the end"],
)
async def test_what_a_dead_process_acknowledged_has_to_be_in_the_journal(
    tmp_path: Path, note: Mapping[str, object], is_lost: bool
) -> None:
    journal, attempt, notes = MemoryJournal(), an_attempt(), tmp_path / "acknowledged.jsonl"
    await journal.commit(opening(attempt))
    await journal.commit(move(attempt, Fact.NEVER, AT))
    notes.write_text(json.dumps(note) + "\n")

    lost = await lost_transitions(journal, notes)

    assert bool(lost) is is_lost


def test_a_station_that_ends_otherwise_than_undisturbed_is_named() -> None:
    ended = {"AC1": "settled", "AC2": "failed"}

    assert list(other_endings(ended, {"AC1": "settled", "AC2": "settled"})) == ["AC2 ended failed, undisturbed settled"]
    assert list(other_endings({}, {"AC1": "settled"})) == ["AC1 ended None, undisturbed settled"]


def test_a_change_is_called_by_its_states_openings_and_commands() -> None:
    attempt = an_attempt()
    moved = move(attempt, Fact.NEVER, AT)

    assert names_of(opening(attempt)) == ["opened"]
    assert names_of(moved) == ["skipped"]
    assert names_of(Change(events=(an_event(EventKind.COMMAND), an_event(EventKind.ANSWER)))) == ["command"]


def test_a_trigger_for_the_third_waits_for_the_third(monkeypatch: pytest.MonkeyPatch) -> None:
    deaths: list[str] = []
    monkeypatch.setattr("tests.chaos.child._die", lambda: deaths.append("now"))
    trigger, never = Trigger(on="writing", nth=3), Trigger(on=NEVER)

    for names in (["writing", "checked"], ["checked"], ["writing"]):
        trigger.told(names)
        never.told(names)
    before = list(deaths)
    trigger.told(["writing"])

    assert (before, deaths) == ([], ["now"])


def test_a_trigger_whose_moment_does_not_come_fires_with_the_last_intent_it_may_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deaths: list[str] = []
    monkeypatch.setattr("tests.chaos.child._die", lambda: deaths.append("now"))
    trigger = Trigger(on="undoing", nth=2, intents=3)

    for names in (["writing", "checked"], ["undoing"], ["written"]):
        trigger.told(names)
    before = list(deaths)
    trigger.told(["restarting"])

    assert (before, deaths) == ([], ["now"])
