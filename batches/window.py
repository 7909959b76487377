"""When a station may be touched.

A daily window is told by the clock on the wall of the site: an instant lies
inside when that clock shows a time from the window's begin up to, and
without, its end, on a day that is not frozen.  This module answers for any
instant; it never asks what time it is now, and it only says when an attempt
may *start*: what has begun is finished, window or not.

Clocks that are changed get no special rule, only this one applied honestly: an
hour that is skipped cannot open a window, an hour that comes twice is open
twice, and a window whose first minutes are skipped opens when the clock
springs over them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrate.domain.policy import Daily, Freeze, Windows

_DAY = timedelta(days=1)
_LAST_DAY = date.max - timedelta(days=4)  # beyond, dates cannot be reckoned with
_SEARCHED_DAYS = 8  # unfrozen days; a window can be swallowed whole by one skipped hour, never twice in a week
_WIDEST_OFFSET = timedelta(hours=26)  # any local day lies within this of the same day in UTC


def find_zone(windows: Windows, timezone: str) -> tzinfo | None:
    """The zone whose clock counts for a station: its own, else the campaign's; ``None`` when nobody knows it."""
    try:
        return ZoneInfo(timezone.strip() or windows.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_open(windows: Windows, timezone: str, at: datetime) -> bool:
    """Whether an attempt may start at this instant.  In a zone that nobody knows, never.

    >>> from datetime import UTC, datetime, time
    >>> nights = Windows(daily=Daily(begin=time(1), end=time(5)))
    >>> is_open(nights, "Europe/Amsterdam", datetime(2026, 7, 1, 0, 0, tzinfo=UTC))
    True
    """
    zone = find_zone(windows, timezone)
    if zone is None:
        return False
    local = at.astimezone(zone)
    return _frozen_by(windows, local.date()) is None and _is_within(windows.daily, local.time())


def next_opening(windows: Windows, timezone: str, at: datetime) -> datetime | None:
    """The first instant from ``at`` on, in UTC, when an attempt may start; ``None`` when that never comes."""
    zone = find_zone(windows, timezone)
    if zone is None:
        return None
    if is_open(windows, timezone, at):
        return at.astimezone(UTC)
    for day in _unfrozen_days(windows, at.astimezone(zone).date()):
        for moment in _turns(windows, zone, day):
            if moment > at and is_open(windows, timezone, moment):
                return moment
    return None


def closes_at(windows: Windows, timezone: str, at: datetime) -> datetime | None:
    """The first instant from ``at`` on, in UTC, when no attempt may start; ``None`` when that never comes."""
    if not is_open(windows, timezone, at):
        return at.astimezone(UTC)
    zone = find_zone(windows, timezone)
    if zone is None:  # pragma: no cover - a window in an unknown zone is never open
        return None
    today = at.astimezone(zone).date()
    freezes = sorted(f.first for f in windows.freeze if today < f.first < _LAST_DAY)
    for day in (today, *_following(today, 2), *freezes):
        for moment in _turns(windows, zone, day):
            if moment > at and not is_open(windows, timezone, moment):
                return moment
    return None


def _is_within(daily: Daily | None, shown: time) -> bool:
    if daily is None or daily.begin == daily.end:
        return True
    if daily.begin < daily.end:
        return daily.begin <= shown < daily.end
    return shown >= daily.begin or shown < daily.end


def _frozen_by(windows: Windows, day: date) -> Freeze | None:
    return next((freeze for freeze in windows.freeze if freeze.first <= day <= freeze.last), None)


def _unfrozen_days(windows: Windows, day: date) -> Iterator[date]:
    """The next few days on which a window can open, leaping over freezes however long."""
    found = 0
    while found < _SEARCHED_DAYS:
        freeze = _frozen_by(windows, day)
        if freeze is None:
            yield day
            found += 1
        last = freeze.last if freeze else day
        if last >= _LAST_DAY:
            return
        day = last + _DAY


def _following(day: date, count: int) -> Iterator[date]:
    for _ in range(count):
        if day >= _LAST_DAY:
            return
        day += _DAY
        yield day


def _turns(windows: Windows, zone: tzinfo, day: date) -> list[datetime]:
    """Every instant of a local day at which a window may open or close: sorted, in UTC."""
    marks = {time(0)} | ({windows.daily.begin, windows.daily.end} if windows.daily else set())
    shown = [datetime.combine(day, mark, tzinfo=zone).replace(fold=fold) for mark in marks for fold in (0, 1)]
    return sorted({*(moment.astimezone(UTC) for moment in shown), *_clock_changes(zone, day)})


def _clock_changes(zone: tzinfo, day: date) -> Iterator[datetime]:
    """The instant, if any, on a local day at which its clock is changed."""
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    early, late = midnight - _WIDEST_OFFSET, midnight + _DAY + _WIDEST_OFFSET
    before = early.astimezone(zone).utcoffset()
    if before == late.astimezone(zone).utcoffset():
        return
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    if late.astimezone(zone).date() == day:
        yield late
