"""How long something takes, in words, on every screen and in every reason."""

from __future__ import annotations

from datetime import timedelta

_UNITS = ((86400, "d", 3600, "h", 1), (3600, "h", 60, "min", 2), (60, "min", 1, "s", 2))


def span(duration: timedelta) -> str:
    """A duration in the two largest units that say something.

    >>> span(timedelta(seconds=42)), span(timedelta(minutes=3, seconds=5)), span(timedelta(days=14))
    ('42 s', '3 min 05 s', '14 d')
    """
    seconds = max(0, int(duration.total_seconds()))
    for size, name, smaller, below, width in _UNITS:
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            tail = f" {rest // smaller:0{width}d} {below}" if rest // smaller else ""
            return f"{whole} {name}{tail}"
    return f"{seconds} s"
