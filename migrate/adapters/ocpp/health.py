"""Whether the CSMS behind a relay can be dialled.

Says so once when it goes and once when it returns, and probes in between with
growing pauses.  A backend that is down is nobody's failure but its own.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable

from migrate.adapters.network_words import in_words

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
QUORUM = 3  # stations turned away by a gateway before the backend behind it counts as down


class Health:
    """The state of one backend.  ``dial`` raises ``OSError`` or ``TimeoutError`` while it cannot be reached."""

    def __init__(self, dial: Callable[[], Awaitable[None]], changed: Callable[[bool, str], None]) -> None:
        self._dial, self._changed = dial, changed
        self._task: asyncio.Task[None] | None = None
        self._gated: set[str] = set()
        self.is_up = True

    async def check(self) -> None:
        """Dial once, now."""
        try:
            await self._dial()
        except (OSError, TimeoutError) as error:
            self.failed(error)

    def suspect(self) -> None:
        """Something hints at trouble: look, without waiting for the next station to find out."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self.check())

    def up(self) -> None:
        """The CSMS answered somebody."""
        self._gated.clear()
        if not self.is_up:
            self.is_up = True
            self._changed(True, "")

    def gated(self, identity: str, reason: str) -> None:
        """Somebody is there but does not serve (502 to 504, silence): one station proves little, several do."""
        self._gated.add(identity)
        if len(self._gated) >= QUORUM and self.is_up:
            self.is_up = False
            self._changed(False, reason)

    def failed(self, error: OSError) -> None:
        """A dial came to nothing.  What this host has run out of is not the CSMS's fault."""
        if error.errno not in OURS:
            self.down(reason_of(error))

    def down(self, reason: str) -> None:
        """The CSMS could not be dialled: said once, then probed until it can."""
        if self.is_up:
            self.is_up = False
            self._changed(False, reason)
        if self._task is None or self._task.done() or self._task is asyncio.current_task():
            self._task = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        pause = FIRST_PAUSE_S
        while not self.is_up:
            await asyncio.sleep(pause)
            try:
                await self._dial()
            except (OSError, TimeoutError):
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                self.up()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def reason_of(error: BaseException) -> str:
    """Why a backend could not be dialled, in a few words."""
    return in_words(error)
