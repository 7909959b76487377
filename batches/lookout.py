"""The lookout: one reader of the witness, who tells each driver what was seen of its station.

What concerns no driver goes to the watch.  The lookout decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from batches.driver import Driver
from migrate.domain.evidence import Sighting
from migrate.ports import Witness

Elsewhere = Callable[[Sighting], Awaitable[None]]


class Lookout:
    """Routes sightings to the drivers of this process."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._drivers: dict[str, Driver] = {}
        self._unheeded: list[Sighting] = []
        self._quiet = asyncio.Event()
        self._quiet.set()

    def has(self, identity: str) -> bool:
        return identity in self._drivers

    @property
    def driven(self) -> int:
        return len(self._drivers)

    @contextmanager
    def for_driver(self, identity: str, driver: Driver) -> Iterator[None]:
        """Sightings of this station go to this driver for as long as the context lasts."""
        self._drivers[identity] = driver
        self._quiet.clear()
        try:
            yield
        finally:
            del self._drivers[identity]
            self._unheeded += driver.unheeded()
            if not self._drivers:
                self._quiet.set()

    def unheeded(self) -> list[Sighting]:
        """What drivers were told and had not read when they let go, handed over once."""
        taken, self._unheeded = self._unheeded, []
        return taken

    async def at_rest(self) -> None:
        """Wait until no driver is at work."""
        await self._quiet.wait()

    async def look_out(self, after: int, elsewhere: Elsewhere) -> None:
        """Read the witness for ever, from a place in the journal on."""
        async for sighting in self._witness.sightings(after=after):
            driver = self._drivers.get(sighting.identity)
            if driver is not None:
                driver.see(sighting)
            else:
                await elsewhere(sighting)
