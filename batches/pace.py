"""How fast a backend may be worked on, by how quickly it answers its own stations.

Every Reset costs both CSMSes a session, a boot and a row of statuses; one of
them died of an exhausted connection pool under a hundred at once, and slowed
down before it did.  The decision is pure: what was measured comes in, a pace
goes out; it halves while a backend is slow, holds while it is stalled or
cannot be seen, and recovers step by step.  A backend that answers as it should
is never slowed.  :class:`Pacer` is the gate that coroutines wait at.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from migrate.domain.evidence import Side
from migrate.ports import Clock, Latency, Witness


class Hold(StrEnum):
    """Why nothing may be sent at all."""

    STALLED = "stalled"  # it answers so late that more would break it
    BLIND = "blind"  # nobody can see it


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceLimits:
    """Where a backend counts as calm, slow or stalled (real seconds), and how fast one may be at most and at least."""

    per_s: float = 100.0
    least_per_s: float = 0.5
    restarts_per_s: float = 20.0  # of a backend that is well: what restarts together comes back together
    step_per_s: float = 5.0  # gained with every look at a calm backend
    calm_s: float = 1.0
    slow_s: float = 2.0
    stalled_s: float = 10.0
    few: int = 3  # fewer samples say nothing against a backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one side may be worked on now.  ``restarts`` is how many may be under way; ``None`` is unlimited."""

    per_s: float
    restarts: int | None = None
    hold: Hold | None = None
    answers_in_s: float | None = None
    judged_at: datetime | None = None  # the newest sample that was judged: nothing is held against a backend twice

    def sentence(self, side: Side) -> str:
        """What an operator reads while this pace is not the full one.

        >>> Pace(per_s=2.0, answers_in_s=4.06).sentence(Side.TARGET)
        'target answers in 4.1 s: 2 commands a second'
        """
        if self.hold is Hold.BLIND:
            return f"{side.value} cannot be seen: nothing is sent that would disturb it"
        answers = "recovers" if self.answers_in_s is None else f"answers in {self.answers_in_s:.1f} s"
        if self.hold is Hold.STALLED:
            return f"{side.value} {answers}: nothing is sent until it recovers"
        if self.per_s < 1:
            return f"{side.value} {answers}: one command in {1 / self.per_s:.0f} s"
        return f"{side.value} {answers}: {self.per_s:.0f} command{'s' if round(self.per_s) != 1 else ''} a second"


FULL = PaceLimits()


def next_pace(
    before: Pace,
    latency: Latency | None,
    *,
    sees: bool,
    used_per_s: float = 0.0,
    restarting: int = 0,
    limits: PaceLimits = FULL,
) -> Pace:
    """The pace after one more look at a backend.

    ``used_per_s`` and ``restarting`` are what was really sent lately: what is
    halved is the load, not a limit that nobody reached.
    """
    if not sees:
        return replace(before, hold=Hold.BLIND, answers_in_s=None)
    if latency is None:
        return replace(_eased(before, limits), hold=None, answers_in_s=None)
    seen = replace(before, answers_in_s=latency.median_s, judged_at=latency.at, hold=None)
    if latency.median_s < limits.calm_s:
        return _eased(seen, limits)
    if latency.median_s < limits.slow_s or latency.samples < limits.few:
        return seen
    slower = seen if latency.at == before.judged_at else _halved(seen, used_per_s, restarting, limits)
    return replace(slower, hold=Hold.STALLED if latency.median_s >= limits.stalled_s else None)


def _halved(pace: Pace, used_per_s: float, restarting: int, limits: PaceLimits) -> Pace:
    load = min(pace.per_s, used_per_s) if used_per_s > 0 else pace.per_s
    under_way = restarting if pace.restarts is None else min(pace.restarts, max(restarting, 1))
    return replace(pace, per_s=max(load / 2, limits.least_per_s), restarts=max(under_way // 2, 1))


def _eased(pace: Pace, limits: PaceLimits) -> Pace:
    per_s = min(pace.per_s + limits.step_per_s, limits.per_s)
    if per_s >= limits.per_s or pace.restarts is None:
        return replace(pace, per_s=per_s, restarts=None)
    return replace(pace, per_s=per_s, restarts=pace.restarts + max(pace.restarts // 4, 1))


LOOK_EVERY_S = 2.0
"""Real seconds between two looks at a backend: as often as the listening process speaks."""

A_MOMENT_S = 1e-6
"""Less than any timer waits: what is due so soon is due."""

RESTART_LASTS = timedelta(seconds=60)
"""For so long a restarted station counts as under way; most have booted again by then."""


class Pacer:
    """Whoever is about to disturb a station waits here for its turn.

    One for a process; the figure it goes by is measured in the listening
    process and is the same for all.  Rates are in campaign time, as a drill
    hurries its backends too.
    """

    def __init__(self, witness: Witness, clock: Clock, *, limits: PaceLimits = FULL) -> None:
        self._witness, self._clock, self._limits = witness, clock, limits
        self._paces = {side: Pace(per_s=limits.per_s) for side in Side}
        self._lines: dict[tuple[Side | bool, ...], asyncio.Lock] = {}  # who waits for one side holds up nobody else
        self._looked_s: float | None = None
        self._taken = 0
        self._next_s = dict.fromkeys(Side, 0.0)  # when the turn after the last one is due, on the loop's clock
        self._next_restart_s = 0.0
        self._restarts: deque[float] = deque()

    async def turn(self, *sides: Side, restart: bool = False, undoing: bool = False) -> None:
        """Wait until one more command may go out that disturbs these sides (both, when none is named).

        Undoing is paced and never held: a station left half changed is the
        greater harm.  Cancelling the wait leaves the line.
        """
        among = sides or tuple(Side)
        async with self._lines.setdefault((undoing, restart, *among), asyncio.Lock()):
            while True:
                wait_s = self._wait_s(among, restart=restart, undoing=undoing)
                if wait_s < A_MOMENT_S:
                    return self._take(among, restart=restart)
                await asyncio.sleep(min(wait_s, LOOK_EVERY_S))

    def stops(self, *sides: Side) -> str:
        """Why nothing may be begun on these sides now; empty while something may."""
        self._look()
        held = [side for side in sides or tuple(Side) if self._paces[side].hold is not None]
        return "; ".join(self._paces[side].sentence(side) for side in held)

    @property
    def slowed(self) -> Mapping[Side, str]:
        """The sentence for each backend that answers so slowly that it is not worked on at full pace; an unseen one is none."""
        self._look()
        full = self._limits.per_s
        held = {side: pace for side, pace in self._paces.items() if pace.hold is not Hold.BLIND}
        return {side: p.sentence(side) for side, p in held.items() if p.hold is not None or p.per_s < full}

    def _wait_s(self, sides: tuple[Side, ...], *, restart: bool, undoing: bool) -> float:
        """Real seconds until it is worth asking again; 0 is one's turn."""
        self._look()
        paces = [self._paces[side] for side in sides]
        if not undoing and any(pace.hold is not None for pace in paces):
            return LOOK_EVERY_S
        rooms = [pace.restarts for pace in paces if pace.restarts is not None]
        if restart and not undoing and rooms and self._restarting() >= min(rooms):
            return LOOK_EVERY_S
        is_full = all(pace.per_s >= self._limits.per_s for pace in paces)
        in_advance_s = self._real_s(1.0) if is_full else 0.0  # a second's worth may go at once
        due_s = [self._next_s[side] for side in sides] + ([self._next_restart_s] if restart else [])
        return max(max(due_s) - in_advance_s - _now_s(), 0.0)

    def _take(self, sides: tuple[Side, ...], *, restart: bool) -> None:
        self._taken += 1
        for side in sides:
            self._next_s[side] = max(self._next_s[side], _now_s()) + self._real_s(1.0 / self._paces[side].per_s)
        if restart:
            self._restarts.append(_now_s())
            between_s = self._real_s(1.0 / self._limits.restarts_per_s)
            self._next_restart_s = max(self._next_restart_s, _now_s()) + between_s

    def _restarting(self) -> int:
        since = _now_s() - self._real_s(RESTART_LASTS.total_seconds())
        while self._restarts and self._restarts[0] < since:
            self._restarts.popleft()
        return len(self._restarts)

    def _look(self) -> None:
        now_s = _now_s()
        passed_s = LOOK_EVERY_S if self._looked_s is None else now_s - self._looked_s
        if passed_s < LOOK_EVERY_S:
            return
        used_per_s, restarting = self._taken / passed_s * self._real_s(1.0), self._restarting()
        for side, before in self._paces.items():
            self._paces[side] = next_pace(
                before,
                self._witness.latency(side),
                sees=self._witness.sees(side),
                used_per_s=used_per_s,
                restarting=restarting,
                limits=self._limits,
            )
        self._looked_s, self._taken = now_s, 0

    def _real_s(self, campaign_s: float) -> float:
        return self._clock.real_s(timedelta(seconds=campaign_s))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
