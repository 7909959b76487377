"""Real public registers, read where they lie."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from migrate.adapters.spreadsheet import InventoryReading, read_inventory

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


@pytest.fixture(scope="module")
def register(shared_data: Path) -> InventoryReading:
    return read_inventory([shared_data / "inventories/uk_ncr_2017.csv"], EXAMPLES / "uk_ncr.toml")


def test_the_british_register_yields_every_whole_station_once(register: InventoryReading) -> None:
    identities = Counter(station.identity for station in register.stations)

    assert register.rows == 3968
    assert len(identities) == 3964
    assert set(identities.values()) == {1}


def test_the_four_fragments_of_two_broken_records_are_the_only_errors(register: InventoryReading) -> None:
    assert [(p.code, p.row, p.line) for p in register.errors] == [
        ("E-ROW-RAGGED", 970, 993),
        ("E-ROW-RAGGED", 971, 994),
        ("E-ROW-RAGGED", 973, 996),
        ("E-ROW-RAGGED", 974, 997),
    ]
    assert not register.is_importable


def test_impossible_dates_a_header_twice_and_places_abroad_are_warnings(register: InventoryReading) -> None:
    told = Counter((p.code, p.column) for p in register.warnings if p.code != "W-ID-LONG")

    assert told == {
        ("W-DATE-IMPOSSIBLE", "dateCreated"): 94,
        ("W-DATE-IMPOSSIBLE", "dateUpdated"): 891,
        ("W-HEADER-DUPLICATE", "connector3Validated"): 1,
        ("W-GEO-ABROAD", "latitude"): 2,
    }


def test_every_problem_of_a_cell_names_that_cell(register: InventoryReading) -> None:
    abroad = [p.cell for p in register.warnings if p.code == "W-GEO-ABROAD"]

    assert abroad == ["D3841", "D3957"]


def test_leaving_the_fragments_out_by_number_makes_the_register_importable(shared_data: Path) -> None:
    file = shared_data / "inventories/uk_ncr_2017.csv"

    reading = read_inventory([file], EXAMPLES / "uk_ncr.toml", exclude_rows=frozenset({970, 971, 973, 974}))

    assert reading.is_importable
    assert len(reading.stations) == 3964
    assert [p.row for p in reading.warnings if p.code == "W-ROW-EXCLUDED"] == [970, 971, 973, 974]


def test_leaving_out_three_of_four_fragments_is_not_enough(shared_data: Path) -> None:
    file = shared_data / "inventories/uk_ncr_2017.csv"

    reading = read_inventory([file], EXAMPLES / "uk_ncr.toml", exclude_rows=frozenset({970, 971, 973}))

    assert [p.row for p in reading.errors] == [974]


def test_the_berlin_register_is_read_with_its_mark_semicolons_and_decimal_commas(shared_data: Path) -> None:
    reading = read_inventory([shared_data / "inventories/de_berlin.csv"], EXAMPLES / "de_berlin.toml")

    (detected,) = reading.detected
    assert (detected.encoding, detected.delimiter, detected.decimal_comma) == ("utf-8-sig", ";", True)
    assert reading.problems == ()
    assert len(reading.stations) == 4528
    assert reading.stations[0].latitude == 52.52979


def test_rows_per_connector_of_the_french_file_are_folded_into_stations(shared_data: Path) -> None:
    reading = read_inventory([shared_data / "inventories/fr_mobive_2020.csv"], EXAMPLES / "fr_irve.toml")

    assert (reading.rows, len(reading.stations), reading.problems) == (1554, 704, ())
    assert sum(station.connectors for station in reading.stations) == 1554


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("uk_ncr_2017.csv", 'identity = "chargeDeviceID"'),
        ("de_berlin.csv", 'identity = "Ladeeinrichtungs-ID"'),
        ("fr_mobive_2020.csv", 'by = "id_station"'),
    ],
)
def test_a_foreign_list_without_a_map_gets_one_proposed_and_stops(shared_data: Path, file: str, line: str) -> None:
    reading = read_inventory([shared_data / "inventories" / file])

    assert [p.code for p in reading.errors] == ["E-MAP-MISSING"]
    assert reading.stations == ()
    assert line in reading.proposal


def test_a_proposed_map_can_be_used_as_it_is_once_someone_agrees(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "inventories/uk_ncr_2020_slim.csv"
    proposed = tmp_path / "map.toml"
    proposed.write_text(read_inventory([file]).proposal, encoding="utf-8")

    reading = read_inventory([file], proposed)

    assert reading.rows == 12306
    assert len(reading.stations) == 12304
    assert {p.row for p in reading.errors} == {1381, 1384}


def test_the_short_british_cut_of_2020_imports_without_its_two_fragments(shared_data: Path) -> None:
    file = shared_data / "inventories/uk_ncr_2020_slim.csv"

    reading = read_inventory([file], EXAMPLES / "uk_ncr_2020.toml", exclude_rows=frozenset({1381, 1384}))

    assert reading.is_importable
    assert len(reading.stations) == 12304
    assert Counter(p.code for p in reading.warnings if p.code.startswith("W-GEO") and p.code != "W-GEO-HALF") == {
        "W-GEO-SWAPPED": 175,
        "W-GEO-ABROAD": 13,
        "W-GEO-ZERO": 1,
        "W-GEO-RANGE": 1,
    }


def test_the_fragments_of_the_short_british_cut_are_named_with_their_cells(shared_data: Path) -> None:
    reading = read_inventory([shared_data / "inventories/uk_ncr_2020_slim.csv"], EXAMPLES / "uk_ncr_2020.toml")

    assert [(p.code, p.cell) for p in reading.errors] == [
        ("E-MAP-WORD", "F1381"),
        ("E-ID-MISSING", "A1381"),
        ("E-MAP-WORD", "F1384"),
        ("E-ID-CHARACTER", "A1384"),
    ]
