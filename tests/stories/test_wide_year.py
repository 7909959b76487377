"""A small year at full width: every family, faults drawn by seed, a bad model, a wave taken back.  `make wide` is the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wide.year import FAMILIES, live_through

pytestmark = pytest.mark.story


async def test_every_station_of_a_wide_fleet_ends_truly_by_its_own_log_and_its_bad_model_alone_is_stopped(
    tmp_path: Path,
) -> None:
    said: list[str] = []

    year = await live_through(tmp_path, 110, seed=11, speed=60.0, max_failed=1, say=said.append)

    assert year.families == len(set(FAMILIES))
    assert year.disagreements == []
    assert year.repeated == 0
    assert [q for q in year.quarantines if not q.is_held] == []
    assert any(q.waiting for q in year.quarantines), "the bad model was stopped before its last station"
    assert year.taken_back.get("done")
    assert year.not_home == []
