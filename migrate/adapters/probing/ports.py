"""Ports of this host that are to be listened on: who holds them already."""

from __future__ import annotations

import socket
from contextlib import closing


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
