"""One request on the wire, and what can go wrong with it, in the words of the station errors.

No redirect is followed, no certificate goes unverified, no cookie is kept, no
proxy of the environment is used, and no connection is used twice: a request
that was sent is never sent again behind the caller's back.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import aiohttp
from yarl import URL

from migrate.adapters.channels.http.filling import Request
from migrate.adapters.channels.http.picks import MAX_BYTES
from migrate.adapters.channels.http.reach import Base
from migrate.adapters.channels.http.turns import TooLate
from migrate.domain.errors import Impostor, Mismatch, SettingsProblem, StationError, Unreachable

_CONNECT_S = 10.0
_CHUNK = 32 * 1024
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's own numbers, x509_vfy.h: X509_V_ERR_CERT_HAS_EXPIRED and its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back.  Its body is a stranger's text and may echo a secret: it is picked from, never printed whole."""

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a request says who sends it."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = field(default=(), repr=False)


@dataclass(slots=True)
class _Going:
    """One request on its way out.  ``limit`` ends it while a connection is being opened, and never once it is out."""

    limit: asyncio.Timeout
    send_by: float | None
    is_out: bool = False

    def sets_out(self) -> None:
        """It may set out twice: digest asks for a question first."""
        self.limit.reschedule(self.send_by)

    def has_left(self) -> None:
        self.is_out = True
        self.limit.reschedule(None)


class Wire:
    """Sends requests.  Opens nothing before the first one."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca
        self._context: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None
        self._verified: set[str] = set()  # hosts whose certificate held once in this process

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self, base: Base, request: Request, sign: Sign, *, identity: str, timeout_s: float, send_by: float | None = None
    ) -> Reply:
        """One request and its whole reply; not sent at all where a connection opens only after ``send_by``, on the loop's clock.

        Raises ``TooLate`` then, ``Unreachable``, or ``Mismatch`` where asking again will not help.
        """
        going = _Going(asyncio.timeout_at(send_by), send_by)
        try:
            async with going.limit:
                return await self._exchange(base, request, sign, going, timeout_s=timeout_s)
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._distrusted(base, error, identity) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise _no_tls(base, identity, error) from error
        except (_BrokeOff, aiohttp.ClientError, TimeoutError, OSError) as error:
            if going.limit.expired():
                raise TooLate from error
            why = "did not answer in time" if isinstance(error, TimeoutError) else _plain(error)
            raise Unreachable(
                f"{identity}: {request.shown} at {base.url} {why}.", identity=identity, sent=going.is_out
            ) from error
        except _TooLarge as error:
            raise Mismatch(
                f"{identity}: {request.shown} at {base.url} answers with {error}.",
                identity=identity,
                hint="No interface of a station answers so: look at what stands at that address.",
            ) from error
        except (
            ValueError
        ) as error:  # the library takes a challenge for digest at its word, letters that are none included
            raise Mismatch(
                f"{identity}: {request.shown} at {base.url} is answered with a head that cannot be read.",
                identity=identity,
                hint="Look at what stands at that address, and at the realm of its login.",
            ) from error

    async def _exchange(self, base: Base, request: Request, sign: Sign, going: _Going, *, timeout_s: float) -> Reply:
        # URL texts are encoded already: aiohttp must not read them again
        url = URL(base.url + request.target, encoded=True)
        async with self._opened().request(
            request.method,
            url,
            headers={**request.headers, **sign.headers, "Accept": "application/json", "Accept-Encoding": "identity"},
            data=request.body,
            allow_redirects=False,
            ssl=self.trust() if base.url.startswith("https:") else True,
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(_CONNECT_S, timeout_s)),
            middlewares=(_only_once, *sign.middlewares, _in_time(going)),
            trace_request_ctx=going,
        ) as response:
            if base.url.startswith("https:"):
                self._verified.add(base.url)
            body = await _bounded(response)
            return Reply(status=response.status, retry_after=response.headers.get("Retry-After"), body=body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                trace_configs=[trace],
            )
        return self._session

    def trust(self) -> ssl.SSLContext:
        """What certificates are verified by.  Raises ``SettingsProblem`` where the campaign's own roots cannot be read."""
        if self._context is None:
            context = ssl.create_default_context()
            try:
                if self._ca is not None:
                    context.load_verify_locations(self._ca)
            except OSError as error:  # ssl.SSLError is one
                raise SettingsProblem(
                    f"The roots in {self._ca} cannot be read.", hint="[http] ca is a PEM file of root certificates."
                ) from error
            self._context = context
        return self._context

    def _distrusted(self, base: Base, error: aiohttp.ClientConnectorCertificateError, identity: str) -> StationError:
        """What a certificate that does not hold means: ours or theirs to mend, or somebody else in their place."""
        found = error.certificate_error
        code = found.verify_code if isinstance(found, ssl.SSLCertVerificationError) else 0
        said = f"{identity}: the certificate at {base.url} does not hold ({_reason(found)})."
        if code in (_EXPIRED, _NOT_YET):
            return Mismatch(said, identity=identity, hint="Look at its dates, and at this machine's clock.")
        if code in (_OTHER_NAME, _OTHER_ADDRESS) or base.url in self._verified:
            return Impostor(said, identity=identity, hint="Something else may answer there: nothing was sent to it.")
        return Mismatch(
            said, identity=identity, hint="Give the root that issued it as [http] ca, once you have seen it."
        )


class _BrokeOff(Exception):
    """The connection ended before there was a reply."""


async def _only_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a GET or PUT again when the connection breaks, a write included; what it does not recognise it leaves alone."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokeOff from error


class _TooLarge(Exception):
    """A reply that nobody reads to its end."""


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _TooLarge("a compressed body that nobody asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _TooLarge(f"more than {MAX_BYTES // 1024} KiB")
    return bytes(body)


def _in_time(going: _Going) -> aiohttp.ClientMiddlewareType:
    async def set_out(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        going.sets_out()
        return await handler(request)

    return set_out


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.has_left()


def _reason(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else "it names another host"


def _no_tls(base: Base, identity: str, error: aiohttp.ClientConnectorSSLError) -> Mismatch:
    reason = getattr(error.os_error, "reason", "") or "handshake failed"
    return Mismatch(
        f"{identity}: no TLS that is still considered safe can be agreed on with {base.url} ({reason}).",
        identity=identity,
        hint="Its TLS is too old, or no TLS at all is spoken there: reach it by a visit.",
    )


def _plain(error: Exception) -> str:
    """What broke, without the texts of the library: they hold addresses and headers."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "cannot be asked: its name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "cannot be asked: no connection"
    broke = (_BrokeOff, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
    return "broke off" if isinstance(error, broke) else "answered nonsense"
