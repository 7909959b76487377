"""Every bad row and cell that a legacy list may hold, through the command line: I20 to I58 of our list of bad inputs.

Each is told with file, row, column and cell, under a code that scripts can rely on; a list with an error is refused
whole (65) and leaves no trace, one with warnings is imported (0) and keeps what it said.

Some of the list do not apply to an inventory, because plans as workbooks are a later release: windows in a sheet (I48;
campaign.toml has them and judges them: ``test_bad_config.py``), a wave bigger than its cap (I49: waves are dealt, caps are kept by admission),
dependencies (I52), locked columns and stale row versions (I57) and the workbook of another project (I58).  What stands
in their stead is tested here: a pin beyond the waves is left out of the plan with its reason, a list that differs from
the plan's makes the plan stale (I53), a list that comes again shows every difference (I57), and one that lacks half of
the known stations is asked about (I58).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from migrate.cli import call
from migrate.domain.attempt import State
from migrate.domain.station import Lifecycle, Station
from migrate.wiring import load_stations
from tests.cli.campaigns import attempted, campaign, planned

Capture = pytest.CaptureFixture[str]
Build = Callable[[Path], Path]


def csv_of(*rows: str, header: str = "identity,vendor,site_id,notes") -> Build:
    """A list as UTF-8 text, to the letter."""

    def build(folder: Path) -> Path:
        file = folder / "fleet.csv"
        file.write_bytes("\r\n".join((header, *rows, "")).encode("utf-8", "surrogatepass"))
        return file

    return build


def utf16_of(*rows: str, header: str = "identity,vendor,site_id,notes") -> Build:
    """A list as Excel saves "Unicode text"; the one encoding in which half a character can come."""

    def build(folder: Path) -> Path:
        file = folder / "fleet.csv"
        file.write_bytes("\r\n".join(("\ufeff" + header, *rows, "")).encode("utf-16-le", "surrogatepass"))
        return file

    return build


def xlsx_of(*rows: list[Any], header: str = "identity,vendor,site_id,notes", edit: Callable[[Worksheet], None] | None = None) -> Build:  # fmt: skip
    """A list as a workbook, its header in row 1."""

    def build(folder: Path) -> Path:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for cells in (header.split(","), *rows):
            sheet.append(cells)
        if edit is not None:
            edit(sheet)
        book.save(folder / "fleet.xlsx")
        return folder / "fleet.xlsx"

    return build


class Refused(NamedTuple):
    """A list that is refused, and where the first error of it stands."""

    id: str
    build: Build
    code: str
    cell: str | None
    says: str = ""


def merge(sheet: Worksheet) -> None:
    sheet.merge_cells("B2:B3")


def pad(sheet: Worksheet) -> None:
    sheet["A2"].number_format = "00000"


def divide(sheet: Worksheet) -> None:
    sheet["B2"].value, sheet["B2"].data_type = "#DIV/0!", "e"


TIMES = "identity,timezone,last_seen_at"
PLACES = "identity,country,latitude,longitude"

REFUSED = [
    Refused("I20 missing header", csv_of("AC2,KEBA,North,b", header="AC1,KEBA,North,a"), "E-MAP-MISSING", None),
    Refused("I21 duplicate header", csv_of("A,B,c", header="identity,identity,notes"), "E-HEADER-DUPLICATE", None),
    Refused("I21 the header again, where two lists meet", csv_of("A,KEBA,N,b", "Identity,Vendor,site_id,notes", "B,KEBA,N,b"), "E-ROW-HEADER", None, "Row 3"),
    Refused("I21 the header again, with the mark of a file", csv_of("A", "\ufeffidentity", header="identity"), "E-ROW-HEADER", None, "Row 3"),
    Refused("I21 another header, of a second table below", csv_of("A,KEBA", "identity,model", "B,P30", header="identity,vendor"), "E-ROW-HEADER", None, "Row 3"),
    Refused("I22 misspelt header", csv_of("A,B", header="identity,vendr"), "E-HEADER-UNKNOWN", None, "vendor"),
    Refused("I22 translated header", csv_of("A,B", header="Ladestation-ID,Hersteller"), "E-MAP-MISSING", None),
    Refused("I23 merged cells", xlsx_of(["A", "KEBA"], ["B", None], edit=merge), "E-CELL-MERGED", "B3", "B2"),
    Refused("I26 totals row", csv_of("A,KEBA", "Summe: 312"), "E-ROW-RAGGED", None),
    Refused("I26 totals row in a workbook", xlsx_of(["A", "KEBA"], [None, "Gesamt", 312]), "E-ROW-TOTAL", None),
    Refused("I26 totals row beside a count", xlsx_of(["A", "KEBA"], [312, "Totaal"]), "E-ROW-TOTAL", None),
    Refused("I26 totals row in Czech", csv_of("A,KEBA,N,b", "Celkem,,312,"), "E-ROW-TOTAL", None),
    Refused("I26 totals row in Polish", csv_of("A,KEBA,N,b", "Razem: 312,,,"), "E-ROW-TOTAL", None),
    Refused("I26 totals row in Italian", csv_of("A,KEBA,N,b", "Totale,,312,"), "E-ROW-TOTAL", None),
    Refused("I26 totals in a sentence", csv_of("A,KEBA,N,b", ",Gesamt: 312 Stationen,,"), "E-ROW-TOTAL", None),
    Refused("I27 identity twice", csv_of("A,,,", "B,,,", "A,,,"), "E-ID-DUPLICATE", "A4", "row 2"),
    Refused("I28 another case", csv_of("CP1,,,", "cp1,,,"), "E-ID-LOOKALIKE", "A3", "U+0063 LATIN SMALL LETTER C at 1"),
    Refused("I28 a blank inside", csv_of("CP1,,,", "CP 1,,,"), "E-ID-LOOKALIKE", "A3", "U+0020 SPACE at 3"),
    Refused("I28 a blank at the end", csv_of('"CP1 ",,,'), "E-ID-CHARACTER", "A2", "U+0020 SPACE at 4"),
    Refused("I28 no-break space", csv_of("CP\u00a01,,,"), "E-ID-CHARACTER", "A2", "U+00A0 NO-BREAK SPACE at 3"),
    Refused("I28 zero width", csv_of("CP\u200b1,,,"), "E-ID-CHARACTER", "A2", "U+200B ZERO WIDTH SPACE at 3"),
    Refused("I28 letters from parts", csv_of("Cafe\u0301,,,"), "E-ID-CHARACTER", "A2", "U+0301 COMBINING ACUTE ACCENT at 5"),
    Refused("I28 Cyrillic", csv_of("CP1,,,", "СР1,,,"), "E-ID-LOOKALIKE", "A3", "U+0421 CYRILLIC CAPITAL LETTER ES at 1"),
    Refused("I28 Cyrillic among Latin", csv_of("\u0410C22-1,,,"), "E-ID-LOOKALIKE", "A2", "U+0410 CYRILLIC CAPITAL LETTER A at 1"),
    Refused("I28 another dash", csv_of("AC-1,,,", "AC\u20111,,,"), "E-ID-LOOKALIKE", "A3", "U+2011 NON-BREAKING HYPHEN at 3"),
    Refused("I30 zeros that only show", xlsx_of([123, "KEBA"], edit=pad), "E-CELL-PADDED", "A2", "00123"),
    Refused("I30 an identity that became a date", xlsx_of([date(2026, 1, 2), "KEBA"]), "E-CELL-DATE", "A2", "2026-01-02"),
    Refused("I30 a firmware that became a date", xlsx_of(["A", date(2026, 4, 3)], header="identity,firmware"), "E-CELL-DATE", "B2"),
    Refused("I30 a serial that became a time", xlsx_of(["A", time(12, 30)], header="identity,serial"), "E-CELL-DATE", "B2"),
    Refused("I30 a new name that became a date", xlsx_of(["A", date(2026, 1, 2)], header="identity,target_identity"), "E-CELL-DATE", "B2"),
    Refused("I30 zeros kept by a formula", csv_of('"=""00123""",,,'), "E-CELL-FORMULA", "A2", "'00123'"),
    Refused("I30 zeros of a serial kept by a formula", csv_of('A,"=""0001"""', header="identity,serial"), "E-CELL-FORMULA", "B2"),
    Refused("I31 seventeen digits", xlsx_of([12345678901234567, "KEBA"]), "E-NUMBER-ROUNDED", "A2", "15 digits"),
    Refused("I32 already rounded", csv_of("1E+05,,,"), "E-ID-ROUNDED", "A2"),
    Refused("I33 over 48 characters", csv_of("x" * 49 + ",,,"), "E-ID-LONG", "A2", "49"),
    Refused("I33 colon with Basic auth", csv_of("AC:1,2", header="identity,security_profile"), "E-ID-COLON", "A2"),
    Refused("I33 a whole address", csv_of("wss://old.example/ocpp/A1,,,"), "E-ID-CHARACTER", "A2", "address"),
    Refused("I33 a dash for none", csv_of("-,KEBA,,"), "E-ID-MISSING", "A2"),
    Refused("I33 a word for none", csv_of("Unbekannt,KEBA,,"), "E-ID-MISSING", "A2", "nobody knew"),
    Refused("I33 n/a for none", csv_of("n/a,KEBA,,"), "E-ID-MISSING", "A2"),
    Refused("I34 line break", csv_of('"AC\n1",,,'), "E-ID-CHARACTER", "A2", "U+000A"),
    Refused("I34 tab", csv_of('"AC\t1",,,'), "E-ID-CHARACTER", "A2", "U+0009"),
    Refused("I34 NUL", csv_of("AC\x001,,,"), "E-ID-CHARACTER", "A2", "U+0000"),
    Refused("I34 ESC", csv_of("AC\x1b[31m1,,,"), "E-ID-CHARACTER", "A2", "U+001B"),
    Refused("I36 formula without value", xlsx_of(["A", "=B9"]), "E-CELL-FORMULA", "B2"),
    Refused("I37 error in a cell", xlsx_of(["A", "x"], edit=divide), "E-CELL-ERROR", "B2", "#DIV/0!"),
    Refused("I37 error as text", csv_of("A,#WERT!,,"), "E-CELL-ERROR", "B2", "#WERT!"),
    Refused("I38 more than a cell holds", csv_of(f"A,,,{'x' * 32_768}"), "E-TEXT-LONG", "D2", "32,767"),
    Refused("I40 half a character", utf16_of("A,,,x\ud800y"), "E-FILE-ENCODING", None, "Byte 74"),
    Refused("I41 NUL in a text", csv_of("A,,,x\x00y"), "E-TEXT-CHARACTER", "D2", "U+0000"),
    Refused("I43 ambiguous date", csv_of("A,,03/04/2026", header=TIMES), "E-DATE-AMBIGUOUS", "C2", "ISO"),
    Refused("I44 day number", csv_of("A,,46346", header=TIMES), "E-DATE", "C2", "2026-11-20"),
    Refused("I45 time that does not exist", csv_of("A,Europe/Amsterdam,2026-03-29T02:30:00", header=TIMES), "E-TIME-MISSING", "C2"),
    Refused("I46 time that comes twice", csv_of("A,Europe/Amsterdam,2026-10-25 02:30", header=TIMES), "E-TIME-TWICE", "C2"),
    Refused("I47 unknown time zone", csv_of("A,Europe/Amsterdm,", header=TIMES), "E-TIMEZONE", "B2", "Europe/Amsterdam"),
    Refused("I47 CET", csv_of("A,CET,", header=TIMES), "E-TIMEZONE", "B2", "IANA"),
    Refused("I49 wave in words", csv_of("A,two", header="identity,wave"), "E-WAVE", "B2"),
    Refused("I49 wave below zero", csv_of("A,-1", header="identity,wave"), "E-WAVE", "B2"),
    Refused("I50 station in two waves", csv_of("A,1", "A,2", header="identity,wave"), "E-ID-DUPLICATE", "A3", "waves '1' and '2'"),
    Refused("I55 no number", csv_of("A,nl,52°22'N,4.9", header=PLACES), "E-GEO-NUMBER", "C2"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_list_with_a_bad_row_is_refused_whole_and_names_the_place(
    case: Refused, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "campaign"
    folder.mkdir()
    file = case.build(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    code = call(["inventory", "import", str(file), "--campaign", str(folder), "--json"])

    captured = capsys.readouterr()
    told = json.loads(captured.out)
    errors = [problem for problem in told["problems"] if problem["severity"] == "error"]
    found = next((problem for problem in errors if problem["code"] == case.code), None)
    assert found is not None, errors
    assert (code, told["imported"], found["file"], found["cell"]) == (65, False, str(file), case.cell)
    assert case.says in found["message"] + found["hint"]
    assert found["hint"]
    assert (found["row"] is not None and found["column"]) or case.cell is None
    assert "Traceback" not in captured.err
    assert sorted(tmp_path.rglob("*")) == before


class Kept(NamedTuple):
    """A list that is imported, what is said of it, and what the station says afterwards."""

    id: str
    build: Build
    codes: list[str]
    fields: Mapping[str, Any] = MappingProxyType({})


def hide(sheet: Worksheet) -> None:
    sheet.row_dimensions[3].hidden = True


RTL = "שדה \u202eevil\u202c 👩\u200d🔧"

KEPT = [
    Kept("I24 hidden rows", xlsx_of(["A"], ["B"], ["C"], edit=hide), []),
    Kept("I25 blank middle rows", csv_of("A,,,", ",,,", "", "B,,,"), []),
    Kept("I26 a station that is called like a total", csv_of("TOTAL01,KEBA,,", "Sum2,KEBA,,"), [], {"identity": "TOTAL01"}),
    Kept("I29 a new name typed as number", xlsx_of(["A", 123], header="identity,target_identity"), ["W-NUMBER"], {"target_identity": "123"}),
    Kept("I29 identity typed as number", xlsx_of([123, "KEBA"]), ["W-NUMBER"], {"identity": "123"}),
    Kept("I30 leading zeros as text", csv_of("00123,,,"), [], {"identity": "00123"}),
    Kept("I32 like an exponent", csv_of("1E5,,,"), ["W-ID-EXPONENT"], {"identity": "1E5"}),
    Kept("I33 over 20 characters", csv_of("x" * 21 + ",,,"), ["W-ID-LONG"]),
    Kept("I33 to be encoded", csv_of("a/b%c#d?e,,,"), ["W-ID-ENCODED"], {"identity": "a/b%c#d?e"}),
    Kept("I33 a name that begins like a word for none", csv_of("NONE-1,,,", "unknown2,,,", "_A1,,,"), [], {"identity": "NONE-1"}),
    Kept("I33 an apostrophe of a spreadsheet", csv_of("'00123,,,"), ["W-ID-UNUSUAL"], {"identity": "'00123"}),
    Kept("I33 colon", csv_of("AC:1,,,"), ["W-ID-COLON"], {"identity": "AC:1"}),
    Kept("I35 formula as text", csv_of('A,,,"=HYPERLINK(""http://evil"")"'), ["W-TEXT-FORMULA"], {"notes": '=HYPERLINK("http://evil")'}),
    Kept("I35 command as text", csv_of("A,,,=cmd|' /C calc'!A0"), ["W-TEXT-FORMULA"], {"notes": "=cmd|' /C calc'!A0"}),
    Kept("I35 at sign", csv_of("A,,,@SUM(A1)"), ["W-TEXT-FORMULA"], {"notes": "@SUM(A1)"}),
    Kept("I35 signed numbers", csv_of("A,,-1,+1"), [], {"site_id": "-1", "notes": "+1"}),
    Kept("I35 led by a tab", csv_of('A,,,"\t=1+1"'), ["W-TEXT-FORMULA"], {"notes": "=1+1"}),
    Kept("I39 emoji, right to left, bidi", csv_of(f"A,{RTL}", header="identity,site_name"), ["W-TEXT-INVISIBLE"], {"site_name": RTL}),
    Kept("I39 emoji alone", csv_of("A,👩\u200d🔧 depot", header="identity,site_name"), [], {"site_name": "👩\u200d🔧 depot"}),
    Kept("I42 JA holds", csv_of("A,JA", header="identity,hold"), [], {"hold": "held in the inventory"}),
    Kept("I42 x holds", csv_of("A,x", header="identity,hold"), [], {"hold": "held in the inventory"}),
    Kept("I42 NO does not", csv_of("A,NO", header="identity,hold"), [], {"hold": ""}),
    Kept("I42 ne does not", csv_of("A,Ne", header="identity,hold"), [], {"hold": ""}),
    Kept("I42 a cross in a box does not", csv_of("A,✗", header="identity,hold"), [], {"hold": ""}),
    Kept("I42 tak holds", csv_of("A,tak", header="identity,hold"), [], {"hold": "held in the inventory"}),
    Kept("I42 a false does not", xlsx_of(["A", False], header="identity,hold"), [], {"hold": ""}),
    Kept("I43 ISO", csv_of("A,,2026-04-03", header=TIMES), [], {"last_seen_at": "2026-04-03"}),
    Kept("I45 with its offset", csv_of("A,Europe/Amsterdam,2026-03-29T02:30:00+01:00", header=TIMES), [], {"last_seen_at": "2026-03-29T01:30:00Z"}),
    Kept("I49 wave 0 is the canary", csv_of("A,0", header="identity,wave"), [], {"wave": 0}),
    Kept("I51 vendor close to a known one", csv_of("A,Afen BV,,"), ["W-KIND-NEAR"], {"vendor": "Afen BV"}),
    Kept("I51 model close to a known one", csv_of("A,Keba AG,KC P30-ES2", header="identity,vendor,model"), ["W-KIND-NEAR"], {"model": "KC P30-ES2"}),
    Kept("I54 decommissioned", csv_of("A,decommissioned", header="identity,lifecycle"), [], {"lifecycle": Lifecycle.DECOMMISSIONED}),
    Kept("I54 decommissioned and pinned", csv_of("A,decommissioned,2", header="identity,lifecycle,wave"), ["W-WAVE-UNUSED"], {"wave": 2}),
    Kept("I55 swapped", csv_of("A,nl,4.89,52.37", header=PLACES), ["W-GEO-SWAPPED"], {"latitude": 4.89}),
    Kept("I55 decimal comma", csv_of('A,nl,"52,37","4,89"', header=PLACES), [], {"latitude": 52.37}),
    Kept("I55 null island", csv_of("A,nl,0,0", header=PLACES), ["W-GEO-ZERO"], {"latitude": None}),
    Kept("I55 abroad", csv_of("A,nl,40.4,-3.7", header=PLACES), ["W-GEO-ABROAD"]),
    Kept("I55 half a place", csv_of("A,nl,52.37,", header=PLACES), ["W-GEO-HALF"]),
    Kept("I56 phone", csv_of("A,nl,12", header="identity,country,contact_phone"), ["W-PHONE"], {"contact_phone": "12"}),
    Kept("I56 e-mail", csv_of("A,maria at home", header="identity,contact_email"), ["W-EMAIL"], {"contact_email": "maria at home"}),
    Kept("I56 sound contacts", csv_of("A,+31 20 794 0000,a.b+c@example.org", header="identity,contact_phone,contact_email"), []),
]  # fmt: skip


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.id)
def test_a_list_with_an_odd_row_is_imported_with_a_warning_and_keeps_what_it_said(
    case: Kept, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "campaign"
    call(["init", str(folder)])
    file = case.build(tmp_path)
    capsys.readouterr()

    code = call(["inventory", "import", str(file), "--campaign", str(folder), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, [problem["code"] for problem in told["problems"]]) == (0, case.codes)
    assert all(problem["cell"] and problem["row"] for problem in told["problems"])
    station = load_stations(folder)[0]
    assert {name: getattr(station, name) for name in case.fields} == dict(case.fields)


def test_hidden_rows_are_read_and_their_count_is_stated(tmp_path: Path, capsys: Capture) -> None:  # I24
    file = xlsx_of(["A"], ["B"], ["C"], edit=hide)(tmp_path)

    call(["inventory", "check", str(file)])

    captured = capsys.readouterr()
    assert "1 hidden rows" in captured.err
    assert "3 stations" in captured.out


def test_blank_middle_rows_are_passed_over_and_their_count_is_stated(tmp_path: Path, capsys: Capture) -> None:  # I25
    file = csv_of("A,,,", ",,,", "B,,,")(tmp_path)

    call(["inventory", "check", str(file)])

    captured = capsys.readouterr()
    assert "1 blank rows" in captured.err
    assert "2 stations" in captured.out


def test_right_to_left_and_control_characters_reach_the_terminal_tamed(tmp_path: Path, capsys: Capture) -> None:  # I39
    file = csv_of(f"A,{RTL},x\x1b]0;owned\x07", header="identity,site_name,notes")(tmp_path)

    call(["inventory", "check", str(file)])

    shown = "".join(capsys.readouterr())
    assert not set("\u202e\u202c\x1b\x07") & set(shown)
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in shown


def test_a_pin_beyond_the_waves_is_left_out_of_the_plan_with_its_reason(tmp_path: Path, capsys: Capture) -> None:  # I49
    folder = campaign(tmp_path / "c", [*(Station(identity=f"A{n}", vendor="Alfen BV") for n in range(4)), Station(identity="P", wave=9)])  # fmt: skip

    call(["plan", "make", "--campaign", str(folder), "--json"])

    excluded = json.loads(capsys.readouterr().out)["excluded"]
    assert [row["identity"] for row in excluded] == ["P"]
    assert "pinned to wave 9, but the waves end with" in excluded[0]["reason"]


def test_a_list_that_differs_from_the_plans_makes_the_plan_stale(tmp_path: Path, capsys: Capture) -> None:  # I53
    folder = campaign(tmp_path / "c")
    plan = planned(folder)
    file = csv_of("NEW,Alfen BV,,")(tmp_path)

    imported = call(["inventory", "import", str(file), "--campaign", str(folder)])
    ran = call(["run", "--plan", plan.fingerprint, "--yes", "--campaign", str(folder)])

    assert (imported, ran) == (0, 65)
    assert "plan make" in capsys.readouterr().err


def test_a_station_that_has_moved_and_is_gone_or_changed_is_warned_about(tmp_path: Path, capsys: Capture) -> None:
    """I54 and I57: the list is the operator's, and what it forgets is said with where the station stands."""
    folder = campaign(tmp_path / "c")
    plan = planned(folder)
    attempted(folder, plan, "ALF-0", State.SETTLED)
    attempted(folder, plan, "ALF-1", State.WRITING)
    rows = [f"ALF-{n},Alfen BV,NG910-60023,5.8.1-4123,{'9' if n == 1 else ''}" for n in range(1, 6)]
    rows += [f"ODD-{n},Nobody Knows,X,," for n in range(2)]
    file = csv_of(*rows, header="identity,vendor,model,firmware,serial")(tmp_path)

    call(["inventory", "import", str(file), "--campaign", str(folder), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert told["changes"] == {
        "added": [],
        "gone": ["ALF-0"],
        "changed": [{"identity": "ALF-1", "fields": [{"field": "serial", "before": "", "after": "9"}]}],
        "unchanged": 6,
    }
    assert [(p["code"], p["value"]) for p in told["problems"]] == [
        ("W-IMPORT-GONE", "ALF-0"),
        ("W-IMPORT-CHANGED", "ALF-1"),
    ]


def test_the_list_of_another_campaign_is_asked_about(tmp_path: Path, capsys: Capture) -> None:  # I58
    folder = campaign(tmp_path / "c")
    file = csv_of("ELSEWHERE-1,,,", "ELSEWHERE-2,,,")(tmp_path)

    code = call(["inventory", "import", str(file), "--campaign", str(folder), "--dry-run", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 2
    assert "W-IMPORT-OTHER" in [problem["code"] for problem in told["problems"]]
    assert len(load_stations(folder)) == 8
