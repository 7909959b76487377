"""The progress report and the list of stations as pages.

Drawn from a document (``migrate.progress/1``, ``migrate.stations/1``) and from
nothing else, by :mod:`reports.page`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.attempt import State
from migrate.domain.span import span
from migrate.domain.wave import Deferral, Verdict, WaveState
from reports.chart import burn_up, s_curve
from reports.page import page, pieces
from reports.times import local
from reports.words import BANDS, DEFERRALS, METHODS, STATES, VERDICTS, WAVE_STATES, Band

SHOWN_STATIONS = 60
"""Rows of a list of stations on the page; the document holds them all."""


SHOWN_ROWS = 200
"""Rows of a table by model or of incidents; the workbook has them all."""

FIRST_PAGE = {"waves": 6, "decisions": 4, "notices": 2, "grounds": 3}
"""How much of each fits the first page of a print; the rest is on the pages behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One part of a stacked bar, in percent of its width."""

    band: str
    x: float
    width: float
    count: int
    letter: str
    label: str


def progress_html(document: dict[str, Any]) -> str:
    """The page of one progress document."""
    zone = ZoneInfo(document["timezone"])
    charts: dict[str, Any] = {"burn_up": burn_up(document, zone), "s_curve": s_curve(document, zone)}
    return page("progress.html", "progress.css", **_facts(document), **charts)


def write_stations_page(document: dict[str, Any], path: Path) -> None:
    """The page of one list of stations, written piece by piece: it may be long."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(pieces("stations.html", "progress.css", "stations.css", **_facts(document)))


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    """What every template of a report may use: the document, how times are told, and the words."""
    zone = ZoneInfo(document["timezone"])
    return {
        "d": document,
        "at": lambda text: local(datetime.fromisoformat(text), zone) if text else "–",
        "short_time": lambda text: f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}" if text else "–",
        "since": lambda text: _age(document["at"], text),
        "span": lambda seconds: span(timedelta(seconds=seconds)) if seconds is not None else "–",
        "segments": segments,
        "words": _words(),
        "shown": SHOWN_STATIONS,
        "rows_shown": SHOWN_ROWS,
        "first": FIRST_PAGE,
    }


def _age(now: str, then: str | None) -> str:
    return span(datetime.fromisoformat(now) - datetime.fromisoformat(then)) if then else "–"


def _words() -> dict[str, Any]:
    return {
        "state": {state.value: STATES[state] for state in State},
        "band": {band.value: BANDS[band] for band in Band},
        "verdict": {verdict.value: VERDICTS[verdict] for verdict in Verdict},
        "wave": {state.value: WAVE_STATES[state] for state in WaveState},
        "deferral": {deferral.value: DEFERRALS[deferral] for deferral in Deferral},
        "method": {method.value: label for method, label in METHODS.items()},
    }


_LEAST = 0.8  # percent: one lost station among thousands must stay visible


def segments(counts: dict[str, int]) -> list[Segment]:
    """A stacked bar.  Every band that is not empty can be seen, however small its share."""
    present = [(band, n) for band in Band if (n := counts[band.value])]
    total = sum(n for _, n in present)
    raw = [max(100.0 * n / total, _LEAST) for _, n in present]
    drawn, x = [], 0.0
    for (band, n), width in zip(present, (100.0 * w / sum(raw) for w in raw), strict=True):
        word = BANDS[band]
        drawn.append(
            Segment(
                band=band.value, x=round(x, 3), width=round(width, 3), count=n, letter=word.letter, label=word.label
            )
        )
        x += width
    return drawn
