"""The byte-rate that all transfers of a group share, over whatever protocol.

Every byte is asked for before it is sent.  Who asks waits in one line, so that
no station starves; and in no stretch of ten seconds are more bytes given out
than ten seconds are worth, whatever happened before.  Times are real seconds.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable

WINDOW_S = 10.0
SLICE_S = 0.1

SPARE = 0.965
"""What is given out of a rate: the rest is left for the time between our giving out a byte and its leaving."""

CATCH_UP_S = 1.0
"""How much of a pause of ours is made up for; the window holds all the same."""

HALF_A_BYTE = 0.5  # less is a rounding of the clock's

SMALLEST, LARGEST = 256, 16_384
CHUNK_S = 0.05


class Budget:
    """One group's bytes.  ``now`` is the loop's clock, ``sleep`` passes its time."""

    def __init__(
        self, rate_bytes_per_s: int, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._sleep = sleep
        self._pace = rate_bytes_per_s * SPARE
        self._most = self._pace * WINDOW_S
        self._now = now
        self._turn = asyncio.Lock()  # who waits longest is next
        self._credit, self._at = 0.0, now()
        self._slices: deque[tuple[float, int]] = deque()  # when each began, what it gave out
        self._given = 0  # in the slices
        self.chunk = int(min(max(rate_bytes_per_s * CHUNK_S, SMALLEST), LARGEST))

    async def take(self, count: int) -> None:
        """Wait until so many bytes may be sent; cancelling the wait takes nothing."""
        async with self._turn:
            wait_s = self._wait_s(count)
            while wait_s > 0:
                await self._sleep(wait_s)
                wait_s = self._wait_s(count)
            self._give(count)

    def _wait_s(self, count: int) -> float:
        now = self._now()
        self._credit = min(self._credit + (now - self._at) * self._pace, self._pace * CATCH_UP_S + count)
        self._at = now
        while self._slices and self._slices[0][0] + SLICE_S + WINDOW_S <= now:
            self._given -= self._slices.popleft()[1]
        if self._slices and self._given + count > self._most:
            return self._slices[0][0] + SLICE_S + WINDOW_S - now
        lacks = count - self._credit
        return lacks / self._pace if lacks > HALF_A_BYTE else 0.0

    def _give(self, count: int) -> None:
        self._credit -= count
        self._given += count
        if self._slices and self._at < self._slices[-1][0] + SLICE_S:
            began, given = self._slices[-1]
            self._slices[-1] = (began, given + count)
        else:
            self._slices.append((self._at, count))


class Budgets:
    """A budget for every group, each with the same rate."""

    def __init__(self, rate_bytes_per_s: int, now: Callable[[], float]) -> None:
        self._groups: dict[str, Budget] = defaultdict(lambda: Budget(rate_bytes_per_s, now))

    def of(self, group: str) -> Budget:
        """Only of a group that a sealed link names: nobody else can make one up."""
        return self._groups[group]
