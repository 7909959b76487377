"""A backend's address, looked at without being taken for a station.

A plain GET of the base address, without an identity and without an upgrade:
any HTTP answer says that somebody is at home, and its ``Date`` what time it is
there.  A handshake is left to ``knock``, because a CSMS writes down who knocks.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from migrate.adapters.network_words import in_words
from migrate.adapters.ocpp.handshake import END, MAX_HEAD_BYTES, BadHead, read_reply
from migrate.adapters.probing import tls
from migrate.adapters.probing.certificates import Anchors
from migrate.domain.address import Backend
from migrate.domain.survey import Doorstep

WITHIN_S = 10.0
Now = Callable[[], datetime]


async def look(backend: Backend, anchors: Anchors, *, now: Now | None = None, within_s: float = WITHIN_S) -> Doorstep:
    """What is found at an address; whatever goes wrong is part of what was found."""
    sight = None
    try:
        if backend.is_tls:
            sight = await tls.look(backend.host, backend.effective_port, anchors, within_s=within_s)
        status, ahead = await _ask(backend, now or _now, within_s)
    except tls.NoTls as error:
        return Doorstep(backend=backend, failure=str(error))
    except (OSError, TimeoutError, EOFError, BadHead, asyncio.LimitOverrunError) as error:
        if sight is not None and isinstance(error, ssl.SSLError | EOFError | ConnectionResetError):
            return Doorstep(backend=backend, tls=sight)  # it wants a certificate of ours first: somebody is at home
        return Doorstep(backend=backend, failure=_why(error), tls=sight)
    return Doorstep(backend=backend, status=status, ahead=ahead, tls=sight)


async def _ask(backend: Backend, now: Now, within_s: float) -> tuple[int, timedelta | None]:
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection(
            backend.host, backend.effective_port, ssl=_trusting() if backend.is_tls else None, limit=MAX_HEAD_BYTES
        )
        try:
            begun = now()
            host = backend.origin.partition("://")[2]
            head = f"GET {backend.path or '/'} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("ascii"))
            reply = read_reply((await reader.readuntil(END)).removesuffix(END))
            return reply.status, _ahead(reply.headers.get("date", ""), begun, now())
        finally:
            writer.transport.abort()


def _ahead(date: str, begun: datetime, ended: datetime) -> timedelta | None:
    """How far its clock is ahead of ours; ``Date`` has whole seconds, and the answer was under way for a while."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    if theirs.tzinfo is None:
        return None
    ours = begun + (ended - begun) / 2
    return timedelta(seconds=round((theirs - ours).total_seconds()))


def _trusting() -> ssl.SSLContext:
    """Nothing secret is said over it; the chain has been looked at before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _why(error: BaseException) -> str:
    if isinstance(error, BadHead | asyncio.LimitOverrunError):
        return "what answers there speaks no HTTP"
    if isinstance(error, EOFError):
        return "it hangs up without an answer"
    return in_words(error)


def _now() -> datetime:
    return datetime.now(UTC)
