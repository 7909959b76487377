"""The connector of a simulated station: the driver at it, and what is wrong with it."""

from __future__ import annotations

import asyncio

from migrate.simulator.world import World

METER_FAILURE = "PowerMeterFailure"


class Connector:
    """Taken from the moment a driver is expected until he has gone; what it holds outlives a session."""

    def __init__(self, world: World, *, awaits_driver: bool) -> None:
        self._world = world
        self.idle = asyncio.Event()  # nobody charges, and nobody is about to
        self.unplugged = asyncio.Event()
        self.charges_until: float | None = None  # on the loop's clock
        self.transaction: int | str | None = None
        self.error = ""  # in OCPP's words; blank while nothing is wrong with it
        if not awaits_driver:
            self.idle.set()

    @property
    def is_charging(self) -> bool:
        return self.charges_until is not None

    @property
    def status(self) -> tuple[str, str]:
        """Its status and error code as OCPP has them."""
        if self.error:
            return "Faulted", self.error
        return ("Charging" if self.is_charging else "Available"), "NoError"

    def plug_in(self, for_s: float) -> bool:
        """A driver begins to charge; False when it is taken or out of order."""
        if self.is_charging or self.error:
            return False
        self.idle.clear()
        self.unplugged.clear()
        self.charges_until = asyncio.get_running_loop().time() + self._world.real_s(for_s)
        return True

    def release(self) -> None:
        """The driver has gone."""
        self.charges_until, self.transaction = None, None
        self.idle.set()
