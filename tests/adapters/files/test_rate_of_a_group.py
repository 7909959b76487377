"""The byte-rate of a group as its stations see it: over both protocols, never above it, and not far below."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.files.serving import FileServer, Terms
from tests.benchmarks.firmware_rate import KEY, SMALL, depot, load_all, locations

pytestmark = pytest.mark.story


async def test_no_ten_seconds_of_twenty_stations_hold_more_than_their_group_may_have(tmp_path: Path) -> None:
    data = depot(tmp_path, SMALL.size)
    terms = Terms(store=tmp_path, rate_bytes_per_s=SMALL.rate, key=KEY, web=("127.0.0.1", 0), ftp=("127.0.0.1", 0))
    server = FileServer(terms, lambda _: None)
    await server.start()
    assert server.web is not None
    assert server.ftp is not None

    try:
        seen = await load_all(locations(SMALL.stations, server.web.port, server.ftp.port), data, SMALL.rate)
    finally:
        await server.stop()

    assert seen.worst_window <= 1.0
    assert server.stats()["whole"] == SMALL.stations
