"""Column maps: what they may say, and how their mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.spreadsheet import InventoryReading, read_inventory

LIST = (
    "Pole;Maker;Street;No;Town;State;Plug1 ID;Plug2 ID;Seen\n"
    "AC1;KEBA;Kade;1;Gouda;up;x;y;03/04/2026\n"
    "AC2;;Kade;;Gouda;down;x;;04/04/2026\n"
)


def mapped(tmp_path: Path, toml: str, text: str = LIST) -> InventoryReading:
    (tmp_path / "fleet.csv").write_text(text, encoding="utf-8")
    (tmp_path / "map.toml").write_text(toml, encoding="utf-8")
    return read_inventory([tmp_path / "fleet.csv"], tmp_path / "map.toml")


def codes(reading: InventoryReading) -> list[str]:
    return [problem.code for problem in reading.problems]


def test_every_form_of_expression_gives_the_value_it_promises(tmp_path: Path) -> None:
    reading = mapped(
        tmp_path,
        """
        [columns]
        identity = "Pole"
        vendor = { first_of = ["Maker", "Town"] }
        address = { join = ["Street", "No"], with = " " }
        country = { value = "nl" }
        lifecycle = { translate = "State", to = { "up" = "in_service", "down" = "offline" } }
        connectors = { count_filled = "Plug*ID" }
        last_seen_at = { date = "Seen", order = "day_first" }
        """,
    )

    first, second = reading.stations
    assert (first.vendor, first.address, first.country, first.connectors) == ("KEBA", "Kade 1", "nl", 2)
    assert (second.vendor, second.address, second.lifecycle, second.connectors) == ("Gouda", "Kade", "offline", 1)
    assert first.last_seen_at == "2026-04-03"
    assert reading.problems == ()


def test_a_word_that_the_map_does_not_translate_is_an_error_at_its_cell(tmp_path: Path) -> None:
    reading = mapped(
        tmp_path, '[columns]\nidentity = "Pole"\nlifecycle = { translate = "State", to = { "up" = "in_service" } }'
    )

    assert [(p.code, p.cell, p.value) for p in reading.problems] == [("E-MAP-WORD", "F3", "down")]
    assert [station.identity for station in reading.stations] == ["AC1"]


def test_otherwise_translates_every_other_word(tmp_path: Path) -> None:
    toml = '[columns]\nidentity = "Pole"\n'
    toml += 'lifecycle = { translate = "State", to = { "up" = "in_service" }, otherwise = "faulted" }'

    assert [station.lifecycle for station in mapped(tmp_path, toml).stations] == ["in_service", "faulted"]


def test_dates_that_could_be_read_two_ways_ask_for_their_order(tmp_path: Path) -> None:
    reading = mapped(tmp_path, '[columns]\nidentity = "Pole"\n[check]\ndates = ["Seen"]')

    assert [(p.code, p.cell) for p in reading.problems] == [("E-DATE-AMBIGUOUS", "I2")]


@pytest.mark.parametrize(
    ("toml", "code", "hint"),
    [
        ('[columns]\nidentity = "pole"', "E-HEADER-UNKNOWN", "Did you mean Pole?"),
        ('[columns]\nidentity = "Pole"\nfirmwre = "Maker"', "E-MAP-KEY", "Did you mean firmware?"),
        ('[colums]\nidentity = "Pole"', "E-MAP-KEY", "Did you mean columns?"),
        ('[columns]\nvendor = "Maker"', "E-MAP-IDENTITY", "identity"),
        ('[columns]\nidentity = { jion = ["Pole"] }', "E-MAP-FORM", "Did you mean join?"),
        ('[columns]\nidentity = { join = ["Pole"], wiht = "" }', "E-MAP-FORM", "Did you mean with?"),
        ('[columns]\nidentity = { join = "Pole" }', "E-MAP-FORM", "docs/inventory.md"),
        ("[columns]\nidentity = 7", "E-MAP-FORM", "docs/inventory.md"),
        ('[columns]\nidentity = "Pole"\nlast_seen_at = { date = "Seen", order = "dmy" }', "E-MAP-FORM", "day_first"),
        ('[columns]\nidentity = "Pole"\nconnectors = { count_rows = true }', "E-MAP-FOLD", "[fold]"),
        ('[columns]\nidentity = "Pole"\nconnectors = { count_filled = "plug*" }', "E-HEADER-UNKNOWN", "pattern"),
        ('[columns]\nidentity = "Pole"\n[fold]\nby = "Poles"', "E-HEADER-UNKNOWN", "Did you mean Pole?"),
        ('[columns\nidentity = "Pole"', "E-MAP-SYNTAX", "Mend the line"),
        ("columns = 3", "E-MAP-FORM", "[columns]"),
        ('[columns]\nidentity = "Pole"\n[check]\ntwins = "yes"', "E-MAP-FORM", "allowed"),
    ],
)
def test_a_mistake_in_a_map_stops_before_the_first_row_and_shows_the_way_out(
    tmp_path: Path, toml: str, code: str, hint: str
) -> None:
    reading = mapped(tmp_path, toml)

    assert code in codes(reading)
    assert any(hint in problem.hint for problem in reading.problems if problem.code == code)
    assert reading.stations == ()


def test_all_mistakes_of_a_map_are_told_at_once(tmp_path: Path) -> None:
    reading = mapped(tmp_path, '[columns]\nvendr = "Maker"\ncity = { town = 1 }\n[folds]\nby = "Pole"')

    assert sorted(codes(reading)) == ["E-MAP-FORM", "E-MAP-IDENTITY", "E-MAP-KEY", "E-MAP-KEY"]


def test_a_header_that_stands_twice_may_not_be_mapped(tmp_path: Path) -> None:
    reading = mapped(tmp_path, '[columns]\nidentity = "Pole"\nvendor = "Maker"', "Pole;Maker;Maker\nAC1;KEBA;Alfen\n")

    assert codes(reading) == ["W-HEADER-DUPLICATE", "E-HEADER-DUPLICATE"]


FOLD = '[columns]\nidentity = "Pole"\nvendor = "Maker"\nconnectors = { count_rows = true }\n[fold]\nby = "Pole"'


def test_rows_of_one_station_are_folded_even_when_they_stand_apart(tmp_path: Path) -> None:
    reading = mapped(tmp_path, FOLD, "Pole;Maker\nAC1;KEBA\nAC2;Alfen\nAC1;\n")

    assert [(s.identity, s.vendor, s.connectors) for s in reading.stations] == [("AC1", "KEBA", 2), ("AC2", "Alfen", 1)]


def test_rows_that_dispute_a_value_make_no_station(tmp_path: Path) -> None:
    reading = mapped(tmp_path, FOLD, "Pole;Maker\nAC1;KEBA\nAC2;Alfen\nAC1;Alfen\n")

    assert [(p.code, p.row, p.cell) for p in reading.problems] == [("E-FOLD-DIFFERS", 4, "B4")]
    assert [station.identity for station in reading.stations] == ["AC2"]


def test_rows_without_a_key_are_not_folded_into_one_another(tmp_path: Path) -> None:
    reading = mapped(tmp_path, FOLD, "Pole;Maker\n;KEBA\n;Alfen\n")

    assert [(p.code, p.row) for p in reading.problems] == [("E-ID-MISSING", 2), ("E-ID-MISSING", 3)]


def test_lookalikes_pass_when_the_map_says_that_both_are_real(tmp_path: Path) -> None:
    text = "Pole;Maker\nAC1;KEBA\nac1;KEBA\n"

    assert codes(mapped(tmp_path, '[columns]\nidentity = "Pole"', text)) == ["E-ID-LOOKALIKE"]
    assert mapped(tmp_path, '[columns]\nidentity = "Pole"\n[check]\ntwins = "allowed"', text).is_importable
