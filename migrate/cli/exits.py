"""Exit codes, as users' scripts rely on them (docs/cli.md), and which error earns which."""

from __future__ import annotations

from enum import IntEnum

from migrate.domain.errors import (
    CsmsUnavailable,
    GateClosed,
    InputProblem,
    JournalError,
    Locked,
    MigrateError,
    NotAllowed,
    Stale,
    StationError,
)


class Exit(IntEnum):
    """What a script can tell from the number alone."""

    OK = 0
    SOME_FAILED = 1  # finished, some stations failed or reverted
    PENDING = 2  # changes pending
    STOPPED = 3  # gate shut, paused or halted
    NOT_ALLOWED = 4
    SOME_LOST = 5  # finished, some stations lost or stuck
    USAGE = 64
    BAD_DATA = 65
    UNAVAILABLE = 69
    BUG = 70
    IO = 74
    LOCKED = 75
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[BaseException], Exit], ...] = (
    (NotAllowed, Exit.NOT_ALLOWED),
    (GateClosed, Exit.STOPPED),
    (CsmsUnavailable, Exit.UNAVAILABLE),
    (JournalError, Exit.IO),
    (Locked, Exit.LOCKED),
    (Stale, Exit.LOCKED),
    (InputProblem, Exit.BAD_DATA),
    (StationError, Exit.SOME_FAILED),
    (MigrateError, Exit.BUG),
    (OSError, Exit.IO),
)


def exit_for(error: BaseException) -> Exit:
    """The exit code that an error earns; what nobody foresaw is a bug."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.BUG)
