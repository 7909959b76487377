"""What a person should know of beside the stations: backends that went away, batches that stopped.

Incidents are told in the journal by a beginning and, where there is one, an
end.  Here the two find each other.  One that is begun again while it lasts,
by another process that found the same, is one incident still.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from migrate.domain.record import EventKind, StoredEvent
from migrate.domain.wave import Incident


def incidents(events: Iterable[StoredEvent]) -> tuple[Incident, ...]:
    """The incidents of a campaign, the oldest first; one that has ended carries its end."""
    told: list[Incident] = []
    open_at: dict[tuple[str, str], int] = {}
    for stored in events:
        event = stored.event
        if event.kind is not EventKind.INCIDENT:
            continue
        title, side = str(event.data.get("title", "")), str(event.data.get("side", ""))
        began = open_at.get((title, side))
        if event.data.get("over") and began is not None:
            told[began] = replace(told[began], ended_at=event.at)
            del open_at[(title, side)]
        elif not event.data.get("over") and (began is None or "over" not in event.data):
            open_at[(title, side)] = len(told)
            told.append(Incident(at=event.at, title=title, detail=str(event.data.get("detail", "")), side=side))
    return tuple(told)
