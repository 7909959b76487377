"""The judge of the kills can be displeased: what must never happen is noticed when it does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from migrate.cli.demo.stage import Stage
from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import Grade
from migrate.domain.record import Change, Direction, EventKind, move
from migrate.simulator.wirelog import Kind, Side, WireEvent
from tests.adapters.journal.builders import AT, an_attempt, an_event, opening
from tests.chaos.arena import Arena
from tests.chaos.child import NEVER, Trigger, names_of
from tests.chaos.judge import lost_transitions, other_endings, unproven_returns
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


@pytest.mark.parametrize(
    ("evidence", "boots", "complaint"),
    [
        (Grade.E4, [Side.TARGET, Side.SOURCE], ""),
        (Grade.E2, [Side.TARGET, Side.SOURCE], "on E2 only"),
        (Grade.E4, [Side.SOURCE, Side.TARGET], "no boot of it was accepted on the source"),
        (Grade.E4, [], "no boot of it was accepted on the source"),
    ],
    ids=["proven", "too little proof", "on the target since", "never seen"],
)
def test_a_station_counts_as_taken_back_only_by_proof_and_by_its_own_log(
    evidence: Grade, boots: Sequence[Side], complaint: str
) -> None:
    back = an_attempt("AC1", 2, direction=Direction.BACK, state=State.SETTLED, evidence=evidence)
    log = [WireEvent(seq=n, at_s=n, identity="AC1", side=s, kind=Kind.BOOT_ACCEPTED) for n, s in enumerate(boots)]

    found = " ".join(unproven_returns([back], log))

    assert complaint in found
    assert bool(found) is bool(complaint)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ([a_note(seq=3, version=1, state="planned")], {"opened"}),
        ([a_note(seq=3, version=5, state="planned")], {"planned"}),
        ([a_note(seq=3, state="lost"), a_note(seq=3, attempt="AC22-0418#1", state="settled")], {"lost", "settled"}),
        ([{"seq": 3}], set()),
    ],
    ids=["an opening", "due again", "two in one change", "a command"],
)
def test_the_last_words_of_the_dead_are_the_states_of_their_last_change(
    tmp_path: Path, last: Sequence[Mapping[str, object]], said: set[str]
) -> None:
    notes = [a_note(), *last]
    (tmp_path / "acknowledged.jsonl").write_text("".join(f"{json.dumps(note)}\n" for note in notes))
    stage = Stage(folder=tmp_path, seed=1, speed=1.0, specs=[], stations=[], source_port=1, target_port=2)

    assert Arena(stage).last_words() == said


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


def test_what_befalls_a_station_on_its_way_back_has_a_name_of_its_own() -> None:
    back = an_attempt(direction=Direction.BACK)

    assert names_of(opening(back)) == ["opened", "back opened"]
    assert names_of(move(back, Fact.NEVER, AT)) == ["skipped", "back skipped"]


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
