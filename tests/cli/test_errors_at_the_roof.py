"""Which sentence the person gets when several tasks break together."""

from __future__ import annotations

import pytest

from migrate.cli import foreseen
from migrate.cli.exits import Exit, exit_for
from migrate.domain.errors import JournalError, Stale

FULL = JournalError("The disk is full.")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(FULL, id="alone"),
        pytest.param(ExceptionGroup("tasks", [FULL]), id="in one task"),
        pytest.param(ExceptionGroup("tasks", [ExceptionGroup("more", [FULL]), OSError("gone")]), id="deeper"),
    ],
)
def test_a_full_disk_is_told_as_such_however_deep_the_task_that_met_it(error: Exception) -> None:
    known = foreseen(error)

    assert known is FULL
    assert exit_for(known) is Exit.IO


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("x"), id="alone"),
        pytest.param(
            ExceptionGroup("tasks", [Stale("moved", guard="state"), ValueError("x")]), id="beside a known one"
        ),
    ],
)
def test_a_defect_is_never_hidden_behind_an_error_that_is_known(error: Exception) -> None:
    assert foreseen(error) is None
