"""A secret planted in every credential field appears in no log, report, database column, process list or traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from migrate.domain.attempt import State
from migrate.simulator.wirelog import Kind
from tests.secrets.aftermath import Aftermath, Planted, a_night
from tests.secrets.forms import Found, search

pytestmark = pytest.mark.story

FIELDS = tuple(Planted.__dataclass_fields__)


@pytest.fixture(scope="module")
def night() -> Aftermath:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(a_night(Planted()))


@pytest.fixture(scope="module")
def hits(night: Aftermath) -> Sequence[Found]:
    return search(night.places, night.planted.by_name.values())


@pytest.mark.parametrize("name", FIELDS)
def test_a_planted_secret_is_nowhere(night: Aftermath, hits: Sequence[Found], name: str) -> None:
    secret = night.planted.by_name[name]

    assert [(hit.where, hit.form) for hit in hits if hit.secret == secret] == []


def test_the_search_would_have_seen_one(night: Aftermath) -> None:
    places = [*night.places, ("planted here", f"x{night.planted.old_token}x".encode())]

    assert "planted here" in {hit.where for hit in search(places, [night.planted.old_token])}


# ── each of them was in play ───────────────────────────────────────────────


def test_stations_dialled_addresses_with_a_password_and_a_token(night: Aftermath) -> None:
    dialled = [event.value for event in night.log if event.kind is Kind.CONNECTED]

    assert any(night.planted.old_token in url and night.planted.address_password in url for url in dialled)
    assert any(night.planted.new_token in url for url in dialled)


def test_old_addresses_were_put_back_with_the_token_that_nobody_can_see(night: Aftermath) -> None:
    stored = [e.value for e in night.log if e.kind is Kind.STORED and e.identity == "grizzl"]

    assert night.planted.new_token in " ".join(stored)
    assert night.planted.old_token in stored[-1]


@pytest.mark.parametrize(
    ("identity", "key"),
    [
        ("grizzl", "StationPassword"),
        ("crew", "AuthorizationKey"),
        ("vestel", "apnInfo"),
        ("keba", "GsmSimPin"),
    ],
)
def test_stations_showed_us_their_secrets_and_we_show_that_there_is_one(
    night: Aftermath, identity: str, key: str
) -> None:
    (entry,) = [entry for entry in night.probes[identity]["keys"] if entry["key"] == key]

    assert entry["value"] == "***"


def test_a_driver_charged(night: Aftermath) -> None:
    assert any(event.kind is Kind.TRANSACTION_STARTED for event in night.log)


def test_the_password_of_ssh_and_that_of_the_cloud_opened_their_doors(night: Aftermath) -> None:
    states = {station.identity: station.state for station in night.standing.stations}

    assert states["controller"] is State.SETTLED
    assert states["cloud"] is State.SETTLED


def test_crews_get_the_code_of_the_gate_on_their_paper_and_nobody_else_does(night: Aftermath) -> None:
    papers = search(night.crews, [night.planted.gate_code])

    assert {paper.where for paper in papers} == {"crews.html", "crews.xlsx"}


def test_things_went_wrong_as_they_were_meant_to(night: Aftermath) -> None:
    states = {station.identity: station.state for station in night.standing.stations}

    assert night.codes["run, killed"] == -9
    assert states["keba-half"] is State.FAILED
    assert states["locked"] is State.FAILED
    assert states["without-effect"] is State.REVERTED
    assert night.codes["key: status -vv"] == 4
    assert night.codes["settings: status -vv"] == 65
    assert night.codes["address: status -vv"] == 65
    assert night.codes["rows: station grizzl -vv"] != 0
    assert night.codes["another store: status -vv"] != 0


def test_the_program_answered_everything_that_it_was_asked(night: Aftermath) -> None:
    asked = {name: code for name, code in night.codes.items() if ": " not in name and name != "run, killed"}

    assert {name: code for name, code in asked.items() if code not in (0, 1)} == {}
    assert {
        "doctor",
        "doctor --json -vv",
        "status --json --stations",
        "plan check --json",
        "explain grizzl",
    } <= asked.keys()
    assert sum(name.startswith("report ") for name in asked) == 6
