"""The list of mutants stays in step with the code, and a few of them are tried with every run of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
TRIED = ("too few confirmed hold", "met is enough")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_each_mutant_still_fits_the_code_in_exactly_one_place(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")

    assert text.count(mutant.old) == 1
    assert mutant.old != mutant.new
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


def test_a_few_rules_switched_off_are_noticed() -> None:
    """The whole list is `make mutants`."""
    done = subprocess.run(
        [sys.executable, "tests/mutants/run.py", *TRIED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "noticed" in done.stdout
