"""What a workbook leaves on the disk: itself whole, and nothing of it elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

import openpyxl
import pytest

from reports.workbook import Column, book

AT = "2026-11-20T03:10:00+00:00"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the library keeps its parts while it writes."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("streams", [True, False], ids=["row by row", "whole"])
def test_a_workbook_that_is_written_leaves_no_part_of_it_behind(tmp_path: Path, scratch: Path, streams: bool) -> None:
    with book(tmp_path / "crews.xlsx", title="crews", at=AT, timezone="UTC", streams=streams) as of:
        of.sheet("Orders").put(0, 0, "gate code 4711")

    assert openpyxl.load_workbook(tmp_path / "crews.xlsx")["Orders"]["A1"].value == "gate code 4711"
    assert not list(scratch.iterdir())


def test_a_renderer_that_gives_up_leaves_no_contact_in_the_folder_for_temporary_files(
    tmp_path: Path, scratch: Path
) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        book(tmp_path / "crews.xlsx", title="crews", at=AT, timezone="UTC", streams=True) as of,
    ):
        of.sheet("Orders").put(0, 0, f"gate code {1 / 0}")

    assert not list(scratch.iterdir())


@pytest.mark.parametrize("streams", [True, False], ids=["row by row", "whole"])
def test_a_place_that_takes_no_file_is_told_as_the_disk_told_it(tmp_path: Path, scratch: Path, streams: bool) -> None:
    out = tmp_path / "unplugged" / "crews.xlsx"

    with (
        pytest.raises(FileNotFoundError, match="unplugged"),
        book(out, title="crews", at=AT, timezone="UTC", streams=streams) as of,
    ):
        of.sheet("Orders").put(0, 0, "AC-1")

    assert not list(scratch.iterdir())


@pytest.mark.parametrize("streams", [True, False], ids=["row by row", "whole"])
def test_a_text_wider_than_its_column_takes_more_lines_and_is_not_cut_by_the_cell_beside_it(
    tmp_path: Path, streams: bool
) -> None:
    columns = (Column(header="Firmware", width=16), Column(header="Profile", width=24))

    with book(tmp_path / "fleet.xlsx", title="fleet", at=AT, timezone="UTC", streams=streams) as of:
        of.sheet("Fleet").table(columns, [("TAC3Z911900671027-1.8.21", "abb_terra_ac"), ("1.2.9", "openocpp")])

    sheet = openpyxl.load_workbook(tmp_path / "fleet.xlsx")["Fleet"]
    assert [sheet[cell].alignment.wrap_text for cell in ("A2", "B2", "A3")] == [True, None, None]
    assert sheet.row_dimensions[2].height >= 30
    assert sheet.row_dimensions[3].height is None


def test_a_row_is_as_high_as_its_text_is_broken_between_words(tmp_path: Path) -> None:
    columns = (Column(header="Site", width=40), Column(header="Wave"))
    site = "Parkhaus Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrik Süd"

    with book(tmp_path / "sites.xlsx", title="sites", at=AT, timezone="UTC") as of:
        of.sheet("Sites").table(columns, [(site, "1")])

    assert openpyxl.load_workbook(tmp_path / "sites.xlsx")["Sites"].row_dimensions[2].height >= 45
