"""``migrate report``: what is written where, and what is refused before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from migrate.cli import call
from migrate.domain.attempt import State
from tests.cli.campaigns import attempted, campaign, planned

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = campaign(tmp_path / "cutover")
    plan = planned(made)
    attempted(made, plan, "ALF-0", State.SETTLED)
    attempted(made, plan, "ALF-1", State.LOST)
    monkeypatch.chdir(made)
    return made


def test_progress_is_written_in_three_forms_that_agree(folder: Path) -> None:
    codes = [call(["report", "progress", "--out", f"out/progress.{form}"]) for form in ("html", "xlsx", "json")]

    assert codes == [0, 0, 0]
    document = json.loads((folder / "out/progress.json").read_text())
    assert (document["totals"]["settled"], document["totals"]["lost"], document["stations"]) == (1, 1, 8)
    states = openpyxl.load_workbook(folder / "out/progress.xlsx")["States"].iter_rows(min_row=2, values_only=True)
    assert {row[0]: row[3] for row in states} == document["totals"]
    assert 'data-n="totals.lost">1<' in (folder / "out/progress.html").read_text()
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "progress.html",
        "progress.json",
        "progress.xlsx",
    ]


def test_files_of_one_call_show_one_moment_under_one_hash(folder: Path) -> None:
    code = call(["report", "progress", *(f"--out=p.{form}" for form in ("html", "xlsx", "json"))])

    data_hash = json.loads((folder / "p.json").read_text())["data_hash"]
    cells = [str(cell) for sheet in openpyxl.load_workbook(folder / "p.xlsx") for row in sheet.values for cell in row]
    assert code == 0
    assert data_hash in (folder / "p.html").read_text()
    assert any(data_hash in cell for cell in cells)


def test_the_stations_are_told_with_their_attempts(folder: Path, capsys: Capture) -> None:
    code = call(["report", "stations", "--json"])

    document = json.loads(capsys.readouterr().out)
    told = {s["identity"]: s for s in document["stations"]}
    assert code == 0
    assert document["schema"] == "migrate.stations/1"
    assert (told["ALF-0"]["state"], told["ALF-0"]["attempts"], told["ALF-0"]["direction"]) == ("settled", 1, "forward")
    assert (told["ALF-3"]["state"], told["ALF-3"]["attempts"], told["ALF-3"]["direction"]) == ("planned", 0, None)


def test_a_model_is_told_as_stopped_by_the_rule_that_stops_it(folder: Path, capsys: Capture) -> None:
    plan = planned(folder)
    for identity in ("ALF-2", "ALF-3", "ALF-4", "ALF-5"):
        attempted(folder, plan, identity, State.FAILED)

    call(["report", "progress", "--json"])

    [stopped] = json.loads(capsys.readouterr().out)["quarantined"]
    assert (stopped["vendor"], stopped["model"], stopped["failed"]) == ("Alfen BV", "NG910-60023", 4)


@pytest.mark.parametrize("verb", ["progress", "stations"])
def test_a_pdf_is_refused_with_the_way_round_it(folder: Path, capsys: Capture, verb: str) -> None:
    code = call(["report", verb, "--out", "committee.pdf"])

    said = capsys.readouterr().err
    assert code == 65
    assert "committee.pdf: PDF comes with a later release" in said
    assert "Write committee.html and print it" in said
    assert not (folder / "committee.pdf").exists()


@pytest.mark.parametrize("verb", ["progress", "stations"])
def test_a_report_without_a_file_is_a_question_of_usage(folder: Path, verb: str) -> None:
    assert call(["report", verb]) == 64


def test_a_place_that_cannot_be_written_is_no_defect(folder: Path, capsys: Capture) -> None:
    (folder / "taken").write_text("a file, not a folder")

    assert call(["report", "stations", "--out", "taken/stations.xlsx"]) == 74
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["progress", "stations", "census"])
def test_a_file_whose_name_would_speak_to_the_terminal_is_written_and_named_without_it(
    folder: Path, capsys: Capture, verb: str
) -> None:
    planned(folder)

    assert call(["report", verb, "--out", "a\x1b[2J\u202eb.json"]) == 0

    assert "Wrote ab.json" in capsys.readouterr().err
    assert (folder / "a\x1b[2J\u202eb.json").exists()
