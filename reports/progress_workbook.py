"""The progress report as a workbook: the same numbers as the page, with charts that Excel draws itself.

Drawn from a ``migrate.progress/1`` document and from nothing else.  One Excel
Table to a sheet; the last sheet holds every value of the document by its
path, so that anybody can compute on with exactly what was reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.wave import Verdict, WaveState
from reports.progress_charts import finish_rows
from reports.progress_summary import write_summary
from reports.words import BANDS, STATES, VERDICTS, WAVE_STATES, Band
from reports.workbook import Book, Cell, Column, Kind, Sheet, book


def write_progress_workbook(document: dict[str, Any], path: Path) -> None:
    """Write the workbook of one document."""
    title = f"{document['campaign']}: migration progress"
    with book(path, title=title, at=document["at"], timezone=document["timezone"]) as of:
        first = of.sheet("Summary")
        _decisions(of.sheet("Decisions"), document)
        _waves(of.sheet("Waves"), document)
        _states(of.sheet("States"), document)
        _rates(of.sheet("Rates"), document)
        _curve(of.sheet("Curve"), document)
        _finish(of.sheet("Forecast"), document)
        _plan(of.sheet("Plan over time"), document)
        _groups(of, document)
        _troubles(of, document)
        _rule(of.sheet("Rule of the light"), document)
        _data(of.sheet("Data"), document)
        write_summary(first, document)


def _decisions(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Decision", kind=Kind.LONG, width=70),
        Column(header="Who", width=20),
        Column(header="By", width=12),
        Column(header="Since", kind=Kind.TIME, width=32),
        Column(header="How to say it", kind=Kind.LONG, width=50),
    ]
    sheet.table(columns, [(x["text"], x["who"], x["by"], x["since"], x["command"]) for x in d["decisions"]])


def _waves(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Wave", kind=Kind.NUMBER, width=7),
        Column(header="State", width=11),
        Column(header="Stations", kind=Kind.NUMBER, width=10),
        *(Column(header=BANDS[band].label.capitalize(), kind=Kind.NUMBER, width=12) for band in Band),
        Column(header="Up to and with it", kind=Kind.NUMBER, width=12),
        Column(header="Gate", width=8),
        Column(header="Why", kind=Kind.LONG, width=50),
        Column(header="Begun", kind=Kind.TIME, width=26),
        Column(header="Ended", kind=Kind.TIME, width=26),
        Column(header="Due by plan", kind=Kind.TIME, width=30),
    ]
    sheet.table(columns, [_wave(wave) for wave in d["waves"]])


def _wave(wave: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        wave["number"],
        WAVE_STATES[WaveState(wave["state"])].label,
        wave["size"],
        *(wave["bands"][band.value] for band in Band),
        wave["stations_up_to"],
        VERDICTS[Verdict(wave["gate"]["verdict"])].label,
        "; ".join(reason["text"] for reason in wave["gate"]["reasons"]),
        wave["started_at"],
        wave["ended_at"],
        wave["due_at"],
    )


def _states(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="State", width=12),
        Column(header="Letter", width=8),
        Column(header="Meaning", kind=Kind.LONG, width=60),
        Column(header="All", kind=Kind.NUMBER, width=10),
        *(Column(header=f"Wave {wave['number']}", kind=Kind.NUMBER, width=10) for wave in d["waves"]),
    ]
    rows = [
        (name, STATES[State(name)].letter, STATES[State(name)].sentence, n, *(w["totals"][name] for w in d["waves"]))
        for name, n in d["totals"].items()
    ]
    sheet.table(columns, rows)


def _rates(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Rate", width=22),
        Column(header="Counted", kind=Kind.NUMBER, width=12),
        Column(header="Over", kind=Kind.NUMBER, width=12),
        Column(header="Share", kind=Kind.SHARE, width=10),
        Column(header="What is counted", kind=Kind.LONG, width=60),
        Column(header="Over what", kind=Kind.LONG, width=60),
    ]
    rows = [
        (r["label"], r["numerator"], r["denominator"], r["share"], r["counted"], r["over"]) for r in d["rates"].values()
    ]
    sheet.table(columns, rows)


def _curve(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Time", kind=Kind.TIME, width=26),
        Column(header="Confirmed or settled", kind=Kind.NUMBER, width=20),
        Column(header="Settled", kind=Kind.NUMBER, width=12),
        Column(header="Scope", kind=Kind.NUMBER, width=12),
    ]
    points = d["series"]["points"]
    sheet.table(columns, [(p["at"], p["confirmed"], p["settled"], d["stations"]) for p in points])


def _finish(sheet: Sheet, d: dict[str, Any]) -> None:
    """From where the campaign stands to its projected ends, as the chart draws them."""
    columns = [
        Column(header="Time", kind=Kind.TIME, width=26),
        *(Column(header=f"Settled, {name}", kind=Kind.NUMBER, width=14) for name in ("P50", "P85", "P95")),
    ]
    sheet.put(0, 0, d["forecast"]["text"])
    sheet.table(columns, finish_rows(d), row=1)


def _plan(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Due", kind=Kind.TIME, width=26),
        Column(header="Stations by plan", kind=Kind.NUMBER, width=18),
    ]
    sheet.put(0, 0, d["plan_curve"]["text"])
    sheet.table(columns, [(p["at"], p["stations"]) for p in d["plan_curve"]["points"]], row=1)


def _groups(of: Book, d: dict[str, Any]) -> None:
    for name, key, heads in (
        ("Vendors", "by_vendor", ("vendor",)),
        ("Models", "by_model", ("vendor", "model")),
        ("Profiles", "by_profile", ("profile", "method")),
    ):
        columns = [
            *(Column(header=head.capitalize(), width=26) for head in heads),
            Column(header="Stations", kind=Kind.NUMBER, width=10),
            *(Column(header=state.capitalize(), kind=Kind.NUMBER, width=10) for state in d["totals"]),
            *(
                Column(header=f"{rate['label']}, {part}", kind=Kind.NUMBER, width=14)
                for rate in d["rates"].values()
                for part in ("counted", "over")
            ),
        ]
        of.sheet(name).table(columns, [_group(row, heads) for row in d[key]])


def _group(row: Mapping[str, Any], heads: Sequence[str]) -> tuple[Cell, ...]:
    rates = (rate[part] for rate in row["rates"].values() for part in ("numerator", "denominator"))
    return (*(row[head] or "none" for head in heads), row["stations"], *row["totals"].values(), *rates)


def _troubles(of: Book, d: dict[str, Any]) -> None:
    text, number, time = Kind.TEXT, Kind.NUMBER, Kind.TIME
    lists: tuple[tuple[str, str, tuple[tuple[str, str, Kind], ...]], ...] = (
        ("Need a person", "needs_person", (("Station", "identity", text), ("State", "state", text), ("Wave", "wave", number), ("Device", "device", text), ("Site", "site", text), ("Proof", "evidence", text), ("Reason", "reason", Kind.LONG), ("Since", "since", time), ("How to look", "command", text))),
        ("Setbacks", "setbacks", (("State", "state", text), ("Profile", "profile", text), ("Reason", "reason", Kind.LONG), ("Stations", "stations", number))),
        ("Put off", "deferrals", (("Reason", "reason", text), ("Stations", "stations", number), ("Next due", "next_due_at", time))),
        ("Stopped alone", "quarantined", (("Vendor", "vendor", text), ("Model", "model", text), ("Firmware", "firmware", text), ("Profile", "profile", text), ("Failed", "failed", number), ("Waiting", "waiting", number))),
        ("Incidents", "incidents", (("Since", "at", time), ("What", "title", text), ("Detail", "detail", Kind.LONG), ("Side", "side", text), ("Over", "ended_at", time))),
        ("Orders", "holds", (("Over", "scope", text), ("Order", "mode", text), ("Reason", "reason", Kind.LONG), ("By", "by", text), ("Since", "at", time))),
    )  # fmt: skip
    for name, key, fields in lists:
        columns = [Column(header=head, kind=kind, width=_WIDTHS[kind]) for head, _, kind in fields]
        of.sheet(name).table(columns, [[row[field] for _, field, _ in fields] for row in d[key]])


_WIDTHS = {Kind.TEXT: 22.0, Kind.LONG: 60.0, Kind.NUMBER: 12.0, Kind.TIME: 30.0}


def _rule(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [
        Column(header="Light", width=10),
        Column(header="Condition", kind=Kind.LONG, width=70),
        Column(header="Fact", kind=Kind.LONG, width=40),
        Column(header="Applies", width=10),
    ]
    sheet.table(columns, [(c["colour"], c["rule"], c["fact"], c["applies"]) for c in d["light"]["conditions"]])


def _data(sheet: Sheet, d: dict[str, Any]) -> None:
    columns = [Column(header="Path", width=48), Column(header="Value", width=60)]
    sheet.table(columns, leaves(d))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Cell]]:
    """Every single value of a document by its path.

    >>> list(leaves({"a": [{"b": 1}, {"b": None}], "c": "x"}))
    [('a.0.b', 1), ('a.1.b', None), ('c', 'x')]
    """
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}.{index}")
    else:
        yield path, value
