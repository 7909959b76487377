"""Nothing that a test started is overlooked, and nobody else's process is taken for ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import processes
from tests.processes import MARK, Process

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
WITHIN_S = 30.0

Started = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts a Python that waits until it is ended."""
    with ExitStack() as stack:

        def start(*words: str, program: str = WAITS, mark: str = "") -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", program, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                env=os.environ | ({MARK: mark} if mark else {}),
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            return process

        yield start


def test_a_process_that_left_its_terminal_is_still_known_as_ours_and_by_its_test(started: Started) -> None:
    process = started()

    (found,) = (one for one in processes.marked(os.environ[MARK]) if one.pid == process.pid)

    assert "test_a_process_that_left_its_terminal" in str(found)
    assert found.words[-1] == WAITS


def test_a_process_of_another_session_is_nobody_of_ours(started: Started) -> None:
    process = started(mark="another")

    assert process.pid not in {one.pid for one in processes.marked(os.environ[MARK])}
    assert [one.pid for one in processes.marked("another")] == [process.pid]


def test_who_listens_for_a_campaign_is_found_by_its_very_folder(started: Started, tmp_path: Path) -> None:
    wanted = started("listen", str(tmp_path / "a"))
    started("listen", str(tmp_path / "ab"))
    started("run", str(tmp_path / "a"))

    assert [one.pid for one in processes.listening_for(tmp_path / "a")] == [wanted.pid]


@pytest.mark.parametrize(
    ("program", "number"), [(WAITS, signal.SIGTERM), (STUBBORN, signal.SIGKILL)], ids=["obedient", "stubborn"]
)
def test_what_is_left_is_asked_to_end_and_then_made_to(started: Started, program: str, number: signal.Signals) -> None:
    process = started(program=program, mark="left")

    processes.end(processes.marked("left"), 0.5 if program is STUBBORN else WITHIN_S)

    assert process.wait(WITHIN_S) == -number
    assert processes.marked("left") == []


def test_a_number_that_has_passed_on_to_somebody_else_is_sent_nothing(started: Started) -> None:
    process = started()

    Process(process.pid, ("migrate", "listen")).send(signal.SIGKILL)

    assert process.poll() is None
