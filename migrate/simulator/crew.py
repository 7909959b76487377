"""Simulated crews: a person drives to a station, waits for the driver to finish, and changes the backend by hand."""

from __future__ import annotations

import asyncio

from migrate.simulator.station import SimulatedStation


class Crews:
    """As many crews as there are orders; a second order for a station on order is the same visit."""

    def __init__(self) -> None:
        self._visits: dict[str, asyncio.Task[None]] = {}

    def order(self, station: SimulatedStation, url: str) -> bool:
        """Send a crew; False when one is already under way."""
        identity = station.spec.identity
        if identity in self._visits:
            return False
        self._visits[identity] = asyncio.create_task(self._visit(station, url))
        return True

    async def _visit(self, station: SimulatedStation, url: str) -> None:
        try:
            await asyncio.sleep(station.world.real_s(station.spec.visit_s))
            await station.connector.idle.wait()
            await station.mend(url)
        finally:
            self._visits.pop(station.spec.identity, None)

    async def stop(self) -> None:
        visits = list(self._visits.values())
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        self._visits.clear()
