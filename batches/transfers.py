"""How many stations load a firmware at once behind one APN or at one site.

A mobile network gives a group of stations one stretch of bandwidth.  The file
server keeps its byte-rate; here no more transfers are begun than that rate can
feed, because a transfer that starves is given up by the station.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from migrate.domain.bandwidth import Share, group_of
from migrate.domain.station import Station

Group = Callable[[Station], str]


def by(share: Share) -> Group:
    """Groups as the file server counts them, so that both mean the same stations."""
    return lambda station: group_of(station, share)


_BY_APN = by(Share.APN)


class Transfers:
    """Places for transfers, so many in each group; first come, first served."""

    def __init__(self, at_once: int, group: Group = _BY_APN) -> None:
        self._group = group
        self._places: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(at_once))

    @asynccontextmanager
    async def place(self, station: Station) -> AsyncIterator[None]:
        """Wait for a place beside the stations that share its bandwidth; cancelling the wait leaves the line."""
        async with self._places[self._group(station)]:
            yield
