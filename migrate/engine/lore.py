"""What is known of each kind of station from the wire, kept while a process works.

The journal is read on from where the last reading ended; errands then go by
what was measured of a station's kind, where it was seen often enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from migrate.domain.evidence import IdentityFacts
from migrate.domain.flavour import Flavour, measured, patient
from migrate.domain.observation import Observer
from migrate.domain.policy import Timeouts
from migrate.domain.profile import Profile
from migrate.domain.remembered import Device
from migrate.domain.station import Station
from migrate.engine.observed import observe
from migrate.ports import Journal

READ_EVERY_S = 5.0


class Lore:
    """Flavours by vendor|model|firmware, in the words of the inventory, by which plans name kinds."""

    def __init__(self, journal: Journal, stations: Mapping[str, Station]) -> None:
        self._journal = journal
        self._stations = stations
        self._observer = Observer(self._kind_of)
        self._read_up_to = 0
        self._flavours: dict[str, Flavour] = {}

    async def keep_reading(self) -> None:
        """Read on for ever, every few real seconds."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Read what the journal has been told since."""
        read_up_to = await observe(self._journal, self._observer, after=self._read_up_to)
        if read_up_to != self._read_up_to:
            self._read_up_to = read_up_to
            self._flavours = {flavour.kind: flavour for flavour in self._observer.flavours()}

    def as_measured(self, profile: Profile, kind: str, timeouts: Timeouts) -> Profile:
        """A profile as it holds for one kind: quirks corrected, patience lengthened, by what the wire has shown."""
        flavour = self._flavours.get(kind)
        if flavour is None:
            return profile
        return replace(
            profile, quirks=measured(profile.quirks, flavour), timing=patient(profile.timing, timeouts, flavour)
        )

    def _kind_of(self, identity: str, said: IdentityFacts) -> Device:
        listed = self._stations.get(identity)
        if listed is None:
            return said.vendor, said.model, said.firmware
        return listed.vendor, listed.model, listed.firmware
