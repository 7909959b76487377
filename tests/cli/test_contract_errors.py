"""Errors from the outside: a code for the script, a sentence and the way out for the person, never a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from migrate.cli import VERBS, call
from migrate.cli.told_settings import rows
from migrate.domain.attempt import State
from migrate.domain.errors import CsmsUnavailable, JournalError, MigrateError, Refused, Stale
from migrate.domain.wave import Mode
from migrate.settings import load_settings
from tests.cli.campaigns import CAMPAIGN, attempted, campaign, planned

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIGRATE_CAMPAIGN", raising=False)
    return tmp_path


def refused(capsys: Capture, arguments: Sequence[str], code: int) -> str:
    """The error's words; nothing of it may be on stdout, and there must be a way out."""
    assert call([*arguments, "--no-input"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


NEED_A_CAMPAIGN = {
    "plan make": ["plan", "make"],
    "plan show": ["plan", "show"],
    "plan check": ["plan", "check"],
    "plan approve": ["plan", "approve", "abcdef12"],
    "run": ["run"],
    "status": ["status"],
    "station": ["station", "AC-1"],
    "explain": ["explain", "AC-1"],
    "resolve": ["resolve", "AC-1", "--as", "failed", "--reason", "r"],
    "pause": ["pause", "--reason", "r"],
    "resume": ["resume", "--reason", "r"],
    "halt": ["halt", "--reason", "r"],
    "listen": ["listen"],
    "worker": ["worker"],
    "report progress": ["report", "progress", "--out", "x.html"],
    "doctor": ["doctor"],
    "inventory census": ["inventory", "census"],
}


@pytest.mark.parametrize("arguments", NEED_A_CAMPAIGN.values(), ids=NEED_A_CAMPAIGN.keys())
def test_outside_a_campaign_every_verb_says_how_to_get_into_one(
    folder: Path, capsys: Capture, arguments: list[str]
) -> None:
    text = refused(capsys, arguments, 65)

    assert "no campaign folder" in text
    assert "migrate init DIR" in text
    assert list(folder.iterdir()) == []


NEED_A_PLAN = {name: NEED_A_CAMPAIGN[name] for name in ("plan show", "run", "worker", "report progress")}


@pytest.mark.parametrize("arguments", NEED_A_PLAN.values(), ids=NEED_A_PLAN.keys())
def test_without_a_plan_the_next_command_is_named(folder: Path, capsys: Capture, arguments: list[str]) -> None:
    campaign(folder)

    assert "migrate plan make" in refused(capsys, arguments, 65)


UNKNOWN_STATION = {name: NEED_A_CAMPAIGN[name] for name in ("station", "explain", "resolve")}


@pytest.mark.parametrize("arguments", UNKNOWN_STATION.values(), ids=UNKNOWN_STATION.keys())
def test_an_unknown_identity_is_bad_data_and_its_case_is_pointed_out(
    folder: Path, capsys: Capture, arguments: list[str]
) -> None:
    planned(campaign(folder))

    assert "case-sensitive" in refused(capsys, arguments, 65)


USAGE = {
    "no such verb": ["nope"],
    "no such option": ["run", "--bogus"],
    "no reason": ["pause"],
    "rows that are no rows": ["inventory", "check", "list.csv", "--exclude-rows", "970-971,abc"],
    "a blank reason": ["halt", "--reason", "  "],
    "a word of a person without a reason": ["resolve", "AC-1", "--as", "failed", "--reason", ""],
    "a rollback for no reason": ["rollback", "--wave", "0", "--reason", "\t"],
    "a later release's verb": ["drill", "lost-station"],
    "two scopes": ["pause", "--reason", "r", "--model", "M", "--site", "S"],
    "neither file nor json": ["report", "progress"],
    "a stray word": ["demo", "word"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_a_wrong_command_line_is_64_and_changes_nothing(folder: Path, capsys: Capture, arguments: list[str]) -> None:
    assert call(arguments) == 64
    assert "Error:" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["steve", "citrineos", "http"])
def test_a_channel_of_a_later_release_is_refused_by_name(folder: Path, capsys: Capture, name: str) -> None:
    (folder / "campaign.toml").write_text(CAMPAIGN.replace("[source]\n", f'[source]\nchannel = "{name}"\n'))

    text = refused(capsys, ["status"], 65)

    assert f'source.channel ({folder / "campaign.toml"}:4) is "{name}", which this release does not have yet' in text


@pytest.mark.parametrize("name", ["sql", "webhook", "amqp"])
def test_a_witness_of_a_later_release_is_refused_by_name(folder: Path, capsys: Capture, name: str) -> None:
    (folder / "campaign.toml").write_text(CAMPAIGN.replace("[target]\n", f'[target]\nwitness = "{name}"\n'))

    assert f'is "{name}", which this release does not have yet' in refused(capsys, ["doctor"], 65)


def test_all_wrong_settings_are_told_at_once_each_on_its_line(folder: Path, capsys: Capture) -> None:
    (folder / "campaign.toml").write_text(CAMPAIGN + '[gate]\nsoke = "1m"\nmax_lost = -1\n')

    text = refused(capsys, ["status"], 65)

    assert "did you mean gate.soak?" in text
    assert "gate.max_lost" in text


def test_a_report_in_a_format_of_a_later_release_is_refused_before_anything_is_read(
    folder: Path, capsys: Capture
) -> None:
    text = refused(capsys, ["report", "progress", "--out", "x.pdf"], 65)

    assert ".html, .xlsx and .json" in text


def test_a_hostile_word_in_an_error_reaches_no_terminal_raw(folder: Path, capsys: Capture) -> None:
    planned(campaign(folder))

    text = refused(capsys, ["plan", "approve", "\x1b]0;owned\x07\u202eabcdef"], 65)

    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_file_that_is_not_there_is_named_with_a_way_out(folder: Path, capsys: Capture) -> None:
    text = refused(capsys, ["inventory", "check", "nowhere.csv"], 74)

    assert "nowhere.csv" in text
    assert "path exists" in text


ERRORS = [
    Stale("Batch w0.b0 has been taken over.", guard="batch"),
    JournalError("The journal is closed."),
    CsmsUnavailable("The source relay is not listening.", side="source"),
    Refused("AC-1 refused it.", identity="AC-1", status="Rejected"),
    MigrateError("Something else."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_that_names_no_way_out_is_given_one(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, error: MigrateError
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr("migrate.cli.status.status", failing)

    call(["status"])

    message, way_out = capsys.readouterr().err.splitlines()
    assert message == f"migrate: {error.message}"
    assert "`migrate " in way_out


def test_a_folder_where_a_file_should_be_is_the_operators_to_mend(folder: Path, capsys: Capture) -> None:
    (folder / "campaign.toml").mkdir()

    assert "directory" in refused(capsys, ["status"], 74)


def test_a_defect_is_70_and_says_that_it_is_one(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERBS, "status", "migrate.cli.status:not_there")

    assert "defect of fleet-migrate" in refused(capsys, ["status"], 70)


def test_a_folder_with_an_odd_name_becomes_a_sound_campaign(folder: Path, capsys: Capture) -> None:
    odd = folder / 'say "hi" \\ now'

    assert call(["init", str(odd)]) == 0

    assert load_settings(odd, environment={}).name == 'say "hi" \\ now'
    assert (odd / "campaign.db").exists()


def test_the_named_folder_wins_over_the_current_one_and_that_over_the_environment(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = campaign(folder / "here"), campaign(folder / "there")
    (there / "campaign.toml").write_text(CAMPAIGN.replace("cutover", "there"))
    for one in (here, there):
        planned(one)
    monkeypatch.setenv("MIGRATE_CAMPAIGN", str(there))

    def name_seen_from(place: Path, *options: str) -> str:
        monkeypatch.chdir(place)
        assert call(["status", "--json", *options]) == 0
        return str(json.loads(capsys.readouterr().out)["campaign"])

    assert name_seen_from(folder) == "there"
    assert name_seen_from(here) == "cutover"
    assert name_seen_from(here, "--campaign", str(there)) == "there"


def test_quiet_leaves_only_data_and_errors(folder: Path, capsys: Capture) -> None:
    campaign(folder)

    assert call(["plan", "make", "--json", "-q"]) == 0

    said = capsys.readouterr()
    assert json.loads(said.out)["schema"] == "migrate.plan/1"
    assert said.err == ""


def test_a_log_file_is_appended_to(folder: Path) -> None:
    planned(campaign(folder))

    assert call(["status", "-vv", "--log-file", "here.log"]) == 0
    assert call(["status", "--log-file", str(folder / "no" / "such" / "here.log")]) == 74
    assert (folder / "here.log").exists()


def test_an_order_is_recorded_with_its_reason_and_lifted_again(folder: Path, capsys: Capture) -> None:
    planned(campaign(folder))

    assert call(["halt", "--reason", "plug stuck"]) == 0
    assert mode(capsys) == Mode.HALTED
    assert call(["pause", "--reason", "storm", "--site", "S-1"]) == 0
    assert call(["resume", "--reason", "mended"]) == 0
    assert mode(capsys) == Mode.IDLE


def mode(capsys: Capture) -> str:
    capsys.readouterr()
    assert call(["status", "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["mode"])


def test_doctor_says_where_each_value_came_from_and_keeps_a_password_to_itself(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign(folder, more='[gate]\nsoak = "45m"\n[windows]\ndaily = "01:00-05:00"\n')
    monkeypatch.setenv("MIGRATE_CAPS_STATIONS", "7")

    code = call(["doctor", "--json"])

    rows = {row["key"]: (row["value"], row["origin"]) for row in json.loads(capsys.readouterr().out)["settings"]}
    assert code == 1  # no secret was made for this folder
    assert rows["gate.soak"] == ("45m", str(folder / "campaign.toml"))
    assert rows["windows.daily"][0] == "01:00-05:00"
    assert rows["caps.stations"] == ("7", "MIGRATE_CAPS_STATIONS")
    assert rows["waves.sizes"][0] == "3, rest"
    assert rows["source.relay.upstream"][0] == "lab"
    assert rows["gate.max_lost"] == ("0", "default")


def test_a_password_in_the_store_address_is_never_told(folder: Path) -> None:
    word = "not-for-you"
    (folder / "campaign.toml").write_text(CAMPAIGN)
    environment = {"MIGRATE_STORE_URL": f"postgresql+psycopg://migrate:{word}@db/campaign"}

    told = str(rows(load_settings(folder, environment=environment)))

    assert word not in told
    assert "@db/campaign" in told


def test_a_reader_that_went_away_is_no_error(folder: Path) -> None:
    campaign(folder)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "migrate", "profiles", "list", "--campaign", str(folder)]

    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_station_that_nobody_tried_is_explained(folder: Path, capsys: Capture) -> None:
    plan = planned(campaign(folder))
    attempted(folder, plan, "ALF-0", State.LOST)

    assert call(["explain", "ALF-1"]) == 0
    assert "has not been attempted" in capsys.readouterr().out
    assert call(["explain", "ALF-0"]) == 0
    assert "migrate resolve ALF-0 --as skipped" in capsys.readouterr().out
