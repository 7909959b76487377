"""How a station reaches a backend: which address is next, under what name and armour, and how long it waits before it dials again.

Which backends it holds is in its flash, the way along them in its walk; what
becomes of an open socket is the session's, and what a failure means for the
device the station's.
"""

from __future__ import annotations

from urllib.parse import unquote

from websockets.asyncio.client import ClientConnection

from migrate.simulator.address import dial_url, login_of
from migrate.simulator.body import Body
from migrate.simulator.dialling import DialFailed, dial
from migrate.simulator.walk import Walk
from migrate.simulator.wirelog import Kind, Side

IMPATIENCE_S = 0.5  # real: the longest wait before a station was ever on line (the relay may be started later)
ATTEMPTS = 3  # failed dials before a station that can help itself does so


class Dialler:
    """A station's way to its backends since its last power-up."""

    def __init__(self, station: Body) -> None:
        self._station = station
        self.in_use: tuple[str, ...] = ()  # the configuration of the moment
        self.url = ""  # dialled last
        self.side = Side.NONE  # where that leads
        self._walk = Walk()
        self._failures = 0
        self._refusal = ""
        self._link_down_s = 0.0  # campaign seconds that its network stays away

    @property
    def has_failed_enough(self) -> bool:
        """A station that can help itself does so now."""
        return self._failures >= ATTEMPTS

    def power_up(self) -> None:
        self._failures = 0
        self._walk.power_up()

    def lose_link(self, for_s: float) -> None:
        self._link_down_s = for_s

    async def connect(self) -> ClientConnection | None:
        """Dial the slot of the moment, after some failures the next one, for makers with slots; ``None`` where nobody lets it in."""
        station = self._station
        address = self._walk.address(self.in_use)
        station.flash.dials(address)
        url = dial_url(address, station.called, station.ways.slash)
        self.url = station.armour.url(url) if station.armour else url
        self.side = station.world.side_of(self.url)
        try:
            async with station.world.dialling[self.side]:
                return await self._dial(self.url, *self._login(address))
        except DialFailed as error:
            if station.armour:
                station.armour.failed(error.status)
            self._refused(error.status)
            return None

    def _login(self, address: str) -> tuple[str, str]:
        """What the network profile of an address brings for itself."""
        flash, ways = self._station.flash, self._station.ways
        slots = [key for key in ways.backend_keys if key.startswith("NetworkProfile[")]
        return login_of((flash.value(key) for key in slots), address)

    async def _dial(self, url: str, name: str, password: str) -> ClientConnection:
        """By the security profile that it has now."""
        armour, ways = self._station.armour, self._station.ways
        if armour is None:
            return await dial(url, ways.speaks)
        if why := armour.against(url):
            raise DialFailed(why)
        name = name or unquote(url.rstrip("/").rpartition("/")[2])
        return await dial(url, ways.speaks, headers=armour.headers(name, password), tls=armour.context(url))

    def connected(self) -> None:
        self._failures, self._refusal = 0, ""
        self._walk.connected(self.in_use, self._station.ways.fallback)
        self._station.flash.note_active(self._walk.number(self.in_use))

    def _refused(self, status: str) -> None:
        station = self._station
        self._failures += 1
        attempts = int(station.flash.number("OCPPCommCtrlr.NetworkProfileConnectionAttempts", ATTEMPTS))
        self._walk.refused(self.in_use, station.ways.fallback, attempts=attempts, pins=station.ways.pins)
        if status != self._refusal:  # once, not at every try
            self._refusal = status
            station.world.wire.write(Kind.REFUSED, station.spec.identity, self.side, status=status)

    def pause_s(self) -> float:
        """Real seconds until it dials again; what its network was away for is spent with it."""
        station, ways = self._station, self._station.ways
        down_s, self._link_down_s = self._link_down_s, 0.0
        wait_s = ways.reconnect_s * 2 ** min(self._failures, ways.doublings) * station.dice.uniform(0.8, 1.2)
        real_s = station.world.real_s(down_s + wait_s)
        return real_s if station.online.is_set() else min(real_s, IMPATIENCE_S)
