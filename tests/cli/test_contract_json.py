"""The JSON documents, key by key and type by type, as other programs rely on them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from migrate.cli import call
from migrate.domain.attempt import State
from migrate.domain.profile import Method
from tests.cli.campaigns import attempted, campaign, planned

Capture = pytest.CaptureFixture[str]

TOTALS = [
    "planned",
    "deferred",
    "checked",
    "visiting",
    "writing",
    "written",
    "restarting",
    "undoing",
    "departed",
    "arrived",
    "confirmed",
    "settled",
    "skipped",
    "failed",
    "reverted",
    "stuck",
    "lost",
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return campaign(tmp_path)


def told(capsys: Capture, *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert call([*arguments, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def keys(document: dict[str, Any]) -> set[str]:
    return set(document) - {"schema"}


def test_a_plan_is_written_as_published(folder: Path, capsys: Capture) -> None:
    planned(folder)

    plan = told(capsys, "plan", "show", "--stations")

    assert plan["schema"] == "migrate.plan/1"
    assert keys(plan) == {"fingerprint", "approved_by", "waves", "manual", "unmatched", "excluded", "stations"}
    published = {"number", "size", "batches", "by_profile", "by_method", "by_rollback", "sites", "one_way"}
    assert all(published <= set(wave) for wave in plan["waves"])
    whole = [plan["manual"], plan["unmatched"], *(w[k] for w in plan["waves"] for k in ("size", "sites", "one_way"))]
    assert all(type(number) is int for number in whole)
    assert all(set(s) == {"identity", "wave", "profile", "method"} for s in plan["stations"])
    assert {s["method"] for s in plan["stations"]} <= {method.value for method in Method}
    assert (plan["approved_by"], "changes" in plan) == ("maria", False)


def test_a_status_is_written_as_published(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)
    attempted(folder, plan, "ALF-0", State.LOST)

    status = told(capsys, "status", "--stations")

    assert status["schema"] == "migrate.status/1"
    assert keys(status) == {"campaign", "fingerprint", "mode", "totals", "waves", "incidents", "stations"}
    assert list(status["totals"]) == TOTALS
    assert sum(status["totals"].values()) == len(plan.stations)
    for wave in status["waves"]:
        assert set(wave) == {"number", "state", "totals", "gate", "started_at", "ended_at"}
        assert set(wave["gate"]) == {"verdict", "reasons"}
    lost = next(s for s in status["stations"] if s["state"] == "lost")
    assert set(lost) == {
        "identity",
        "wave",
        "profile",
        "method",
        "state",
        "evidence",
        "attempts",
        "reason",
        "updated_at",
    }
    assert TIME.fullmatch(lost["updated_at"])
    assert "stations" not in told(capsys, "status")


def test_an_inventory_is_written_as_published(folder: Path, capsys: Capture) -> None:
    (folder / "list.csv").write_text("identity,vendor,country,last_seen_at\nAC-1,Acme,NL,\nAC-1,Acme,NL,\n")

    read = told(capsys, "inventory", "import", "list.csv", code=65)

    assert read["schema"] == "migrate.inventory/1"
    assert keys(read) >= {"file", "rows", "stations", "sites", "imported", "duration_s", "problems"}
    assert read["imported"] is False
    published = ["file", "sheet", "row", "line", "column", "cell", "code", "severity", "message", "hint", "value"]
    assert all(set(problem) == set(published) for problem in read["problems"])
    assert {p["row"] for p in read["problems"]} & {2, 3}


def test_a_dry_run_that_would_be_written_is_2_and_writes_nothing(folder: Path, capsys: Capture) -> None:
    (folder / "list.csv").write_text("identity\nAC-1\n")

    assert told(capsys, "inventory", "import", "list.csv", "--dry-run", code=2)["imported"] is False
    assert told(capsys, "inventory", "census")["stations"] == 8
    assert told(capsys, "inventory", "import", "list.csv")["imported"] is True
    assert told(capsys, "inventory", "census")["stations"] == 1


def test_a_census_is_written_as_published(folder: Path, capsys: Capture) -> None:
    census = told(capsys, "inventory", "census")

    assert census["schema"] == "migrate.census/1"
    assert keys(census) >= {"stations", "sites", "models", "unmatched"}
    published = {"vendor", "model", "firmware", "stations", "profile", "method", "rollback"}
    assert all(set(model) == published for model in census["models"])
    assert {m["vendor"]: m["profile"] for m in census["models"]}["Nobody Knows"] is None


def test_what_is_left_to_move_is_told_by_an_exit_code(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)

    assert call(["plan", "show", "--exit-code"]) == 2
    for station in plan.stations:
        attempted(folder, plan, station.identity, State.SETTLED)
    assert call(["plan", "show", "--exit-code"]) == 0


def test_every_document_of_a_reading_verb_names_its_schema(folder: Path, capsys: Capture) -> None:
    attempted(folder, planned(folder), "ALF-0", State.STUCK)

    schemas = {
        told(capsys, *arguments)["schema"]
        for arguments in (
            ["station", "ALF-0"],
            ["report", "progress"],
            ["profiles", "list"],
            ["profiles", "show", "keba_p30x"],
            ["profiles", "match", "Keba AG", "KC-P30", "1.12.0"],
            ["plan", "check"],
        )
    }

    names = ("station", "progress", "profiles", "profile", "profiles_match", "findings")
    assert schemas == {f"migrate.{name}/1" for name in names}


def test_a_report_is_written_as_a_page_and_as_data(folder: Path, capsys: Capture) -> None:
    planned(folder)

    assert call(["report", "progress", "--out", "sub/p.html"]) == 0
    assert call(["report", "progress", "--out", "p.json"]) == 0

    assert (folder / "sub" / "p.html").read_text().lower().startswith("<!doctype html>")
    assert json.loads((folder / "p.json").read_text())["schema"] == "migrate.progress/1"
    assert not list(folder.glob("*.part"))
