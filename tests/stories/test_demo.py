"""The demonstration, as its first user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.simulator.behaviour import BESIDE_KEYS
from migrate.simulator.wirelog import Kind, read, stations_booted_on_target
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


async def test_every_method_both_dialects_and_four_security_profiles_move_in_one_demonstration(tmp_path: Path) -> None:
    words = ("--methods", "all", "--faults", "none", "--stations", "48", "--speed", "40", "--json")
    shown = await (await program("demo", *words, "--out", str(tmp_path / "d"))).ended(within_s=400.0)

    assert shown.code == 0, shown.err
    document: dict[str, Any] = shown.document
    assert document["totals"]["settled"] == 48
    assert set(document["by_method"]) == {method.value for method in Method}
    assert document["wire"]["commands_repeated_without_read"] == 0
    fleet = json.loads((tmp_path / "d" / "fleet.json").read_text())["stations"]
    log = read(tmp_path / "d" / "wire.jsonl")
    moved = stations_booted_on_target(log)
    families = {spec["family"]: spec["identity"] for spec in fleet}
    assert len(families) >= 40
    assert {spec["security"]["profile"] for spec in fleet if spec["identity"] in moved} == {0, 1, 2, 3}
    assert moved >= {families[family] for family in BESIDE_KEYS}  # 2.0.1 and 2.1, HTTP and a cloud, SSH, firmware
    told = {event.action for event in log if event.kind is Kind.COMMAND}
    assert told >= {"ChangeConfiguration", "SetVariables", "SetNetworkProfile", "HTTP", "Script", "UpdateFirmware"}
    assert {event.action for event in log if event.kind is Kind.DOWNLOAD} == {"http", "ftp"}
