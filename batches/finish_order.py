"""An order for a step after the move, carried out at many stations: a first one of each profile, then site by site.

What goes wrong here goes wrong on the target, at stations that were safe
already, and a raise or a password takes their way back.  So one of each
profile goes alone until one has ended well, and nobody else is touched once
more than the gate allows have not come back as they should.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from batches.finishing import Ended, Finished, Within, why_stopped
from migrate.domain.policy import GatePolicy
from migrate.domain.record import Attempt
from migrate.domain.wave import PlannedStation

SITES_AT_ONCE = 20
"""Stations of one site are taken one after the other: never are all of them away."""

Pair = tuple[PlannedStation, Attempt]


class FinishOrder:
    """Carries one order out.  ``at`` does the step at a station, ``tell`` hears how each has ended."""

    def __init__(
        self, gate: GatePolicy, at: Callable[[Attempt], Awaitable[Finished]], tell: Callable[[Finished], None]
    ) -> None:
        self._gate, self._at, self._tell = gate, at, tell
        self._done: dict[str, Finished] = {}
        self._room = asyncio.Semaphore(SITES_AT_ONCE)
        self._sites = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def carry_out(self, found: Within) -> list[Finished]:
        """Every station that the order reaches, each once, in the order in which they were named."""
        pairs = list(zip(found.stations, found.attempts, strict=True))
        by_profile = defaultdict[str, list[Pair]](list)
        for pair in pairs:
            by_profile[pair[0].profile].append(pair)
        await asyncio.gather(*map(self._first_one, by_profile.values()))
        await self._site_by_site([pair for pair in pairs if pair[1].identity not in self._done])
        return [self._done[attempt.identity] for _, attempt in pairs]

    async def _first_one(self, pairs: Sequence[Pair]) -> None:
        """Of one profile: one after the other, until one has ended well; what stops the order ends this too."""
        for planned, attempt in pairs:
            async with self._room, self._sites[planned.site]:
                if (await self._one(attempt)).ended.is_well:
                    return

    async def _site_by_site(self, pairs: Sequence[Pair]) -> None:
        by_site = defaultdict[str, list[Attempt]](list)
        for planned, attempt in pairs:
            by_site[planned.site].append(attempt)
        await asyncio.gather(*map(self._one_site, by_site.values()))

    async def _one_site(self, attempts: Sequence[Attempt]) -> None:
        async with self._room:
            for attempt in attempts:
                await self._one(attempt)

    async def _one(self, attempt: Attempt) -> Finished:
        if why := why_stopped(self._done.values(), self._gate):
            ended = Finished(identity=attempt.identity, ended=Ended.NOT_NOW, detail=why)
        else:
            ended = await self._at(attempt)
        self._done[attempt.identity] = ended
        self._tell(ended)
        return ended
