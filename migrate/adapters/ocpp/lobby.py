"""Who is at the relay's door, and how many may be.

Keeps the relay alive under too many connections, and under connections that
never say who they are.  It knows nothing of stations.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus

from migrate.adapters.ocpp.legs import StationLeg
from migrate.adapters.ocpp.limits import Limits


class Lobby:
    """Every connection from stations' side, the undecided ones apart.

    ``turn_away`` answers a connection with a status and closes it.
    """

    def __init__(self, limits: Limits, turn_away: Callable[[StationLeg, int], None], counts: Counter[str]) -> None:
        self._limits, self._turn_away, self._counts = limits, turn_away, counts
        self._legs: dict[StationLeg, None] = {}
        self._opening: dict[StationLeg, float] = {}  # since when
        self._addresses: Counter[str] = Counter()
        self._empty = asyncio.Event()

    def admit(self, leg: StationLeg) -> bool:
        """Whether there is room among all who are connected."""
        self._legs[leg] = None
        self._addresses[leg.address] += 1
        per_address = self._limits.per_address
        if len(self._legs) > self._limits.max_connections or (
            per_address and self._addresses[leg.address] > per_address
        ):
            self._counts["overload"] += 1
            self._turn_away(leg, HTTPStatus.SERVICE_UNAVAILABLE)
            return False
        loop = asyncio.get_running_loop()
        self._opening[leg] = loop.time()
        leg.timer = loop.call_later(self._limits.handshake_s, self._too_slow, leg)
        return True

    @property
    def undecided(self) -> int:
        """How many have not said yet who they are."""
        return len(self._opening)

    def make_room(self, before_s: float) -> bool:
        """A crowd of half-open handshakes costs its oldest member its place, if it came before that moment."""
        oldest = next(iter(self._opening), None)
        if oldest is None or self._opening[oldest] > before_s:
            return False
        self._counts["crowded_out"] += 1
        self.identified(oldest)
        oldest.transport.abort()
        return True

    def _too_slow(self, leg: StationLeg) -> None:
        self._counts["slow_handshakes"] += 1
        self._turn_away(leg, HTTPStatus.REQUEST_TIMEOUT)

    def identified(self, leg: StationLeg) -> None:
        """It said who it is, or was told to go: its handshake is over."""
        self._opening.pop(leg, None)
        if leg.timer is not None:
            leg.timer.cancel()
            leg.timer = None

    def gone(self, leg: StationLeg) -> None:
        self.identified(leg)
        if leg not in self._legs:
            return
        del self._legs[leg]
        self._addresses[leg.address] -= 1
        if not self._addresses[leg.address]:
            del self._addresses[leg.address]
        if not self._legs:
            self._empty.set()

    async def empty(self, *, within_s: float) -> None:
        """Send the undecided away, give the others time to leave, and cut off who stays."""
        for leg in list(self._opening):
            leg.transport.close()
        self._empty.clear()
        if self._legs:
            try:
                async with asyncio.timeout(within_s):
                    await self._empty.wait()
            except TimeoutError:
                for leg in list(self._legs):
                    leg.transport.abort()
                await asyncio.sleep(0)
