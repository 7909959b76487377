"""The simulated fleet as one process: two CSMSes, the stations, the crews, the control socket.

CSMSes listen first, stations dial until somebody answers, and only when all
that should be on line are on line does the fleet say READY.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from migrate.simulator.config import Config, CsmsConfig
from migrate.simulator.control import BadOrder, Control, Order
from migrate.simulator.crew import Crews
from migrate.simulator.csms import SimulatedCsms
from migrate.simulator.deal import drawn
from migrate.simulator.faults import Fault
from migrate.simulator.station import SimulatedStation
from migrate.simulator.wirelog import Side, WireLog
from migrate.simulator.world import World

SIDES = (Side.SOURCE, Side.TARGET)
BOOT_ANSWERS = ("Accepted", "Pending", "Rejected")


class Fleet:
    """Everything outside of the toolkit, to be started and stopped as one."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.csms = {side: _csms(config.csms.get(side, CsmsConfig()), config.heartbeat_s) for side in SIDES}
        self.stations: dict[str, SimulatedStation] = {}
        self.stopping = asyncio.Event()
        self._crews = Crews()
        self.crash: BaseException | None = None
        self._wire: WireLog | None = None
        self._control = Control(config.control, self._handlers()) if config.control else None

    async def open(self) -> None:
        """Open the wire log, and let the CSMSes and the control socket listen."""
        self._wire = WireLog(self._config.wire)
        for csms in self.csms.values():
            await csms.up()
        if self._control:
            await self._control.open()

    def start_stations(self) -> None:
        """Switch every station on; they dial until somebody answers."""
        assert self._wire is not None  # opened first
        config = self._config
        world = World(
            source_url=config.source_url or self.csms[Side.SOURCE].url,
            target_url=config.target_url or self.csms[Side.TARGET].url,
            wire=self._wire,
            speed=config.speed,
            heartbeat_s=config.heartbeat_s,
            seed=config.seed,
            on_crash=self._take_crash,
        )
        self.stations = {spec.identity: SimulatedStation(spec, world) for spec in config.stations}
        for station in self.stations.values():
            station.start()

    async def await_online(self) -> None:
        """Return when all stations are on line that should be."""
        expected = [one for one in self.stations.values() if one.spec.fault is not Fault.OFFLINE]
        await asyncio.gather(*(station.online.wait() for station in expected))

    def send_crew(self, identity: str, side: Side = Side.TARGET) -> bool:
        """Order a visit; False when a crew is already on its way there."""
        station = self.stations[identity]
        world = station.world
        return self._crews.order(station, world.source_url if side is Side.SOURCE else world.target_url)

    async def close(self) -> None:
        """Stop everything at once and say nothing more to anybody."""
        await self._crews.stop()
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

    def _handlers(self) -> dict[str, Any]:
        return {
            "visit": self._visit,
            "csms_down": self._csms_down,
            "csms_up": self._csms_up,
            "boot_answer": self._boot_answer,
            "snapshot": self._snapshot,
            "drawn": self._drawn,
            "stop": self._stop,
        }

    async def _visit(self, order: Order) -> dict[str, Any]:
        """A crew changes the backend by hand: to the target unless the order names the source."""
        return {"sent": self.send_crew(self._station(order).spec.identity, _side(order, Side.TARGET))}

    async def _csms_down(self, order: Order) -> dict[str, Any]:
        await self.csms[_side(order)].down()
        return {}

    async def _csms_up(self, order: Order) -> dict[str, Any]:
        await self.csms[_side(order)].up()
        return {}

    async def _boot_answer(self, order: Order) -> dict[str, Any]:
        """From now on this CSMS answers this station's boots so."""
        if order.get("status") not in BOOT_ANSWERS:
            raise BadOrder(f"status must be one of {', '.join(BOOT_ANSWERS)}")
        self.csms[_side(order)].boot_answers[str(order.get("identity"))] = str(order["status"])
        return {}

    async def _snapshot(self, _order: Order) -> dict[str, Any]:
        return {"stations": [_picture(station) for station in self.stations.values()]}

    async def _drawn(self, _order: Order) -> dict[str, Any]:
        return {"reboot_s": drawn(self._config.stations)}

    async def _stop(self, _order: Order) -> dict[str, Any]:
        asyncio.get_running_loop().call_soon(self.stopping.set)
        return {}

    def _station(self, order: Order) -> SimulatedStation:
        station = self.stations.get(str(order.get("identity")))
        if station is None:
            raise BadOrder(f"no station {order.get('identity')!r}")
        return station


def _csms(config: CsmsConfig, heartbeat_s: float) -> SimulatedCsms:
    register = None if config.register is None else frozenset(config.register)
    return SimulatedCsms(port=config.port, path=config.path, register=register, interval_s=round(heartbeat_s) or 1)


def _side(order: Order, default: Side | None = None) -> Side:
    side = order.get("side", default)
    if side not in SIDES:
        raise BadOrder("side must be source or target")
    return Side(side)


def _picture(station: SimulatedStation) -> dict[str, Any]:
    return {
        "identity": station.spec.identity,
        "side": station.side,
        "state": station.state,
        "fault": station.spec.fault,
        "held": station.held,
        "transaction": station.is_charging,
    }
