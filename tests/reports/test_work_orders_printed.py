"""Work orders on paper and in Excel: what a crew needs, nothing that could act, nothing secret."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.order_book import fold_orders
from migrate.domain.profile import Method
from migrate.domain.record import Direction, Event, EventKind
from migrate.domain.visit import Ground, Result, Task
from migrate.domain.visit_form import BY_CREW, CAMPAIGN_KEY, LOCKED, META, SHEET
from reports.work_order import MOST_EVENTS, Outing, Printed, work_orders_document
from reports.work_order_html import work_orders_html
from reports.work_order_words import ORDER_STATES, WHYS, steps_for
from reports.work_order_xlsx import work_orders_xlsx
from tests.doubles.papers import AT, a_task, issued, moved, stored

URL = "wss://new.example:8443/ocpp"
HOSTILE = (
    '<script>alert(1)</script>[/red]\x1b[31m\u202e"\' onload=x {{ 7*7 }} {% raw %} =HYPERLINK("http://x")\r\n\0\ud800'
)
OUTING = Outing(
    campaign="cutover",
    campaign_key="c0ffee",
    at=AT,
    timezone="Europe/Amsterdam",
    switch_off=date(2026, 12, 31),
    freezes=((date(2026, 12, 24), date(2026, 12, 27)),),
)


def printed(tasks: Sequence[Task], **more: Any) -> list[Printed]:
    orders = fold_orders(stored([issued(task) for task in tasks]))
    return [Printed(order=order, task=task, url=URL, **more) for order, task in zip(orders, tasks, strict=True)]


def document(*tasks: Task, outing: Outing = OUTING, **more: Any) -> dict[str, Any]:
    return work_orders_document(outing, printed(tasks or [a_task()], **more))


class Page(HTMLParser):
    """Tags, attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.classes: list[str] = []
        self.text = ""
        self._is_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.classes += [value or "" for name, value in attrs if name == "class"]
        self._is_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False
        self.text += " " if tag in ("dt", "dd", "p", "h1", "h2", "li", "td", "th") else ""

    def handle_data(self, data: str) -> None:
        self.text += "" if self._is_style else data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def page(*tasks: Task, **more: Any) -> Page:
    return Page(work_orders_html(document(*tasks, **more)))


# ── the page ───────────────────────────────────────────────────────────────


def test_an_order_says_where_what_and_why_before_it_says_what_to_do() -> None:
    words = page(
        a_task(contact_name="J. de Vries", contact_phone="+31 20 555 0123", access="gate code at the porter")
    ).words

    for told in (
        "WO-0001",
        "1 · first",
        "before 2026-12-31",
        "not on 2026-12-24 to 2026-12-27",
        "Westerdoksdijk 1, 1013 AB Amsterdam, NL",
        "geo:52.380000,4.890000",
        "J. de Vries, +31 20 555 0123",
        "gate code at the porter",
        "Serial S-1",
        "prove that it is dead",
        "Why nobody could do it from afar",
        "It left one backend for the other",
        "Closes when the station is seen on its new backend, never by this paper alone.",
    ):
        assert told in words
    assert words.index("Safety first") < words.index("What to do")


def test_every_step_has_a_box_and_a_place_for_what_was_seen() -> None:
    told = document(a_task(steps=("Open the cover.", "Enter it.")))
    (order,) = told["sites"][0]["orders"]

    found = Page(work_orders_html(told))

    ends = 4 + len(Result) + 1  # photographs, results, and the line of the site's sheet
    assert found.classes.count("box") == len(order["steps"]) + ends
    assert found.classes.count("blank") == len(order["steps"])


def test_what_has_to_be_typed_stands_out_letter_by_letter() -> None:
    told = document(a_task("NL-7", state=State.VISITING, ground=Ground.NO_PROFILE))

    typed = [p["text"] for s in told["sites"][0]["orders"][0]["steps"] for p in s["parts"] if p["typed"]]

    assert typed == [URL, "NL-7"]


def test_a_family_with_steps_of_its_own_gets_those_and_no_generic_ones() -> None:
    steps = [
        step.text
        for step in steps_for(Ground.VISIT_ONLY, ("Check the serial on the plate.", "Use the app."), URL, "AC1")
    ]

    assert steps[:2] == ["Check the serial on the plate.", "Use the app."]
    assert "call the desk" in steps[-1]
    assert len(steps) == 3


def test_a_family_nobody_knows_is_said_to_be_unknown() -> None:
    words = page(a_task(state=State.VISITING, ground=Ground.NO_PROFILE)).words

    assert "No steps are on record for this equipment: its manual counts." in words


@pytest.mark.parametrize("ground", list(Ground), ids=str)
def test_every_ground_has_words_and_a_page(ground: Ground) -> None:
    assert WHYS[ground].sentence in page(a_task(ground=ground)).words


def test_every_state_of_an_order_has_a_word_of_its_own() -> None:
    assert len({word.label for word in ORDER_STATES.values()}) == len(ORDER_STATES)
    assert len({word.letter for word in ORDER_STATES.values()}) == len(ORDER_STATES)


def test_an_order_about_going_back_says_so_and_names_the_old_backend() -> None:
    words = page(a_task(direction=Direction.BACK)).words

    assert "This order brings the station BACK to its old backend." in words
    assert "Bring it to its old backend" in words


def test_the_last_five_events_are_told_in_plain_words_the_newest_first() -> None:
    task = a_task()
    answer = {"action": "ChangeConfiguration", "key": "BackendUrl", "status": "Rejected"}
    events = [Event(kind=EventKind.ANSWER, at=AT, identity="AC1", data={**answer, "text": str(n)}) for n in range(7)]
    last = moved(task.attempt, Fact.ON_SOURCE)

    (order,) = document(task, events=stored([*events, last]))["sites"][0]["orders"]

    told = [event["text"] for event in order["events"]]
    assert len(told) == MOST_EVENTS
    assert told[0] == "Its old address is being put back."
    assert told[1] == "To ChangeConfiguration BackendUrl it answered Rejected: 6"


def test_a_site_with_several_orders_has_a_sheet_of_its_own_and_one_with_a_single_order_has_none() -> None:
    tasks = [a_task(f"AC{n}") for n in range(6)] + [a_task("FAR", site_id="9", site_name="Far", postcode="9999 ZZ")]

    words = page(*tasks).words

    assert "7 work orders at 2 sites" in words
    assert words.count("Site sheet") == 1
    assert "6 orders at this site" in words


def test_the_most_pressing_order_of_a_site_comes_first() -> None:
    calm = a_task("AC1", state=State.VISITING, ground=Ground.VISIT_ONLY)

    told = document(calm, a_task("AC2"))

    assert [order["identity"] for order in told["sites"][0]["orders"]] == ["AC2", "AC1"]


def test_the_foot_of_each_page_has_number_revision_hash_and_the_count_of_pages() -> None:
    text = work_orders_html(document())

    digest = a_task().digest[:12]
    assert f'@page wo1 {{ @bottom-left {{ content: "WO-0001 · revision 1 · data {digest}" }} }}' in text
    assert 'counter(page) " of " counter(pages)' in text


def test_the_foot_of_a_sites_sheet_says_which_stop_it_is_and_no_run_sheet() -> None:
    tasks = [a_task(f"AC{n}") for n in range(2)] + [a_task("FAR", site_id="9", site_name="Far", postcode="9999 ZZ")]

    text = work_orders_html(document(*tasks))

    assert 'class="sheet stop1"' in text
    assert '.stop1 { page: stop1 } @page stop1 { @bottom-left { content: "Site sheet · stop 1 of 2" } }' in text


def test_a_drill_says_on_every_page_that_nobody_has_to_go() -> None:
    tasks = [a_task("AC1"), a_task("AC2")]

    assert page(*tasks, outing=replace(OUTING, lab=True)).words.count("LAB") == 3  # the site's sheet and two orders


def test_what_the_list_does_not_say_is_taken_from_the_stations_own_boot_and_marked() -> None:
    said = IdentityFacts(serial="S-77", model="AC99")

    words = page(a_task(serial=""), said=said).words

    assert "S-77 (said by the station)" in words
    assert "AC99" not in words


def test_when_it_last_spoke_is_told_for_both_sides() -> None:
    words = page(heard={Side.SOURCE: AT}).words

    assert "Last heard by the old backend: 2026-11-20 10:00:00 CET (09:00:00Z)." in words
    assert "Last heard by the new backend: never on record." in words


def hostile_task() -> Task:
    fields = dict.fromkeys(
        ("vendor", "model", "firmware", "serial", "site_id", "site_name", "address", "postcode", "city", "notes",
         "contact_name", "contact_phone", "contact_email", "access"),
        HOSTILE,
    )  # fmt: skip
    return a_task(f"AC{HOSTILE}"[:48], reason=HOSTILE, steps=(HOSTILE,), **fields)


def test_hostile_strings_are_shown_and_do_nothing() -> None:
    text = work_orders_html(document(hostile_task(), outing=replace(OUTING, campaign=HOSTILE)))

    found = Page(text)

    assert not {"script", "img", "iframe", "object", "link", "form", "base"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "style")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert "<script>alert(1)</script>" in found.text
    assert "49" not in found.text
    text.encode("utf-8")


def test_the_page_fetches_nothing_and_its_policy_allows_only_its_own_style() -> None:
    text = work_orders_html(document())
    found = Page(text)

    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = [value for name, value in found.attributes if name == "content" and "default-src" in value]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    links = [value for name, value in found.attributes if name == "href"]
    assert all(link.startswith("geo:") for link in links)
    assert not re.search(r"url\(|@import", style[1])


def test_no_token_of_any_address_is_printed_and_the_crew_is_told_whom_to_ask() -> None:
    secret = "0123456789abcdefghij"
    reason = f"it holds wss://u:geheim@old.example/{secret}?token=abc"
    told = document(
        a_task(reason=reason, notes=reason, access=reason, steps=(f"Enter wss://new.example/{secret}/AC1.",))
    )

    text = work_orders_html(told)

    assert not [part for part in ("geheim", secret, "token=abc") if part in text]
    assert "*** stands for a part of an address that is not printed." in Page(text).words


# ── the workbook ───────────────────────────────────────────────────────────


def workbook(tmp_path: Path, *tasks: Task, **more: Any) -> Any:
    path = tmp_path / "crews.xlsx"
    work_orders_xlsx(document(*tasks, **more), path)
    return load_workbook(path)


def rows_of(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_the_workbook_has_the_orders_the_steps_and_the_sheet_that_comes_back(tmp_path: Path) -> None:
    book = workbook(tmp_path, a_task("AC1"), a_task("AC2"))

    visible = [sheet.title for sheet in book if sheet.sheet_state == "visible"]
    assert visible == ["Orders", "Steps", SHEET]
    assert [row[1] for row in rows_of(book["Orders"])[1:]] == ["WO-0001", "WO-0002"]
    assert [cell.value for cell in book[SHEET][1]] == [*LOCKED, *BY_CREW]
    assert [row[0] for row in rows_of(book[SHEET])[1:]] == ["WO-0001", "WO-0002"]


def test_page_and_workbook_say_the_same_of_every_order(tmp_path: Path) -> None:
    tasks = [a_task(f"AC{n}", steps=("Do this.", "Do that.")) for n in range(3)]
    told = document(*tasks)
    work_orders_xlsx(told, tmp_path / "crews.xlsx")
    words = Page(work_orders_html(told)).words

    steps = rows_of(load_workbook(tmp_path / "crews.xlsx")["Steps"])[1:]

    assert len(steps) == sum(len(o["steps"]) for s in told["sites"] for o in s["orders"])
    assert all(str(step[5]) in words for step in steps)


def test_only_the_crews_cells_can_be_filled_in_and_no_password_stands_before_the_others(tmp_path: Path) -> None:
    sheet = workbook(tmp_path)[SHEET]

    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert [cell.protection.locked for cell in sheet[2]] == [True] * len(LOCKED) + [False] * len(BY_CREW)


def test_a_result_is_chosen_from_the_closed_list(tmp_path: Path) -> None:
    book = workbook(tmp_path)

    rules = {str(rule.sqref): rule for rule in book[SHEET].data_validations.dataValidation}
    assert rules["G2"].type == "list"
    assert rules["G2"].formula1 == "_lists!$A$1:$A$6"
    assert [row[0] for row in rows_of(book["_lists"])] == [result.value for result in Result]
    assert book["_lists"].sheet_state == "hidden"


def test_the_hidden_sheet_knows_the_campaign_and_each_order_as_it_was_printed(tmp_path: Path) -> None:
    task = a_task()
    book = workbook(tmp_path, task)

    meta = {row[0]: row[1:] for row in rows_of(book[META])}
    assert book[META].sheet_state == "hidden"
    assert meta[CAMPAIGN_KEY][0] == "c0ffee"
    assert meta["WO-0001"] == [task.digest, *[cell.value for cell in book[SHEET][2]][1 : len(LOCKED)]]


def test_no_cell_of_the_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    book = workbook(tmp_path, hostile_task(), a_task("=1+1", method=Method.VISIT), a_task("00123"))

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert not [c for c in cells if isinstance(c.value, str) and re.search("[\x00-\x1f\u202a-\u202e]", c.value)]
    assert {"=1+1", "00123"} <= {cell.value for cell in book["Orders"]["D"]}


def test_the_same_orders_give_the_same_hash_whenever_they_are_printed() -> None:
    first, later = document(), document(outing=replace(OUTING, at=AT.replace(hour=23)))

    assert first["data_hash"] == later["data_hash"]
    assert first["at"] != later["at"]
