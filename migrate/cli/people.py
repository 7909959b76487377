"""Who is at the keyboard."""

from __future__ import annotations

import getpass
import os
import socket


def who() -> str:
    """The name under which an order or a word is recorded; ``MIGRATE_USER`` where several share an account."""
    return os.environ.get("MIGRATE_USER") or f"{_login()}@{socket.gethostname()}"


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return f"uid-{os.getuid()}"
