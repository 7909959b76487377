"""TCP ports: those of this host that are to be listened on, and those of stations that are to be reached."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

BANNER = b"SSH-"
MAX_LINES = 20  # an SSH server may send lines before its banner (RFC 4253, 4.2)


def holder(host: str, port: int) -> str:
    """Why nobody could listen there, or nothing; port 0 is always free."""
    if port == 0:
        return ""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
            one.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return ""


async def why_unreached(host: str, port: int, *, is_ssh: bool = False, within_s: float = 5.0) -> str:
    """Why a station's port was not reached, or nothing.  Of SSH the banner is awaited, and nothing is said."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, port, limit=4096)
            try:
                return "" if not is_ssh or await _greets(reader) else "it answers, and not as SSH"
            finally:
                writer.transport.abort()
    except TimeoutError:
        return "no answer in time"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__


async def _greets(reader: asyncio.StreamReader) -> bool:
    for _ in range(MAX_LINES):
        line = await reader.readline()
        if line.startswith(BANNER):
            return True
        if not line:
            return False
    return False
