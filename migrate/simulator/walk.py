"""Which of several stored backends a station dials now, and when it goes on to the next.

The order is the station's configuration; how long it tries each, and where it
stays in the end, its maker decided.  It opens no socket.
"""

from __future__ import annotations

from migrate.simulator.habits import Fallback


class Walk:
    """A station's way along its backends since the last power-up."""

    def __init__(self) -> None:
        self._at = 0
        self._failures = 0  # of the backend of the moment
        self._failed: set[int] = set()  # those that nobody answered at since the last success
        self._last_good = ""

    def power_up(self) -> None:
        """A restart begins with the first again; which one took it last is remembered."""
        self._at, self._failures = 0, 0
        self._failed.clear()

    def address(self, order: tuple[str, ...]) -> str:
        return order[self._at % len(order)] if order else ""

    def number(self, order: tuple[str, ...]) -> int:
        """The place of the backend of the moment in the order, from 0."""
        return self._at % len(order) if order else 0

    def connected(self, order: tuple[str, ...], fallback: Fallback) -> None:
        self._last_good = self.address(order)
        self._failures = 0
        self._failed.clear()
        if fallback is not Fallback.PROFILES:
            self._at = 0

    def refused(self, order: tuple[str, ...], fallback: Fallback, *, attempts: int, pins: bool) -> None:
        """Nobody took the call: after so many in a row the next backend's turn comes."""
        self._failures += 1
        if self._failures < attempts or len(order) < 2 or fallback not in (Fallback.SLOTS, Fallback.PROFILES):
            return
        self._failures = 0
        self._failed.add(self.number(order))
        if pins and len(self._failed) == len(order) and self._last_good in order:
            self._at = order.index(self._last_good)  # libocpp: it stays there, however often that one fails too
        elif not (pins and len(self._failed) == len(order)):
            self._at += 1
