"""A firmware door in memory: an order is taken or not, and the station lives with what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from migrate.domain.errors import Refused, Unreachable
from migrate.domain.evidence import Kind, Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.station import Station
from migrate.ports import Door
from tests.doubles.world import SimpleStation, World

LOADS_S, INSTALLS_S = 60.0, 120.0


@dataclass
class FirmwareHost:
    """Doors to the stations of a world.  ``orders`` is what they were told, ``ways`` what each version does."""

    world: World
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by version; the rest install quietly
    refuses: str = ""  # a station's word for no
    is_mute: bool = False
    resets_address_to: str = ""  # what every new firmware leaves in the address
    boots_on: Side = Side.SOURCE
    charges_after: str = ""  # the version with which a driver plugs in
    orders: list[tuple[str, str]] = field(default_factory=list)

    def to(self, station: Station, profile: Profile, side: Side) -> Door:
        return FirmwareDoor(self)

    async def install(self, station: SimpleStation, version: str) -> None:
        """Load, say what this version says, and boot with it unless that was a failure."""
        statuses = self.statuses.get(version, ("Downloading", "Downloaded", "Installing"))
        for status in statuses:
            await self.world.tell(station.identity, Side.SOURCE, Kind.FIRMWARE, detail=status)
            await self.world.clock.sleep(timedelta(seconds=LOADS_S))
        if statuses and statuses[-1].endswith("Failed"):
            return
        if statuses and statuses[-1] == "Stalls":
            return
        await self.world.leave(station)
        await self.world.clock.sleep(timedelta(seconds=INSTALLS_S))
        station.facts = replace(station.facts, firmware=version)
        if self.resets_address_to:
            station.device.values[station.url_key] = self.resets_address_to
        await self.world.connect(station, self.boots_on)
        await self.world.boot(station, self.boots_on)
        if version == self.charges_after:
            await self.world.charge(station)


@dataclass
class FirmwareDoor:
    host: FirmwareHost

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        raise AssertionError(f"{identity}: a firmware version is read from boots, not asked for ({keys}, {max_keys})")

    async def write(self, identity: str, key: str, value: str) -> str:
        self.host.orders.append((key, value))
        if self.host.refuses:
            raise Refused(f"{identity} refused {value}.", identity=identity, status=self.host.refuses)
        if self.host.is_mute:
            raise Unreachable(f"{identity} did not answer.", identity=identity, sent=True)
        station = self.host.world.stations[identity]
        self.host.world.later(1.0, lambda: self.host.install(station, value))
        return "Accepted"

    async def restart(self, identity: str, kind: Restart) -> None:
        raise AssertionError(f"{identity}: nothing is restarted by a firmware door ({kind})")
