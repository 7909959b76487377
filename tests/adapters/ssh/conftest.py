"""A station that is reached over SSH, and a campaign that trusts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.ssh.host import Box, Way, a_box


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with a_box(tmp_path / "box") as opened:
        yield opened


@pytest.fixture
async def way(tmp_path: Path, box: Box) -> AsyncIterator[Way]:
    """A campaign that trusts the box."""
    (tmp_path / "campaign").mkdir()
    one = Way(tmp_path / "campaign", port=box.port)
    one.trust(box)
    yield one
    await one.close()
