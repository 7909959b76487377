"""A simulated station's new firmware: loads it, proves it, installs it, and says what its maker lets it say.

It lives longer than a session and not longer than a power-up: a dropped socket
does not stop a download, a restart does.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from migrate.simulator.body import Body
from migrate.simulator.downloading import DownloadFailed, Order, Ways, download, protocol_of
from migrate.simulator.image import BadImage, Image, is_signed, read
from migrate.simulator.wirelog import Kind

WORK_S = 30.0  # between two words about new firmware
AGAIN_S = 20.0  # after a line that broke


class Loader:
    """One station's downloads, one at a time."""

    def __init__(self, station: Body) -> None:
        self._station = station
        self._work: asyncio.Task[None] | None = None
        self._has_broken = False

    @property
    def is_busy(self) -> bool:
        return self._work is not None and not self._work.done()

    def take(self, order: Order) -> None:
        """Begin; an earlier one is given up for it."""
        self.drop()
        self._work = self._station.world.watch(asyncio.create_task(self._load(order)))

    def drop(self) -> None:
        """Power is gone, or another order came: what was loaded is lost."""
        if self._work is not None and self._work is not asyncio.current_task():
            self._work.cancel()

    async def stop(self) -> None:
        self.drop()
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)

    async def _load(self, order: Order) -> None:
        try:
            image = await self._fetched(order)
        except (DownloadFailed, BadImage) as error:
            is_image = isinstance(error, BadImage)
            self._station.log(Kind.DOWNLOAD, status=str(error))
            await self._say("InstallationFailed" if is_image else "DownloadFailed", order)
            return
        if image is None:
            return
        await self._say("Installing", order)
        await self._pass(WORK_S)
        self._install(image)

    async def _fetched(self, order: Order) -> Image | None:
        """The image of a file that came whole; `None` where its signature does not hold, which was said."""
        await self._say("Downloading", order)
        data = await self._download(order.location)
        await self._say("Downloaded", order)
        await self._pass(WORK_S)
        if order.is_signed:
            if not is_signed(data, order.certificate, order.signature):
                await self._say("InvalidSignature", order)
                return None
            await self._say("SignatureVerified", order)
        spec = self._station.spec
        return read(data).over(spec.vendor, spec.firmware)

    async def _download(self, location: str) -> bytes:
        """All of the file, in as many tries as its maker allows; a maker who cannot resume begins anew."""
        station, data = self._station, bytearray()
        for attempt in range(max(station.ways.download_tries, 1)):
            if attempt:
                await self._pass(AGAIN_S)
                data = data if station.ways.resumes else bytearray()
            try:
                async for block in download(location, self._ways(), bytes(data)):
                    data += block
                break
            except DownloadFailed as error:
                is_last = attempt + 1 >= station.ways.download_tries
                if is_last or str(error) in ("protocol", "host"):
                    raise
                station.log(Kind.DOWNLOAD, status=str(error), value=str(len(data)))
        name = PurePosixPath(urlsplit(location).path).name  # the rest of a link is this station's alone to know
        station.log(Kind.DOWNLOAD, action=protocol_of(location), key=name, value=str(len(data)), status="whole")
        return bytes(data)

    def _ways(self) -> Ways:
        ways = self._station.ways
        breaks = 0 if self._has_broken else ways.line_breaks_after
        self._has_broken = True
        return Ways(protocols=ways.fetches, tls=self._station.world.firmware_tls, breaks_after=breaks)

    def _install(self, image: Image) -> None:
        station = self._station
        station.install(image.version)
        if not station.ways.says_installed:
            station.firmware_news = ""
        station.is_bricked = image.bricks
        if image.brings_keys:
            station.ways = station.ways.but({"has_backend_keys": True})
            station.flash.turn(station.fault, station.ways)
        if url := image.backend or image.factory:
            station.flash.bring(url)
            station.log(Kind.STORED, value=station.held)
        if station.session is not None:
            station.session.restart_at_once("Soft" if image.factory else "Hard")
        else:
            station.reconnect_anew()

    async def _say(self, word: str, order: Order) -> None:
        if self._station.ways.says_firmware and self._station.session is not None:
            await self._station.session.tell_firmware(word, order.request if order.is_signed else None)

    async def _pass(self, campaign_s: float) -> None:
        await asyncio.sleep(self._station.world.real_s(campaign_s))
