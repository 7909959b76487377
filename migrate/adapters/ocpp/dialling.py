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
from migrate.adapters.ocpp.handshake import Reply, Upgrade
from migrate.adapters.ocpp.legs import UpstreamLeg
from migrate.adapters.ocpp.limits import Limits
from migrate.domain.address import Backend


class NoReply(Exception):
    """The CSMS took the connection and then did not answer the handshake."""


class Upstream:
    """One CSMS as the relay dials it."""

    def __init__(self, backend: Backend, limits: Limits, tls: ssl.SSLContext | None = None) -> None:
        self._backend, self._limits = backend, limits
        self._tls = (tls or ssl.create_default_context()) if backend.is_tls else None
        self._dials = asyncio.Semaphore(limits.max_dials)

    async def dial(self, upgrade: Upgrade) -> tuple[UpstreamLeg, Reply]:
        """Ask the CSMS for this station.

        Raises ``OSError`` or ``TimeoutError`` when nobody is there, ``NoReply``
        when somebody is and says nothing, ``BadHead`` when it talks nonsense.
        """
        async with self._dials:
            leg = await self._connect()
            try:
                leg.transport.write(handshake.write_upgrade(upgrade, self._backend))
                return leg, await self._reply(leg)
            except BaseException:  # whatever it was: the leg is not left open, and it is raised on
                leg.transport.abort()
                raise

    async def _connect(self) -> UpstreamLeg:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.dial_s):
            _, leg = await loop.create_connection(lambda: UpstreamLeg(loop), **self._where)
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
            transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, **self._where)
        transport.close()

    @property
    def _where(self) -> dict[str, Any]:
        return {"host": self._backend.host, "port": self._backend.effective_port, "ssl": self._tls}
