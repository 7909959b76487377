"""When stations have come to rest: what a run, an order and a recovery wait for.

It reads what the watch knows and asks the brake; it moves nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from enum import StrEnum

from batches.lookout import Lookout
from batches.watch import Watch
from migrate.domain.attempt import AT_REST, IN_FLIGHT, State
from migrate.domain.record import Attempt, Direction
from migrate.engine.brake import CampaignBrake
from migrate.engine.outline import Outline


class Kind(StrEnum):
    """How a station rests."""

    NOT = "not"
    ENDED = "ended"
    STOPPED = "stopped"  # until a person lets it go on


class Rest:
    """The rest of a campaign's stations, as far as this process knows it."""

    def __init__(
        self,
        outline: Outline,
        brake: CampaignBrake,
        lookout: Lookout,
        watch: Watch,
        *,
        nap_s: float,
    ) -> None:
        self._outline = outline
        self._brake = brake
        self._lookout = lookout
        self._watch = watch
        self._nap_s = nap_s

    @property
    def is_over(self) -> bool:
        """Told to end, and nobody of this process is under way any more."""
        return self._brake.is_ending and not self._lookout.driven

    def of_everybody(self) -> str:
        """``done`` or ``stopped`` once every station that was tried rests, else nothing; for a watch that has read who was."""
        return _summed(map(self._of, self._tried()))

    async def until_brought_back(self) -> None:
        """However a run ends: what it drives comes to rest, and what a person ordered back is brought back, as far as it can be."""
        await self._watch.knows.wait()
        while not self.is_over:
            back = (a for a in self._tried() if a.direction is Direction.BACK)
            if not self._lookout.driven and _summed(map(self._of, back)):
                return
            await asyncio.sleep(self._nap_s)

    async def until_landed(self, identities: Collection[str]) -> None:
        """Wait until none of these is in flight any more, where nothing else is to be started."""
        while True:
            if not any(self._flies(identity) for identity in identities):
                return
            await asyncio.sleep(self._nap_s)

    async def until_at_rest(self, identities: Collection[str]) -> str:
        """Wait for the stations of one order: ``done``, ``stopped`` (a person has to look) or ``ending``."""
        while not (ended := _summed(self._of_named(identity) for identity in identities)):
            if self.is_over:
                return "ending"
            await asyncio.sleep(self._nap_s)
        return ended

    def _tried(self) -> list[Attempt]:
        return [a for a in self._watch.known.values() if a.identity in self._outline.planned]

    def _flies(self, identity: str) -> bool:
        attempt = self._watch.known.get(identity)  # none before the watch has caught up
        return attempt is None or attempt.state in IN_FLIGHT

    def _of_named(self, identity: str) -> Kind:
        attempt = self._watch.known.get(identity)  # as above
        return self._of(attempt) if attempt is not None else Kind.NOT

    def _of(self, attempt: Attempt) -> Kind:
        if attempt.state is State.VISITING and self._outline.waits_for_visits:
            return Kind.NOT
        if attempt.state in AT_REST:
            return Kind.ENDED
        if attempt.state is State.DEFERRED and (errand := self._outline.errand_or_none(attempt)):
            stopped = None if self._brake.is_ending else self._brake.stops(errand)
            needs_a_person = stopped is not None and (stopped.deferral is not None or stopped.leave)
            return Kind.STOPPED if needs_a_person else Kind.NOT
        return Kind.NOT


def _summed(stations: Iterable[Kind]) -> str:
    """``done`` or ``stopped`` once every station rests, else nothing."""
    ended = "done"
    for kind in stations:
        if kind is Kind.NOT:
            return ""  # of ten thousand the first will do
        ended = "stopped" if kind is Kind.STOPPED else ended
    return ended
