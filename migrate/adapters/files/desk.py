"""Hands out the bytes of firmware files, counted, at the rate of the group they are for, whatever the protocol.

Servers turn requests into a link and a place in the file; here the link is
opened, the bytes are given out in their turn, and what each station has
fetched is known.  Nothing is told of a station that it did not do.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from migrate.adapters.files.budget import Budget, Budgets
from migrate.adapters.files.fetched import Fetched
from migrate.adapters.files.links import Link, Links
from migrate.adapters.files.store import FirmwareFile, Shelf, is_untouched

AT_ONCE_PER_STATION = 4
"""Transfers of one station; some open a second one before they have given up the first."""


class NoPlace(Exception):
    """This station has too many transfers open."""


class Changed(Exception):
    """The file was written to while a station loads it: what is left of it is not what was proven."""


class Transfer:
    """One request's way through a file, from an offset on.  Who asks for its size alone has begun nothing."""

    def __init__(self, link: Link, file: FirmwareFile, handle: int, budget: Budget, fetched: Fetched) -> None:
        self.link, self.file = link, file
        self._handle, self._budget, self._fetched = handle, budget, fetched
        self._at = 0
        self._has_begun = False

    @property
    def etag(self) -> str:
        """A strong validator: the checksum itself."""
        return f'"{self.file.entry.sha256[:32]}"'

    def begin(self) -> None:
        """The station asks for bytes; from here on there is a story to tell."""
        self._has_begun = True
        self._fetched.opened(self.link.identity, self.file)

    def seek(self, offset: int) -> None:
        self._at = offset

    async def overhead(self, count: int) -> None:
        """Bytes around the file, such as headers: the network carries them too."""
        await self._budget.take(count)

    async def read(self, most: int) -> bytes:
        """The next bytes in their turn, at most so many; nothing at the end of the file.  Raises ``Changed``."""
        count = min(most, self._budget.chunk, self.file.size - self._at)
        if count <= 0:
            return b""
        await self._budget.take(count)
        data = os.pread(self._handle, count, self._at)
        if not is_untouched(os.fstat(self._handle), self.file.mark):  # after the read: no byte of another file leaves
            raise Changed
        self._at += len(data)
        self._fetched.gave(self.link.identity, self.file, self._at, len(data))
        return data

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            if self._has_begun:
                self._fetched.closed(self.link.identity, self.file)


class Desk:
    """Opens links."""

    def __init__(self, shelf: Shelf, links: Links, budgets: Budgets, fetched: Fetched) -> None:
        self._shelf, self._links, self._budgets, self._fetched = shelf, links, budgets, fetched
        self._reading = asyncio.Lock()  # one look at the disk at a time
        self._refused = 0
        self._open: Counter[str] = Counter()

    def link_at(self, path: str) -> Link | None:
        """The link that a raw path is; what is none is counted and not told apart from a file that there is not."""
        return self._known(self._links.read(path))

    def link_of(self, names: Sequence[str]) -> Link | None:
        return self._known(self._links.read_parts(names))

    def _known(self, link: Link | None) -> Link | None:
        self._refused += link is None
        return link

    async def open(self, link: Link) -> Transfer | None:
        """A transfer of a link's file; ``None`` when the store has no such sound file.  Raises ``NoPlace``."""
        if self._open[link.identity] >= AT_ONCE_PER_STATION:
            raise NoPlace
        self._open[link.identity] += 1
        try:
            async with self._reading:
                found = await asyncio.to_thread(self._shelf.open, link.file)
        except BaseException:  # whatever it was: the place is given back, and it is raised on
            self._leave(link)
            raise
        if found is None:
            self._leave(link)
            return None
        return Transfer(link, *found, self._budgets.of(link.group), self._fetched)

    def close(self, transfer: Transfer) -> None:
        """The end of a transfer, however it ended."""
        transfer.close()
        self._leave(transfer.link)

    def _leave(self, link: Link) -> None:
        self._open[link.identity] -= 1
        if self._open[link.identity] <= 0:
            del self._open[link.identity]

    def stats(self) -> dict[str, Any]:
        return {"open": sum(self._open.values()), "refused": self._refused, **self._fetched.stats()}
