"""The file ``listen.sock``: one owner, one process.

Takes it, names it and replaces what a dead process left.  What is said over it
is in ``lines``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from migrate.domain.errors import Locked


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for a socket that fits the kernel's 108 bytes, however deep the campaign folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def take(path: Path) -> int:
    """Hold the socket's lock for as long as this process lives; the kernel lets go of a dead one's."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Locked(f"Another process listens on {path}.", hint="Use it, or drain it first.") from error
    return lock


def bind(path: Path) -> socket.socket:
    """The socket, readable by its owner alone from its first moment; a dead process's file is replaced."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Locked(f"{path} is not a socket.", hint="Move it away.")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with reachable(path) as name:
            listening.bind(name)
    finally:
        os.umask(before)
    return listening
