"""What the checks before a wave came to, as the journal keeps it for every process.

The newest forecast of a wave holds until a run looks again: also in the
process that takes over from a dead one, and in the workers beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batches.outlook import Outlook
from migrate.domain.record import Event, EventKind, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One wave's outlook.  ``stops`` are the grounds on which nobody of it starts, ``excluded`` those who are left out, and why."""

    wave: int
    stops: tuple[str, ...] = ()
    is_away: bool = False
    excluded: Mapping[str, str] = field(default_factory=dict)


def told(seen: Outlook, wave: int, fingerprint: str, at: datetime) -> Event:
    """The outlook of a wave as an event."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for identity, reason in seen.excluded.items():
        by_reason[reason].append(identity)
    data = {
        "wave": wave,
        "fingerprint": fingerprint,
        "stops": [f"{found.code}: {found.text}" for found in seen.stops],
        "away": seen.is_away,
        "excluded": [{"reason": reason, "identities": names} for reason, names in by_reason.items()],
    }
    return Event(kind=EventKind.OUTLOOK, at=at, data=data)


def forecasts(lines: Iterable[StoredEvent], fingerprint: str) -> dict[int, Forecast]:
    """The newest forecast of each wave of one plan."""
    newest: dict[int, Forecast] = {}
    for line in lines:
        data = line.event.data
        if line.event.kind is EventKind.OUTLOOK and data.get("fingerprint") == fingerprint:
            newest[data["wave"]] = Forecast(
                wave=data["wave"],
                stops=tuple(data["stops"]),
                is_away=data["away"],
                excluded={i: group["reason"] for group in data["excluded"] for i in group["identities"]},
            )
    return newest
