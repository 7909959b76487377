"""``migrate inventory`` as scripts and people call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrate.cli import call

LIST = "identity,vendor,site_id\nAC1,KEBA,North\nAC2,Alfen,North\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.csv"
    file.write_text(LIST, encoding="utf-8")
    return file


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    parsed = json.loads(capsys.readouterr().out)
    assert isinstance(parsed, dict)
    return parsed


def test_a_sound_list_checks_out_with_the_promised_document(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = call(["inventory", "check", str(fleet), "--json"])

    told = document(capsys)
    assert code == 0
    assert told.pop("duration_s") >= 0
    assert told == {
        "schema": "migrate.inventory/1",
        "file": str(fleet),
        "rows": 2,
        "stations": 2,
        "sites": 1,
        "imported": False,
        "problems": [],
        "proposal": None,
    }


def test_a_dry_run_says_that_changes_are_pending_and_writes_nothing(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())

    code = call(["inventory", "import", str(fleet), "--dry-run", "--campaign", str(tmp_path), "--json"])

    assert code == 2
    assert document(capsys)["imported"] is False
    assert sorted(tmp_path.iterdir()) == before


def test_a_list_with_an_error_is_bad_data_and_the_sentence_says_which_row_to_leave_out(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write_text(LIST + "AC3,KEBA\n,KEBA,North\nAC5,KEBA,North\n", encoding="utf-8")

    code = call(["inventory", "check", str(fleet)])

    captured = capsys.readouterr()
    assert code == 65
    assert "--exclude-rows 4-5" in captured.out
    assert "error E-ROW-RAGGED" in captured.err


def test_quiet_leaves_the_errors(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.write_text("identity,wave,colour\nAC1,x,red\n", encoding="utf-8")

    call(["inventory", "check", str(fleet), "-q"])

    shown = capsys.readouterr().err
    assert "E-WAVE" in shown
    assert "W-HEADER-IGNORED" not in shown


def test_leaving_those_rows_out_makes_it_pass(fleet: Path) -> None:
    fleet.write_text(LIST + "AC3,KEBA\n,KEBA,North\nAC5,KEBA,North\n", encoding="utf-8")

    assert call(["inventory", "check", str(fleet), "--exclude-rows", "4-5"]) == 0


def test_a_foreign_list_puts_the_proposed_map_and_nothing_else_on_stdout(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write_text("Charge Point ID,Manufacturer\nAC1,KEBA\n", encoding="utf-8")

    code = call(["inventory", "import", str(fleet)])

    proposal = capsys.readouterr().out
    (tmp_path / "map.toml").write_text(proposal, encoding="utf-8")
    assert code == 65
    assert call(["inventory", "check", str(fleet), "--columns", str(tmp_path / "map.toml")]) == 0


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    assert call(["inventory", "check", str(tmp_path / "nowhere.csv")]) == 74


@pytest.mark.parametrize("rows", ["x", "5-3", "0", "1-999999999"])
def test_a_list_of_rows_that_is_none_is_a_usage_error(fleet: Path, rows: str) -> None:
    assert call(["inventory", "check", str(fleet), "--exclude-rows", rows]) == 64


def test_a_thousand_warnings_of_one_kind_take_few_lines_for_people_and_stay_single_in_json(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{number:032x},KEBA,North\n" for number in range(1000))
    fleet.write_text("identity,vendor,site_id\n" + rows, encoding="utf-8")

    call(["inventory", "check", str(fleet)])
    shown = capsys.readouterr().err
    call(["inventory", "check", str(fleet), "--json"])
    told = document(capsys)

    assert "warning W-ID-LONG in identity: 1,000" in shown
    assert len(shown.splitlines()) < 20
    assert len(told["problems"]) == 1000


def test_hostile_cells_reach_no_terminal_raw(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.write_text("identity,wave\n\x1b[2J[/red]AC1,\x1b]0;x\x07\n", encoding="utf-8")

    call(["inventory", "check", str(fleet)])

    captured = capsys.readouterr()
    assert "\x1b" not in captured.err + captured.out
    assert "\x07" not in captured.err + captured.out


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_template_is_written_once_and_never_over_somebodys_work(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"fleet{suffix}"

    assert call(["inventory", "template", str(file)]) == 0
    assert call(["inventory", "template", str(file)]) == 64
    assert call(["inventory", "check", str(file)]) == 65  # nothing in it yet


def test_the_template_on_stdout_is_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    call(["inventory", "template"])

    assert capsys.readouterr().out.startswith("identity,vendor,model,firmware,")


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    folder = tmp_path / "campaign"
    assert call(["init", str(folder)]) == 0
    return folder


def test_an_imported_fleet_is_counted_whole_by_the_census(
    fleet: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = call(["inventory", "import", str(fleet), "--campaign", str(campaign)])
    capsys.readouterr()

    counted = call(["inventory", "census", "--campaign", str(campaign), "--json"])

    told = document(capsys)
    assert (imported, counted) == (0, 0)
    assert (told["schema"], told["stations"], told["sites"]) == ("migrate.census/1", 2, 1)
    assert sum(model["stations"] for model in told["models"]) == 2


def test_nothing_is_written_while_an_error_remains(
    fleet: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.write_text(LIST + "AC1,KEBA,South\n", encoding="utf-8")

    code = call(["inventory", "import", str(fleet), "--campaign", str(campaign), "--json"])

    told = document(capsys) if code else {}
    call(["inventory", "census", "--campaign", str(campaign), "--json"])
    assert (code, told["imported"], told["stations"]) == (65, False, 2)
    assert document(capsys)["stations"] == 0


def test_the_census_of_a_file_needs_no_campaign(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["inventory", "census", str(fleet), "--campaign", str(tmp_path)])

    assert code == 0
    assert "2 stations on 1 site;" in capsys.readouterr().out


def test_the_british_register_goes_through_the_whole_verb(
    shared_data: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shared_data / "inventories" / "uk_ncr_2017.csv"
    columns = Path(__file__).resolve().parents[2] / "docs" / "examples" / "uk_ncr.toml"
    command = ["inventory", "import", str(file), "--columns", str(columns), "--campaign", str(campaign), "--json"]
    capsys.readouterr()

    first = call(command)
    refused = document(capsys)
    second = call([*command, "--exclude-rows", "970-971,973,974"])
    accepted = document(capsys)

    assert (first, refused["imported"], refused["stations"]) == (65, False, 3964)
    assert [p["row"] for p in refused["problems"] if p["severity"] == "error"] == [970, 971, 973, 974]
    assert (second, accepted["imported"], accepted["rows"], accepted["stations"]) == (0, True, 3968, 3964)
