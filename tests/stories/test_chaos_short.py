"""The short form of ``make chaos``: one campaign that dies of everything once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[1] / "chaos" / "run.py"


@pytest.mark.story
def test_a_campaign_that_is_killed_again_and_again_ends_as_if_it_never_was() -> None:
    ended = subprocess.run(
        [sys.executable, str(CHAOS), "--short"], capture_output=True, text=True, timeout=170, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " 9 " in ended.stdout.splitlines()[1], "nine kills, the listening process and a rollback among them"
