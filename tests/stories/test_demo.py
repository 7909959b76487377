"""The demonstration, as its first user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrate.domain.attempt import State
from tests.stories.conftest import program

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "d"


async def test_a_demonstration_ends_well_says_everything_it_promises_and_leaves_an_ordinary_campaign(
    folder: Path,
) -> None:
    shown = await (await program("demo", "--stations", "12", "--speed", "100", "--json", "--out", str(folder))).ended()
    status = await (await program("status", "--json", "--campaign", str(folder))).ended()

    assert shown.code == 0, shown.err
    document: dict[str, Any] = shown.document
    assert document["schema"] == "migrate.demo/1"
    assert set(document) >= {"campaign", "fingerprint", "mode", "totals", "waves", "incidents"}
    assert set(document) >= {"by_method", "out", "seed", "wall_s", "floor_s", "makespan_ratio", "reports", "wire"}
    assert set(document["totals"]) == {state.value for state in State}
    assert set(document["wire"]) == {"boots_on_target", "commands_sent", "commands_repeated_without_read"}
    assert document["wire"]["commands_repeated_without_read"] == 0
    assert sum(document["totals"].values()) == 12
    for wave in document["waves"]:
        assert set(wave) >= {"number", "state", "totals", "gate", "started_at", "ended_at"}
    for report in document["reports"]:
        assert Path(report).stat().st_size > 0
    assert status.document["totals"] == document["totals"]
    assert [json.loads(line)["identity"] for line in (folder / "wire.jsonl").read_text().splitlines()]
