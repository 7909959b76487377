"""A run of tests as such: it leaves nothing running, and it is the same on everybody's machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import Process

ROOT = Path(__file__).parents[1]
WAITS = "import time; print('up', flush=True); time.sleep(600)"

LEAVES_ONE = f"""
import subprocess, sys
from tests import conftest

conftest.TO_END_S = 0.2

def test_that_forgets_to_end_what_it_started():
    waiting = [sys.executable, "-c", "{WAITS}"]
    process = subprocess.Popen(waiting, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
"""

TELLS_ITS_SURROUNDINGS = """
import os

def test_that_tells_what_the_program_would_be_told():
    console = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS")
    told = [name for name in os.environ if name.startswith("MIGRATE_") or name in console]
    assert told == []
"""


def run_of(folder: Path, test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A session of its own, under the same roof as this one."""
    (folder / "test_it.py").write_text(test)
    words = ("-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.conftest", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, *words, "--rootdir", str(folder), str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("surroundings", [{"CI": ""}, {"CI": "true"}], ids=["by hand", "in CI"])
def test_one_that_leaves_a_process_behind_fails_names_the_test_and_ends_the_process(
    tmp_path: Path, surroundings: dict[str, str]
) -> None:
    ended = run_of(tmp_path, LEAVES_ONE, **surroundings)

    named = re.findall(r"process (\d+), started by \S*test_that_forgets_to_end_what_it_started", ended.stdout)
    (pid,) = set(named)  # in CI pytest says it again in its summary, which it cuts elsewhere
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert not Process(int(pid), (sys.executable, "-c", WAITS)).is_there


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIGRATE_STORE_URL", "postgresql://a-campaign-of-somebodys/"),
        ("MIGRATE_GATE_SOAK", "9h"),
        ("FORCE_COLOR", "1"),
        ("NO_COLOR", "1"),
        ("TTY_COMPATIBLE", "1"),
        ("COLUMNS", "40"),
    ],
)
def test_a_campaign_of_whoever_runs_the_tests_is_none_of_their_business(tmp_path: Path, name: str, value: str) -> None:
    ended = run_of(tmp_path, TELLS_ITS_SURROUNDINGS, **{name: value})

    assert ended.returncode == pytest.ExitCode.OK, ended.stdout
