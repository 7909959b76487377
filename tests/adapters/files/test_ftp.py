"""Firmware over FTP, fetched by the standard library's client: whole, resumed, sized, and nothing else."""

from __future__ import annotations

import asyncio
import ftplib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from migrate.adapters.files.budget import Budgets
from migrate.adapters.files.desk import Desk
from migrate.adapters.files.fetched import Fetched, How, Word
from migrate.adapters.files.ftp import IDLE_AFTER_S, FtpFiles, LinkedFiles
from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.files.store import Shelf
from tests.adapters.files.conftest import HOST, KEY, Opener, listed, write_list

T = TypeVar("T")
IMAGE = random.Random(8).randbytes(40_000)
PATIENCE_S = 30.0


async def by_ftp(there: Any, work: Callable[[ftplib.FTP], T]) -> T:
    def dialogue() -> T:
        with ftplib.FTP(timeout=PATIENCE_S) as client:
            client.connect(HOST, there.server.ftp.port)
            client.login()
            client.voidcmd("TYPE I")
            return work(client)

    return await asyncio.to_thread(dialogue)


def retrieve(path: str, rest: int | None = None) -> Callable[[ftplib.FTP], bytes]:
    def work(client: ftplib.FTP) -> bytes:
        parts: list[bytes] = []
        client.retrbinary(f"RETR {path}", parts.append, rest=rest)
        return b"".join(parts)

    return work


async def test_a_station_loads_its_file_by_its_link(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        body = await by_ftp(there, retrieve(there.ftp_path("acme.bin")))

    assert body == IMAGE
    assert [w.how for w in there.words] == [How.BEGUN, How.WHOLE]


async def test_who_has_gone_without_a_word_keeps_no_port_and_who_loads_is_left_alone(tmp_path: Path) -> None:
    """A line over a mobile network breaks without a word; each that stayed would hold one of few ports."""
    write_list(tmp_path, listed(tmp_path, "acme.bin", IMAGE))
    real, now_s = asyncio.get_running_loop().time, 0.0
    desk = Desk(Shelf(tmp_path), Links(KEY), Budgets(20_000, real), Fetched(lambda _: None, real))
    server = FtpFiles(desk, (HOST, 0), lambda: now_s)
    await server.open()
    link = Link("AC1", short("g"), "acme.bin")
    *_, seal, _, _ = Links(KEY).path(link).split("/")
    gone, loading = [await asyncio.open_connection(HOST, server.port) for _ in range(2)]

    async with asyncio.timeout(60):
        for reader, writer in (gone, loading):
            await said(reader, writer, "USER anonymous", "PASV")
        port = int((await said(*loading, "EPSV")).split("|")[3])
        data, there = await asyncio.open_connection(HOST, port)
        await said(*loading, f"RETR /{link.group}/{seal}/AC1/acme.bin")
        await data.readexactly(1)
        server.look()
        now_s = IDLE_AFTER_S
        server.look()
        left = await gone[0].read()
        body = await data.read()
    await server.stop()
    for writer in (gone[1], loading[1], there):
        writer.close()

    assert left == b""
    assert len(body) == len(IMAGE) - 1


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *commands: str) -> str:
    """What a server answers to the last of several commands; its greeting is passed over."""
    answer = ""
    for command in commands:
        writer.write(f"{command}\r\n".encode())
        while (answer := (await reader.readline()).decode()).startswith("220"):
            pass
    return answer


async def test_the_size_alone_begins_no_transfer(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        size = await by_ftp(there, lambda client: client.size(there.ftp_path("acme.bin")))

    assert size == len(IMAGE)
    assert there.words == []


async def test_a_transfer_goes_on_where_it_broke(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        body = await by_ftp(there, retrieve(there.ftp_path("acme.bin"), rest=30_000))

    assert body == IMAGE[30_000:]


async def test_a_client_that_walks_step_by_step_and_asks_for_the_size_gets_it(depot: Opener, tmp_path: Path) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:
        path = there.ftp_path("acme.bin", "AC 1")

        def walk(client: ftplib.FTP) -> tuple[int | None, bytes]:
            for step in path.split("/")[1:-1]:
                client.cwd(step)
            return client.size("acme.bin"), retrieve("acme.bin")(client)

        size, body = await by_ftp(there, walk)

    assert (size, body) == (len(IMAGE), IMAGE)


@pytest.mark.parametrize("family", ["EPSV", "PASV"])
async def test_both_ways_of_a_data_connection_lead_to_us(depot: Opener, tmp_path: Path, family: str) -> None:
    async with depot(listed(tmp_path, "acme.bin", IMAGE), ftp_url="ftp://127.0.0.1:2121") as there:

        def ask(client: ftplib.FTP) -> str:
            return client.sendcmd(family)

        answer = await by_ftp(there, ask)

    assert answer.startswith(("227", "229"))
    assert "127,0,0,1" in answer or "|||" in answer


@pytest.mark.parametrize(
    "command",
    [
        *("LIST", "NLST", "MLSD", "STOR x", "APPE x", "DELE x", "MKD x", "RMD x", "RNFR x", "RNTO y", "SITE CHMOD"),
        *("RETR firmware.toml", "RETR ../firmware.toml", "RETR /etc/passwd", "RETR /a/b/c/acme.bin", "SIZE /a/b/c/d"),
        *("RETR //etc//passwd", "RETR \\..\\x", "CWD /a/b/c/d/e"),
    ],
)
async def test_nothing_is_listed_changed_or_found_beside_a_link(depot: Opener, tmp_path: Path, command: str) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    async with depot(listed(tmp_path, "acme.bin", IMAGE)) as there:

        def refused(client: ftplib.FTP) -> str:
            with pytest.raises(ftplib.error_perm) as caught:
                client.sendcmd(command)
            return str(caught.value)

        said = await by_ftp(there, refused)

    assert said[:1] == "5"
    assert not there.words
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({*before, "acme.bin", "firmware.toml"})


async def test_over_http_and_ftp_together_a_group_keeps_one_rate(depot: Opener, tmp_path: Path) -> None:
    import aiohttp  # noqa: PLC0415 - the other protocol, for this test alone

    rate = 40_000
    async with depot(listed(tmp_path, "acme.bin", IMAGE), rate=rate) as there, aiohttp.ClientSession() as client:

        async def by_http() -> bytes:
            async with client.get(there.url("acme.bin", "AC1")) as answer:
                return await answer.read()

        began = asyncio.get_running_loop().time()
        bodies = await asyncio.gather(by_http(), by_ftp(there, retrieve(there.ftp_path("acme.bin", "AC2"))))
        took = asyncio.get_running_loop().time() - began

    assert bodies == [IMAGE, IMAGE]
    assert took >= 2 * len(IMAGE) / rate


async def test_a_station_that_hangs_up_while_it_waits_for_its_bytes_leaves_no_file_open(tmp_path: Path) -> None:
    """Four of these, and it would be turned away for ever."""
    write_list(tmp_path, listed(tmp_path, "acme.bin", IMAGE))
    loop, told = asyncio.get_running_loop(), list[Word]()
    desk = Desk(Shelf(tmp_path), Links(KEY), Budgets(1, loop.time), Fetched(told.append, loop.time))
    path = Path(Links(KEY).path(Link("AC1", short("g"), "acme.bin")))

    opening = asyncio.ensure_future(LinkedFiles(desk)._open(path))
    async with asyncio.timeout(PATIENCE_S):
        while not told:
            await asyncio.sleep(0.01)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)

    assert desk.stats()["open"] == 0
