"""The processes that tests start: which of them are still there, and who listens for a campaign.

Every process inherits the mark of the session that started it, also one that
the program started by itself and in a session of its own; so nobody else's
is ever taken for ours, however many sessions run on the machine.  It looks
into /proc, as the program runs on Linux.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

MARK = "FLEET_MIGRATE_TESTS"
"""The variable that the mark of a session stands in."""

_LOOK_AGAIN_S = 0.05
_TO_BE_KILLED_S = 60.0
"""No process can refuse it, but a busy machine may take its time."""


@dataclass(frozen=True, slots=True)
class Process:
    """One that runs: its number, its words, and the test under which it was started."""

    pid: int
    words: tuple[str, ...]
    test: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it still runs; a number may have passed on to somebody else meanwhile."""
        return _words_of(self.pid) == self.words

    def send(self, number: signal.Signals) -> None:
        if self.is_there:
            with suppress(ProcessLookupError):  # it ended between the two
                os.kill(self.pid, number)

    def __str__(self) -> str:
        return f"process {self.pid}, started by {self.test or 'a fixture'}: {' '.join(self.words)}"


def mark_this_session() -> str:
    """Give this session a mark of its own, which everything that is started from now on inherits."""
    os.environ[MARK] = uuid4().hex
    return os.environ[MARK]


def marked(mark: str) -> list[Process]:
    """What was started with this mark and runs; this very process began without it."""
    return [
        Process(pid, words, environment.get("PYTEST_CURRENT_TEST", ""))
        for pid in _pids()
        if (environment := _environment_of(pid)).get(MARK) == mark and (words := _words_of(pid))
    ]


def listening_for(campaign: Path) -> list[Process]:
    """The listening processes of this very folder, whoever started them: numbers come back, names of folders do not."""
    ours = {"listen", str(campaign)}
    return [Process(pid, words) for pid in _pids() if ours <= set(words := _words_of(pid))]


def left_after(within_s: float, looked_for: Callable[[], list[Process]]) -> list[Process]:
    """Who is still there when those that were about to end have had their time."""
    deadline = time.monotonic() + within_s
    while (found := looked_for()) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)
    return found


def end(ours: list[Process], within_s: float) -> None:
    """Ask them to end, and end those that do not."""
    for one in ours:
        one.send(signal.SIGTERM)
    stubborn = left_after(within_s, lambda: [one for one in ours if one.is_there])
    for one in stubborn:
        one.send(signal.SIGKILL)
    left_after(_TO_BE_KILLED_S, lambda: [one for one in stubborn if one.is_there])


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _words_of(pid: int) -> tuple[str, ...]:
    """Nothing for one that has ended, also while nobody has taken note of its end."""
    return tuple(_read(pid, "cmdline"))


def _environment_of(pid: int) -> dict[str, str]:
    return dict(pair for line in _read(pid, "environ") if len(pair := line.split("=", 1)) == 2)


def _read(pid: int, what: str) -> list[str]:
    with suppress(OSError):  # it has just ended, or is somebody else's
        return [text.decode(errors="replace") for text in Path(f"/proc/{pid}/{what}").read_bytes().split(b"\0") if text]
    return []
