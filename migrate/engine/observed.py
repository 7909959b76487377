"""From the journal into an observer: what the wire has shown of each kind, read page by page.

However long the journal, a few pages of it are in memory at a time; who goes
on later begins where the last reading ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from migrate.adapters.journal.rows import sighting_from
from migrate.domain.observation import Observer
from migrate.domain.record import EventKind, StoredEvent
from migrate.ports import Journal

TOLD_BY = (EventKind.SIGHTING, EventKind.COMMAND, EventKind.ANSWER)
PAGE = 5_000


async def observe(journal: Journal, observer: Observer, *, after: int = 0) -> int:
    """Give the observer everything since a place in the journal, in its order; the place up to which that was."""
    newest = await journal.newest_seq()
    async for stored in _in_order(journal, after, newest):
        if stored.event.kind is EventKind.SIGHTING:
            observer.saw(sighting_from(stored))
        else:
            observer.did(stored.event)
    return max(newest, after)


async def _in_order(journal: Journal, after: int, upto: int) -> AsyncIterator[StoredEvent]:
    """Each kind is read by itself, which the journal's index gives sorted, and the kinds are merged by place."""
    streams = {kind: _of(journal, kind, after, upto) for kind in TOLD_BY}
    heads = {kind: await anext(stream, None) for kind, stream in streams.items()}
    while waiting := {kind: head for kind, head in heads.items() if head is not None}:
        kind = min(waiting, key=lambda kind: waiting[kind].seq)
        yield waiting[kind]
        heads[kind] = await anext(streams[kind], None)


async def _of(journal: Journal, kind: EventKind, after: int, upto: int) -> AsyncIterator[StoredEvent]:
    while page := await journal.events(after=after, kinds=(kind.value,), limit=PAGE):
        for stored in page:
            if stored.seq > upto:
                return  # told while we read: for the next reading
            yield stored
        after = page[-1].seq
