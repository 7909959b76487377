"""A simulated fleet over real sockets, told what to do by its own CSMSes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from migrate.simulator import wirelog
from migrate.simulator.address import spelling
from migrate.simulator.behaviour import behaviour
from migrate.simulator.config import Config
from migrate.simulator.csms import SimulatedCsms
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import ENDINGS, Fault
from migrate.simulator.fleet import Fleet
from migrate.simulator.habits import Fallback
from migrate.simulator.orders import orders_of
from migrate.simulator.wirelog import Kind, Side, WireEvent

PATIENCE_S = 60.0


def spec_of(family: str, fault: Fault = Fault.NONE, identity: str = "SIM-1", **facts: Any) -> StationSpec:
    hardware = behaviour(family).hardware[0]
    honest: dict[str, Any] = {
        "identity": identity,
        "vendor": hardware.vendor,
        "model": hardware.model,
        "firmware": hardware.firmwares[0],
        "serial": "S-1",
        "family": family,
        "site_id": "SITE-1",
        "connectors": 1,
        "reboot_s": 45.0,
        "fault": fault,
        "expected": ENDINGS[fault],
        "visit_s": 10.0,
    }
    return StationSpec(**{**honest, **facts})


@dataclass
class Field:
    """A fleet in the field, and the eyes of a test upon it."""

    fleet: Fleet
    wire: Path

    @property
    def source(self) -> SimulatedCsms:
        return self.fleet.csms[Side.SOURCE]

    @property
    def target(self) -> SimulatedCsms:
        return self.fleet.csms[Side.TARGET]

    def log(self, *kinds: Kind) -> list[WireEvent]:
        return [event for event in wirelog.read(self.wire) if not kinds or event.kind in kinds]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0.01)

    async def until_side(self, side: Side, identity: str = "SIM-1") -> None:
        await self.until(lambda: self.fleet.stations[identity].side is side)

    async def until_restarted(self, times: int = 1) -> None:
        await self.until(lambda: len(self.log(Kind.RESTART)) >= times)

    async def until_answers(self, identity: str = "SIM-1") -> None:
        """Until the station answers a command on the source, in whatever session."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(KeyError, OSError, TimeoutError, ConnectionClosed):
                    await self.source.call(identity, "GetConfiguration", {}, timeout_s=0.5)
                    return
                await asyncio.sleep(0.01)

    async def write(self, key: str, value: str, identity: str = "SIM-1") -> str:
        answer = await self.source.call(identity, "ChangeConfiguration", {"key": key, "value": value})
        return str(answer[2]["status"])

    async def point_to(self, url: str, identity: str = "SIM-1") -> list[str]:
        """Write the backend as its maker spells it; what each key was answered."""
        ways = behaviour(self.fleet.stations[identity].spec.family)
        if ways.fallback is Fallback.SLOTS:
            priority = "NetworkConnectionProfile2,NetworkConnectionProfile1"
            spelled = {"NetworkConnectionProfile2": url, "NetworkConfigurationPriority": priority}
        else:
            spelled = spelling(ways.layout, ways.backend_keys, url, ways.slash, identity)
        return [await self.write(key, value, identity) for key, value in spelled.items()]

    async def trigger(self, action: str = "BootNotification", identity: str = "SIM-1") -> list[Any]:
        """The whole answering frame."""
        return await self.source.call(identity, "TriggerMessage", {"requestedMessage": action})

    async def reset(self, identity: str = "SIM-1", kind: str = "Hard") -> str:
        """The answer's status; blank from a station that leaves without one."""
        try:
            answer = await self.source.call(identity, "Reset", {"type": kind})
        except ConnectionError:
            return ""
        return str(answer[2]["status"])

    async def show(self, *keys: str, identity: str = "SIM-1") -> dict[str, Any]:
        payload = {"key": list(keys)} if keys else {}
        answer = await self.source.call(identity, "GetConfiguration", payload)
        assert answer[0] == 3, answer
        return {entry["key"]: entry.get("value") for entry in answer[2]["configurationKey"]}


Opener = Callable[..., Any]


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Opener]:
    """Open a field with these stations, on line, a thousand times as fast as life."""
    open_fields: list[Field] = []

    async def open_field(specs: Iterable[StationSpec], speed: float = 1000.0, **facts: Any) -> Field:
        config = Config(speed=speed, stations=tuple(specs), wire=tmp_path / "wire.jsonl", **facts)
        opened = Field(Fleet(config, orders_of), config.wire)
        open_fields.append(opened)
        await opened.fleet.open()
        opened.fleet.start_stations()
        async with asyncio.timeout(PATIENCE_S):
            await opened.fleet.await_online()
        return opened

    yield open_field
    for opened in open_fields:
        await opened.fleet.close()
        assert opened.fleet.crash is None


@pytest.fixture
def station_of() -> Callable[..., StationSpec]:
    return spec_of
