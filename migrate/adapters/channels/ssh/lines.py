"""The connections of a campaign: few threads, few lines, each kept for a short while for the next errand step.

A line costs two round trips for TCP and some five for SSH; a look, a write and
a look again would pay that three times.  So a line is kept for a while after
its last use.  There are never more than twice as many as threads, whatever the
size of the fleet: who waited longest unused is closed first.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from migrate.adapters.channels.ssh.known_hosts import KnownHosts
from migrate.adapters.channels.ssh.line import BROKEN, Line, Locked, Silent, open_line
from migrate.adapters.channels.ssh.login import Login

T = TypeVar("T")

BROKEN_OR_SILENT = (*BROKEN, Silent)

KEPT_S = 60.0
"""How long a line is kept after its last use (real seconds)."""

COMING_IN_S = 60.0
"""All the steps of coming in together, with a jump host between (real seconds)."""


class GivenUp(Exception):
    """Whoever wanted it sent does not any more, or it would have gone out too late; nothing was sent."""


@dataclass(slots=True)
class Turn:
    """One piece of work at one station, from the moment it is asked for.

    ``send_by`` is when its command must be on the wire (on the monotonic
    clock); later it is not sent at all.  ``sent`` tells a command that went out
    from one that did not.
    """

    send_by: float | None = None
    sent: bool = False
    line: Line | None = None
    _is_given_up: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before_sending(self) -> None:
        """The last look before a command goes out."""
        with self._lock:
            if self._is_given_up:
                raise GivenUp("was given up before it was sent")
            if self.send_by is not None and time.monotonic() > self.send_by:
                raise GivenUp("was not sent: coming in took too long")
            self.sent = True

    def take(self, line: Line) -> None:
        """The line is there; a turn that was given up meanwhile does not begin."""
        with self._lock:
            self.line = line
            if self._is_given_up:
                raise GivenUp("was given up before it was sent")

    def give_up(self) -> Line | None:
        """Send nothing any more; the line that it is on, to be closed under whoever waits for an answer."""
        with self._lock:
            self._is_given_up = True
            return self.line


class Lines:
    """Work at stations, so much at once, each over a line of its own."""

    def __init__(self, threads: int, known: KnownHosts) -> None:
        self._known = known
        self._most = 2 * threads
        self._looks = ThreadPoolExecutor(threads, thread_name_prefix="ssh-look")
        self._effects = ThreadPoolExecutor(max(1, threads // 2), thread_name_prefix="ssh-effect")
        self._reaper: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[Login, tuple[Line, float]] = OrderedDict()
        self._jumps: dict[Login, Line] = {}
        self._silent_jumps: dict[Login, tuple[float, str]] = {}  # when each was last tried in vain, and why
        self._jumping = threading.Lock()
        self._refused: dict[Login, str] = {}
        self._is_closed = False

    async def work(self, login: Login, task: Callable[[Line], T], turn: Turn, *, within_s: float) -> T:
        """Run one blocking task over a line to this host, in a thread.

        Raises ``TimeoutError`` where it took longer than ``within_s`` after
        coming in, and whatever the task and ``open_line`` raise.  Cancelling
        gives up the answer: what was not sent by then is never sent.
        """
        loop = asyncio.get_running_loop()
        pool = self._looks if turn.send_by is None else self._effects  # an effect waits behind no look
        try:
            async with asyncio.timeout(COMING_IN_S + within_s):
                return await loop.run_in_executor(pool, partial(self._do, login, task, turn))
        except (TimeoutError, asyncio.CancelledError):
            if (line := turn.give_up()) is not None:
                loop.run_in_executor(None, line.close)  # closing waits for the line's own thread
            raise
        finally:
            if self._reaper is None:
                self._reaper = loop.call_later(KEPT_S, self._reap, loop)

    def _reap(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what was kept long enough, also where no other work comes along."""
        self._reaper = None
        with self._lock:
            old = self._too_old()
            if self._kept:
                self._reaper = loop.call_later(KEPT_S, self._reap, loop)
        for line in old:
            loop.run_in_executor(None, line.close)

    async def close(self) -> None:
        """Close every line; work that is under way breaks."""
        if self._reaper is not None:
            self._reaper.cancel()
        with self._lock:
            self._is_closed = True
            lines = [line for line, _ in self._kept.values()]
            self._kept.clear()
        await asyncio.to_thread(_close_all, (*lines, *self._jumps.values()))
        for pool in (self._looks, self._effects):
            pool.shutdown(wait=False, cancel_futures=True)

    # ── in a thread ────────────────────────────────────────────────────────

    def _do(self, login: Login, task: Callable[[Line], T], turn: Turn) -> T:
        if (kept := self._taken(login)) is not None:
            try:
                return self._over(kept, login, task, turn)
            except Silent:  # a line that looked alive and was not: the station has restarted meanwhile
                if turn.sent:
                    raise
        return self._over(self._new_line(login), login, task, turn)

    def _over(self, line: Line, login: Login, task: Callable[[Line], T], turn: Turn) -> T:
        try:
            turn.take(line)  # one that is given up by now leaves the line to the next
            return task(line)
        except BROKEN_OR_SILENT:
            line.close()
            raise
        finally:
            turn.line = None
            self._keep(login, line)

    def _new_line(self, login: Login) -> Line:
        self._judge(login)
        if login.jump is None:
            return self._opened(login)
        through = self._jump_to(login.jump)
        try:
            return self._opened(login, through)
        except Silent:
            if not through.answers():  # it looked alive and was not: the next station gets a new one
                through.close()
            raise

    def _judge(self, login: Login) -> None:
        """A credential that was refused is not offered again: a fleet would offer it a thousand times."""
        if login in self._refused:
            raise Locked(self._refused[login])

    def _opened(self, login: Login, through: Line | None = None) -> Line:
        try:
            return open_line(login, self._known, through)
        except Locked as error:
            self._refused[login] = f"{error}, and was not tried again"
            raise

    def _taken(self, login: Login) -> Line | None:
        with self._lock:
            line, _ = self._kept.pop(login, (None, 0.0))
        return line if line is not None and line.is_up else None

    def _keep(self, login: Login, line: Line) -> None:
        """Keep it for the next step, and close who was kept too long, or longest where there are too many."""
        closed = []
        with self._lock:
            if self._is_closed:
                closed.append(line)
            elif line.is_up:
                if login in self._kept:
                    closed.append(self._kept.pop(login)[0])
                self._kept[login] = (line, time.monotonic())
            closed += self._too_old()
        _close_all(closed)

    def _too_old(self) -> list[Line]:
        """Take out who was kept too long, or longest where there are too many; for a holder of the lock."""
        closed, since = [], time.monotonic() - KEPT_S
        while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[1] < since):
            closed.append(self._kept.popitem(last=False)[1][0])
        return closed

    def _jump_to(self, login: Login) -> Line:
        """The line to the jump host, one for everybody behind it.

        Who waited while somebody else tried in vain does not try again: one
        silent router would hold every thread, and with them who is not behind it.
        """
        asked_at = time.monotonic()
        with self._jumping:
            line = self._jumps.get(login)
            if line is not None and line.is_up:
                return line
            failed_at, why = self._silent_jumps.get(login, (0.0, ""))
            if failed_at >= asked_at:
                raise Silent(why)
            try:
                self._judge(login)
                line = self._jumps[login] = self._opened(login)
            except Locked as error:
                raise Locked(f"is not reached: its jump host {login.host} {error}") from error
            except Silent as error:
                why = f"is not reached: its jump host {login.host} {error}"
                self._silent_jumps[login] = (time.monotonic(), why)
                raise Silent(why) from error
            return line


def _close_all(lines: Iterable[Line]) -> None:
    for line in lines:
        line.close()
