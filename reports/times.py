"""How a moment is written, in documents and for people.

Documents carry RFC 3339 in UTC; people read the campaign's own time zone with
UTC beside it.  This module reads no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def stamp(at: datetime) -> str:
    """A moment for machines.

    >>> stamp(datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC))
    '2026-11-20T01:02:03.000Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def stamp_or_none(at: datetime | None) -> str | None:
    return stamp(at) if at is not None else None


def local(at: datetime, zone: tzinfo) -> str:
    """A moment for people: the campaign's time zone first, UTC beside it where that is another.

    >>> from zoneinfo import ZoneInfo
    >>> at = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
    >>> local(at, UTC), local(at, ZoneInfo("Europe/Amsterdam"))
    ('2026-11-20 01:02:03 UTC', '2026-11-20 02:02:03 CET (01:02:03Z)')
    """
    here = at.astimezone(zone)
    if here.tzname() == "UTC":
        return f"{here:%Y-%m-%d %H:%M:%S} UTC"
    return f"{here:%Y-%m-%d %H:%M:%S} {here.tzname() or ''} ({at.astimezone(UTC):%H:%M:%S}Z)"
