"""Workbooks as operators keep them: titles above, merged headings, totals below, in their own language."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from migrate.adapters.spreadsheet import read_inventory
from migrate.adapters.spreadsheet.columns import parse_map
from migrate.adapters.spreadsheet.propose import propose
from migrate.adapters.spreadsheet.synonyms import HOUSE_NUMBERS, HOUSE_NUMBERS_FIRST, SYNONYMS
from migrate.adapters.spreadsheet.table import Record
from migrate.cli import call

GERMAN_ROWS = [
    ("DE-KEB-001", "KEBA", "P30", "1.13.2", "17480123", "Hauptstr. 5", "01099", "Dresden", "51,0639", "13,7522", "2", "In Betrieb"),
    ("DE-KEB-002", "KEBA", "P30", "1.13.2", "17480124", "Hauptstr. 5", "01099", "Dresden", "51,0639", "13,7522", "2", "Außer Betrieb"),
    ("DE-ALF-003", "Alfen", "NG910", "6.4.1", "ACE0042", "Ring 1", "04109", "Leipzig", "51,3397", "12,3731", "1", "In Betrieb"),
]  # fmt: skip


def german_workbook(file: Path) -> Path:
    """Three titles, headings merged over two rows, stations from row 6 on, a row of totals at the end."""
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet("Ladesäulen")
    sheet.merge_range("A1:L1", "Stadtwerke Beispiel GmbH")
    sheet.merge_range("A2:L2", "Bestand der Ladesäulen")
    sheet.write("A3", "Stand: Mai 2026")
    for column, name in enumerate(["Ladesäulen-ID", "Hersteller", "Modell", "Firmware-Version", "Seriennumer"]):
        sheet.merge_range(3, column, 4, column, name)  # the last one is misspelt, as lists are
    sheet.merge_range("F4:J4", "Standort")
    for column, name in enumerate(["Straße", "PLZ", "Ort", "Breitengrad", "Längengrad"], start=5):
        sheet.write(4, column, name)
    sheet.merge_range("K4:K5", "Anzahl Ladepunkte")
    sheet.merge_range("L4:L5", "Betriebsstatus")
    for row, station in enumerate(GERMAN_ROWS, start=5):
        for column, text in enumerate(station):
            sheet.write_string(row, column, text)
    sheet.write("A9", "Summe")
    sheet.write("K9", 5)
    book.close()
    return file


def call_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = call(["inventory", *arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return code, document


def test_a_german_workbook_with_titles_merged_headings_and_totals_is_mapped_by_proposal_to_the_right_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, column_map = german_workbook(tmp_path / "Bestand.xlsx"), tmp_path / "map.toml"
    code, first = call_json(capsys, "import", str(file), "--dry-run")
    assert (code, [p["code"] for p in first["problems"]]) == (65, ["E-MAP-MISSING"])
    column_map.write_text(first["proposal"], encoding="utf-8")

    reading = read_inventory([file], column_map, exclude_rows=frozenset({9}))

    assert reading.errors == ()
    assert [(s.identity, s.vendor, s.model, s.firmware, s.serial) for s in reading.stations] == [
        r[:5] for r in GERMAN_ROWS
    ]
    assert [(s.address, s.postcode, s.city) for s in reading.stations] == [r[5:8] for r in GERMAN_ROWS]
    assert [(s.latitude, s.longitude) for s in reading.stations][2] == (51.3397, 12.3731)
    assert [s.connectors for s in reading.stations] == [2, 2, 1]
    assert [s.lifecycle for s in reading.stations] == ["in_service", "faulted", "in_service"]
    assert str(reading.detected[0]).endswith("sheet Ladesäulen, header in rows 4 to 5, decimal comma")


def test_the_row_of_totals_is_an_error_until_it_is_left_out_by_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, column_map = german_workbook(tmp_path / "Bestand.xlsx"), tmp_path / "map.toml"
    column_map.write_text(read_inventory([file]).proposal, encoding="utf-8")

    code, document = call_json(capsys, "check", str(file), "--columns", str(column_map))

    assert code == 65
    assert [(p["code"], p["sheet"], p["row"]) for p in document["problems"] if p["severity"] == "error"] == [
        ("E-ROW-TOTAL", "Ladesäulen", 9)
    ]


def test_every_line_of_a_proposed_map_says_how_sure_it_is_and_shows_a_cell(tmp_path: Path) -> None:
    proposal = read_inventory([german_workbook(tmp_path / "Bestand.xlsx")]).proposal

    assert 'identity = "Ladesäulen-ID"  # 97; DE-KEB-001' in proposal
    assert 'postcode = "Standort / PLZ"  # 97; 01099' in proposal
    assert 'serial = "Seriennumer"  # 9' in proposal
    assert '"Außer Betrieb" = "faulted"' in proposal


LANGUAGES = {
    "Dutch": "Laadpaal-ID;Fabrikant;Serienummer;Locatie;Straat;Postcode;Plaats;Breedtegraad;Lengtegraad;Aantal laadpunten",
    "French": "Identifiant;Fabricant;Numéro de série;Nom station;Adresse;Code postal;Ville;Latitude;Longitude;Nombre de points de charge",
    "English": "Charge Point ID;Manufacturer;Serial Number;Site name;Street;Zip code;Town;Lat;Long;Number of connectors",
    "German": "Ladestations-ID;Hersteller;Seriennummer;Standortname;Anschrift;Postleitzahl;Ort;Breitengrad;Laengengrad;Anzahl Ladepunkte",
    "Spanish": "ID estación;Fabricante;Número de serie;Ubicación;Dirección;Código postal;Municipio;Latitud;Longitud;Número de conectores",
    "Italian": "ID colonnina;Costruttore;Numero di serie;Ubicazione;Indirizzo;CAP;Città;Latitudine;Longitudine;Numero connettori",
    "Czech": "ID stanice;Výrobce;Sériové číslo;Název lokality;Adresa;PSČ;Obec;Zeměpisná šířka;Zeměpisná délka;Počet konektorů",
    "Polish": "ID stacji;Producent;Numer seryjny;Lokalizacja;Ulica;Kod pocztowy;Miejscowość;Szerokość geograficzna;Długość geograficzna;Liczba złączy",
    "Swedish": "Laddstation-ID;Tillverkare;Serienummer;Plats;Gatuadress;Postnummer;Kommun;Breddgrad;Längdgrad;Antal uttag",
    "Danish": "Ladestander-ID;Producent;Serienummer;Sted;Adresse;Postnr.;Kommune;Breddegrad;Længdegrad;Antal stik",
    "misspelt": "chargepoint_ID;Manufactrer;Serial nmber;site-name;Adress;Postcod;Citty;Lattitude;Longitud;conectors",
}
CANONICAL = ("identity", "vendor", "serial", "site_name", "address", "postcode", "city", "latitude", "longitude", "connectors")  # fmt: skip
CELLS = ("AC1", "KEBA", "S1", "Noord", "Kade 1", "2801 AB", "Gouda", "52,01", "4,71", "2")


@pytest.mark.parametrize("reverse", [False, True], ids=["in our order", "the other way round"])
@pytest.mark.parametrize("headers", LANGUAGES.values(), ids=LANGUAGES)
def test_translated_misspelt_and_reordered_headers_find_their_columns(headers: str, reverse: bool) -> None:
    names, cells = headers.split(";"), list(CELLS)
    order = slice(None, None, -1 if reverse else 1)

    proposal = propose(names[order], [Record(2, 2, cells[order])])

    proposed = dict(
        line.split(" = ", 1) for line in proposal.splitlines() if " = " in line and not line.startswith("#")
    )
    assert {name: text.split('"')[1] for name, text in proposed.items()} == dict(zip(CANONICAL, names, strict=True))


def test_no_name_is_known_for_two_columns() -> None:
    names = [name for names in SYNONYMS.values() for name in names]

    assert sorted(names) == sorted(set(names))
    assert not set(names) & (HOUSE_NUMBERS | HOUSE_NUMBERS_FIRST)


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        (["Station-ID", "Straße", "Haus-Nr."], 'address = { join = ["Straße", "Haus-Nr."], with = " " }  # 97; Ring'),
        (["Station ID", "House number", "Street"], 'address = { join = ["House number", "Street"], with = " " }'),
    ],
    ids=["behind the street", "before it"],
)
def test_a_house_number_in_a_column_of_its_own_joins_its_street(headers: list[str], line: str) -> None:
    proposal = propose(headers, [Record(2, 2, ["AC1", *("Ring" if "Str" in name else "5" for name in headers[1:])])])

    assert line in proposal
    assert parse_map(proposal).column_map is not None
    assert "Not used" not in proposal


def test_a_number_of_a_municipality_is_not_taken_for_a_postcode(shared_data: Path) -> None:
    proposal = read_inventory([shared_data / "inventories/fr_mobive_2020.csv"]).proposal

    assert "postcode =" not in proposal
    assert '"code_insee"' in proposal.partition("# Not used")[2]


def test_a_column_whose_cells_cannot_be_what_its_name_promises_is_not_proposed() -> None:
    proposal = propose(["Station ID", "Latitude", "Long"], [Record(2, 2, ["AC1", "Gouda", "4.71"])])

    assert "latitude =" not in proposal
    assert "longitude =" in proposal


def test_another_header_that_may_be_meant_is_named_beside_the_proposed_one() -> None:
    proposal = propose(["Station ID", "Charger ID"], [Record(2, 2, ["AC1", "X1"])])

    assert 'identity = "Station ID"  # 97; AC1; or "Charger ID" (97)' in proposal


@pytest.mark.parametrize(
    "hostile", ['a"\nidentity = "x', "a\x1b[31m", "a\u202eb", "a\\", "a\x7f", "\ud800a"], ids=ascii
)
def test_a_hostile_header_breaks_no_proposed_map(hostile: str, tmp_path: Path) -> None:
    proposal = propose(["Station ID", hostile], [Record(2, 2, [hostile, hostile])])

    assert tomllib.loads(proposal) == {"columns": {"identity": "Station ID"}}


def layout(file: Path, *rows: list[str], merged: tuple[str, ...] = ()) -> Path:
    """Rows as they stand; of merged cells the first one's text."""
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet("Stations")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    for cells in merged:
        first = cells.partition(":")[0]
        column, row = ord(first[0]) - ord("A"), int(first[1:]) - 1
        sheet.merge_range(cells, rows[row][column])
    book.close()
    return file


def test_our_own_names_below_a_merged_heading_need_no_map(tmp_path: Path) -> None:
    file = layout(
        tmp_path / "fleet.xlsx",
        ["Station", "", "Where", ""],
        ["identity", "vendor", "city", "country"],
        ["AC1", "KEBA", "Gouda", "nl"],
        merged=("A1:B1", "C1:D1"),
    )

    reading = read_inventory([file])

    assert [(s.identity, s.city, s.country) for s in reading.stations] == [("AC1", "Gouda", "nl")]
    assert reading.problems == ()


def test_a_title_merged_over_all_columns_is_no_heading(tmp_path: Path) -> None:
    file = layout(
        tmp_path / "fleet.xlsx", ["Our fleet", "", ""], ["identity", "vendor", "city"], ["AC1", "KEBA", "Gouda"],
        merged=("A1:C1",),
    )  # fmt: skip

    reading = read_inventory([file])

    assert (reading.detected[0].header_top, reading.detected[0].header_row) == (2, 2)
    assert [station.city for station in reading.stations] == ["Gouda"]


def test_a_map_names_a_column_below_a_merged_heading_by_both(tmp_path: Path) -> None:
    file = layout(
        tmp_path / "fleet.xlsx",
        ["Pole", "Site", "", "Owner", ""],
        ["", "Name", "Town", "Name", "Town"],
        ["AC1", "Noord", "Gouda", "Jansen", "Delft"],
        merged=("A1:A2", "B1:C1", "D1:E1"),
    )
    (tmp_path / "map.toml").write_text(
        '[columns]\nidentity = "Pole"\nsite_name = "Site / Name"\ncity = "Site / Town"\nnotes = "Owner / Name"\n'
    )

    reading = read_inventory([file], tmp_path / "map.toml")

    assert [(s.identity, s.site_name, s.city, s.notes) for s in reading.stations] == [
        ("AC1", "Noord", "Gouda", "Jansen")
    ]
    assert reading.problems == ()


def test_sites_merged_down_the_data_are_not_taken_for_headings(tmp_path: Path) -> None:
    file = layout(
        tmp_path / "fleet.xlsx",
        ["identity", "site_id"],
        ["AC1", "Noord"],
        ["AC2", ""],
        ["AC3", "Zuid"],
        merged=("B2:B3",),
    )

    reading = read_inventory([file])

    assert reading.detected[0].header_row == 1
    assert [(p.code, p.cell) for p in reading.problems] == [("E-CELL-MERGED", "B3")]
    assert [station.identity for station in reading.stations] == ["AC1", "AC3"]
