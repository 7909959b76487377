"""``migrate status`` before there is a plan, and what it says of orders over a part of the fleet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.cli import call
from migrate.domain.station import Station
from tests.cli.campaigns import ALFEN, ODD, campaign, planned, with_journal

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIGRATE_CAMPAIGN", raising=False)
    return tmp_path


def test_a_campaign_without_a_plan_stands_somewhere_too(folder: Path, capsys: Capture) -> None:
    campaign(folder)

    assert call(["status", "--stations", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["campaign"], document["fingerprint"], document["mode"]) == ("cutover", "", "idle")
    assert (document["waves"], document["incidents"], document["stations"]) == ([], [], [])
    assert set(document["totals"].values()) == {0}
    assert call(["status"]) == 0
    assert "Next:   migrate plan make" in capsys.readouterr().out


def test_a_station_that_the_plan_leaves_alone_is_told_the_plans_reason(folder: Path, capsys: Capture) -> None:
    held = Station(identity="HLD-1", vendor="Alfen BV", model="NG910-60023", hold="contract ends in March")
    planned(campaign(folder, [*ALFEN, held]))

    assert call(["explain", "HLD-1"]) == 0

    told = capsys.readouterr().out
    assert "The plan leaves it alone: hold: contract ends in March." in told
    assert "migrate inventory import FILE" in told


def test_a_station_that_came_after_the_plan_is_told_so(folder: Path, capsys: Capture) -> None:
    planned(campaign(folder))
    late = Station(identity="NEW-1", vendor="Alfen BV", model="NG910-60023")
    with_journal(folder, lambda journal: journal.store_stations([*ALFEN, *ODD, late]))

    assert call(["explain", "NEW-1"]) == 0

    told = capsys.readouterr().out
    assert "It is not in the plan" in told
    assert "leaves it alone" not in told


def test_without_stations_the_list_comes_first(folder: Path, capsys: Capture) -> None:
    campaign(folder, [])

    assert call(["status"]) == 0
    assert "Next:   migrate inventory import FILE" in capsys.readouterr().out


def test_a_halt_that_was_ordered_before_any_plan_is_seen(folder: Path, capsys: Capture) -> None:
    campaign(folder)
    assert call(["halt", "--reason", "target not signed off"]) == 0
    capsys.readouterr()

    assert call(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "halted"
    assert call(["status"]) == 0
    assert "campaign halted" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["pause", "halt"])
def test_an_order_over_a_part_is_told_with_its_reason_until_it_is_lifted(
    folder: Path, capsys: Capture, verb: str
) -> None:
    planned(campaign(folder))
    part = ["--model", "NG910-60023"]
    assert call([verb, *part, "--reason", "two stuck plugs"]) == 0
    capsys.readouterr()

    assert call(["status"]) == 0
    told = capsys.readouterr().out
    assert {"pause": "paused", "halt": "halted"}[verb] in told
    assert "model NG910-60023" in told
    assert "two stuck plugs" in told
    assert call(["resume", *part, "--reason", "mended"]) == 0
    capsys.readouterr()
    assert call(["status"]) == 0
    assert "NG910-60023" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("part", "near"),
    [
        (["--model", "ng910-60023"], "NG910-60023"),
        (["--model", "Alfen BV NG910-60032"], "Alfen BV NG910-60023"),
        (["--profile", "alfen_fw9"], "alfen_fw"),
        (["--site", "nowhere"], ""),
    ],
    ids=["model in other case", "vendor and model", "profile", "site"],
)
def test_an_order_that_lies_on_no_station_is_laid_and_cautioned(
    folder: Path, capsys: Capture, part: list[str], near: str
) -> None:
    planned(campaign(folder))

    assert call(["halt", *part, "--reason", "r"]) == 0

    said = capsys.readouterr().err
    assert "Caution: no station of the campaign" in said
    assert f"Did you mean {near}" in said if near else "Did you mean" not in said


@pytest.mark.parametrize(
    ("part", "count"),
    [
        (["--model", "NG910-60023"], 6),
        (["--model", "Alfen BV NG910-60023"], 6),
        (["--profile", "alfen_fw5"], 6),
        (["--site", "station:ALF-1"], 1),
        ([], 8),
    ],
    ids=["model", "vendor and model", "profile", "site", "everything"],
)
def test_an_order_says_how_many_stations_it_lies_on(folder: Path, capsys: Capture, part: list[str], count: int) -> None:
    planned(campaign(folder))

    assert call(["pause", *part, "--reason", "r"]) == 0

    said = capsys.readouterr().err
    assert "Caution" not in said
    assert f"({count} station{'' if count == 1 else 's'})" in said
