"""Orders of firmware: which file, under which link, in which version of OCPP.

An order names a version.  The door finds the file that brings the station
there from what it runs, chooses a protocol that the station takes and this
campaign serves, seals a link for this station alone, and sends the order
through the CSMS that the station dials.  What the station makes of it, its
boots say: reading is not the door's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.files.store import FirmwareFile, FirmwareStore
from migrate.adapters.ocpp import dialect16, dialect201
from migrate.adapters.ocpp.messages import Answer
from migrate.adapters.ocpp.replies import Command
from migrate.adapters.vault import LINK_KEY
from migrate.domain.bandwidth import Share, group_of
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.station import Station
from migrate.domain.ways import FIRMWARE_KEY, Firmware
from migrate.ports import Clock, Dice, Presence, Vault

MAX_LOCATION = 512
"""OCPP 2.0.1, FirmwareType.location; 1.6 sets no limit, and firmware in the field keeps to less."""

TIMEOUT_S = 30.0


class Caller(Protocol):
    """What a door asks of the listening process."""

    async def presence(self, identity: str) -> Presence: ...

    async def inject(
        self, side: Side, identity: str, action: str, payload: Mapping[str, Any], *, timeout_s: float
    ) -> Answer: ...


Facts = Callable[[str, Side], Awaitable[IdentityFacts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """What this campaign has to offer: sound files, and the addresses under which they are served, by protocol."""

    store: FirmwareStore
    bases: Mapping[str, str]
    share: Share


class FirmwareDoors:
    """Implements ``migrate.ports.Doors`` for firmware.  ``facts`` tells what a station last said of itself."""

    def __init__(self, client: Caller, depot: Depot, vault: Vault, facts: Facts, *, clock: Clock, dice: Dice) -> None:
        self._client, self._depot, self._vault, self._facts = client, depot, vault, facts
        self._clock, self._dice = clock, dice

    def to(self, station: Station, profile: Profile, side: Side) -> FirmwareDoor:
        """Raises ``Mismatch`` where the profile has no firmware, or this campaign serves nothing that it takes."""
        if profile.firmware is None:
            raise Mismatch(f"Profile {profile.name} names no firmware.", identity=station.identity)
        if not any(name in self._depot.bases for name in profile.firmware.protocols):
            served = ", ".join(self._depot.bases) or "nothing"
            raise Mismatch(
                f"{station.identity} loads firmware by {' or '.join(profile.firmware.protocols)}; this campaign serves {served}.",
                identity=station.identity,
                hint="Set firmware.listen and firmware.url, or the ftp ones: docs/firmware.md.",
            )
        return FirmwareDoor(self, station, profile.firmware, side)

    async def close(self) -> None:
        """Nothing was opened."""

    async def order(self, station: Station, firmware: Firmware, side: Side, version: str) -> str:
        """Send one order.  Raises ``Refused`` before anything is sent where no file is for the station."""
        said = await self._facts(station.identity, side)
        file = self._file(station, said, firmware, version)
        session = (await self._client.presence(station.identity)).on(side)
        if session is None:
            raise Unreachable(
                f"{station.identity} is not connected to the {side.value}.", identity=station.identity, sent=False
            )
        location = self._location(station, firmware, file)
        order = self._composed(session.protocol, firmware, file, location)
        answer = await self._client.inject(side, station.identity, order.action, order.payload, timeout_s=TIMEOUT_S)
        if session.protocol.startswith("ocpp2"):
            return dialect201.firmware_taken(station.identity, answer)
        return dialect16.firmware_taken(station.identity, order.action, answer)

    def _file(self, station: Station, said: IdentityFacts, firmware: Firmware, version: str) -> FirmwareFile:
        vendor, model = said.vendor or station.vendor, said.model or station.model
        file = self._depot.store.file_for(vendor, model, said.firmware or station.firmware, version)
        why = file if isinstance(file, str) else ""
        if isinstance(file, FirmwareFile):
            if not firmware.is_signed or file.entry.is_signed:
                return file
            why = f"{file.name} has no signature, and its profile wants one"
        raise Refused(
            f"{station.identity} was sent no firmware: {why}.",
            identity=station.identity,
            status="no file",
            hint=f"See {self._depot.store.folder / 'firmware.toml'}, and docs/firmware.md.",
        )

    def _location(self, station: Station, firmware: Firmware, file: FirmwareFile) -> str:
        """The link in the first protocol in which it can be written."""
        link = Link(station.identity, short(group_of(station, self._depot.share)), file.name)
        path = Links(self._vault.secret(LINK_KEY)).path(link)
        for protocol in firmware.protocols:
            is_plain = protocol != "ftp" or not set("/%") & set(station.identity)  # an FTP path has no escapes
            base = self._depot.bases.get(protocol, "")
            if base and is_plain and len(base + path) <= MAX_LOCATION:
                return base + path
        raise Refused(
            f"{station.identity}: no link of its can be written in {' or '.join(firmware.protocols)}.",
            identity=station.identity,
            status="no link",
            hint=f"A link holds its identity and may have {MAX_LOCATION} characters.",
        )

    def _composed(self, protocol: str, firmware: Firmware, file: FirmwareFile, location: str) -> Command:
        at = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        wait_s, entry = int(firmware.retry_interval.total_seconds()), file.entry
        signed = {"signing_certificate": entry.signing_certificate, "signature": entry.signature}
        if protocol.startswith("ocpp2"):
            proof = signed if firmware.is_signed else {}
            return dialect201.update_firmware(
                self._number(), location, at, retries=firmware.retries, retry_interval_s=wait_s, **proof
            )
        if firmware.is_signed:
            return dialect16.signed_update_firmware(
                self._number(), location, at, retries=firmware.retries, retry_interval_s=wait_s, **signed
            )
        return dialect16.update_firmware(location, at, retries=firmware.retries, retry_interval_s=wait_s)

    def _number(self) -> int:
        """Of a request; another one for each, so that statuses of an earlier order are not taken for this one's."""
        return 1 + int(self._dice.between(0, (1 << 31) - 2))


class FirmwareDoor:
    """The door to one station."""

    def __init__(self, doors: FirmwareDoors, station: Station, firmware: Firmware, side: Side) -> None:
        self._doors, self._station, self._firmware, self._side = doors, station, firmware, side

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """Nothing: what a station runs, its boots say."""
        return {}

    async def write(self, identity: str, key: str, value: str) -> str:
        """Order a version; ``Taken`` where the protocol has no word for yes."""
        if key != FIRMWARE_KEY:
            raise Mismatch(f"{key} is no firmware.", identity=identity, hint="See its profile.")
        return await self._doors.order(self._station, self._firmware, self._side, value)

    async def restart(self, identity: str, kind: Restart) -> None:
        """A station restarts by itself once it has installed; by this way nobody can make it."""
        raise Mismatch(f"{identity} cannot be restarted by a firmware.", identity=identity, hint="See its profile.")
