"""How many stations were confirmed and settled, over time.

Folded from the journal's moves; a station that leaves the target again takes
its count with it, and a rollback that settles counts as gone from the target.
It draws nothing and forecasts nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

import pandas as pd

from migrate.domain.attempt import State
from migrate.domain.record import Direction, EventKind, StoredEvent

_ON_TARGET = frozenset({State.CONFIRMED.value, State.SETTLED.value})
_MOST_POINTS = 48

_BUCKETS = tuple(
    timedelta(seconds=s)
    for s in (
        1,
        2,
        5,
        10,
        30,
        60,
        120,
        300,
        600,
        1800,
        3600,
        3 * 3600,
        6 * 3600,
        12 * 3600,
        86400,
        7 * 86400,
        28 * 86400,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The counts that held at a moment.  ``confirmed`` includes those settled since."""

    at: datetime
    confirmed: int
    settled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    bucket: timedelta
    points: tuple[Point, ...]


def backward_attempts(events: Iterable[StoredEvent], known: Iterable[str] = ()) -> frozenset[str]:
    """The attempts that move a station back to the source, beside those known: their confirmations are no progress."""
    opened = (s.event for s in events if s.event.kind is EventKind.ATTEMPT_OPENED)
    return frozenset({*known, *(e.attempt for e in opened if e.data.get("direction") == Direction.BACK.value)})


def count(events: Iterable[StoredEvent], backward: Collection[str] = ()) -> Iterator[Point]:
    """The counts after every move that changes them, in the order of the journal."""
    stands: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for stored in events:
        event = stored.event
        to = event.data.get("to")
        if event.kind is not EventKind.MOVED or not isinstance(to, str):
            continue
        if event.attempt in backward:
            if to != State.SETTLED.value:
                continue
            to = State.REVERTED.value
        before = stands.get(event.identity, "")
        stands[event.identity] = to
        if before not in _ON_TARGET and to not in _ON_TARGET:
            continue
        counts[before] -= 1
        counts[to] += 1
        settled = counts[State.SETTLED.value]
        yield Point(at=event.at, confirmed=counts[State.CONFIRMED.value] + settled, settled=settled)


def series(points: Sequence[Point], *, start: datetime, end: Point) -> Series:
    """At most 48 points from the campaign's start to now; the last one is the standing itself."""
    bucket = _bucket(end.at - start)
    if not points or end.at <= start:
        return Series(bucket=bucket, points=(Point(at=start, confirmed=0, settled=0), end))
    frame = pd.DataFrame(
        {"confirmed": [p.confirmed for p in points], "settled": [p.settled for p in points]},
        index=pd.DatetimeIndex([p.at.astimezone(UTC) for p in points]),
    ).sort_index(kind="stable")
    edges = pd.date_range(start.astimezone(UTC), end.at.astimezone(UTC), freq=pd.Timedelta(bucket))
    held = frame.groupby(level=0).last().reindex(edges, method="ffill").fillna(0).astype(int)
    confirmed, settled = held["confirmed"].tolist(), held["settled"].tolist()
    drawn = (
        Point(at=at.to_pydatetime(), confirmed=c, settled=s) for at, c, s in zip(edges, confirmed, settled, strict=True)
    )
    return Series(bucket=bucket, points=(*(p for p in drawn if p.at < end.at), end))


def _bucket(length: timedelta) -> timedelta:
    return next((b for b in _BUCKETS if length / b <= _MOST_POINTS), _BUCKETS[-1])


def settled_per_day(points: Sequence[Point], *, first: date, last: date, zone: tzinfo) -> list[int]:
    """Net settled stations of each whole day, both ends included; days on which nothing settled count as zero."""
    by_day: dict[date, int] = {}
    for point in points:
        by_day[point.at.astimezone(zone).date()] = point.settled
    counts, standing = [], 0
    for offset in range((last - first).days + 1):
        now = by_day.get(first + timedelta(days=offset), standing)
        counts.append(now - standing)
        standing = now
    return counts
