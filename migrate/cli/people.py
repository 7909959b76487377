"""Who is at the keyboard, and what they confirm."""

from __future__ import annotations

import getpass
import os
import socket


def who() -> str:
    """The name under which an order or a word is recorded; ``MIGRATE_USER`` where several share an account."""
    return os.environ.get("MIGRATE_USER") or f"{getpass.getuser()}@{socket.gethostname()}"
