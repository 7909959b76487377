"""A person's word: what may be said of which station, and what comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from migrate.cli import call
from migrate.cli.resolve import WORDS
from migrate.domain.attempt import State, advance
from reports.explain import Circumstances, explain
from tests.cli.campaigns import AT, attempted, campaign, planned

Capture = pytest.CaptureFixture[str]
WORD_IDS = [f"{here} as {to}" for here, to in WORDS]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return campaign(tmp_path)


@pytest.mark.parametrize(("here", "said"), WORDS, ids=WORD_IDS)
def test_a_word_leads_where_it_says_and_stands_in_the_timeline(
    folder: Path, capsys: Capture, here: State, said: State
) -> None:
    attempted(folder, planned(folder), "ALF-0", here)

    assert call(["resolve", "ALF-0", "--as", said.value, "--reason", "seen by J. Bakker"]) == 0

    capsys.readouterr()
    assert call(["station", "ALF-0", "--json"]) == 0
    story = json.loads(capsys.readouterr().out)
    assert story["state"] == said.value
    assert any(e["kind"] == "resolved" and "J. Bakker" in str(e["data"]) for e in story["events"])


@pytest.mark.parametrize(("here", "said"), WORDS, ids=WORD_IDS)
def test_every_word_is_in_the_table_and_is_offered_where_the_station_is_explained(
    folder: Path, here: State, said: State
) -> None:
    attempt = attempted(folder, planned(folder), "ALF-0", here)

    text = explain(attempt, Circumstances(now=AT, zone=ZoneInfo("UTC")))

    assert advance(here, WORDS[(here, said)]) is said
    assert f"migrate resolve ALF-0 --as {said.value} " in text


def test_no_word_is_offered_that_would_be_refused(folder: Path) -> None:
    plan = planned(folder)
    offered = set()
    for number, here in enumerate({here for here, _ in WORDS}):
        attempt = attempted(folder, plan, f"ALF-{number}", here)
        text = explain(attempt, Circumstances(now=AT, zone=ZoneInfo("UTC")))
        offered |= {(here, State(part.split()[0])) for part in text.split("--as ")[1:]}

    assert offered == set(WORDS)


def test_a_word_that_means_nothing_is_refused_with_those_that_would(folder: Path, capsys: Capture) -> None:
    attempted(folder, planned(folder), "ALF-0", State.LOST)

    assert call(["resolve", "ALF-0", "--as", "failed", "--reason", "r"]) == 65

    assert "Possible now: skipped, undoing." in capsys.readouterr().err
    assert call(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["lost"] == 1
