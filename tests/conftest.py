"""Fixtures that every tier shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
"""How long an example takes is the machine's affair: a law is broken by what comes out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories first: they wait more than they work, and whoever has one left at the end has everybody wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("story") is None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inventories and frames, which are read where they lie and never committed."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the shared data folder {folder} is not on this machine")
    return folder
