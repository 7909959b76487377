"""The first sheet of the progress workbook: the light, the figures, the forecast, and the charts below them.

It fits one sheet of A4 and is drawn from the document, as all others are; the
charts take their points from the cells of the other sheets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.counted import counted
from reports.progress_charts import burn_up_chart, plan_chart, wave_chart
from reports.rates import percent
from reports.words import BANDS, STATES, Band
from reports.workbook import Cell, Kind, Sheet


def write_summary(sheet: Sheet, d: dict[str, Any]) -> None:
    """What is read first: the light, the figures, the rates, and the charts beside them."""
    sheet.raw.set_column(0, 0, 30)
    sheet.raw.set_column(1, 1, 21)
    sheet.raw.set_column(2, 2, 15)
    sheet.raw.set_column(3, 3, 12)
    sheet.raw.set_column(4, 4, 60)
    sheet.raw.set_portrait()
    sheet.raw.fit_to_pages(1, 1)
    sheet.raw.set_row(0, 24)
    sheet.put(0, 0, d["campaign"], font_size=16, bold=True)
    sheet.put(1, 0, "As of")
    sheet.put(1, 1, d["at"], Kind.TIME)
    sheet.put(1, 2, d["timezone"])
    row = 2
    for line in _marks(d["marks"]):
        sheet.put(row, 0, line, bold=True)
        row += 1
    light = d["light"]
    sheet.raw.set_row(row, 21)
    sheet.put(row, 0, f"{light['letter']} · {light['label']}", font_size=14, bold=True, border=1)
    sheet.put(row, 1, light["sentence"])
    row += 1
    for ground in light["grounds"]:
        sheet.put(row, 1, ground)
        row += 1
    row = _figures(sheet, d, row + 1)
    row = _forecast(sheet, d, row + 1)
    sheet.put(row + 1, 0, "Data hash")
    sheet.put(row + 1, 1, d["data_hash"])
    sheet.put(row + 2, 0, "Plan")
    sheet.put(row + 2, 1, d["fingerprint"] or "none")
    _charts(sheet, d, row + 4)


def _marks(marks: Mapping[str, Any]) -> Iterator[str]:
    if marks["lab"]:
        yield "LAB · The relay answered in place of a real CSMS: this proves the tool, not a migration."
    if marks["synthetic_stations"]:
        yield f"SYNTHETIC · Vendor, model and firmware of {counted(marks['synthetic_stations'], 'station')} were dealt by a demonstration."
    yield from marks["notices"]


def _figures(sheet: Sheet, d: dict[str, Any], row: int) -> int:
    """Counts with what they are counted over; the next free row."""
    for column, head in enumerate(("Figure", "Counted", "Over", "Share", "What it says")):
        sheet.put(row, column, head, bold=True, bottom=2, align="right" if column in (1, 2, 3) else "left")
    lines = [
        ("Settled", d["totals"]["settled"], d["stations"], "On the target, soak passed, of all stations of the plan."),
        ("Confirmed", d["totals"]["confirmed"], d["stations"], "On the target, soak running."),
        ("In flight", d["bands"]["in_flight"], d["stations"], BANDS[Band.IN_FLIGHT].sentence),
        ("Failed or reverted", d["bands"]["back"], d["stations"], BANDS[Band.BACK].sentence),
        ("Stuck or lost", d["bands"]["person"], d["stations"], "They need a person."),
        ("Visits open", d["totals"]["visiting"], d["stations"], STATES[State.VISITING].sentence),
        *(
            (r["label"], r["numerator"], r["denominator"], f"{r['counted']}, over {r['over']}")
            for r in d["rates"].values()
        ),
        (
            "One-way steps taken",
            d["one_way"]["taken"],
            d["one_way"]["stations"],
            "Of rollback class visit or impossible.",
        ),
        ("Unknown for more than 24 h", d["unknown"]["over_24h"], d["unknown"]["stations"], "Of the lost stations."),
        (
            "Rollbacks by order",
            d["rollbacks"]["settled"],
            d["rollbacks"]["ordered"],
            "Back on the source, of those ordered.",
        ),
    ]
    for offset, (label, number, over, says) in enumerate(lines, start=1):
        sheet.put(row + offset, 0, label)
        sheet.put(row + offset, 1, number, Kind.NUMBER)
        sheet.put(row + offset, 2, over, Kind.NUMBER)
        sheet.put(row + offset, 3, percent(number, over), align="right")
        sheet.put(row + offset, 4, says, Kind.LONG, indent=1)
        sheet.raw.set_row(row + offset, 15.0 * (1 + len(says) // 68))
    return row + len(lines) + 1


def _forecast(sheet: Sheet, d: dict[str, Any], row: int) -> int:
    told = d["forecast"]
    lines: list[tuple[str, Cell]] = [
        ("Forecast", told["text"]),
        ("Legacy switch-off", told["legacy_switch_off"] or "no date is set"),
        ("P50", told["p50"]),
        ("P85", told["p85"]),
        ("P95", told["p95"]),
        ("Left to settle", told["remaining"]),
        ("Whole days on record", told["days"]),
        ("Due by plan", d["plan_curve"]["due"]),
        ("Ahead of plan", d["plan_curve"]["ahead"]),
    ]
    shown = [(label, value) for label, value in lines if value is not None]
    for offset, (label, value) in enumerate(shown):
        sheet.put(row + offset, 0, label, bold=offset == 0)
        sheet.put(row + offset, 1, value, Kind.TEXT if isinstance(value, str) else Kind.NUMBER, align="left")
    if told["chance_before_switch_off"] is not None:
        sheet.put(row + len(shown), 0, "Met in projections")
        sheet.put(row + len(shown), 1, told["chance_before_switch_off"], Kind.SHARE, align="left")
    return row + len(shown) + 1


def _charts(sheet: Sheet, d: dict[str, Any], row: int) -> None:
    """Each chart, or the sentence that says why there is none."""
    for draw in (burn_up_chart, plan_chart, wave_chart):
        chart = draw(sheet.book.raw, d)
        if isinstance(chart, str):
            sheet.put(row, 0, chart, italic=True)
            row += 2
        else:
            sheet.raw.insert_chart(row, 0, chart, {"x_offset": 4, "y_offset": 4})
            row += _CHART_ROWS


_CHART_ROWS = 18
