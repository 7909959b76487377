"""The simulated fleet as its own process, driven through its control socket."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from migrate.simulator.config import Config, ConfigProblem
from migrate.simulator.control import ask
from migrate.simulator.csms import SimulatedCsms
from migrate.simulator.deal import deal
from migrate.simulator.faults import FAULT_SETS
from migrate.simulator.wirelog import Kind, Side, boots_on_target, last_side, read

pytestmark = pytest.mark.story
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Process:
    """One `python -m migrate.simulator`, with its folder."""

    def __init__(self, folder: Path) -> None:
        self.wire, self.control, self.config = folder / "w.jsonl", folder / "c.sock", folder / "sim.json"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, **facts: Any) -> None:
        honest = {"wire": str(self.wire), "control": str(self.control), "speed": 500, "seed": 1}
        self.config.write_text(json.dumps(honest | facts))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "migrate.simulator", "--config", str(self.config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    async def line(self) -> str:
        assert self.process
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def end(self, number: signal.Signals | None = signal.SIGTERM) -> int:
        assert self.process
        if self.process.returncode is None and number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            await self.process.communicate()
        return self.process.returncode or 0


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(tmp_path)
    yield process
    if process.process and process.process.returncode is None:
        await process.end(signal.SIGKILL)


def specs(n: int, faults: str = "none") -> list[dict[str, Any]]:
    return [spec.to_json() for spec in deal(1, n, FAULT_SETS[faults])]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.02)


async def test_the_fleet_says_when_it_is_ready_and_ends_on_sigterm(simulator: Process) -> None:
    await simulator.start(stations=specs(30, "demo"))

    assert (await simulator.line()).startswith("CSMS source=ws://127.0.0.1:")
    assert await simulator.line() == "READY"
    assert set(last_side(read(simulator.wire)).values()) == {Side.SOURCE}
    assert await simulator.end() == 0
    assert not simulator.control.exists()


async def test_stations_wait_for_a_relay_that_is_started_later(simulator: Process) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    relay = SimulatedCsms(port=port)
    await simulator.start(stations=specs(5), source_url=relay.url)
    assert (await simulator.line()).startswith("CSMS")
    await until(lambda: any(event.kind is Kind.REFUSED for event in read(simulator.wire)))

    await relay.up()

    assert await simulator.line() == "READY"
    assert sum(relay.boots.values()) == 5
    await simulator.end()
    await relay.down()


async def test_sigterm_ends_a_fleet_that_never_got_on_line(simulator: Process) -> None:
    await simulator.start(stations=specs(5), source_url="ws://127.0.0.1:1/ocpp")
    await simulator.line()
    await until(lambda: simulator.wire.exists() and len(read(simulator.wire)) >= 10)

    assert await simulator.end() == 0


async def test_a_crew_moves_a_visit_only_station_and_the_wire_log_shows_it(simulator: Process) -> None:
    await simulator.start(stations=specs(30, "demo"))
    await simulator.line(), await simulator.line()
    (identity, *_) = [spec.identity for spec in deal(1, 30) if spec.family == "visit_only"]

    first = await ask(simulator.control, op="visit", identity=identity)
    await until(lambda: boots_on_target(read(simulator.wire)) == 1)

    assert first == {"ok": True, "sent": True}
    assert last_side(read(simulator.wire))[identity] is Side.TARGET
    snapshot = await ask(simulator.control, op="snapshot")
    assert {s["identity"]: s["side"] for s in snapshot["stations"]}[identity] == "target"
    await simulator.end()


async def test_orders_over_the_control_socket(simulator: Process) -> None:
    await simulator.start(stations=specs(4))
    await simulator.line(), await simulator.line()

    drawn = await ask(simulator.control, op="drawn")
    down = await ask(simulator.control, op="csms_down", side="source")
    await until(lambda: sum(event.kind is Kind.DISCONNECTED for event in read(simulator.wire)) == 4)
    up = await ask(simulator.control, op="csms_up", side="source")
    await until(lambda: sum(event.kind is Kind.CONNECTED for event in read(simulator.wire)) == 8)
    wrong = [
        await ask(simulator.control, op="explode"),
        await ask(simulator.control, op="visit", identity="nobody"),
        await ask(simulator.control, op="csms_down", side="moon"),
        await ask(simulator.control, op="boot_answer", side="source", identity="SIM-00001", status="Perhaps"),
    ]
    stop = await ask(simulator.control, op="stop")

    assert drawn["reboot_s"] == {spec["identity"]: spec["reboot_s"] for spec in specs(4)}
    assert (down, up, stop) == ({"ok": True}, {"ok": True}, {"ok": True})
    assert [answer["ok"] for answer in wrong] == [False] * 4
    assert "visit" in wrong[0]["error"]
    assert await simulator.end(None) == 0  # the order was enough


async def test_a_killed_simulator_leaves_whole_lines_and_its_successor_takes_over(simulator: Process) -> None:
    await simulator.start(stations=specs(10))
    await simulator.line(), await simulator.line()
    await simulator.end(signal.SIGKILL)
    left = read(simulator.wire)

    await simulator.start(stations=specs(10))
    await simulator.line()
    assert await simulator.line() == "READY"

    seqs = [event.seq for event in read(simulator.wire)]
    assert seqs == sorted(set(seqs))
    assert len(seqs) > len(left) >= 40
    await simulator.end()


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        ("{", 65, "sim.json"),
        ('{"speed": 0}', 65, "speed"),
        ('{"sped": 1, "heartbeat_s": -1}', 65, "sped"),
        ('{"stations": [{"identity": "A"}]}', 65, "stations"),
        ("[]", 65, "sim.json"),
    ],
)
async def test_a_bad_configuration_is_named_and_starts_nothing(
    simulator: Process, content: str, code: int, word: str
) -> None:
    simulator.config.write_text(content)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migrate.simulator", "--config", str(simulator.config)),
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    _, errors = await process.communicate()

    assert process.returncode == code
    assert word in errors.decode()
    assert "Traceback" not in errors.decode()


def test_all_problems_of_a_configuration_come_at_once() -> None:
    twins = [specs(1)[0], specs(1)[0]]

    with pytest.raises(ConfigProblem) as problem:
        Config.from_json({"speed": "fast", "heartbeat_s": 0, "stations": twins, "colour": "red", "csms": {"moon": {}}})

    for word in ("speed", "heartbeat_s", "same identity", "colour", "csms"):
        assert word in str(problem.value)
