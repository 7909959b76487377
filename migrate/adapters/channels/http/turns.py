"""Whose turn it is: so many requests at once, and none while a cloud has asked for peace.

When a cloud says 429 or 503 with Retry-After, it means the account, not one
station: everybody waits, and comes back scattered.  A command that would have
to wait longer than its order may be old is not sent at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from migrate.ports import Dice

LONGEST_PAUSE_S = 900.0
"""However long a cloud asks to be left alone, it is asked again after this."""

USUAL_PAUSE_S = 10.0
"""After a 429 that does not say how long."""

SCATTER = 0.25
"""Who has waited comes back within this part of the pause, not all at once."""

SHARED_AT_ONCE = 8
OWN_AT_ONCE = 1


class TooLate(Exception):
    """The order was recorded too long ago: it does not go out any more."""


class TooLong(Exception):
    """The wait for a turn is longer than the caller may wait."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(slots=True)
class Patience:
    """How much longer one errand may wait for its turns.

    An order to a station goes out within two seconds of its record or not at
    all, so that nobody who takes over is surprised by it; once a first part of
    it is out, the rest is worth a longer wait.  ``until_s`` is when these two
    seconds are over, on the loop's clock: a look or a login before the order
    runs on their time as well.
    """

    left_s: float
    until_s: float | None = None

    @classmethod
    def of_an_order(cls, for_s: float) -> Patience:
        """Of one that has just been recorded."""
        return cls(for_s, asyncio.get_running_loop().time() + for_s)

    def judge(self) -> None:
        """Raises ``TooLate`` once the time for an order is over."""
        if self.until_s is not None and asyncio.get_running_loop().time() > self.until_s:
            raise TooLate

    def is_out(self, rest_s: float) -> None:
        """Its first part has gone out; the rest may wait so long."""
        self.left_s, self.until_s = rest_s, None


@dataclass(slots=True)
class _Host:
    places: asyncio.Semaphore
    closed_until: float = 0.0
    pause_s: float = 0.0


@dataclass(slots=True)
class Turns:
    """Places for requests, in all and per host, and the pauses that hosts have asked for."""

    at_once: int
    dice: Dice
    _all: asyncio.Semaphore = field(init=False)
    _hosts: dict[str, _Host] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.at_once)

    @asynccontextmanager
    async def turn(self, host: str, patience: Patience, *, is_shared: bool) -> AsyncIterator[None]:
        """Wait for a place.  Raises ``TooLong`` where it would take more patience than is left, ``TooLate`` for an old order."""
        place = self._host(host, is_shared=is_shared)
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            began = loop.time()
            try:
                async with asyncio.timeout(patience.left_s):
                    await self._sit_out(place, patience.left_s)
                    for places in (place.places, self._all):
                        await stack.enter_async_context(places)
                    await self._sit_out(place, patience.left_s)  # it may have asked for peace meanwhile
            except TimeoutError as error:
                raise TooLong(patience.left_s) from error
            patience.left_s = max(patience.left_s - (loop.time() - began), 0.0)
            patience.judge()
            yield

    def pause(self, host: str, for_s: float, *, is_shared: bool) -> None:
        """Nobody asks this host again before the time is over; a longer pause that runs already stays."""
        place = self._host(host, is_shared=is_shared)
        for_s = min(max(for_s, 0.0), LONGEST_PAUSE_S)
        until = asyncio.get_running_loop().time() + for_s
        if until > place.closed_until:
            place.closed_until, place.pause_s = until, for_s

    async def _sit_out(self, place: _Host, left_s: float) -> None:
        while (wait_s := place.closed_until - asyncio.get_running_loop().time()) > 0:
            if wait_s > left_s:
                raise TooLong(wait_s)
            await asyncio.sleep(wait_s + self.dice.between(0.0, SCATTER * place.pause_s))

    def _host(self, host: str, *, is_shared: bool) -> _Host:
        if host not in self._hosts:
            self._hosts[host] = _Host(asyncio.Semaphore(SHARED_AT_ONCE if is_shared else OWN_AT_ONCE))
        return self._hosts[host]


def pause_of(retry_after: str | None, now: datetime | None = None) -> float:
    """How long a reply asks to wait, in seconds or until a date; the usual time where it does not say.

    >>> pause_of("7"), pause_of("soon"), pause_of("99999999")
    (7.0, 10.0, 900.0)
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return USUAL_PAUSE_S
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_PAUSE_S)
