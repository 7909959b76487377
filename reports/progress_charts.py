"""The charts of the progress workbook, drawn by Excel from the cells of its sheets.

Told apart by dash, marker and pattern as well as by colour.  Each function
gives a chart, or the sentence that says why it would be empty.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reports.chart import nothing_to_draw
from reports.curve import switch_off_at
from reports.times import stamp
from reports.words import BANDS, Band

_SIZE = {"width": 1000, "height": 350}
_FILLS: dict[Band, dict[str, Any]] = {
    Band.SETTLED: {"fill": {"color": "#1C7C4C"}},
    Band.CONFIRMED: {"pattern": {"pattern": "wide_upward_diagonal", "fg_color": "#7FC3A0", "bg_color": "#CDEAD9"}},
    Band.IN_FLIGHT: {"pattern": {"pattern": "percent_50", "fg_color": "#3F6FB0", "bg_color": "#86ABDE"}},
    Band.AHEAD: {"fill": {"color": "#E8ECF0"}},
    Band.DEFERRED: {"pattern": {"pattern": "light_horizontal", "fg_color": "#D9940F", "bg_color": "#FDEBC2"}},
    Band.BY_HAND: {"pattern": {"pattern": "large_check", "fg_color": "#B9781C", "bg_color": "#F6CF92"}},
    Band.BACK: {"pattern": {"pattern": "wide_downward_diagonal", "fg_color": "#B3261E", "bg_color": "#F6CDC8"}},
    Band.LEFT_ALONE: {"pattern": {"pattern": "light_vertical", "fg_color": "#8A95A1", "bg_color": "#D4DAE1"}},
    Band.PERSON: {"pattern": {"pattern": "dark_horizontal", "fg_color": "#7D1610", "bg_color": "#FFFFFF"}},
}


def burn_up_chart(workbook: Any, d: dict[str, Any]) -> Any:
    """Confirmed and settled stations over time, under the line of the scope."""
    if why := nothing_to_draw(d):
        return why
    chart = _over_time(workbook, d, "Burn-up: stations over time, and the scope")
    last = len(d["series"]["points"])
    for column, colour, dash, marker in (
        (1, "#3F9C6D", "dash", "diamond"),
        (2, "#145C38", "solid", "circle"),
        (3, "#16202B", "solid", "none"),
    ):
        _line(chart, "Curve", column, last, colour=colour, dash=dash, marker=marker)
    for column, dash in enumerate(("square_dot", "dash", "round_dot"), start=1):
        if finish_rows(d):
            _line(chart, "Forecast", column, 4, head=1, colour="#46525F", dash=dash, marker="triangle")
    chart.show_blanks_as("span")
    return chart


def finish_rows(d: dict[str, Any]) -> list[tuple[str | int | None, ...]]:
    """Now, and each projected end on a line of its own; nothing where there is no projection."""
    told, now = d["forecast"], d["series"]["points"][-1]
    if told["p50"] is None:
        return []
    target, zone = now["settled"] + told["remaining"], ZoneInfo(d["timezone"])
    ends = [(stamp(switch_off_at(date.fromisoformat(told[name]), zone)), name) for name in ("p50", "p85", "p95")]
    rows: list[tuple[str | int | None, ...]] = [(now["at"], now["settled"], now["settled"], now["settled"])]
    return rows + [(at, *(target if own == name else None for own in ("p50", "p85", "p95"))) for at, name in ends]


def plan_chart(workbook: Any, d: dict[str, Any]) -> Any:
    """What the plan wants by each day, beside what was reached."""
    points = d["plan_curve"]["points"]
    if not points:
        return d["plan_curve"]["text"]
    chart = _over_time(workbook, d, "Plan against actual")
    _line(chart, "Curve", 1, len(d["series"]["points"]), colour="#145C38", dash="solid", marker="circle")
    _line(chart, "Plan over time", 1, len(points), head=1, colour="#46525F", dash="long_dash", marker="square")
    return chart


def wave_chart(workbook: Any, d: dict[str, Any]) -> Any:
    """One bar for each wave, by group of states."""
    if not any(wave["size"] for wave in d["waves"]):
        return "No chart of the waves: no wave holds a station."
    chart = workbook.add_chart({"type": "bar", "subtype": "stacked"})
    last = len(d["waves"])
    for offset, band in enumerate(Band):
        if d["bands"][band.value]:
            series = {
                "name": f"{BANDS[band].letter} {BANDS[band].label}",
                "categories": ["Waves", 1, 0, last, 0],
                "values": ["Waves", 1, 3 + offset, last, 3 + offset],
                "border": {"color": "#FFFFFF", "width": 0.5},
                "gap": 60,
            }
            chart.add_series(series | _FILLS[band])
    chart.set_title({"name": "Waves by where their stations stand", "name_font": {"size": 12}, "overlay": False})
    chart.set_y_axis({"name": "wave", "reverse": True})
    grid = {"visible": True, "line": {"color": "#E4E8ED"}}
    chart.set_x_axis({"name": "stations", "num_format": "#,##0", "label_position": "high", "major_gridlines": grid})
    chart.set_legend({"position": "bottom"})
    chart.set_size(_SIZE)
    return chart


def _over_time(workbook: Any, d: dict[str, Any], title: str) -> Any:
    chart = workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
    chart.set_x_axis({"name": f"time, {d['timezone']}", "major_gridlines": {"visible": False}, **_time_axis(d)})
    grid = {"visible": True, "line": {"color": "#E4E8ED"}}
    chart.set_y_axis({"name": "stations", "num_format": "#,##0", "min": 0, "major_gridlines": grid})
    chart.set_legend({"position": "bottom"})
    chart.set_size(_SIZE)
    return chart


def _time_axis(d: dict[str, Any]) -> dict[str, Any]:
    """The axis begins with the campaign and shows days, or hours where it is young."""
    zone = ZoneInfo(d["timezone"])
    told = [*d["series"]["points"], *d["plan_curve"]["points"]]
    moments = [datetime.fromisoformat(point["at"]).astimezone(zone).replace(tzinfo=UTC) for point in told]
    first, last = ((moment - _DAY_0) / timedelta(days=1) for moment in (min(moments), max(moments)))
    if last - first < _DAYS:
        return {"num_format": "mm-dd hh:mm", "min": first}
    return {"num_format": "yyyy-mm-dd", "min": int(first)}


_DAYS = 4
_DAY_0 = datetime(1899, 12, 30, tzinfo=UTC)  # of a spreadsheet's calendar, which knows no zones


def _line(
    chart: Any, sheet: str, column: int, last: int, *, colour: str, dash: str, marker: str, head: int = 0
) -> None:
    """One series of a sheet whose first column is time; ``head`` is the row of its headers."""
    chart.add_series(
        {
            "name": [sheet, head, column],
            "categories": [sheet, head + 1, 0, head + last, 0],
            "values": [sheet, head + 1, column, head + last, column],
            "line": {"color": colour, "width": 2, "dash_type": dash},
            "marker": {
                "type": marker,
                "size": 5,
                "border": {"color": colour},
                "fill": {"color": "#FFFFFF" if marker != "circle" else colour},
            },
        }
    )
