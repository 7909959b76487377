"""The turnstile: an admission that coroutines can wait at.

Batches of a wave overlap; all of one process pass the same turnstile, so that
the caps hold over all of them and the end of a batch is never a barrier.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batches.schedule import Admission
from migrate.domain.wave import PlannedStation


class Turnstile:
    """Lets coroutines through in plan order as the caps allow."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._turns: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def place(self, planned: PlannedStation) -> AsyncIterator[None]:
        """Wait for a place in every scope of the station, and give it back at the end.

        Cancelling the wait leaves the line.
        """
        turn = asyncio.get_running_loop().create_future()
        self._turns[planned.identity] = turn
        self._admission.offer([planned])
        self._admit()
        try:
            await turn
            yield
        finally:
            self._turns.pop(planned.identity, None)
            self._admission.withdraw(planned.identity)
            self._admission.release(planned.identity)
            self._admit()

    def _admit(self) -> None:
        for planned in self._admission.admit():
            turn = self._turns.get(planned.identity)
            if turn is not None and not turn.done():
                turn.set_result(None)
