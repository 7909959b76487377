"""Opens a station's socket; the only place where the simulated fleet reaches out.

Loopback only: an address that a campaign wrote by mistake must not make a
thousand simulated stations knock at somebody's real backend.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from migrate.simulator.armour import reason_of

OCPP16 = Subprotocol("ocpp1.6")
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0


class DialFailed(Exception):
    """Nobody took the call; `status` says why in a word (an HTTP status, or the kind of failure)."""

    def __init__(self, status: str) -> None:
        super().__init__(f"dial failed: {status}")
        self.status = status


async def dial(
    url: str,
    speaks: tuple[str, ...] = (OCPP16,),
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> ClientConnection:
    """A session with whatever answers there, in one of these subprotocols if it names any, or DialFailed."""
    secured: dict[str, Any] = {"ssl": tls} if tls else {}
    try:
        if not is_on_loopback(urlsplit(url).hostname or ""):
            raise DialFailed("not loopback")
        return await connect(
            url,
            subprotocols=[Subprotocol(one) for one in speaks],
            compression=None,
            user_agent_header=None,
            additional_headers=headers,
            **secured,
            proxy=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_queue=None,
        )
    except InvalidStatus as error:
        raise DialFailed(str(error.response.status_code)) from error
    except ssl.SSLError as error:
        raise DialFailed(reason_of(error)) from error
    except (OSError, TimeoutError, WebSocketException, ValueError) as error:
        raise DialFailed(type(error).__name__) from error


def is_on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
