"""The simulated fleet as one process: two CSMSes, the stations, the crews, the control socket.

CSMSes listen first, stations dial until somebody answers, and only when all
that should be on line are on line does the fleet say READY.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping

from migrate.simulator.cloud import Cloud
from migrate.simulator.config import Config, CsmsConfig
from migrate.simulator.control import Control, Handler
from migrate.simulator.crew import Crews
from migrate.simulator.csms import SimulatedCsms
from migrate.simulator.faults import Fault
from migrate.simulator.http_host import HttpHosts
from migrate.simulator.ssh_host import SshHost, serves
from migrate.simulator.station import SimulatedStation
from migrate.simulator.wirelog import Side, WireLog
from migrate.simulator.world import World

SIDES = (Side.SOURCE, Side.TARGET)


class Fleet:
    """Everything outside of the toolkit, to be started and stopped as one.

    ``orders`` is what may be ordered of it, by name, where it has a control socket.
    """

    def __init__(self, config: Config, orders: Callable[[Fleet], Mapping[str, Handler]] = lambda _: {}) -> None:
        self.config = config
        self.csms = {side: _csms(config.csms.get(side, CsmsConfig()), config.heartbeat_s) for side in SIDES}
        self.stations: dict[str, SimulatedStation] = {}
        self.ssh_hosts: dict[str, SshHost] = {}
        self.http_hosts = HttpHosts((), config.http)
        self.cloud = Cloud((), config.http)
        self.stopping = asyncio.Event()
        self._crews = Crews()
        self.crash: BaseException | None = None
        self._wire: WireLog | None = None
        self._control = Control(config.control, orders(self)) if config.control else None

    async def open(self) -> None:
        """Open the wire log, and let the CSMSes and the control socket listen."""
        self._wire = WireLog(self.config.wire)
        for csms in self.csms.values():
            await csms.up()
        if self._control:
            await self._control.open()

    def start_stations(self) -> None:
        """Switch every station on; they dial until somebody answers."""
        assert self._wire is not None  # opened first
        config = self.config
        world = World(
            source_url=config.source_url or self.csms[Side.SOURCE].url,
            target_url=config.target_url or self.csms[Side.TARGET].url,
            wire=self._wire,
            speed=config.speed,
            heartbeat_s=config.heartbeat_s,
            seed=config.seed,
            firmware_tls=ssl.create_default_context(cafile=config.firmware_ca) if config.firmware_ca else None,
            on_crash=self._take_crash,
        )
        self.stations = {spec.identity: SimulatedStation(spec, world) for spec in config.stations}
        self.ssh_hosts = {
            one.spec.identity: SshHost(one, config.ssh) for one in self.stations.values() if serves(one, config.ssh)
        }
        self.http_hosts = HttpHosts(self.stations.values(), config.http)
        self.cloud = Cloud(self.stations.values(), config.http)
        for station in self.stations.values():
            station.start()

    async def await_online(self) -> None:
        """Return when all stations are on line that should be, and serve what their makers have them serve."""
        await asyncio.gather(*(host.open() for host in self._hosts()))
        expected = [one for one in self.stations.values() if one.spec.fault is not Fault.OFFLINE]
        await asyncio.gather(*(station.online.wait() for station in expected))

    def _hosts(self) -> Iterator[SshHost | HttpHosts | Cloud]:
        """Everything that is served beside OCPP."""
        yield from self.ssh_hosts.values()
        yield from (self.http_hosts, self.cloud)

    def send_crew(self, identity: str, side: Side = Side.TARGET) -> bool:
        """Order a visit; False when a crew is already on its way there."""
        station = self.stations[identity]
        return self._crews.order(station, station.world.address(side, station.spec.security))

    async def close(self) -> None:
        """Stop everything at once and say nothing more to anybody."""
        await self._crews.stop()
        await asyncio.gather(*(host.close() for host in self._hosts()))
        await asyncio.gather(*(station.stop() for station in self.stations.values()))
        for csms in self.csms.values():
            await csms.down()
        if self._control:
            await self._control.close()
        if self._wire:
            self._wire.close()

    async def run(self, announce: Callable[[str], None]) -> None:
        """The whole life of the process; raises what broke a station, for that would be our own bug."""
        await self.open()
        announce(f"CSMS source={self.csms[Side.SOURCE].url} target={self.csms[Side.TARGET].url}")
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            self.start_stations()
            online = asyncio.create_task(self.await_online())
            await asyncio.wait({online, stopping}, return_when=asyncio.FIRST_COMPLETED)
            online.cancel()
            if not stopping.done():
                announce("READY")
            await stopping
        finally:
            stopping.cancel()
            await self.close()
        if self.crash:
            raise RuntimeError("a simulated station broke") from self.crash

    def _take_crash(self, error: BaseException) -> None:
        self.crash = self.crash or error
        self.stopping.set()


def _csms(config: CsmsConfig, heartbeat_s: float) -> SimulatedCsms:
    register = None if config.register is None else frozenset(config.register)
    return SimulatedCsms(
        port=config.port,
        path=config.path,
        register=register,
        interval_s=round(heartbeat_s) or 1,
        strength=config.strength,
        speaks=config.speaks,
        guard=config.guard,
    )
