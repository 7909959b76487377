"""The progress page: the document's numbers, drawn, and nothing that could act."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.wave import (
    Incident,
    Mode,
    Reason,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)
from reports.html import SHOWN_STATIONS, progress_html, segments
from reports.progress import progress_document
from reports.words import Band

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>[/red]\x1b[31m\u202e\"' onload=x {{ 7*7 }} {% raw %}"


def fleet(text: str = "plain", count: int = 40) -> Standing:
    """One station of every state, and more lost ones, with the same text wherever text comes from outside."""
    states = [*State, *[State.LOST] * (count - len(State))]
    stations = tuple(
        StationStanding(
            identity=f"{text}{n}",
            wave=0,
            profile=text,
            method=Method.CHANGE_CONFIGURATION,
            state=state,
            evidence="E0",
            attempts=1,
            reason=text,
            updated_at=AT,
            vendor=text,
            model=text,
            firmware=text,
            site=text,
        )
        for n, state in enumerate(states)
    )
    totals = {state: states.count(state) for state in State}
    reasons = (Reason(text=text, value=0.5, threshold=0.98, of=40), Reason(text=text))
    wave = WaveStanding(
        number=0,
        state=WaveState.RUNNING,
        totals=totals,
        size=count,
        ruling=Ruling(verdict=Verdict.HOLD, reasons=reasons),
        started_at=AT,
    )
    return Standing(
        campaign=text,
        fingerprint=text,
        mode=Mode.RUNNING,
        at=AT + timedelta(hours=1),
        totals=totals,
        waves=(wave,),
        incidents=(Incident(at=AT, title=text, detail=text, side=text),),
        stations=stations,
        lab=True,
        notices=(text,),
    )


def page(standing: Standing, **given: Any) -> str:
    return progress_html(progress_document(standing, timezone="Europe/Amsterdam", **given))


class Elements(HTMLParser):
    """Every element with its attributes, and the text of cells that carry a number's name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.numbers: dict[str, str] = {}
        self._name = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.found.append((tag, attributes))
        self._name = attributes.get("data-n", "")

    def handle_data(self, data: str) -> None:
        if self._name:
            self.numbers[self._name] = data
            self._name = ""


def test_the_page_shows_the_documents_numbers() -> None:
    document = progress_document(fleet(count=1200))

    numbers = Elements(progress_html(document)).numbers

    shown = {name: int(text.replace(",", "")) for name, text in numbers.items()}
    assert {state: shown[f"totals.{state}"] for state in document["totals"]} == document["totals"]
    assert shown["bands.back"] == document["bands"]["back"]
    assert shown["bands.person"] == document["bands"]["person"]
    assert document["data_hash"] in progress_html(document)


def test_strings_from_outside_can_neither_act_nor_hide() -> None:
    text = page(fleet(HOSTILE))

    harmless = Elements(page(fleet("plain"))).found
    assert [tag for tag, _ in Elements(text).found] == [tag for tag, _ in harmless]
    assert "script" not in {tag for tag, _ in Elements(text).found}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text


def test_the_page_fetches_nothing_and_carries_no_handler() -> None:
    for tag, attributes in Elements(page(fleet(HOSTILE), switch_off=date(2026, 12, 31))).found:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
        assert not any(name.startswith("on") or name in {"src", "href", "style"} for name in attributes)


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    text = page(fleet())

    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in text or (
        f"default-src 'none'; style-src 'sha256-{digest}'" in text
    )
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


def test_the_light_is_told_by_letter_shape_and_word() -> None:
    text = page(fleet())

    assert re.search(r'<section class="light amber".*?<path .*?>A</text>.*?At risk', text, re.DOTALL)


def test_the_published_rule_is_on_the_page_with_every_condition() -> None:
    document = progress_document(fleet())

    text = progress_html(document)

    for condition in document["light"]["conditions"]:
        assert condition["rule"] in text


def test_a_gates_reason_shows_value_threshold_and_denominator() -> None:
    assert "value 50.0 %, threshold 98.0 %, over 40" in page(fleet())


def test_the_chart_has_its_figures_in_a_table_behind_it() -> None:
    document = progress_document(fleet())

    rows = re.search(r"<details>.*?<tbody>(.*?)</tbody>", progress_html(document), re.DOTALL)

    assert rows
    assert rows.group(1).count("<tr>") == len(document["series"]["points"])


def test_a_long_list_of_lost_stations_is_cut_on_the_page_and_whole_in_the_document() -> None:
    document = progress_document(fleet(count=500))

    text = progress_html(document)

    assert len(document["needs_person"]) == 485
    assert text.count("migrate explain plain") == SHOWN_STATIONS
    assert f"and {485 - SHOWN_STATIONS} more" in text


def test_an_empty_campaign_has_a_page() -> None:
    empty = Standing(campaign="new", fingerprint="", mode=Mode.IDLE, at=AT, totals={}, waves=())

    text = page(empty)

    assert "Not begun" in text
    assert "Not enough data" in text or "No station is left" in text


def test_lab_is_marked() -> None:
    assert "The relay answered in place of a real CSMS" in page(fleet())


@pytest.mark.parametrize("lost", [1, 5000])
def test_one_lost_station_among_thousands_can_be_seen_in_the_bar(lost: int) -> None:
    counts = dict.fromkeys(Band, 0) | {Band.SETTLED: 10_000, Band.PERSON: lost}

    drawn = segments({band.value: number for band, number in counts.items()})

    assert [s.count for s in drawn] == [10_000, lost]
    assert drawn[-1].width >= 0.7
    assert sum(s.width for s in drawn) == pytest.approx(100, abs=0.01)
