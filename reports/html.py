"""The progress report as one page that needs nothing but itself.

Drawn from a ``migrate.progress/1`` document and from nothing else.  The page
fetches nothing and runs nothing: its policy (CSP) forbids all but its own
style sheet, everything in it is escaped, and every string passes
:func:`reports.words.display` on its way out.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from migrate.domain.attempt import State
from migrate.domain.wave import Deferral, Verdict, WaveState
from reports.chart import draw
from reports.times import local, span
from reports.words import BANDS, DEFERRALS, METHODS, STATES, VERDICTS, WAVE_STATES, Band, display

SHOWN_STATIONS = 60
"""Rows of a list of stations on the page; the document holds them all."""


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
    """The page of one document."""
    zone = ZoneInfo(document["timezone"])
    environment = _environment()
    style = _template_source("progress.css")
    return environment.get_template("progress.html").render(
        d=document,
        chart=draw(document, zone),
        style=Markup(style),  # noqa: S704  our own file, never data
        style_hash=_csp_hash(style),
        at=lambda text: local(datetime.fromisoformat(text), zone) if text else "–",
        short_time=lambda text: f"{datetime.fromisoformat(text).astimezone(zone):%d %b %H:%M:%S}" if text else "–",
        since=lambda text: _age(document["at"], text),
        segments=segments,
        words=_words(),
        shown=SHOWN_STATIONS,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_fit_to_show,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda value: "–" if value is None else f"{value:.0%}"
    return environment


def _fit_to_show(value: Any) -> Any:
    """Every expression of every template passes here, so that no string can be forgotten."""
    return display(value, limit=2000) if isinstance(value, str) and not isinstance(value, Markup) else value


def _template_source(name: str) -> str:
    return (files("reports") / "templates" / name).read_text(encoding="utf-8")


def _csp_hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


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
