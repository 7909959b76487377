"""The file servers of a campaign, as ``migrate listen`` opens and closes them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from migrate.adapters.files.budget import Budgets
from migrate.adapters.files.desk import Desk
from migrate.adapters.files.fetched import Fetched, Word
from migrate.adapters.files.ftp import FtpFiles
from migrate.adapters.files.links import Links
from migrate.adapters.files.store import Shelf
from migrate.adapters.files.web import WebFiles
from migrate.domain.errors import SettingsProblem

LOOK_EVERY_S = 5.0

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where firmware lies, where it is served, and how fast."""

    store: Path
    rate_bytes_per_s: int
    key: bytes = field(repr=False)  # under which links are sealed
    web: Address | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    ftp: Address | None = None
    ftp_url: str = ""
    ftp_ports: range | None = None


class FileServer:
    """Everything that serves firmware in one process; ``tell`` takes what stations have fetched, and never waits."""

    def __init__(self, terms: Terms, tell: Callable[[Word], None]) -> None:
        now = asyncio.get_running_loop().time
        self._terms = terms
        self._fetched = Fetched(tell, now)
        self.shelf = Shelf(terms.store)
        self._desk = Desk(self.shelf, Links(terms.key), Budgets(terms.rate_bytes_per_s, now), self._fetched)
        self._looking: asyncio.Task[None] | None = None
        self._tls = _tls(terms)
        self.web = WebFiles(self._desk, terms.web, self._tls) if terms.web else None
        self.ftp = self._ftp(terms) if terms.ftp else None

    def _ftp(self, terms: Terms) -> FtpFiles:
        host = urlsplit(terms.ftp_url).hostname or ""
        assert terms.ftp is not None
        now = asyncio.get_running_loop().time
        return FtpFiles(self._desk, terms.ftp, now, seen_as=host, data_ports=terms.ftp_ports)

    async def start(self) -> tuple[str, ...]:
        """Listen; what is wrong with the store, in sentences.  Raises ``SettingsProblem`` when a port cannot be had.

        A bad file is served to nobody, and keeps no good one from being
        served: the same process holds the stations' sockets.
        """
        await asyncio.to_thread(self.shelf.refresh)
        if self.web and self._terms.web:
            await _listen(self.web.start(), "firmware.listen", self._terms.web)
        if self.ftp and self._terms.ftp:
            await _listen(self.ftp.open(), "firmware.ftp_listen", self._terms.ftp)
        self._looking = asyncio.create_task(self._look())
        return self.shelf.problems

    def read_anew(self) -> bool:
        """Show a renewed certificate to whoever connects from now on; false where there is none.

        Raises ``SettingsProblem`` where it cannot be used: the old one stays.
        """
        if self._tls is None or self._terms.certificate is None:
            return False
        _tls(self._terms)  # alone first: half of a new pair would leave neither
        self._tls.load_cert_chain(self._terms.certificate, self._terms.certificate_key)
        return True

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._fetched.look()
            if self.ftp:
                self.ftp.look()

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            if self.web:
                await self.web.stop()
            if self.ftp:
                await self.ftp.stop()

    def stats(self) -> dict[str, Any]:
        return self._desk.stats()


async def _listen(opening: Any, key: str, address: Address) -> None:
    try:
        await opening
    except OSError as error:
        raise SettingsProblem(
            f"{key} cannot be had: {address[0]}:{address[1]} ({error.strerror or error}).",
            hint="Another process may hold the port; see docs/firmware.md.",
        ) from error


def _tls(terms: Terms) -> ssl.SSLContext | None:
    """What makes the web server speak TLS.  Raises ``SettingsProblem`` when its files cannot be used."""
    if terms.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(terms.certificate, terms.certificate_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsProblem(
            f"firmware.certificate and firmware.key cannot be used: {error.strerror or error}.",
            hint="They must be PEM, belong together, and the key must have no passphrase.",
        ) from error
    return context
