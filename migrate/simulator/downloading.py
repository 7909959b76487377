"""How a simulated station fetches a file: over HTTP, HTTPS or FTP, with a client of its own, on loopback only.

A line may break after so many bytes; what was fetched before stays, and a
station that can resumes from there.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import aioftp
import aiohttp

from migrate.simulator.dialling import is_on_loopback

CONNECT_S = 20.0
READ_S = 60.0
BLOCK = 4096
WELL_KNOWN = {"http": 80, "https": 443, "ftp": 21}


class DownloadFailed(Exception):
    """The file did not come; `args[0]` says why in a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a station was told to load."""

    location: str
    certificate: str = ""
    signature: str = ""
    request: int | None = None  # of an order that has a number

    @property
    def is_signed(self) -> bool:
        return bool(self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a family downloads."""

    protocols: Collection[str]
    tls: ssl.SSLContext | None = None
    breaks_after: int = 0  # bytes after which the line breaks; 0: never


def protocol_of(location: str) -> str:
    return location.partition(":")[0].lower()


async def download(location: str, ways: Ways, have: bytes = b"") -> AsyncGenerator[bytes, None]:
    """The bytes of a file from where `have` ends; DownloadFailed when they do not come."""
    parts = urlsplit(location)
    if parts.scheme not in ways.protocols or parts.scheme not in WELL_KNOWN:
        raise DownloadFailed("protocol")
    if not parts.hostname or not is_on_loopback(parts.hostname):
        raise DownloadFailed("host")
    source = _by_ftp(parts, len(have)) if parts.scheme == "ftp" else _by_http(location, len(have), ways.tls)
    count = 0
    try:
        async for block in source:
            count += len(block)
            if ways.breaks_after and count >= ways.breaks_after:
                raise DownloadFailed("broken")
            yield block
    except (OSError, TimeoutError, aiohttp.ClientError, aioftp.AIOFTPException, ValueError) as error:
        raise DownloadFailed(type(error).__name__) from error
    finally:
        await source.aclose()


async def _by_http(location: str, begin: int, tls: ssl.SSLContext | None) -> AsyncGenerator[bytes, None]:
    headers = {"Range": f"bytes={begin}-"} if begin else {}
    patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_S)
    async with (
        aiohttp.ClientSession(timeout=patience) as client,
        client.get(location, headers=headers, ssl=tls or True, allow_redirects=False) as answer,
    ):
        if answer.status != (206 if begin else 200):
            raise DownloadFailed(f"HTTP {answer.status}")
        async for block in answer.content.iter_chunked(BLOCK):
            yield block


async def _by_ftp(parts: SplitResult, begin: int) -> AsyncGenerator[bytes, None]:
    client = aioftp.Client(socket_timeout=READ_S, connection_timeout=CONNECT_S)
    try:
        await client.connect(parts.hostname or "", parts.port or WELL_KNOWN["ftp"])
        await client.login()
        async with client.download_stream(unquote(parts.path), offset=begin) as stream:
            async for block in stream.iter_by_block(BLOCK):
                yield block
    finally:
        client.close()
