"""The doors of a campaign: every way to a station beside the one through its CSMS.

Built from the settings and opened by nobody yet: a door reaches out when it is
asked for a station.  Who builds them closes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from migrate.adapters.channels.certificates import CertificateDoors
from migrate.adapters.channels.http.doors import HttpDoors
from migrate.adapters.channels.http.reach import HttpSettings
from migrate.adapters.channels.ssh import SshDoors, SshSettings
from migrate.adapters.ocpp.client import ListenClient
from migrate.domain.ways import Way
from migrate.ports import Doors
from migrate.wiring import Wired
from migrate.wiring.files import firmware_doors

ON_REQUEST = Path(str(files("vendor_profiles") / "on_request"))
"""Scripts that come with the profiles a campaign asks for by name."""


class Closing(Doors, Protocol):
    async def close(self) -> None:
        """Let go of whatever was opened on the way."""
        ...


@asynccontextmanager
async def doors_of(wired: Wired, client: ListenClient) -> AsyncIterator[Mapping[Way, Doors]]:
    """The doors that this campaign has, closed again whatever happens.

    ``client`` speaks to the listening process, for those doors that are orders
    to a station through its CSMS.
    """
    settings = wired.settings
    doors: dict[Way, Closing] = {
        Way.CERTIFICATE: CertificateDoors(client, settings.target.root),
        Way.FIRMWARE: await firmware_doors(wired, client),
        Way.SSH: SshDoors(SshSettings.of(settings.folder, settings.values, ON_REQUEST), wired.vault),
        Way.HTTP: HttpDoors(
            HttpSettings.of(settings.folder, settings.values), wired.vault, clock=wired.clock, dice=wired.dice
        ),
    }
    try:
        yield doors
    finally:
        await asyncio.gather(*(door.close() for door in doors.values()))
