"""Every place into which words from outside are put, and that none of them acts there.

Words from outside are the columns of an inventory, what a station says of
itself and what it holds.  The table names each place, the module that fills
it, and the tests that prove it; a module that begins to fill templates, quote
commands or start programs without being in the table is found.  What follows
it is tried here over every column and every packaged profile.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from openpyxl import load_workbook

from migrate.adapters.channels.http.filling import fill
from migrate.adapters.channels.ssh.arguments import command_of
from migrate.adapters.channels.ssh.delivery import Delivery
from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.ocpp import dialect16, dialect201
from migrate.adapters.ocpp.messages import Call, call_text, parse
from migrate.cli.log_lines import OneLine
from migrate.domain.address import parse_backend
from migrate.domain.errors import Mismatch, ProfileProblem
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.filling import Goal, prepare
from migrate.domain.order_book import fold_orders
from migrate.domain.profile import Method, Profile
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite, undo
from migrate.domain.ways import SCRIPT_NAMES, Way
from migrate.domain.ways import Call as Request
from reports.words import display
from reports.work_order import Outing, Printed, work_orders_document
from reports.work_order_html import work_orders_html
from reports.work_order_xlsx import work_orders_xlsx
from tests.architecture.house import ROOT
from tests.doubles.papers import AT, a_task, issued, stored
from tests.profiles.test_profile_catalogue import HELD
from tests.profiles.test_profile_other_ways import EVERY, GOLDEN

PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "OCPP value": (
        "migrate/domain/filling.py",
        (
            "tests/domain/test_profile.py::test_no_identity_escapes_from_the_value_it_is_put_into",
            "tests/architecture/test_sinks.py::test_a_unit_takes_from_the_inventory_what_its_profile_names_and_nothing_else",
        ),
    ),
    "OCPP key": (
        "migrate/domain/filling.py",
        (
            "tests/architecture/test_sinks.py::test_a_unit_takes_from_the_inventory_what_its_profile_names_and_nothing_else",
        ),
    ),
    "OCPP frame": (
        "migrate/adapters/ocpp/messages.py",
        ("tests/architecture/test_sinks.py::test_a_frame_holds_its_value_and_nothing_of_it_is_structure",),
    ),
    "field of a network profile": (
        "migrate/domain/filling.py",
        ("tests/architecture/test_sinks.py::test_an_object_keeps_its_fields_whatever_fills_them",),
    ),
    "packed value of a station": (
        "migrate/domain/filling.py",
        (
            "tests/domain/test_profile.py::test_no_identity_breaks_out_of_a_packed_field",
            "tests/architecture/test_sinks.py::test_what_a_station_holds_goes_back_as_it_was_and_nowhere_else",
        ),
    ),
    "path of a request": (
        "migrate/adapters/channels/http/filling.py",
        (
            "tests/adapters/channels/test_http_injection.py::test_a_column_stays_in_its_segment_of_the_path",
            "tests/adapters/channels/test_http_injection.py::test_an_identity_that_is_a_step_upwards_is_no_segment",
        ),
    ),
    "query of a request": (
        "migrate/adapters/channels/http/filling.py",
        ("tests/adapters/channels/test_http_injection.py::test_a_column_stays_in_its_value_of_the_query",),
    ),
    "header of a request": (
        "migrate/adapters/channels/http/filling.py",
        ("tests/adapters/channels/test_http_injection.py::test_a_column_stays_in_its_header_or_is_refused",),
    ),
    "JSON of a request": (
        "migrate/adapters/channels/http/filling.py",
        (
            "tests/adapters/channels/test_http_injection.py::test_a_column_stays_in_its_leaf_of_json",
            "tests/adapters/channels/test_http_injection.py::test_what_a_station_answers_stays_in_its_place_too",
        ),
    ),
    "form of a request": (
        "migrate/adapters/channels/http/filling.py",
        ("tests/adapters/channels/test_http_injection.py::test_a_column_stays_in_its_field_of_a_form",),
    ),
    "argument and shell line": (
        "migrate/adapters/channels/ssh/arguments.py",
        (
            "tests/adapters/ssh/test_ssh_injection.py::test_a_hostile_value_is_stored_letter_by_letter_and_runs_nothing",
            "tests/adapters/ssh/test_ssh_injection.py::test_a_hostile_inventory_reaches_a_command_as_one_argument",
            "tests/architecture/test_sinks.py::test_a_packaged_script_gets_one_argument_for_each_or_none_at_all",
        ),
    ),
    "path of a file on a station": (
        "migrate/adapters/channels/ssh/delivery.py",
        ("tests/architecture/test_sinks.py::test_where_a_script_lies_depends_on_no_station",),
    ),
    "link to a file": (
        "migrate/adapters/files/links.py",
        (
            "tests/adapters/files/test_links.py::test_a_link_is_read_back_as_it_was_written_whatever_the_identity_holds",
            "tests/architecture/test_sinks.py::test_a_link_has_the_same_parts_whoever_it_is_for",
        ),
    ),
    "address that a station dials": (
        "migrate/domain/address.py",
        ("tests/architecture/test_sinks.py::test_an_identity_is_the_last_segment_of_an_address_and_no_more",),
    ),
    "page": (
        "reports/page.py",
        (
            "tests/reports/test_progress_page.py::test_strings_from_outside_can_neither_act_nor_hide",
            "tests/architecture/test_sinks.py::test_no_column_acts_on_a_printed_page",
        ),
    ),
    "cell of a workbook": (
        "reports/workbook.py",
        (
            "tests/reports/test_stations_report.py::test_hostile_strings_stay_strings",
            "tests/architecture/test_sinks.py::test_no_column_is_a_formula_in_a_workbook",
        ),
    ),
    "terminal": (
        "reports/words.py",
        (
            "tests/reports/test_status_words.py::test_a_string_from_a_station_can_not_take_over_the_screen",
            "tests/cli/test_live.py::test_hostile_strings_are_shown_as_text",
            "tests/cli/test_inventory_cli.py::test_hostile_cells_reach_no_terminal_raw",
            "tests/cli/test_contract_errors.py::test_a_hostile_word_in_an_error_reaches_no_terminal_raw",
        ),
    ),
    "command that a person is told to paste": (
        "reports/words.py",
        ("tests/reports/test_timeline.py::test_a_hostile_reason_and_identity_cannot_act_in_an_explanation",),
    ),
    "log": (
        "migrate/cli/log_lines.py",
        ("tests/architecture/test_sinks.py::test_nothing_begins_a_line_of_its_own_in_a_log",),
    ),
    "profile that is proposed": (
        "vendor_profiles/writer.py",
        ("tests/profiles/test_profile_writer.py::test_what_a_station_says_of_itself_never_becomes_structure",),
    ),
    "database": (
        "migrate/adapters/journal/rows.py",
        (
            "tests/adapters/journal/test_journal_contract.py::test_whatever_a_station_calls_itself_can_be_recorded_and_found_again",
        ),
    ),
}
"""Each place, the module that fills it, and the tests that prove it."""

FILLERS = {
    "migrate/domain/filling.py": "fills templates of profiles",
    "migrate/adapters/channels/ssh/arguments.py": "fills and quotes commands for stations",
    "migrate/adapters/channels/ssh/line.py": "sends a command that arguments.py has made",
    "vendor_profiles/laws/script.py": "takes templates out of a profile's own arguments",
    "reports/words.py": "quotes commands that people paste",
    "reports/explain.py": "quotes commands that people paste",
    "reports/ways_out.py": "quotes commands that people paste",
    "reports/decisions.py": "quotes commands that people paste",
    "migrate/cli/live.py": "quotes commands that people paste",
    "reports/page.py": "its own style sheet",
    "migrate/cli/listening.py": "starts this program with a path of its own",
    "migrate/cli/demo/stage.py": "starts this program with a path of its own",
    "migrate/adapters/spreadsheet/workbook.py": "starts this interpreter to read a workbook apart",
}
"""Every module that fills, quotes or starts something, and what it does."""

_ACTS = frozenset(
    {"substitute", "safe_substitute", "exec_command", "create_subprocess_exec", "create_subprocess_shell"}
)
_CALLS = frozenset({"eval", "exec", "Markup", "Popen", "compile_command"})
_MODULES = frozenset({"shlex", "subprocess", "os"})
_OF_MODULES = frozenset({"quote", "join", "run", "Popen", "system", "popen", "call", "check_output", "check_call"})


def acts(tree: ast.AST) -> Iterator[str]:
    """Calls of a module that fill a template, quote a command, start a program or run text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr=name) if name in _ACTS:
                yield name
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in _MODULES and name in _OF_MODULES:
                yield f"{owner}.{name}"
            case ast.Name(id=name) if name in _CALLS:
                yield name


def test_whatever_fills_quotes_or_starts_something_is_in_the_table() -> None:
    found = set()
    for package in ("migrate", "batches", "reports", "vendor_profiles"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            is_simulated = name.startswith("migrate/simulator/")  # the stations themselves, not the toolkit
            if not is_simulated and any(acts(ast.parse(path.read_text(encoding="utf-8")))):
                found.add(name)

    assert found == set(FILLERS)


def test_no_template_of_a_page_switches_its_escaping_off() -> None:
    loud = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup")
    pages = [path for path in (ROOT / "reports" / "templates").rglob("*") if path.is_file()]

    assert pages
    assert not [path.name for path in pages if loud.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_filled_by_a_module_and_proven_by_tests_that_exist(place: str) -> None:
    module, proofs = PLACES[place]

    assert (ROOT / module).is_file()
    assert proofs
    for proof in proofs:
        file, _, name = proof.partition("::")
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), proof


# ── over every column and every packaged profile ───────────────────────────

HOSTILE = [
    "; touch /tmp/canary",
    "$(touch /tmp/canary)`id`",
    "' OR '1'='1",
    '","key":"AuthorizationKey","value":"x',
    "${url}${secret}$$",
    "{{7*7}}{% raw %}<script>alert(1)</script>\" onload=x",
    "../../etc/passwd?x=1#y&z=2",
    "}ocppCsmsUrl{wss://evil.example",
    "=HYPERLINK(\"http://evil.example\")",
    "%s%n%0a%0d",
    "\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
    "\x1b[2J\x1b]0;x\x07\u202e\x00",
    "😀\u0430",
]  # fmt: skip
IDS = [f"{i}" for i in range(len(HOSTILE))]
COLUMNS = [field.name for field in fields(Station) if field.type == "str"]
NAMED = {"identity", "target_identity", "apn"}
"""What of an inventory a value may name: ``${identity}``, on whichever side, and ``${apn}``."""
PLAIN = Station(identity="CP1", serial="S1", vendor="Acme", model="AC22", firmware="1.0", ip_address="192.0.2.9")
NEW = parse_backend("wss://new.example:8443/ocpp")
MOVING = [profile for profile in EVERY.profiles if profile.method is not Method.VISIT]
HOLDS: dict[str, Mapping[str, str | None]] = {**HELD, **{name: held for name, (held, _) in GOLDEN.items()}}


def goal_of(station: Station) -> Goal:
    there = station.identity_on(Side.TARGET)
    return Goal(backend=NEW, identity=there, was=station.identity, apn=station.apn)


T = TypeVar("T")


def clearly(make: Callable[[], T]) -> T | str:
    """What is made, or the words of the error instead of it, which are fit to be read."""
    try:
        return make()
    except (Mismatch, ProfileProblem) as error:
        words = error.message
    assert words.isprintable()
    return words


def unit_of(profile: Profile, station: Station, **held: str) -> tuple[PreparedWrite, ...] | str:
    """The unit, or the clear error instead of it."""
    return clearly(lambda: prepare(profile, goal_of(station), {**HOLDS[profile.name], **held}))


@pytest.mark.parametrize("profile", MOVING, ids=lambda profile: profile.name)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_unit_takes_from_the_inventory_what_its_profile_names_and_nothing_else(profile: Profile, column: str) -> None:
    usual = unit_of(profile, PLAIN)
    assert isinstance(usual, tuple)

    for text in HOSTILE:
        unit = unit_of(profile, replace(PLAIN, **{column: text}))

        if isinstance(unit, str):
            assert column in NAMED, column
        elif column not in NAMED:
            assert unit == usual
        else:
            assert {write.key for write in unit} <= set(profile.reads) | {"${free_slot}"}
            assert "secret" not in "".join(write.secret for write in unit)


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_a_frame_holds_its_value_and_nothing_of_it_is_structure(text: str) -> None:
    variable = dialect201.variable("SecurityCtrlr.CsmsUrl")
    assert variable is not None
    for command in (dialect16.change_configuration("Url", text), dialect201.set_variable(variable, text)):
        message = parse(call_text("1", command.action, command.payload))

        assert isinstance(message, Call)
        assert (message.id, message.action) == ("1", command.action)
        assert message.payload == command.payload


@pytest.mark.parametrize("profile", [p for p in MOVING if any(w.fields for w in p.writes)], ids=lambda p: str(p.name))
@pytest.mark.parametrize("column", sorted(NAMED))
def test_an_object_keeps_its_fields_whatever_fills_them(profile: Profile, column: str) -> None:
    wanted = [set(write.fields) for write in profile.writes if write.fields]

    for text in HOSTILE:
        unit = unit_of(profile, replace(PLAIN, **{column: text}))
        objects = (
            [json.loads(write.new) for write in unit if write.new.startswith("{")] if not isinstance(unit, str) else []
        )
        assert all(set(found) <= fields for found, fields in zip(objects, wanted, strict=False))


@pytest.mark.parametrize("profile", MOVING, ids=lambda profile: profile.name)
def test_what_a_station_holds_goes_back_as_it_was_and_nowhere_else(profile: Profile) -> None:
    packed = {write.key for write in profile.writes if write.within}

    for key in HOLDS[profile.name]:
        for text in HOSTILE:
            unit = unit_of(profile, PLAIN, **{key: text})
            if isinstance(unit, str):
                continue
            assert not [write.key for write in unit if text in write.new and write.key not in packed]
            back = undo(unit, {write.key: write.new for write in unit})
            assert {w.key: w.new for w in back}.items() <= {w.key: w.old for w in unit}.items()


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_what_a_station_calls_itself_chooses_a_profile_or_none_and_can_be_read(text: str) -> None:
    for vendor, model, firmware in ((text, "AC22", "1.0"), ("Keba AG", text, "1.0"), ("Keba AG", "KC-P30-X", text)):
        match = EVERY.match(vendor, model, firmware, text[:5])

        assert match.profile is None
        assert display(match.why).isprintable()


def requests_of(profile: Profile) -> Iterator[Request]:
    assert profile.http is not None
    yield from (*profile.http.login, *profile.http.restart)
    for key in profile.http.keys.values():
        yield from (*key.read, *key.write)


@pytest.mark.parametrize("profile", [p for p in MOVING if p.http], ids=lambda profile: profile.name)
@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_a_packaged_request_keeps_its_form_whatever_fills_it(profile: Profile, text: str) -> None:
    picked = {name: {"url": text} for name in ("config", "details")}
    names: dict[str, Any] = dict.fromkeys(("identity", "serial", "value", "user", "secret", "version"), text)
    for call in requests_of(profile):
        request = clearly(lambda call=call: fill(call, {**names, **picked, "value_json": json.dumps(text)}, "CP1"))
        if isinstance(request, str):
            continue
        target = urlsplit(request.target)
        assert target.path.count("/") == call.path.count("/")
        assert [name for name, _ in parse_qsl(target.query, keep_blank_values=True)] == list(call.query)
        assert not target.netloc
        assert not any("\r" in value or "\n" in value for value in request.headers.values())
        if call.json is not None:
            assert request.body is not None
            assert json.loads(request.body).keys() >= {name for name in call.json if name != "..."}


@pytest.mark.parametrize("profile", [p for p in MOVING if p.script], ids=lambda profile: profile.name)
@pytest.mark.parametrize("name", sorted(SCRIPT_NAMES))
def test_a_packaged_script_gets_one_argument_for_each_or_none_at_all(profile: Profile, name: str) -> None:
    assert profile.script is not None
    for text in HOSTILE:
        names = {**dict.fromkeys(SCRIPT_NAMES, "x"), "script": "/tmp/s.sh", name: text}
        for command in (profile.script.read, profile.script.write):
            line = clearly(lambda c=command, n=names: command_of(c, n, shell=True, identity="CP1"))
            assert "gets no command" in line or len(shlex.split(line)) == len(command)


def test_where_a_script_lies_depends_on_no_station() -> None:
    assert Delivery.__dataclass_fields__.keys() == {"name", "content"}
    assert Delivery(name="set.sh", content=b"x").path.startswith("/tmp/migrate-")


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_a_link_has_the_same_parts_whoever_it_is_for(text: str) -> None:
    links = Links(b"k" * 32)

    path = links.path(Link(text, short(f"apn:{text}"), "acme-5.0.bin"))

    assert path.count("/") == links.path(Link("CP1", short("apn:x"), "acme-5.0.bin")).count("/")
    assert path.isascii()
    assert path.isprintable()


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_an_identity_is_the_last_segment_of_an_address_and_no_more(text: str) -> None:
    parts = urlsplit(NEW.url_of(text))

    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("wss", "new.example:8443", "", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "ocpp", text]


# ── for people ─────────────────────────────────────────────────────────────

EVERY_COLUMN = [name for name in COLUMNS if name not in ("identity", "target_identity", "timezone", "ocpp_version")]
ALL_AT_ONCE = " ".join(HOSTILE)


def orders() -> dict[str, Any]:
    """Work orders, which print more of an inventory than anything else, for a station that is hostile throughout."""
    task = a_task("CP1", reason=ALL_AT_ONCE, steps=(ALL_AT_ONCE,), **dict.fromkeys(EVERY_COLUMN, ALL_AT_ONCE))
    (order,) = fold_orders(stored([issued(task)]))
    outing = Outing(campaign=ALL_AT_ONCE, campaign_key="c0ffee", at=AT, timezone="Europe/Amsterdam")
    said = IdentityFacts(
        **{field.name: ALL_AT_ONCE for field in fields(IdentityFacts) if field.type == "str"},
    )
    printed = Printed(order=order, task=task, url="wss://new.example/ocpp", said=said)
    return work_orders_document(outing, [printed])


class Page(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_no_column_acts_on_a_printed_page() -> None:
    page = Page(work_orders_html(orders()))

    assert not {"script", "img", "iframe", "object", "form", "base"} & page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [value for name, value in page.attributes if name in ("href", "src") and "evil" in (value or "")]


def test_no_column_is_a_formula_in_a_workbook(tmp_path: Path) -> None:
    work_orders_xlsx(orders(), tmp_path / "orders.xlsx")

    book = load_workbook(tmp_path / "orders.xlsx")

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any("HYPERLINK" in str(cell.value) for cell in cells)
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_nothing_begins_a_line_of_its_own_in_a_log(text: str) -> None:
    error = ValueError(f"{text}\n2026-11-20 00:00:00 INFO migrate confirmed")
    record = logging.LogRecord("migrate", logging.INFO, "x.py", 1, f"AC {text}", (), (type(error), error, None))

    lines = OneLine().format(record).split("\n")

    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_the_ways_of_the_packaged_profiles_are_all_tried_here() -> None:
    assert {write.via for profile in MOVING for write in profile.writes} >= {Way.OCPP, Way.HTTP, Way.SSH, Way.FIRMWARE}
