"""Work orders on the command line: out, filled in, back; journaled first, and never closed by paper."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from migrate.cli import call
from migrate.domain.attempt import Fact, State
from migrate.domain.record import Attempt, move
from migrate.domain.station import Lifecycle
from migrate.domain.visit import Result
from migrate.domain.visit_form import SHEET
from tests.cli.campaigns import ALFEN, AT, ODD, attempted, campaign, planned, with_journal

Capture = pytest.CaptureFixture[str]
SITE = {"site_id": "4711", "site_name": "Westerdok", "city": "Amsterdam"}
FLEET = [*(replace(s, **SITE) for s in ALFEN[:3]), *ALFEN[3:], *ODD]  # type: ignore[arg-type]
NEEDS = {
    "ALF-0": State.LOST,
    "ALF-1": State.STUCK,
    "ODD-0": State.VISITING,
    "ALF-2": State.FAILED,
    "ALF-3": State.SETTLED,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    campaign(tmp_path, FLEET)
    plan = planned(tmp_path)
    for identity, state in NEEDS.items():
        attempted(tmp_path, plan, identity, state)
    return tmp_path


def run(capsys: Capture, *words: str, code: int = 0) -> Any:
    """A verb's JSON document, and its exit code as it has to be."""
    capsys.readouterr()
    answered = call(["visits", *words, "--json"])
    said = capsys.readouterr()
    assert answered == code, said.err
    return json.loads(said.out) if said.out else said.err


def fill(file: str, rows: dict[str, dict[str, Any]], *, name: str = "back.xlsx") -> str:
    """What a crew does: open the workbook, fill in its rows, save it."""
    book = load_workbook(file)
    sheet = book[SHEET]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        station = sheet.cell(row, columns["Station"]).value
        for column, value in rows.get(str(station), {}).items():
            sheet.cell(row, columns[column]).value = value
    book.save(name)
    return name


def state_of(folder: Path, identity: str) -> tuple[State, str]:
    found: list[Attempt] = []

    async def read(journal: Any) -> None:
        found.extend(await journal.attempts(identities=[identity]))

    with_journal(folder, read)
    return found[0].state, found[0].reason


def event_count(folder: Path) -> int:
    seen: list[int] = []

    async def read(journal: Any) -> None:
        seen.append(await journal.newest_seq())

    with_journal(folder, read)
    return seen[0]


def orders(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {order["identity"]: (order["order"], order["state"]) for order in document["orders"]}


# ── out ────────────────────────────────────────────────────────────────────


def test_those_who_need_hands_wait_in_the_list_and_those_with_tries_left_stand_apart(
    folder: Path, capsys: Capture
) -> None:
    found = run(capsys, "list")

    assert found["schema"] == "migrate.visits/1"
    assert {need["identity"]: need["ground"] for need in found["waiting"]} == {
        "ALF-0": "lost",
        "ALF-1": "stuck",
        "ODD-0": "no profile",
    }
    assert [need["identity"] for need in found["may_retry"]] == ["ALF-2"]
    assert found["orders"] == []


@pytest.mark.parametrize("name", ["crews.html", "crews.xlsx"])
def test_an_export_issues_the_orders_and_writes_the_file(folder: Path, capsys: Capture, name: str) -> None:
    found = run(capsys, "export", name)

    assert found["issued"] == 3
    assert {state for _, state in orders(found).values()} == {"issued"}
    assert sorted(order for order, _ in orders(found).values()) == ["WO-0001", "WO-0002", "WO-0003"]
    assert Path(name).stat().st_size > 5_000
    assert not [part for part in folder.iterdir() if part.name.endswith(".part")]


def test_exporting_again_prints_the_same_orders_and_issues_none(folder: Path, capsys: Capture) -> None:
    first = run(capsys, "export", "crews.html")
    before = event_count(folder)

    again = run(capsys, "export", "crews.xlsx")

    assert orders(again) == orders(first)
    assert (again["issued"], again["revised"]) == (0, 0)
    assert again["data_hash"] == first["data_hash"]
    assert event_count(folder) == before


def test_an_order_is_in_the_journal_although_its_file_could_not_be_written(folder: Path, capsys: Capture) -> None:
    (folder / "no").write_text("a file where a folder is wanted")

    assert call(["visits", "export", "no/crews.html"]) == 74

    assert len(run(capsys, "list")["orders"]) == 3


def test_a_site_is_exported_alone_by_its_id_or_name(folder: Path, capsys: Capture) -> None:
    by_id, by_name = (
        run(capsys, "export", "a.html", "--site", "4711"),
        run(capsys, "export", "b.html", "--site", "Westerdok"),
    )

    assert set(orders(by_id)) == {"ALF-0", "ALF-1"}
    assert orders(by_name) == orders(by_id)


def test_an_unknown_site_is_refused_with_the_nearest_one(folder: Path, capsys: Capture) -> None:
    told = run(capsys, "export", "a.html", "--site", "Westerdock", code=65)

    assert "Westerdok" in told
    assert not Path("a.html").exists()


def test_a_station_with_tries_left_gets_a_crew_when_it_is_named(folder: Path, capsys: Capture) -> None:
    Path("some.txt").write_text("# one identity to a line\nALF-2\tsome remark\n")

    found = run(capsys, "export", "a.html", "--stations", "@some.txt")

    assert set(orders(found)) == {"ALF-2"}


def test_a_station_that_needs_no_hands_is_refused_by_name_with_its_state(folder: Path, capsys: Capture) -> None:
    told = run(capsys, "export", "a.html", "--stations", "ALF-3,ALF-5,alf-0", code=65)

    assert "'ALF-3' is settled" in told
    assert "'ALF-5' was never tried" in told
    assert "'alf-0' is not in the inventory" in told


def test_no_file_is_written_where_no_station_needs_hands(tmp_path: Path, capsys: Capture) -> None:
    campaign(tmp_path, FLEET)
    planned(tmp_path)

    found = run(capsys, "export", str(tmp_path / "a.html"), "--campaign", str(tmp_path))

    assert (found["file"], found["orders"]) == (None, [])
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize("name", ["crews.pdf", "crews.docx", "crews"])
def test_other_formats_are_refused_before_anything_is_issued(folder: Path, capsys: Capture, name: str) -> None:
    told = run(capsys, "export", name, code=65)

    assert ".html" in told
    assert run(capsys, "list")["orders"] == []


@pytest.mark.parametrize(
    "change", [{"hold": "burnt"}, {"lifecycle": Lifecycle.DECOMMISSIONED}], ids=["on hold", "decommissioned"]
)
def test_what_the_inventory_holds_back_gets_an_order_only_by_name(
    folder: Path, capsys: Capture, change: dict[str, Any]
) -> None:
    held = [replace(s, **change) if s.identity == "ALF-0" else s for s in FLEET]
    with_journal(folder, lambda journal: journal.store_stations(held))

    by_itself, named = run(capsys, "export", "a.html"), run(capsys, "export", "b.html", "--stations", "ALF-0")

    assert "ALF-0" not in orders(by_itself)
    assert set(orders(named)) == {"ALF-0"}


def test_who_is_held_back_by_the_inventory_is_counted_in_the_list_for_people(folder: Path, capsys: Capture) -> None:
    with_journal(folder, lambda journal: journal.store_stations([replace(s, hold="burnt") for s in FLEET]))

    call(["visits", "list"])

    told = capsys.readouterr().out
    assert "3 are on hold or out of service by the inventory: " in told
    assert "No station needs hands." not in told


def test_an_order_whose_address_was_mended_is_printed_with_a_new_revision(folder: Path, capsys: Capture) -> None:
    run(capsys, "export", "a.xlsx")
    mended = [replace(s, address="Westerdoksdijk 9") if s.identity == "ALF-0" else s for s in FLEET]
    with_journal(folder, lambda journal: journal.store_stations(mended))

    found = run(capsys, "export", "b.html")

    assert {o["identity"]: o["revision"] for o in found["orders"]} == {"ALF-0": 2, "ALF-1": 1, "ODD-0": 1}
    assert found["revised"] == 1
    assert run(capsys, "return", fill("a.xlsx", {"ALF-0": DONE}), code=65)["problems"][0]["code"] == "E-VISIT-STALE"


def test_an_order_whose_station_is_being_moved_again_is_not_printed(folder: Path, capsys: Capture) -> None:
    run(capsys, "export", "a.html")
    moved(folder, "ALF-0", Fact.ON_SOURCE)

    found = run(capsys, "export", "b.html")

    assert "ALF-0" not in orders(found)
    assert found["being_moved"] == ["WO-0001"]


# ── back ───────────────────────────────────────────────────────────────────

DONE = {"Result": "done", "Technician": "A. Jansen", "Date": "2026-11-20", "Time in": time(9, 5), "Time out": "09:50"}
NO_ACCESS = {"Result": "no access", "Technician": "A. Jansen", "Notes": "gate shut"}


def exported(capsys: Capture) -> str:
    run(capsys, "export", "crews.xlsx")
    return "crews.xlsx"


def moved(folder: Path, identity: str, *facts: Fact) -> None:
    async def record(journal: Any) -> None:
        for fact in facts:
            (attempt,) = await journal.attempts(identities=[identity])
            await journal.commit(move(attempt, fact, AT, note={"sighting": 4}))

    with_journal(folder, record)


def test_a_crews_done_waits_for_the_sighting_and_the_sighting_closes_the_order(folder: Path, capsys: Capture) -> None:
    back = fill(exported(capsys), {"ALF-0": DONE, "ODD-0": DONE})

    found = run(capsys, "return", back)

    assert found["recorded"] is True
    assert {r["identity"]: r["state"] for r in found["returns"]} == {"ALF-0": "returned", "ODD-0": "returned"}
    assert found["returns"][0]["time_in"] == "09:05"
    assert state_of(folder, "ODD-0")[0] is State.VISITING
    moved(folder, "ODD-0", Fact.CONFIRMED_ON_TARGET)
    closed = next(o for o in run(capsys, "list")["orders"] if o["identity"] == "ODD-0")
    assert (closed["state"], closed["sighting"]) == ("closed", 4)


def test_a_visit_that_was_not_done_has_failed_with_the_crews_reason(folder: Path, capsys: Capture) -> None:
    back = fill(exported(capsys), {"ODD-0": NO_ACCESS, "ALF-0": NO_ACCESS})

    run(capsys, "return", back)

    state, reason = state_of(folder, "ODD-0")
    assert state is State.FAILED
    assert "no access: gate shut" in reason
    assert state_of(folder, "ALF-0")[0] is State.LOST


def test_a_station_whose_crew_came_back_undone_gets_no_second_order_until_it_is_named(
    folder: Path, capsys: Capture
) -> None:
    run(capsys, "return", fill(exported(capsys), {"ODD-0": NO_ACCESS}))

    by_itself, named = run(capsys, "export", "a.html"), run(capsys, "export", "b.html", "--stations", "ODD-0")

    assert "ODD-0" not in orders(by_itself)
    assert orders(named)["ODD-0"] == ("WO-0004", "issued")


def test_the_same_file_returned_twice_is_recorded_once(folder: Path, capsys: Capture) -> None:
    back = fill(exported(capsys), {"ALF-0": DONE})
    run(capsys, "return", back)
    before = event_count(folder)

    again = run(capsys, "return", back)

    assert (again["recorded"], again["repeats"]) == (False, ["WO-0001"])
    assert event_count(folder) == before


def test_a_dry_run_judges_and_records_nothing(folder: Path, capsys: Capture) -> None:
    back = fill(exported(capsys), {"ALF-0": DONE})
    before = event_count(folder)

    found = run(capsys, "return", back, "--dry-run", code=2)

    assert (found["recorded"], found["dry_run"], len(found["returns"])) == (False, True, 1)
    assert event_count(folder) == before


def edited_station(rows: Sequence[Any]) -> None:
    rows[1][3].value = "ALF-9"


def doubled_row(rows: Sequence[Any]) -> None:
    for to, cell in zip(rows[2], rows[1], strict=True):
        to.value = cell.value


def unknown_number(rows: Sequence[Any]) -> None:
    rows[1][0].value = "WO-0404"


def formula(rows: Sequence[Any]) -> None:
    rows[1][6].value = '=CONCAT("do","ne")'


SPOILT = {
    "I83 unknown order": (unknown_number, "E-VISIT-UNKNOWN", "A2"),
    "I83 twice in a file": (doubled_row, "E-VISIT-TWICE", "A3"),
    "I57 edited locked column": (edited_station, "E-VISIT-LOCKED", "D2"),
    "I36 formula for a result": (formula, "E-CELL-FORMULA", "G2"),
}


@pytest.mark.parametrize(("spoil", "code", "cell"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_return_is_refused_with_its_cell_and_nothing_is_recorded(
    folder: Path, capsys: Capture, spoil: Callable[[Sequence[Any]], None], code: str, cell: str
) -> None:
    book = load_workbook(fill(exported(capsys), {"ALF-0": DONE, "ODD-0": NO_ACCESS}))
    spoil(list(book[SHEET].iter_rows()))
    book.save("spoilt.xlsx")
    before = event_count(folder)

    found = run(capsys, "return", "spoilt.xlsx", code=65)

    assert (code, cell) in [(p["code"], p["cell"]) for p in found["problems"]]
    assert found["recorded"] is False
    assert event_count(folder) == before


def test_a_workbook_of_another_campaign_is_refused(folder: Path, capsys: Capture, tmp_path_factory: Any) -> None:
    """I58.  Its folder, its list and its name are the same; it is another campaign all the same."""
    back = fill(exported(capsys), {"ALF-0": DONE})
    other = tmp_path_factory.mktemp("other")
    campaign(other, FLEET)
    attempted(other, planned(other), "ALF-0", State.LOST)
    run(capsys, "export", str(other / "a.html"), "--campaign", str(other))

    found = run(capsys, "return", back, "--campaign", str(other), code=65)

    assert [p["code"] for p in found["problems"]] == ["E-VISIT-CAMPAIGN"]


def text_file(path: Path) -> None:
    path.write_text("Order;Result\nWO-0001;done\n")


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(Path("crews.xlsx").read_bytes()[:900])


def without_its_sheets(path: Path) -> None:
    book = load_workbook("crews.xlsx")
    del book["_meta"]
    book.save(path)


def another_workbook(path: Path) -> None:
    book = load_workbook("crews.xlsx")
    for sheet in (SHEET, "_meta"):
        del book[sheet]
    book.save(path)


@pytest.mark.parametrize("spoil", [text_file, empty_file, cut_short, without_its_sheets, another_workbook])
def test_a_file_that_is_no_returned_workbook_is_refused_in_one_sentence(
    folder: Path, capsys: Capture, spoil: Callable[[Path], None]
) -> None:
    exported(capsys)
    spoil(folder / "x.xlsx")
    capsys.readouterr()

    assert call(["visits", "return", "x.xlsx"]) == 65

    said = capsys.readouterr().err
    assert "x.xlsx" in said
    assert "defect" not in said


def test_a_file_that_is_not_there_is_named(folder: Path, capsys: Capture) -> None:
    capsys.readouterr()

    assert call(["visits", "return", "gone.xlsx"]) == 74

    assert "gone.xlsx" in capsys.readouterr().err


def test_problems_are_told_with_their_cells_and_the_way_out(folder: Path, capsys: Capture) -> None:
    back = fill(exported(capsys), {"ALF-0": {**DONE, "Result": "don"}})
    capsys.readouterr()

    assert call(["visits", "return", back]) == 65

    said = capsys.readouterr()
    assert "back.xlsx, sheet Return, G3" in said.out
    assert "Did you mean done?" in said.out
    assert "Nothing was recorded." in said.err


def test_the_list_for_people_goes_by_site_and_hides_what_has_ended(folder: Path, capsys: Capture) -> None:
    run(capsys, "export", "a.html")
    moved(folder, "ALF-1", Fact.CONFIRMED_ON_TARGET)
    capsys.readouterr()

    assert call(["visits", "list"]) == 0
    shown = capsys.readouterr().out
    assert call(["visits", "list", "--all"]) == 0

    assert "Westerdok\n  △ WO-0001  ALF-0  issued: gone missing; the station is lost (E0)" in shown
    assert "ALF-1" not in shown
    assert "ALF-1" in capsys.readouterr().out


def test_the_timeline_of_a_station_tells_of_its_order(folder: Path, capsys: Capture) -> None:
    run(capsys, "return", fill(exported(capsys), {"ODD-0": NO_ACCESS}))
    capsys.readouterr()

    assert call(["station", "ODD-0"]) == 0

    told = capsys.readouterr().out
    assert "work order issued: no profile" in told
    assert "work order WO-0003 returned: no access" in told


def test_what_the_sheet_offers_is_what_the_return_understands(folder: Path, capsys: Capture) -> None:
    book = load_workbook(exported(capsys))

    assert [row[0].value for row in book["_lists"].iter_rows()] == [result.value for result in Result]


def test_two_who_export_at_once_issue_each_order_once(folder: Path, capsys: Capture) -> None:
    async def both() -> None:
        from migrate.cli.visits import _issue_and_print  # noqa: PLC0415
        from migrate.wiring import open_campaign  # noqa: PLC0415

        async with open_campaign(folder) as one, open_campaign(folder) as other:
            await asyncio.gather(_issue_and_print(one, None, ()), _issue_and_print(other, None, ()))

    asyncio.run(both())

    assert len(run(capsys, "list")["orders"]) == 3
