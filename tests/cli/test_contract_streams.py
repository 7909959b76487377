"""Streams as scripts leave them: a closed stdin, a terminal of another encoding, nothing but JSON where JSON was asked for."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from migrate.cli import call
from migrate.domain.station import Station
from tests.cli.campaigns import ALFEN, campaign, planned

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIGRATE_CAMPAIGN", raising=False)
    return tmp_path


def test_a_closed_stdin_can_be_asked_nothing_and_is_no_defect(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    plan = planned(campaign(folder))
    monkeypatch.setattr(sys, "stdin", None)  # what Python makes of `<&-`

    assert call(["status"]) == 0
    assert call(["run", "--plan", plan.fingerprint]) == 4
    assert "nobody can be asked here" in capsys.readouterr().err


def called(folder: Path, words: str, closing: str) -> tuple[int, str]:
    """The exit code and stdout of the program, called by a shell that closes streams before it begins."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m migrate {words} {closing}', sys.executable],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_where_stderr_is_closed_errors_do_not_fall_into_the_data(folder: Path) -> None:
    campaign(folder)

    assert called(folder, "statsu", "2>&-") == (64, "")
    assert called(folder, "plan show --json", "2>&-") == (65, "")


def test_no_file_of_the_campaign_takes_the_place_of_a_closed_stream(folder: Path) -> None:
    campaign(folder)
    (folder / "taken.py").write_text(
        "import os, sys\n"
        "from migrate.cli import streams_taken\n"
        "streams_taken()\n"
        "with open('data.txt', 'w') as file:\n"
        "    print(file.fileno())\n"
    )

    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" taken.py <&- 2>&-', sys.executable],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )

    assert int(done.stdout) > 2


def test_names_from_a_closed_stdin_are_missed_in_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    planned(campaign(folder))
    monkeypatch.setattr(sys, "stdin", None)

    assert call(["retry", "--stations", "@-", "--reason", "mended"]) == 65
    assert "stdin is closed" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_document_is_json_in_utf_8_whatever_the_terminal_speaks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    planned(campaign(folder, [*ALFEN, Station(identity="Ü-1", hold="für später…")]))
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)

    assert call(["plan", "show", "--json"]) == 0

    stream.flush()
    document = json.loads(written.getvalue().decode("utf-8"))
    assert document["excluded"] == [{"identity": "Ü-1", "reason": "hold: für später…"}]


def test_a_run_that_may_not_begin_prints_its_plan_as_json_where_json_was_asked_for(
    folder: Path, capsys: Capture
) -> None:
    plan = planned(campaign(folder), approved=False)

    assert call(["run", "--plan", plan.fingerprint, "--yes", "--json"]) == 4

    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["schema"], document["approved_by"]) == ("migrate.plan/1", None)
    assert len(said.out.splitlines()) == 1
    assert "is not approved" in said.err
