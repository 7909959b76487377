"""Fixtures that every tier shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import processes

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
"""How long an example takes is the machine's affair: a law is broken by what comes out."""

TELLS_THE_CONSOLE = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES")

TO_END_S = 20.0
"""What the last test has asked to end may take its time on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories first: they wait more than they work, and whoever has one left at the end has everybody wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("story") is None)


@pytest.fixture(scope="session", autouse=True)
def nobody_has_told_the_program_anything() -> Iterator[None]:
    """Neither the store of a real campaign nor the width of somebody's terminal reaches a test by the environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [one for one in os.environ if one.startswith("MIGRATE_") or one in TELLS_THE_CONSOLE]:
            environment.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """The run fails when a process that a test started, itself or by way of the program, outlives the tests."""
    mark = processes.mark_this_session()
    yield
    left = processes.left_after(TO_END_S, lambda: processes.marked(mark))
    processes.end(left, TO_END_S)
    assert not left, "still running after the last test:\n" + "\n".join(str(one) for one in left)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inventories and frames, which are read where they lie and never committed."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the shared data folder {folder} is not on this machine")
    return folder
