"""The way from the relay to the CSMS.

Dials the configured base with a station's own segment, within bounded time and
number, and leaves no socket behind when it fails.  It decides nothing about
what the failure means.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from migrate.adapters.ocpp import handshake
from migrate.adapters.ocpp.guests import Guest
from migrate.adapters.ocpp.handshake import Reply
from migrate.adapters.ocpp.legs import UpstreamLeg
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.tls import Contexts
from migrate.domain.address import Backend


class NoReply(Exception):
    """The CSMS took the connection and then did not answer the handshake."""


class Upstream:
    """One CSMS as the relay dials it."""

    def __init__(self, backend: Backend, limits: Limits, tls: Contexts) -> None:
        self._backend, self._limits, self._tls = backend, limits, tls
        self._dials = asyncio.Semaphore(limits.max_dials)

    async def dial(self, guest: Guest) -> tuple[UpstreamLeg, Reply]:
        """Ask the CSMS for this station, with the relay's own certificate where it has verified the station's.

        Raises ``OSError`` or ``TimeoutError`` when nobody is there, ``NoReply``
        when somebody is and says nothing, ``BadHead`` when it talks nonsense.
        """
        async with self._dials:
            leg = await self._connect(self._tls.vouching if guest.is_vouched_for else self._tls.upstream)
            try:
                leg.transport.write(handshake.write_upgrade(guest.upgrade, self._backend))
                return leg, await self._reply(leg)
            except BaseException:  # whatever it was: the leg is not left open, and it is raised on
                leg.transport.abort()
                raise

    async def _connect(self, tls: ssl.SSLContext) -> UpstreamLeg:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.dial_s):
            _, leg = await loop.create_connection(lambda: UpstreamLeg(loop), **self._where(tls))
        return leg

    async def _reply(self, leg: UpstreamLeg) -> Reply:
        if leg.reply is None:
            raise NoReply("asked twice")
        try:
            async with asyncio.timeout(self._limits.dial_s):
                reply = await leg.reply
        except (OSError, TimeoutError) as error:
            raise NoReply(type(error).__name__) from error
        leg.reply = None  # ten thousand of them would be remembered otherwise
        return reply

    async def probe(self) -> None:
        """Only whether somebody listens: a probe must not look like a station."""
        async with asyncio.timeout(self._limits.dial_s):
            where = self._where(self._tls.vouching)
            transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, **where)
        transport.close()

    def _where(self, tls: ssl.SSLContext) -> dict[str, Any]:
        address = {"host": self._backend.host, "port": self._backend.effective_port}
        return address | ({"ssl": tls} if self._backend.is_tls else {})
