"""What crews bring back: every problem with its cell, nothing believed while one remains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from batches.visit_returns import Judgement, change_of, judge, read_paper, reason_of
from migrate.domain.attempt import State
from migrate.domain.finding import Finding
from migrate.domain.order_book import fold_orders
from migrate.domain.record import EventKind
from migrate.domain.visit import Ground, OrderState, Result, Return, WorkOrder
from migrate.domain.visit_form import BY_CREW, LOCKED, SHEET
from tests.doubles.papers import AT, a_task, issued, stored

KEY = "c0ffee"
TODAY = date(2026, 11, 20)
ORDERS = {
    order.number: order
    for order in fold_orders(
        stored([issued(a_task("AC1", state=State.VISITING, ground=Ground.VISIT_ONLY)), issued(a_task("AC2"))])
    )
}
FIRST, SECOND = ORDERS[1], ORDERS[2]
DONE = {"Result": "done", "Technician": "A. Jansen", "Date": "2026-11-20", "Time in": "09:05", "Time out": "09:50"}


def ours(order: WorkOrder) -> dict[str, str]:
    """The locked cells of an order's row, as they were printed."""
    values = (order.name, str(order.revision), "Westerdok", order.identity, "Acme AC22", "Gone missing")
    return dict(zip(LOCKED, values, strict=True))


def row(order: WorkOrder, **crew: str) -> dict[str, str]:
    return {**ours(order), **{name.replace("_", " "): text for name, text in crew.items()}}


def judged(
    *rows: Mapping[str, str],
    key: str = KEY,
    orders: Mapping[int, WorkOrder] = ORDERS,
    faults: Mapping[tuple[int, int], Finding] | None = None,
    columns: tuple[str, ...] = (*LOCKED, *BY_CREW),
) -> Judgement:
    cells = [columns, *(tuple(one.get(name, "") for name in columns) for one in rows)]
    meta = [("schema", "migrate.work_orders/1"), ("campaign_key", key)]
    meta += [(o.name, o.digest, *list(ours(o).values())[1:]) for o in ORDERS.values()]
    paper = read_paper("crews.xlsx", SHEET, list(enumerate(cells, start=1)), meta, faults or {})
    return judge(paper, orders, campaign=KEY, today=TODAY)


def found(judgement: Judgement) -> list[tuple[str, str]]:
    return [(problem.code, problem.cell) for problem in judgement.problems]


def test_what_a_crew_filled_in_is_understood() -> None:
    judgement = judged(row(FIRST, **{**DONE, "Notes": "fuse replaced"}))

    assert judgement.problems == ()
    assert judgement.returns == (
        (
            FIRST,
            Return(
                result=Result.DONE,
                technician="A. Jansen",
                date="2026-11-20",
                time_in="09:05",
                time_out="09:50",
                notes="fuse replaced",
            ),
        ),
    )


def test_rows_that_a_crew_left_blank_are_still_out() -> None:
    judgement = judged(row(FIRST), row(SECOND, **DONE))

    assert [order.name for order, _ in judgement.returns] == ["WO-0002"]


# I53, I57, I58 and I83 of the catalogue of bad inputs, as far as workbooks go
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "I83 unknown order": (row(replace(FIRST, number=77), **DONE), "E-VISIT-UNKNOWN", "A2"),
    "I83 order number removed": (row(FIRST, **DONE) | {"Order": ""}, "E-VISIT-UNKNOWN", "A2"),
    "I83 order number of another sheet": (row(FIRST, **DONE) | {"Order": "=A1"}, "E-VISIT-UNKNOWN", "A2"),
    "I83 digits that only look like digits": (row(FIRST, **DONE) | {"Order": "WO-000\u0661"}, "E-VISIT-UNKNOWN", "A2"),
    "I57 locked column edited": (row(FIRST, **DONE) | {"Site": "Elsewhere"}, "E-VISIT-LOCKED", "C2"),
    "I83 identity edited": (row(FIRST, **DONE) | {"Station": "AC9"}, "E-VISIT-LOCKED", "D2"),
    "I83 identity under another order": (row(FIRST, **DONE) | {"Order": SECOND.name}, "E-VISIT-LOCKED", "D2"),
    "result not in the list": (row(FIRST, **DONE) | {"Result": "finished"}, "E-VISIT-RESULT", "G2"),
    "result missing": (row(FIRST, **DONE) | {"Result": ""}, "E-VISIT-RESULT", "G2"),
    "I83 nobody signed": (row(FIRST, **DONE) | {"Technician": " "}, "E-VISIT-TECHNICIAN", "H2"),
    "date that can be read two ways": (row(FIRST, **DONE) | {"Date": "03/04/2026"}, "E-DATE-AMBIGUOUS", "I2"),
    "date still to come": (row(FIRST, **DONE) | {"Date": "2026-11-21"}, "E-VISIT-DATE", "I2"),
    "time that is none": (row(FIRST, **DONE) | {"Time in": "25:00"}, "E-VISIT-TIME", "J2"),
    "NUL in a note": (row(FIRST, **DONE) | {"Notes": "a\0b"}, "E-TEXT-CHARACTER", "L2"),
    "half a surrogate pair in a name": (row(FIRST, **DONE) | {"Technician": "\ud800"}, "E-TEXT-CHARACTER", "H2"),
}


@pytest.mark.parametrize(("line", "code", "cell"), BAD.values(), ids=BAD)
def test_a_bad_cell_is_named_and_nothing_of_the_file_is_believed(line: dict[str, str], code: str, cell: str) -> None:
    judgement = judged(line, row(SECOND, **DONE)) if line["Order"] != SECOND.name else judged(line)

    assert (code, cell) in found(judgement)
    assert judgement.returns == ()
    assert all(problem.hint and problem.message for problem in judgement.problems)


def test_an_order_that_stands_in_a_file_twice_is_an_error_that_names_both_rows() -> None:
    judgement = judged(row(FIRST, **DONE), row(FIRST, Result="no access"))

    assert found(judgement)[0] == ("E-VISIT-TWICE", "A3")
    assert "row 2" in judgement.problems[0].message
    assert judgement.returns == ()


def test_a_workbook_of_another_campaign_is_refused_as_a_whole() -> None:
    judgement = judged(row(FIRST, **DONE), key="another")

    assert found(judgement) == [("E-VISIT-CAMPAIGN", "")]


def test_a_workbook_that_we_did_not_write_is_refused_as_a_whole() -> None:
    judgement = judged(row(FIRST, **DONE), key="")

    assert found(judgement) == [("E-VISIT-FILE", "")]


def test_each_missing_column_is_named() -> None:
    judgement = judged(row(FIRST, **DONE), columns=("Order", "Result"))

    missing = [p.message for p in judgement.problems if p.code == "E-VISIT-COLUMN"]
    assert len(missing) == len(LOCKED) + len(BY_CREW) - 2
    assert any("'Technician'" in message for message in missing)


def test_an_order_that_changed_since_it_was_printed_is_stale() -> None:
    revised = {1: replace(FIRST, digest="f" * 64, revision=2)}

    judgement = judged(row(FIRST, **DONE), orders=revised)

    assert found(judgement) == [("E-VISIT-STALE", "A2")]
    assert "revision 2" in judgement.problems[0].message


def test_a_row_that_was_added_by_hand_is_stale_because_it_was_never_printed() -> None:
    new = replace(SECOND, number=3)

    judgement = judged(row(new, **DONE), orders={**ORDERS, 3: new})

    assert found(judgement) == [("E-VISIT-STALE", "A2")]


def test_a_formula_without_a_result_is_no_blank_row() -> None:
    formula = Finding("E-CELL-FORMULA", "The formula has no stored result.", "Paste values.")

    judgement = judged(row(FIRST), faults={(2, 6): formula})

    assert ("E-CELL-FORMULA", "G2") in found(judgement)
    assert not judgement.is_sound


def test_what_was_recorded_before_is_a_repeat_and_no_error() -> None:
    (_, returned) = judged(row(FIRST, **DONE)).returns[0]
    known = {1: replace(FIRST, returned=returned, state=OrderState.RETURNED)}

    judgement = judged(row(FIRST, **DONE), orders=known)

    assert judgement.problems == ()
    assert judgement.returns == ()
    assert [order.name for order in judgement.repeats] == ["WO-0001"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("9:05", "09:05"), ("09:05:00", "09:05"), ("1899-12-31T09:05:00", "09:05"), ("9.05", "09:05"), ("", "")],
)
def test_a_time_is_read_as_typed_or_as_a_spreadsheet_keeps_it(typed: str, kept: str) -> None:
    judgement = judged(row(FIRST, **DONE) | {"Time in": typed})

    assert judgement.returns[0][1].time_in == kept


@pytest.mark.parametrize("typed", ["WO-0001", "wo-1", "1", " WO-0001 "])
def test_an_order_is_known_however_its_number_is_written(typed: str) -> None:
    judgement = judged(row(FIRST, **DONE) | {"Order": typed})

    assert judgement.returns[0][0] is FIRST


@pytest.mark.parametrize("result", list(Result), ids=str)
def test_every_result_of_the_list_is_understood_whatever_its_case(result: Result) -> None:
    judgement = judged(row(FIRST, **DONE) | {"Result": f"  {result.value.upper()} "})

    assert judgement.returns[0][1].result is result


WARNINGS = {
    "undone, and nobody signed": ({"Result": "no access", "Technician": ""}, "W-VISIT-TECHNICIAN"),
    "left before it came": ({"Time in": "23:10", "Time out": "00:20"}, "W-VISIT-TIME"),
    "before the order was issued": ({"Date": "2026-11-19"}, "W-VISIT-DATE"),
    "a note of 32,767 characters": ({"Notes": "x" * 32_767}, "W-VISIT-NOTE"),
    "a direction override in a name": ({"Technician": "A\u202eB"}, "W-TEXT-INVISIBLE"),
}


@pytest.mark.parametrize(("cells", "code"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_odd_is_said_and_recorded(cells: dict[str, str], code: str) -> None:
    judgement = judged(row(FIRST, **DONE) | cells)

    assert code in [problem.code for problem in judgement.problems]
    assert len(judgement.returns) == 1
    assert len(judgement.returns[0][1].notes) <= 2_000


def test_a_crew_that_denies_what_was_seen_is_recorded_with_a_warning() -> None:
    closed = {1: replace(FIRST, state=OrderState.CLOSED, sighting=41)}

    judgement = judged(row(FIRST, Result="not possible", Technician="A. Jansen"), orders=closed)

    assert [problem.code for problem in judgement.problems] == ["W-VISIT-CLOSED"]
    assert len(judgement.returns) == 1


# ── what comes of it ───────────────────────────────────────────────────────

VISITING = {"AC1": a_task("AC1", state=State.VISITING).attempt, "AC2": a_task("AC2").attempt}
GIVEN_UP = Return(result=Result.NO_ACCESS, technician="A. Jansen", notes="gate shut")


def test_a_visit_that_was_not_done_fails_its_attempt_with_the_crews_reason() -> None:
    change = change_of([(FIRST, GIVEN_UP)], VISITING, by="maria", at=AT)

    (attempt,) = change.attempts
    assert attempt.state is State.FAILED
    assert attempt.reason == "the crew came back without doing it: no access: gate shut (WO-0001, A. Jansen)"
    assert [event.kind for event in change.events] == [EventKind.VISIT, EventKind.MOVED]


def test_a_visit_that_was_done_moves_nothing_because_only_a_sighting_does() -> None:
    change = change_of([(FIRST, Return(result=Result.DONE, technician="A. Jansen"))], VISITING, by="maria", at=AT)

    assert change.attempts == ()
    assert [event.kind for event in change.events] == [EventKind.VISIT]


def test_an_undone_order_for_a_lost_station_is_noted_and_the_station_stays_lost() -> None:
    change = change_of([(SECOND, GIVEN_UP)], VISITING, by="maria", at=AT)

    assert change.attempts == ()
    assert change.events[0].data["result"] == "no access"


def test_an_undone_order_does_not_touch_an_attempt_that_is_not_its_own() -> None:
    later = {"AC1": replace(VISITING["AC1"], id="AC1#2", number=2)}

    change = change_of([(FIRST, GIVEN_UP)], later, by="maria", at=AT)

    assert change.attempts == ()


def test_a_whole_file_is_one_change() -> None:
    done = Return(result=Result.DONE, technician="A. Jansen")

    change = change_of([(FIRST, GIVEN_UP), (SECOND, done)], VISITING, by="maria", at=AT)

    assert [event.identity for event in change.events] == ["AC1", "AC1", "AC2"]


def test_a_reason_without_note_or_name_is_still_a_sentence() -> None:
    reason = reason_of(FIRST, Return(result=Result.STATION_GONE))

    assert reason == "the crew came back without doing it: station gone (WO-0001)"


def test_the_manual_lists_exactly_the_codes_that_a_return_can_have() -> None:
    house = Path(__file__).resolve().parents[2]
    used = set(re.findall(r'"([EW]-VISIT-[A-Z]+)"', (house / "batches/visit_returns.py").read_text("utf-8")))

    told = set(re.findall(r"^\| `([EW]-VISIT-[A-Z]+)`", (house / "docs/visits.md").read_text("utf-8"), re.MULTILINE))

    assert told == used
