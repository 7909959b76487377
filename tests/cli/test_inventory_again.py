"""A list that comes again, the history of lists, and the workbook of findings, as people and scripts call them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from migrate.cli import call

Capture = pytest.CaptureFixture[str]

MAY = "identity,vendor,site_id,access\nAC1,KEBA,North,code 4711\nAC2,Alfen,North,\nAC3,Alfen,South,\n"
JUNE = "identity,vendor,site_id,access\nAC2,Alfen,West,\nAC1,KEBA,North,code 4712\nAC9,Alfen,South,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "campaign"
    assert call(["init", str(folder)]) == 0
    return folder


def imported(folder: Path, text: str, *options: str, name: str = "fleet.csv") -> int:
    file = folder.parent / name
    file.write_text(text, encoding="utf-8")
    return call(["inventory", "import", str(file), "--campaign", str(folder), *options])


def document(capsys: Capture) -> dict[str, Any]:
    parsed = json.loads(capsys.readouterr().out)
    assert isinstance(parsed, dict)
    return parsed


def test_the_first_list_is_all_new_and_is_not_told_row_by_row(folder: Path, capsys: Capture) -> None:
    code = imported(folder, MAY)

    shown = capsys.readouterr().out
    assert code == 0
    assert "Against the list before" not in shown
    assert "Imported 3 stations" in shown


def test_a_later_list_says_who_came_who_went_and_which_fields_differ(folder: Path, capsys: Capture) -> None:
    imported(folder, MAY)
    capsys.readouterr()

    imported(folder, JUNE)

    shown = capsys.readouterr().out
    assert "Against the list before: 1 added, 1 gone, 2 changed, 0 as they were." in shown
    assert "  + AC9" in shown
    assert "  - AC3" in shown
    assert "  ~ AC2: site_id North → West" in shown
    assert "4711" not in shown
    assert "4712" not in shown


def test_a_dry_run_says_what_would_change_and_changes_nothing(folder: Path, capsys: Capture) -> None:
    imported(folder, MAY)
    capsys.readouterr()

    code = imported(folder, JUNE, "--dry-run", "--json")

    told = document(capsys)
    call(["inventory", "history", "--campaign", str(folder), "--json"])
    assert (code, told["imported"], told["changes"]["gone"]) == (2, False, ["AC3"])
    assert len(document(capsys)["imports"]) == 1


def test_a_dry_run_in_a_folder_that_has_no_store_yet_has_nothing_to_compare_with(folder: Path, capsys: Capture) -> None:
    (folder / "campaign.db").unlink()

    code = imported(folder, MAY, "--dry-run", "--json")

    assert code == 2
    assert document(capsys)["changes"] is None
    assert not (folder / "campaign.db").exists()


def test_the_history_shows_every_import_by_whom_and_what_it_changed(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATE_USER", "maria")
    imported(folder, MAY, name="may.csv")
    imported(folder, JUNE, name="june.csv")
    capsys.readouterr()

    call(["inventory", "history", "--campaign", str(folder)])
    shown = capsys.readouterr().out.splitlines()
    call(["inventory", "history", "--campaign", str(folder), "--json"])
    told = document(capsys)

    assert shown[1].endswith("may.csv; maria")
    assert shown[2].split()[3:7] == ["3", "1", "2", "1"]
    assert told["schema"] == "migrate.inventory_history/1"
    assert [(i["number"], i["by"], i["stations"], i["added"], i["changed"], i["gone"]) for i in told["imports"]] == [
        (1, "maria", 3, 3, 0, 0),
        (2, "maria", 3, 1, 2, 1),
    ]


def test_one_station_is_followed_through_the_imports(folder: Path, capsys: Capture) -> None:
    imported(folder, MAY)
    imported(folder, JUNE)
    capsys.readouterr()

    code = call(["inventory", "history", "AC2", "--campaign", str(folder), "--json"])
    told = document(capsys)
    call(["inventory", "history", "AC3", "--campaign", str(folder)])

    assert code == 0
    assert [(v["number"], v["change"], v["fields"]) for v in told["versions"]] == [
        (1, "added", []),
        (2, "changed", [{"field": "site_id", "before": "North", "after": "West"}]),
    ]
    assert "import 2" in (shown := capsys.readouterr().out)
    assert "no longer listed" in shown


def test_a_station_that_no_list_ever_held_is_said_so(folder: Path, capsys: Capture) -> None:
    imported(folder, MAY)

    code = call(["inventory", "history", "ac1", "--campaign", str(folder)])

    assert code == 65
    assert "case-sensitive" in capsys.readouterr().err


def test_an_empty_campaign_has_an_empty_history(folder: Path, capsys: Capture) -> None:
    code = call(["inventory", "history", "--campaign", str(folder)])

    assert code == 0
    assert "No list was imported yet" in capsys.readouterr().out


def test_a_list_that_is_refused_leaves_no_trace_in_the_history(folder: Path, capsys: Capture) -> None:
    imported(folder, MAY)
    refused = imported(folder, JUNE + "AC9,Alfen,South,\n")
    capsys.readouterr()

    call(["inventory", "history", "--campaign", str(folder), "--json"])

    assert refused == 65
    assert len(document(capsys)["imports"]) == 1


# ── the workbook of findings ───────────────────────────────────────────────

ODD = "identity,vendor,wave\nAC1,KEBA,1\nAC2,=cmd|x,two\n,KEBA,2\n"


def test_a_check_writes_its_findings_as_a_workbook_beside_what_it_always_says(tmp_path: Path, capsys: Capture) -> None:
    file, out = tmp_path / "fleet.csv", tmp_path / "checked.xlsx"
    file.write_text(ODD, encoding="utf-8")

    code = call(["inventory", "check", str(file), "--out", str(out), "--json"])

    told = document(capsys)
    findings = load_workbook(out)["Findings"]
    listed = [tuple(cell.value for cell in row[:2]) for row in findings.iter_rows(min_row=2)]
    assert code == 65
    assert sorted(listed) == sorted((p["severity"][0].upper(), p["cell"]) for p in told["problems"])
    assert load_workbook(out)["fleet"]["C3"].value == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checked.xlsx", "fleet.csv"]


def test_a_workbook_of_findings_never_takes_the_place_of_a_file_that_is_there(tmp_path: Path, capsys: Capture) -> None:
    file, out = tmp_path / "fleet.csv", tmp_path / "checked.xlsx"
    file.write_text(ODD, encoding="utf-8")
    out.write_bytes(b"somebody's corrections")

    codes = [call(["inventory", "check", str(file), "--out", str(path)]) for path in (out, file, tmp_path / "x.pdf")]

    assert codes == [64, 64, 64]
    assert out.read_bytes() == b"somebody's corrections"
    assert file.read_text(encoding="utf-8") == ODD
    assert "somebody's work" in capsys.readouterr().err


def test_a_list_that_cannot_be_read_still_gets_its_workbook(tmp_path: Path) -> None:
    file, out = tmp_path / "fleet.xlsx", tmp_path / "checked.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"))

    code = call(["inventory", "check", str(file), "--out", str(out)])

    assert code == 65
    assert load_workbook(out)["Findings"]["G2"].value == "E-FILE-PASSWORD"


def test_the_findings_of_the_british_register_stand_in_its_own_cells(shared_data: Path, tmp_path: Path) -> None:
    file, out = shared_data / "inventories" / "uk_ncr_2017.csv", tmp_path / "checked.xlsx"
    columns = Path(__file__).resolve().parents[2] / "docs" / "examples" / "uk_ncr.toml"

    call(["inventory", "check", str(file), "--columns", str(columns), "--out", str(out), "-q"])

    book = load_workbook(out, read_only=True)
    errors = [row for row in book["Findings"].iter_rows(min_row=2, values_only=True) if row[0] == "E"]
    assert [row[9] for row in errors] == [970, 971, 973, 974]
