"""Work orders as a workbook: the list, the steps, and the sheet that comes back filled in.

The crew fills in the last sheet and nothing else: its other cells are
locked, without a password, because the lock is a guard rail and no wall.
What tells the file again when it comes back stands in a hidden sheet: the
campaign, and each order as it was printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from migrate.domain.visit import Result
from migrate.domain.visit_form import BY_CREW, CAMPAIGN_KEY, LOCKED, LONGEST_NOTE, META, SHEET
from reports.work_order import locked_cells
from reports.workbook import Book, Cell, Column, Kind, book

_LISTS = "_lists"
_A3 = 8
_ROW_HEIGHT = 31.5  # two lines, and room to write on a printed copy; programs do not stretch rows of a locked sheet

_ORDERS = (
    Column(header="Site", width=26),
    Column(header="Order", width=10),
    Column(header="Priority", width=10),
    Column(header="Station", width=20),
    Column(header="Address", kind=Kind.LONG, width=34),
    Column(header="Coordinates", width=20),
    Column(header="Contact", kind=Kind.LONG, width=24),
    Column(header="Access", kind=Kind.LONG, width=24),
    Column(header="Vendor", width=14),
    Column(header="Model", width=16),
    Column(header="Serial", width=16),
    Column(header="Firmware", width=14),
    Column(header="Connectors", width=11),
    Column(header="Why", kind=Kind.LONG, width=26),
    Column(header="On record", kind=Kind.LONG, width=44),
    Column(header="Bring it to", width=12),
    Column(header="Order is", width=16),
    Column(header="Revision", width=9),
    Column(header="Issued", width=11),
)
_STEPS = (
    Column(header="Done", width=6),
    Column(header="Order", width=10),
    Column(header="Site", width=26),
    Column(header="Station", width=20),
    Column(header="Step", width=6),
    Column(header="What to do", kind=Kind.LONG, width=90),
    Column(header="Expected", kind=Kind.LONG, width=30),
    Column(header="Seen, value", kind=Kind.LONG, width=24),
)
_WIDTHS = {"Order": 10, "Revision": 9, "Site": 40, "Station": 20, "Equipment": 24, "Why": 26}
_WIDTHS |= {"Result": 17, "Technician": 20, "Date": 12, "Time in": 9, "Time out": 9, "Notes": 50}


def work_orders_xlsx(document: dict[str, Any], path: Path) -> None:
    """Write the workbook of one document."""
    title = f"{document['campaign']}: work orders"
    with book(path, title=title, at=document["at"], timezone=document["timezone"]) as out:
        orders = out.sheet("Orders")
        orders.raw.set_paper(_A3)  # so many columns cannot be read on less
        orders.table(_ORDERS, _order_rows(document))
        out.sheet("Steps").table(_STEPS, _step_rows(document))
        _write_return(out, document)
        _write_lists(out)
        _write_meta(out, document)


def _each(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    return ((site, order) for site in document["sites"] for order in site["orders"])


def _order_rows(document: dict[str, Any]) -> Iterator[list[Cell]]:
    for site, order in _each(document):
        place, plate = order["place"], {fact["name"]: fact["value"] for fact in order["plate"]}
        yield [
            site["title"],
            order["order"],
            order["priority"]["label"],
            order["identity"],
            place["address"],
            place["coordinates"],
            place["contact"],
            place["access"],
            plate["Vendor"],
            plate["Model"],
            plate["Serial"],
            plate["Firmware"],
            plate["Connectors"],
            order["why"]["label"],
            order["why"]["record"],
            f"{order['goal']} backend",
            order["state"],
            str(order["revision"]),
            order["issued"],
        ]


def _step_rows(document: dict[str, Any]) -> Iterator[list[Cell]]:
    for site, order in _each(document):
        for step in order["steps"]:
            told = [str(step["number"]), step["text"], step["expected"], None]
            yield ["☐", order["order"], site["title"], order["identity"], *told]


def _write_return(out: Book, document: dict[str, Any]) -> None:
    sheet = out.sheet(SHEET)
    for index, name in enumerate((*LOCKED, *BY_CREW)):
        sheet.raw.set_column(index, index, _WIDTHS[name])
        mark = "#E8ECF0" if name in LOCKED else "#FFF2CC"
        sheet.put(0, index, name, bold=True, bottom=2, bg_color=mark)
    row = 0
    for row, (site, order) in enumerate(_each(document), start=1):
        sheet.raw.set_row(row, _ROW_HEIGHT)
        for index, text in enumerate(locked_cells(site, order).values()):
            sheet.put(row, index, text, Kind.LONG, bottom=4)
        for index, name in enumerate(BY_CREW, start=len(LOCKED)):
            sheet.raw.write_blank(row, index, None, _open_cell(out, name))
    _write_rules(sheet.raw, max(row, 1))
    sheet.raw.freeze_panes(1, LOCKED.index("Station") + 1)
    sheet.raw.repeat_rows(0)
    sheet.raw.protect("", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True})


def _open_cell(out: Book, name: str) -> Any:
    shape = {"Date": "yyyy-mm-dd", "Time in": "hh:mm", "Time out": "hh:mm"}.get(name, "@")
    look = {"bg_color": "#FFFBEB", "border": 4, "valign": "top", "text_wrap": True, "locked": False}
    return out.format(num_format=shape, **look)


def _write_rules(raw: Any, last: int) -> None:
    """What may be typed, said before and after it is typed.  The reader judges anew: paste passes every rule."""
    column = {name: index for index, name in enumerate((*LOCKED, *BY_CREW))}
    results = {
        "validate": "list",
        "source": f"={_LISTS}!$A$1:$A${len(Result)}",
        "input_title": "Result",
        "input_message": "Choose one. 'done' still waits until the station is seen.",
        "error_title": "No such result",
        "error_message": "Choose one of the list; anything else belongs under Notes.",
    }
    day = {
        "validate": "date",
        "criteria": ">=",
        "value": date(2020, 1, 1),
        "error_message": "Write a date: 2026-11-20.",
    }
    clock = {"validate": "time", "criteria": "between", "minimum": 0, "maximum": 0.999988426}
    note = {"validate": "length", "criteria": "<=", "value": LONGEST_NOTE, "error_message": "At most 2,000 characters."}
    hour = {**clock, "error_message": "Write a time: 14:30."}
    rules: dict[str, dict[str, Any]] = {
        "Result": results,
        "Date": day,
        "Time in": hour,
        "Time out": hour,
        "Notes": note,
    }
    for name, rule in rules.items():
        raw.data_validation(1, column[name], last, column[name], {"ignore_blank": True, **rule})


def _write_lists(out: Book) -> None:
    sheet = out.sheet(_LISTS)
    for row, result in enumerate(Result):
        sheet.put(row, 0, result.value)
    sheet.raw.hide()


def _write_meta(out: Book, document: dict[str, Any]) -> None:
    """By which the file is known again: names and values, then each order with its hash and its locked cells."""
    sheet = out.sheet(META)
    told = [("schema", "migrate.work_orders/1"), ("campaign", document["campaign"])]
    told += [(CAMPAIGN_KEY, document["campaign_key"]), ("exported_at", document["at"]), ("data", document["data_hash"])]
    rows: list[tuple[str, ...]] = list(told)
    for site, order in _each(document):
        name, *others = locked_cells(site, order).values()
        rows.append((name, order["digest"], *others))
    for row, cells in enumerate(rows):
        for index, text in enumerate(cells):
            sheet.put(row, index, text)
    sheet.raw.hide()
