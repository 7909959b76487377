"""How quickly the CSMS behind a relay answers its stations.

Times a few of the stations' own calls, from the moment they are passed on to
the moment the answer passes back, and the CSMS's welcome at its door.  A call
that is still open counts with its age: a backend that has stopped answering
must not look like one that answers quickly.  It forwards nothing and decides
nothing; who paces by the figure is in ``batches``.
"""

from __future__ import annotations

import re
import statistics
from collections import deque
from collections.abc import Callable, Hashable
from datetime import datetime

from migrate.ports import Latency

EVERY_S = 0.05  # between two calls that are timed: a storm costs no more than a quiet night
MAX_OPEN = 64  # calls that are being timed
KEPT = 64  # answers, and welcomes
FRESH_S = 30.0  # older ones say nothing of now
PENDING_S = 1.0  # a call open for longer counts as an answer that took so long
FEW = 3  # fewer of one sort give way to more of the other
GIVE_UP_S = 60.0  # some CSMSes never answer some calls

_TIMED = re.compile(
    rb'\s*+\[\s*+2\s*+,\s*+"([^"\\]{1,64})"\s*+,\s*+"(?:BootNotification|Heartbeat|StatusNotification)"'
)


def timed_id(text: bytes) -> str:
    """The id of a call that is worth timing: one that every CSMS answers, and asks nobody else about; empty for others.

    >>> timed_id(b'[2,"17","Heartbeat",{}]'), timed_id(b'[2,"18","Authorize",{"idTag":"x"}]')
    ('17', '')
    """
    found = _TIMED.match(text)
    return str(found[1], "utf-8", "replace") if found else ""


class Gauge:
    """The answer times of one CSMS.  Times are on the loop's clock; ``now`` is campaign time."""

    __slots__ = ("_answers", "_newest_at", "_now", "_open", "_welcomes", "next_s")

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._newest_at = now, now()
        self._open: dict[Hashable, float] = {}
        self._answers: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._welcomes: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self.next_s = 0.0  # when the next call may be timed

    def asked(self, caller: Hashable, at_s: float) -> bool:
        """Begin to time one call of a session, unless one of it, or enough of others, are being timed already."""
        self.next_s = at_s + EVERY_S
        if len(self._open) >= MAX_OPEN:
            self._give_up(at_s)
        if caller in self._open or len(self._open) >= MAX_OPEN:
            return False
        self._open[caller] = at_s
        return True

    def answered(self, caller: Hashable, at_s: float) -> None:
        since = self._open.pop(caller, None)
        if since is not None:
            self._answers.append((at_s, at_s - since))
            self._newest_at = self._now()

    def welcomed(self, took_s: float, at_s: float) -> None:
        """The CSMS answered a handshake, or let it run into our patience."""
        self._welcomes.append((at_s, took_s))
        self._newest_at = self._now()

    def forget(self, caller: Hashable) -> None:
        """A session has ended: its call will not be answered, and nobody is to blame for that."""
        self._open.pop(caller, None)

    def latency(self, at_s: float) -> Latency | None:
        """The figure now, of whatever is slower: answers or welcomes; ``None`` while nothing was measured lately."""
        self._give_up(at_s)
        pending = [at_s - since for since in self._open.values() if at_s - since > PENDING_S]
        answers = [took for at, took in self._answers if at_s - at <= FRESH_S] + pending
        welcomes = [took for at, took in self._welcomes if at_s - at <= FRESH_S]
        measured = [times for times in (answers, welcomes) if times]
        if not measured:
            return None
        slower = max(measured, key=lambda times: (len(times) >= FEW, statistics.median(times)))
        return Latency(
            median_s=round(statistics.median(slower), 3),
            slowest_s=round(max(map(max, measured)), 3),
            samples=len(slower),
            at=self._now() if pending else self._newest_at,
        )

    def _give_up(self, at_s: float) -> None:
        for caller in [caller for caller, since in self._open.items() if at_s - since > GIVE_UP_S]:
            del self._open[caller]
