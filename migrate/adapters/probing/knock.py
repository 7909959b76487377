"""A handshake under a station's identity, closed as soon as it is answered.

It is not harmless: to a CSMS the station is online for that moment, some close
an older connection of the same identity, some begin to ask the station things.
So it is made on order only, slowly, at the CSMS itself and not through the
relay (which would record an arrival), and never for a station that is there.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from urllib.parse import quote

from migrate.adapters.ocpp.handshake import END, MAX_HEAD_BYTES, BadHead, Reply, Upgrade, read_reply, write_upgrade
from migrate.domain.address import Backend
from migrate.domain.survey import Knock, Knocked

SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}
_CREDENTIALS = (401, 403)
_BAD_HANDSHAKE = (
    400  # what WebSocket servers answer where no subprotocol is shared; an unknown identity gets 404 or 412
)
_UNWELL = (429, 500)  # and above: the backend says nothing of the identity


class Knocker:
    """Knocks at one CSMS; ``tls`` is how the relay dials it."""

    def __init__(self, upstream: Backend, tls: ssl.SSLContext | None = None, *, within_s: float = 10.0) -> None:
        self._upstream = upstream
        self._tls = tls
        self._within_s = within_s

    async def knock(self, identity: str, dialect: str) -> Knock:
        """What the CSMS answers to a station of this identity that speaks this dialect."""
        offered = SUBPROTOCOLS.get(dialect, f"ocpp{dialect}")
        try:
            async with asyncio.timeout(self._within_s):
                reply = await self._answer(identity, offered)
        except (OSError, TimeoutError, EOFError, BadHead, asyncio.LimitOverrunError):
            return Knock(identity=identity, found=Knocked.SILENT, offered=offered)
        return Knock(identity=identity, found=_found(reply, offered), status=reply.status, offered=offered)

    async def _answer(self, identity: str, offered: str) -> Reply:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = Upgrade(quote(identity, safe=""), identity, key, {"sec-websocket-protocol": offered})
        reader, writer = await asyncio.open_connection(
            self._upstream.host, self._upstream.effective_port, ssl=self._tls, limit=MAX_HEAD_BYTES
        )
        try:
            writer.write(write_upgrade(upgrade, self._upstream))
            reply = read_reply((await reader.readuntil(END)).removesuffix(END))
            if reply.is_open:
                writer.write(_CLOSE)
                await writer.drain()
            return reply
        finally:
            writer.close()


_CLOSE = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])
"""A masked close frame with status 1000 (RFC 6455, 5.5.1): the station is seen to leave, not to break off."""


def _found(reply: Reply, offered: str) -> Knocked:
    if reply.is_open:
        return Knocked.KNOWN if reply.subprotocol == offered else Knocked.NO_DIALECT
    if reply.status == _BAD_HANDSHAKE:
        return Knocked.NO_DIALECT
    if reply.status in _CREDENTIALS:
        return Knocked.CREDENTIALS
    return Knocked.SILENT if reply.status == _UNWELL[0] or reply.status >= _UNWELL[1] else Knocked.UNKNOWN
