"""Firmware over HTTP and HTTPS as stations fetch it: whole, in ranges, after a broken line, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from migrate.adapters.files.budget import Budgets
from migrate.adapters.files.desk import Desk
from migrate.adapters.files.fetched import Fetched, How
from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.files.serving import FileServer, Terms
from migrate.adapters.files.store import Shelf
from migrate.adapters.files.web import Stretch, Unsatisfiable, WebFiles, stretch_of
from migrate.domain.errors import SettingsProblem
from tests.adapters.files.conftest import HOST, KEY, Opener, listed, write_list

IMAGE = random.Random(7).randbytes(40_000)


@pytest.mark.parametrize(
    ("asked", "stretch"),
    [
        ("", None),
        ("bytes=0-", Stretch(0, 100)),
        ("bytes=10-19", Stretch(10, 20)),
        ("bytes=90-500", Stretch(90, 100)),
        ("bytes=-10", Stretch(90, 100)),
        ("bytes=-500", Stretch(0, 100)),
        ("Bytes = 5 - 6", Stretch(5, 7)),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("lines=1-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 40 + "-", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(asked: str, stretch: Stretch | None) -> None:
    assert stretch_of(asked, 100) == stretch


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_of_the_file_cannot_be_satisfied(asked: str) -> None:
    with pytest.raises(Unsatisfiable):
        stretch_of(asked, 100)


async def fetched(url: str, method: str = "GET", **more: Any) -> tuple[int, dict[str, str], bytes]:
    async with aiohttp.ClientSession() as client, client.request(method, url, **more) as answer:
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read()


async def test_a_station_loads_its_file_whole_and_it_is_known_when_it_began_and_that_it_is_whole(
    depot: Opener, tmp_path: Path
) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        status, headers, body = await fetched(there.url("acme.bin", "AC 1/ä"))

    assert (status, body) == (200, IMAGE)
    assert headers["accept-ranges"] == "bytes"
    assert [(w.identity, w.how, w.loaded_bytes) for w in there.words] == [
        ("AC 1/ä", How.BEGUN, 0),
        ("AC 1/ä", How.WHOLE, len(IMAGE)),
    ]


async def test_a_file_in_forty_ranges_is_one_story_and_the_same_bytes(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        parts = []
        for at in range(0, len(IMAGE), 1000):
            status, headers, body = await fetched(there.url("acme.bin"), headers={"Range": f"bytes={at}-{at + 999}"})
            parts.append((status, headers["content-range"], body))

    assert b"".join(body for _, _, body in parts) == IMAGE
    assert {status for status, _, _ in parts} == {206}
    assert parts[-1][1] == "bytes 39000-39999/40000"
    assert [w.how for w in there.words] == [How.BEGUN, How.WHOLE]


async def test_a_range_that_was_asked_of_another_file_brings_the_whole_new_one(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        url = there.url("acme.bin")
        _, headers, _ = await fetched(url, "HEAD")
        same = await fetched(url, headers={"Range": "bytes=5-", "If-Range": headers["etag"]})
        other = await fetched(url, headers={"Range": "bytes=5-", "If-Range": '"another"'})
        dated = await fetched(url, headers={"Range": "bytes=5-", "If-Range": "Fri, 20 Nov 2026 01:00:00 GMT"})

    assert [(status, len(body)) for status, _, body in (same, other, dated)] == [
        (206, 39_995),
        (200, 40_000),
        (200, 40_000),
    ]


async def test_who_asks_for_the_head_alone_is_told_the_size_and_sent_no_byte(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        status, headers, body = await fetched(there.url("acme.bin"), "HEAD")

    assert (status, headers["content-length"], body) == (200, "40000", b"")


async def test_a_range_is_one_of_bytes_that_are_sent_and_the_head_alone_has_none(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        status, headers, _ = await fetched(there.url("acme.bin"), "HEAD", headers={"Range": "bytes=0-9"})

    assert (status, headers["content-length"]) == (200, str(len(IMAGE)))


async def test_a_place_behind_the_end_is_answered_with_the_size(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        status, headers, _ = await fetched(there.url("acme.bin"), headers={"Range": "bytes=40000-"})

    assert (status, headers["content-range"]) == (416, "bytes */40000")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
async def test_nothing_but_reading_is_known(depot: Opener, tmp_path: Path, method: str) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        status, headers, _ = await fetched(there.url("acme.bin"), method)

    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert not there.words


async def raw(port: int, target: str) -> bytes:
    """One request with a target that no client library would send."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/firmware.toml",
        "/../firmware.toml",
        "/%2e%2e/firmware.toml",
        "//etc/passwd",
        "/acme.bin",
        "/a/b/c/acme.bin",
    ],
)
async def test_nothing_is_listed_and_nothing_beside_a_link_is_found(depot: Opener, tmp_path: Path, target: str) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        answer = await raw(there.server.web.port, target)

    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert IMAGE[:20] not in answer
    assert b"sha256" not in answer


async def test_a_file_that_is_not_what_its_list_says_is_not_found(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        (tmp_path / "acme.bin").write_bytes(IMAGE[::-1])
        status, _, _ = await fetched(there.url("acme.bin"))

    assert status == 404


def write_into(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: write_into(path, len(IMAGE) // 2, IMAGE[: len(IMAGE) // 2]), id="written into"),
        pytest.param(lambda path: os.truncate(path, 10_000), id="cut short"),
    ],
)
async def test_a_file_that_is_written_to_while_a_station_loads_it_reaches_nobody_half_old_and_half_new(
    depot: Opener, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE), rate=20_000) as there:
        reader, writer = await asyncio.open_connection(HOST, there.server.web.port)
        writer.write(f"GET {there.path('acme.bin')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        first = await reader.readexactly(1)
        spoil(tmp_path / "acme.bin")
        async with asyncio.timeout(60):
            body = first + await reader.read()
        writer.close()

    assert len(body) < len(IMAGE)
    assert IMAGE.startswith(body)
    assert How.WHOLE not in [word.how for word in there.words]


async def test_a_file_that_is_replaced_while_a_station_loads_it_comes_to_its_end_as_it_was(
    depot: Opener, tmp_path: Path
) -> None:
    async with (
        depot(listed(tmp_path, "acme.bin", IMAGE), rate=40_000) as there,
        aiohttp.ClientSession() as client,
        client.get(there.url("acme.bin")) as answer,
    ):
        first = await answer.content.readexactly(1)
        (tmp_path / "new.bin").write_bytes(IMAGE[::-1])
        (tmp_path / "new.bin").replace(tmp_path / "acme.bin")
        body = first + await answer.read()

    assert body == IMAGE


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=40000000-"}], ids=["its size", "what is behind its end"])
async def test_who_asks_for_no_byte_has_begun_nothing(depot: Opener, tmp_path: Path, asked: dict[str, str]) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there, aiohttp.ClientSession() as client:
        await (await client.request("GET" if asked else "HEAD", there.url("acme.bin"), headers=asked)).read()

    assert there.words == []


async def test_a_request_that_cannot_be_read_puts_no_link_into_the_log(
    depot: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        reader, writer = await asyncio.open_connection(HOST, there.server.web.port)
        writer.write(f"GET {there.path('acme.bin')}\x01 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(30):
            said = await reader.read()
        writer.close()

    assert b" 400 " in said
    assert caplog.records == []


async def test_a_line_that_breaks_half_way_is_told_and_resumed_by_range(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE), rate=60_000) as there:
        async with aiohttp.ClientSession() as client, client.get(there.url("acme.bin")) as answer:
            head = await answer.content.readexactly(10_000)
        rest = await fetched(there.url("acme.bin"), headers={"Range": "bytes=10000-"})

    assert head + rest[2] == IMAGE
    assert [w.how for w in there.words] == [How.BEGUN, How.WHOLE]


async def test_a_station_that_opens_a_fifth_transfer_beside_four_is_asked_to_wait(
    depot: Opener, tmp_path: Path
) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE), rate=20_000) as there, aiohttp.ClientSession() as client:
        url = there.url("acme.bin")
        answers = [await client.get(url) for _ in range(5)]
        stats = there.server.stats()
        for answer in answers:
            answer.close()

    assert [answer.status for answer in answers] == [200] * 4 + [503]
    assert stats["open"] == 4


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "files.pem", folder / "files.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


async def test_over_tls_a_station_sees_our_certificate_and_the_same_bytes(depot: Opener, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with depot(listed(tmp_path, "acme.bin", IMAGE), certificate=certificate, certificate_key=key) as there:
        url = there.url("acme.bin").replace("http://127.0.0.1", "https://localhost")
        _, _, body = await fetched(url, ssl=ssl.create_default_context(cafile=certificate))

    assert hashlib.sha256(body).digest() == hashlib.sha256(IMAGE).digest()


async def test_a_renewed_certificate_is_shown_to_who_connects_next_and_one_that_is_not_sound_leaves_the_old(
    depot: Opener, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    async with depot(listed(tmp_path, "acme.bin", IMAGE), certificate=certificate, certificate_key=key) as there:
        url = there.url("acme.bin").replace("http://127.0.0.1", "https://localhost")
        self_signed(tmp_path)
        renewed = ssl.create_default_context(cafile=certificate)
        there.server.read_anew()
        first, _, _ = await fetched(url, ssl=renewed)
        key.write_text("half a key")
        with pytest.raises(SettingsProblem, match=r"firmware\.certificate"):
            there.server.read_anew()
        second, _, _ = await fetched(url, ssl=renewed)

    assert (first, second) == (200, 200)


async def test_a_certificate_that_cannot_be_used_is_named_before_anything_listens(
    depot: Opener, tmp_path: Path
) -> None:
    (tmp_path / "files.pem").write_text("no certificate")

    with pytest.raises(SettingsProblem, match=r"firmware\.certificate"):
        async with depot(certificate=tmp_path / "files.pem", certificate_key=tmp_path / "files.pem"):
            pass


async def test_a_port_that_somebody_else_holds_is_named(depot: Opener, tmp_path: Path) -> None:
    async with depot() as there:
        with pytest.raises(SettingsProblem, match=r"firmware\.listen cannot be had"):
            async with depot(web=(HOST, there.server.web.port)):
                pass


async def test_all_transfers_of_a_group_together_keep_its_rate_and_another_group_has_its_own(
    depot: Opener, tmp_path: Path
) -> None:
    rate, half = 80_000, IMAGE[:20_000]
    async with depot(listed(tmp_path, "acme.bin", half), rate=rate) as there:
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(fetched(there.url("acme.bin", f"AC{n}", group=f"site:{n // 4}")) for n in range(8)))
        took = asyncio.get_running_loop().time() - began

    assert took >= 4 * len(half) / rate
    assert there.server.stats()["given_bytes"] == 8 * len(half)


async def test_who_connects_and_asks_for_nothing_is_cut_and_one_connection_too_many_is_turned_away(
    tmp_path: Path,
) -> None:
    write_list(tmp_path, listed(tmp_path, "acme.bin", IMAGE))
    loop = asyncio.get_running_loop()
    story = Fetched(lambda _: None, loop.time)
    desk = Desk(Shelf(tmp_path), Links(KEY), Budgets(10_000_000, loop.time), story)
    server = WebFiles(desk, (HOST, 0), most=2, head_within_s=1.0)
    await server.start()
    url = f"http://{HOST}:{server.port}{Links(KEY).path(Link('AC1', short('g'), 'acme.bin'))}"

    silent = [await asyncio.open_connection(HOST, server.port) for _ in range(3)]
    async with asyncio.timeout(30):
        said = [await reader.read() for reader, _ in silent]
    status, _, body = await fetched(url)
    await server.stop()
    for _, writer in silent:
        writer.close()

    assert said == [b""] * 3
    assert (status, body) == (200, IMAGE)


async def test_a_station_that_hangs_in_the_middle_of_its_file_gives_its_place_back(tmp_path: Path) -> None:
    """Its line stays open and takes nothing; four of these, and it would be turned away for ever."""
    write_list(tmp_path, listed(tmp_path, "acme.bin", IMAGE * 100))
    loop = asyncio.get_running_loop()
    desk = Desk(Shelf(tmp_path), Links(KEY), Budgets(1_000_000_000, loop.time), Fetched(lambda _: None, loop.time))
    server = WebFiles(desk, (HOST, 0), dead_after_s=0.5)
    await server.start()
    path = Links(KEY).path(Link("AC1", short("g"), "acme.bin"))

    with socket.create_connection((HOST, server.port)) as hung:
        hung.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(30):
            while not desk.stats()["given_bytes"] or desk.stats()["open"]:
                await asyncio.sleep(0.01)
    await server.stop()

    assert desk.stats()["given_bytes"] < 100 * len(IMAGE)


async def test_who_never_finishes_a_handshake_counts_as_a_connection_and_is_cut(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    write_list(tmp_path, listed(tmp_path, "acme.bin", IMAGE))
    loop = asyncio.get_running_loop()
    desk = Desk(Shelf(tmp_path), Links(KEY), Budgets(10_000_000, loop.time), Fetched(lambda _: None, loop.time))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    server = WebFiles(desk, (HOST, 0), tls, most=2, head_within_s=3.0)
    await server.start()
    url = f"https://localhost:{server.port}{Links(KEY).path(Link('AC1', short('g'), 'acme.bin'))}"
    trust = ssl.create_default_context(cafile=certificate)

    silent = [await asyncio.open_connection(HOST, server.port) for _ in range(2)]
    with pytest.raises(aiohttp.ClientError):
        await fetched(url, ssl=trust)
    async with asyncio.timeout(30):
        said = [await reader.read() for reader, _ in silent]
    status, _, body = await fetched(url, ssl=trust)
    await server.stop()
    for _, writer in silent:
        writer.close()

    assert said == [b""] * 2
    assert (status, body) == (200, IMAGE)


async def test_a_bad_file_is_named_and_keeps_no_good_one_from_being_served(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "good.bin", IMAGE), listed(tmp_path, "bad.bin", IMAGE))
    (tmp_path / "bad.bin").write_bytes(b"?")
    server = FileServer(Terms(store=tmp_path, rate_bytes_per_s=10_000_000, key=KEY, web=(HOST, 0)), lambda _: None)
    problems = await server.start()
    assert server.web is not None

    links = [Links(KEY).path(Link("AC1", short("g"), name)) for name in ("good.bin", "bad.bin")]
    answers = [(await fetched(f"http://{HOST}:{server.web.port}{path}"))[0] for path in links]
    await server.stop()

    assert len(problems) == 1
    assert "bad.bin" in problems[0]
    assert answers == [200, 404]
