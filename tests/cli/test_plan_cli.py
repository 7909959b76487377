"""``migrate plan`` from the outside: exit codes, JSON, what the operator reads."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import open_journal
from migrate.cli import call
from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.record import Attempt, Change, Event, EventKind
from migrate.domain.station import Lifecycle, Station

CAMPAIGN = """
name = "cutover"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
listen = "127.0.0.1:0"
upstream = "lab"
[target]
url = "ws://new.example/ocpp"
[target.relay]
listen = "127.0.0.1:0"
upstream = "lab"
[waves]
sizes = [3, "50%", "rest"]
"""

FLEET = [
    *(Station(identity=f"ALF-{n}", vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123") for n in range(6)),
    *(Station(identity=f"ODD-{n}", vendor="Nobody Knows", model="X") for n in range(2)),
    Station(identity="HELD", vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123", hold="festival"),
    Station(identity="SHELF", lifecycle=Lifecycle.WAREHOUSE),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    store(tmp_path, FLEET)
    return tmp_path


def store(folder: Path, stations: list[Station], *attempts: Attempt) -> None:
    async def write() -> None:
        journal = open_journal(f"sqlite:///{folder / 'campaign.db'}", "test", CampaignClock())
        await journal.store_stations(stations)
        if attempts:
            opened = Event(kind=EventKind.ATTEMPT_OPENED, at=attempts[0].opened_at)
            await journal.commit(Change(events=(opened,), attempts=attempts))
        await journal.close()

    asyncio.run(write())


def an_attempt(identity: str, state: State) -> Attempt:
    at = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    return Attempt(
        id=f"{identity}#1",
        identity=identity,
        number=1,
        wave=0,
        batch="b",
        profile="",
        method=Method.VISIT,
        state=state,
        opened_at=at,
        entered_at=at,
    )


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert call(["plan", *arguments, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_a_plan_holds_every_station_of_the_inventory_exactly_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = asked(capsys, "make")
    shown = asked(capsys, "show", "--stations")

    placed = [s["identity"] for s in shown["stations"]] + [e["identity"] for e in shown["excluded"]]
    assert Counter(placed) == Counter(s.identity for s in FLEET)
    assert made["fingerprint"] == shown["fingerprint"]
    assert {e["identity"]: e["reason"] for e in shown["excluded"]} == {
        "HELD": "hold: festival",
        "SHELF": "lifecycle warehouse",
    }
    assert (shown["manual"], shown["unmatched"]) == (2, 2)


def test_a_plan_can_only_be_approved_under_its_own_fingerprint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint = asked(capsys, "make")["fingerprint"]

    assert call(["plan", "approve", "0" * 64]) == 65
    assert call(["plan", "approve", fingerprint[:4]]) == 65
    assert "not" in capsys.readouterr().err
    assert asked(capsys, "approve", fingerprint, "--by", "maria")["approved_by"] == "maria"
    assert asked(capsys, "show")["approved_by"] == "maria"


def test_a_wave_is_approved_by_its_number_and_does_not_approve_the_plan(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint = asked(capsys, "make")["fingerprint"]

    assert asked(capsys, "approve", fingerprint[:12], "--wave", "1", "--by", "jan")["approved_by"] is None
    assert call(["plan", "approve", fingerprint, "--wave", "99"]) == 65
    assert "no wave 99" in capsys.readouterr().err


def test_a_stale_plan_is_not_approved_and_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint = asked(capsys, "make")["fingerprint"]
    store(folder, [replace(FLEET[0], hold="court case"), *FLEET[1:]])

    assert call(["plan", "approve", fingerprint]) == 65
    assert "migrate plan make" in capsys.readouterr().err
    assert asked(capsys, "check", code=65)["stale"] is True
    assert asked(capsys, "make")["fingerprint"] != fingerprint


def test_a_changed_gate_makes_the_plan_stale_and_a_tightened_cap_does_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "make")

    (folder / "campaign.toml").write_text(CAMPAIGN + "[caps]\nstations = 3\n")
    assert asked(capsys, "check")["stale"] is False
    (folder / "campaign.toml").write_text(CAMPAIGN + "[gate]\nmax_lost = 3\n")
    assert asked(capsys, "check", code=65)["stale"] is True


def test_the_same_inventory_gives_the_same_fingerprint_in_any_order(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint = asked(capsys, "make")["fingerprint"]
    store(folder, FLEET[::-1])

    assert asked(capsys, "make")["fingerprint"] == fingerprint


def test_findings_name_the_stations_they_are_about(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(capsys, "make")

    found = {f["code"]: f for f in asked(capsys, "check")["findings"]}

    assert sorted(found["unmatched"]["identities"]) == ["ODD-0", "ODD-1"]
    assert call(["plan", "check"]) == 0
    assert "ODD-0" in capsys.readouterr().out


def test_show_tells_a_script_by_exit_code_whether_stations_are_left_to_move(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "make")

    assert call(["plan", "show", "--exit-code"]) == 2
    assert call(["plan", "show"]) == 0
    planned = [s for s in FLEET if s.identity not in {"HELD", "SHELF"}]
    store(folder, FLEET, *(an_attempt(s.identity, State.SETTLED) for s in planned))
    assert call(["plan", "show", "--exit-code"]) == 0


def test_without_inventory_or_plan_the_next_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    store(tmp_path, [])

    assert call(["plan", "make"]) == 65
    assert "migrate inventory import" in capsys.readouterr().err
    assert call(["plan", "show"]) == 65
    assert "migrate plan make" in capsys.readouterr().err


def test_people_read_the_waves_on_stdout_and_the_next_step_on_stderr(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["plan", "make"]) == 0

    told = capsys.readouterr()
    assert "8 stations in" in told.out
    assert "festival" in told.out
    assert "migrate plan approve" in told.err


def test_a_plan_says_at_once_which_stations_will_wait_for_a_persons_word(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["plan", "make"]) == 0
    before = capsys.readouterr().err
    with (folder / "campaign.toml").open("a") as file:
        file.write('[profiles.accepted]\nalfen_fw5 = "there and back on our bench, A. Visser"\n')

    assert call(["plan", "make"]) == 0

    assert "Caution: 4 stations wait after wave 0; proven on no bench: alfen_fw5; accept each with its reason" in before
    assert "proven on no bench" not in capsys.readouterr().err


def test_accepting_a_profile_leaves_the_plan_that_its_canary_proved(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(["plan", "make", "--json"])
    before = json.loads(capsys.readouterr().out)["fingerprint"]
    with (folder / "campaign.toml").open("a") as file:
        file.write('[profiles.accepted]\nalfen_fw5 = "there and back on our bench, A. Visser"\n')

    call(["plan", "make", "--json"])

    assert json.loads(capsys.readouterr().out)["fingerprint"] == before
