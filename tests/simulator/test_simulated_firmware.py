"""Simulated stations load real files over real sockets, judge what they got, and become what is in it."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from migrate.simulator.image import BadImage, Image, made, read
from migrate.simulator.station import State
from migrate.simulator.wirelog import Kind, Side

WHOLE = ["Downloading", "Downloaded", "Installing", "Installed"]
VENDOR = "Pionix"


@dataclass
class Host:
    """A server that answers ranges, and remembers which were asked for."""

    data: bytes
    url: str = ""
    ranges: list[str] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.Response:
        self.ranges.append(asked := request.headers.get("Range", ""))
        found = re.fullmatch(r"bytes=(\d+)-", asked)
        begin = int(found[1]) if found else 0
        return web.Response(status=206 if found else 200, body=self.data[begin:])


@asynccontextmanager
async def a_host(data: bytes) -> AsyncIterator[Host]:
    host = Host(data)
    runner = web.ServerRunner(web.Server(host.serve))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}/a/b/SIM-1/new-9.9.bin"
    try:
        yield host
    finally:
        await runner.cleanup()


def image(**more: Any) -> bytes:
    return made(Image(**({"vendor": VENDOR, "version": "9.9"} | more)), size=40_000)


async def loads(field: Any, station_of: Any, location: str, **ways: Any) -> Any:
    """A station that was told to load this, and its eyes."""
    one = station_of("everest", vendor=VENDOR, ways={"flashing": "loads"} | ways)
    there = await field([one], speed=200.0)
    frame = await there.source.call("SIM-1", "UpdateFirmware", {"location": location, "retrieveDate": "2026-01-01"})
    assert frame[0] == 3, frame
    return there


def words(there: Any) -> list[str]:
    return [event.status for event in there.log(Kind.FIRMWARE)]


def firmware(there: Any) -> str:
    return str(there.fleet.stations["SIM-1"].spec.firmware)


@pytest.mark.story
async def test_an_image_that_came_whole_is_what_the_station_boots_with(field: Any, station_of: Any) -> None:
    async with a_host(image()) as host:
        there = await loads(field, station_of, host.url)
        await there.until(lambda: words(there) == WHOLE)

    loaded = there.log(Kind.DOWNLOAD)
    assert firmware(there) == "9.9"
    assert [(e.action, e.key, e.value, e.status) for e in loaded] == [
        ("http", "new-9.9.bin", str(len(host.data)), "whole")
    ]
    assert there.source.boots["SIM-1"] == 2


@pytest.mark.story
@pytest.mark.parametrize(
    ("data", "last", "why"),
    [
        (image(vendor="Somebody"), "InstallationFailed", "for Somebody"),
        (image(needs=("1.2.3",)), "InstallationFailed", "needs 1.2.3"),
        (image()[:-100], "InstallationFailed", "damaged"),
        (image().replace(b'"9.9"', b'"9.8"')[:-1] + b"?", "InstallationFailed", "damaged"),
        (b"<html>not found</html>", "InstallationFailed", "no image"),
    ],
    ids=["another maker's", "a step left out", "cut short", "changed on its way", "a page"],
)
async def test_what_is_no_image_for_it_is_refused_and_it_stays_as_it_was(
    field: Any, station_of: Any, data: bytes, last: str, why: str
) -> None:
    async with a_host(data) as host:
        there = await loads(field, station_of, host.url)
        before = firmware(there)
        await there.until(lambda: words(there)[-1:] == [last])

    assert [e.status for e in there.log(Kind.DOWNLOAD)][-1] == why
    assert (firmware(there), there.source.boots["SIM-1"]) == (before, 1)


@pytest.mark.story
@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1:1/x.bin", "http://files.example/x.bin", "http://127.0.0.1:1/x", "x"]
)
async def test_what_cannot_be_fetched_is_a_failed_download(field: Any, station_of: Any, location: str) -> None:
    there = await loads(field, station_of, location, fetches=["http"])

    await there.until(lambda: words(there) == ["Downloading", "DownloadFailed"])


@pytest.mark.story
@pytest.mark.parametrize(("resumes", "begins"), [(True, "bytes="), (False, "")])
async def test_a_line_that_breaks_is_resumed_by_those_who_can(
    field: Any, station_of: Any, resumes: bool, begins: str
) -> None:
    async with a_host(image()) as host:
        there = await loads(field, station_of, host.url, line_breaks_after=20_000, resumes=resumes)
        await there.until(lambda: words(there) == WHOLE)

    assert len(host.ranges) == 2
    assert host.ranges[1].startswith(begins)
    assert bool(host.ranges[1]) is resumes
    assert firmware(there) == "9.9"


@pytest.mark.story
async def test_some_say_nothing_and_are_new_all_the_same(field: Any, station_of: Any) -> None:
    async with a_host(image()) as host:
        there = await loads(field, station_of, host.url, says_firmware=False, says_installed=False)
        await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert words(there) == []
    assert firmware(there) == "9.9"


@pytest.mark.story
async def test_an_image_may_hold_the_new_backend(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", vendor=VENDOR, ways={"flashing": "loads"})], speed=200.0)
    async with a_host(image(backend=there.target.url)) as host:
        await there.source.call("SIM-1", "UpdateFirmware", {"location": host.url, "retrieveDate": "2026-01-01"})
        await there.until_side(Side.TARGET)

    assert there.fleet.stations["SIM-1"].held == there.target.url


@pytest.mark.story
async def test_an_image_that_puts_back_the_makers_address_is_lived_by_from_the_next_hard_restart_on(
    field: Any, station_of: Any
) -> None:
    one = station_of("alfen5", vendor=VENDOR, ways={"flashing": "loads"})
    there = await field([one], speed=200.0)
    async with a_host(image(factory="ws://127.0.0.1:9/factory")) as host:
        await there.source.call("SIM-1", "UpdateFirmware", {"location": host.url, "retrieveDate": "2026-01-01"})
        await there.until(lambda: there.source.boots["SIM-1"] == 2)
        shown = await there.show("BackOffice-URL-wired")
        await there.reset()
        await there.until(lambda: there.fleet.stations["SIM-1"].state is State.DIALLING)

    assert shown == {"BackOffice-URL-wired": "ws://127.0.0.1:9"}
    assert there.fleet.stations["SIM-1"].held == "ws://127.0.0.1:9/factory"


@pytest.mark.story
async def test_an_image_that_bricks_is_the_end_of_the_station(field: Any, station_of: Any) -> None:
    async with a_host(image(bricks=True)) as host:
        there = await loads(field, station_of, host.url)
        await there.until(lambda: there.fleet.stations["SIM-1"].state is State.GONE)

    assert there.source.boots["SIM-1"] == 1


def a_maker() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "maker")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.story
@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (False, ["Downloading", "Downloaded", "SignatureVerified", "Installing"]),
        (True, ["Downloading", "Downloaded", "InvalidSignature"]),
    ],
)
async def test_a_signed_image_is_proven_with_the_makers_certificate(
    field: Any, station_of: Any, spoilt: bool, told: list[str]
) -> None:
    key, certificate = a_maker()
    data = image()
    signature = base64.b64encode(key.sign(data + b"!" * spoilt, ec.ECDSA(hashes.SHA256()))).decode()
    there = await field([station_of("everest", vendor=VENDOR, ways={"flashing": "loads"})], speed=200.0)
    async with a_host(data) as host:
        frame = await there.source.call(
            "SIM-1",
            "SignedUpdateFirmware",
            {
                "requestId": 5,
                "firmware": {
                    "location": host.url,
                    "retrieveDateTime": "2026-01-01T00:00:00Z",
                    "signingCertificate": certificate,
                    "signature": signature,
                },
            },
        )
        await there.until(lambda: words(there)[: len(told)] == told)

    assert frame[2] == {"status": "Accepted"}


def test_no_bytes_from_outside_break_the_reading_of_an_image() -> None:
    for data in (b"", b"SIMFW1\n", b"SIMFW1\n[]\nx", b"SIMFW1\n{}\n", image()[7:]):
        with pytest.raises(BadImage):
            read(data)


@pytest.mark.story
async def test_an_order_that_comes_while_another_is_under_way_takes_its_place(field: Any, station_of: Any) -> None:
    async with a_host(image()) as host:
        there = await loads(field, station_of, host.url)
        frame = await there.source.call("SIM-1", "UpdateFirmware", {"location": host.url, "retrieveDate": "2026-01-01"})
        await there.until(lambda: firmware(there) == "9.9")
        await asyncio.sleep(0)

    assert frame[0] == 3
    assert there.source.boots["SIM-1"] <= 2
