"""Over TLS: who is believed, who is not, and who is an incident."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from migrate.adapters.channels.http.reach import HttpSettings
from migrate.domain.errors import Impostor, Mismatch, SettingsProblem, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.ways import Call
from migrate.simulator.authority import Authority, Credential
from tests.adapters.channels.http_host import API, STATION, URL, a_host, a_profile, doors_to, reply, with_key

CLOUD = "https://api.cloud.example"
HELD = {"url": "wss://old.example/ocpp"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Root of a test cloud")


def context_of(folder: Path, credential: Credential) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*credential.write(folder, "cloud"))
    return context


def settings_of(folder: Path, authority: Authority, port: int) -> HttpSettings:
    return HttpSettings(ca=authority.write_root(folder / "root.pem"), bases={CLOUD: f"https://127.0.0.1:{port}"})


async def test_a_cloud_whose_root_is_trusted_is_asked(tmp_path: Path, authority: Authority) -> None:
    context = context_of(tmp_path, authority.for_backend())

    async with (
        a_host(lambda _: reply(200, HELD), context=context) as host,
        doors_to(settings=settings_of(tmp_path, authority, host.port)) as doors,
    ):
        held = await doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE).read("AC-1", ["url"])

    assert held == HELD


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        pytest.param(
            lambda _: Authority("Nobody's root").for_backend(), Mismatch, "[http] ca", id="a root nobody knows"
        ),
        pytest.param(lambda a: a.for_backend(lasts=timedelta(hours=-1)), Mismatch, "clock", id="it has ended"),
        pytest.param(lambda a: a.for_backend(("else.example",)), Impostor, "Something else", id="another name"),
    ],
)
async def test_a_certificate_that_does_not_hold_ends_the_attempt_before_anything_is_sent(
    tmp_path: Path, authority: Authority, make: Callable[[Authority], Credential], kind: type[Mismatch], says: str
) -> None:
    async with (
        a_host(lambda _: reply(200, HELD), context=context_of(tmp_path, make(authority))) as host,
        doors_to(settings=settings_of(tmp_path, authority, host.port)) as doors,
    ):
        with pytest.raises(Mismatch) as caught:
            await doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE).read("AC-1", ["url"])

    assert type(caught.value) is kind
    assert says in caught.value.hint
    assert host.heard == []


async def test_a_certificate_that_held_and_holds_no_more_is_an_incident(tmp_path: Path, authority: Authority) -> None:
    context = context_of(tmp_path, authority.for_backend())

    async with (
        a_host(lambda _: reply(200, HELD), context=context) as host,
        doors_to(settings=settings_of(tmp_path, authority, host.port)) as doors,
    ):
        door = doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE)
        await door.read("AC-1", ["url"])
        context.load_cert_chain(*Authority("Another root").for_backend().write(tmp_path, "other"))
        with pytest.raises(Impostor):
            await door.read("AC-1", ["url"])

    assert len(host.heard) == 1


async def test_roots_that_cannot_be_read_are_told_before_there_is_a_door_and_blame_no_station(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("no certificate")

    async with doors_to(settings=HttpSettings(ca=tmp_path / "root.pem", bases={CLOUD: "https://127.0.0.1:9"})) as doors:
        with pytest.raises(SettingsProblem, match=r"root\.pem"):
            doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE)


async def test_roots_that_cannot_be_read_keep_no_station_from_being_asked_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("no certificate")

    async with (
        a_host(lambda _: reply(200, HELD)) as host,
        doors_to(settings=HttpSettings(ca=tmp_path / "root.pem", port=host.port)) as doors,
    ):
        held = await doors.to(STATION, a_profile(), Side.SOURCE).read("AC-1", ["url"])

    assert held == HELD


@asynccontextmanager
async def a_way_that_opens_late(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A wire to a port that carries nothing before the event."""
    opens = asyncio.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while more := await reader.read(65536):
            writer.write(more)
        writer.close()

    async def guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await opens.wait()
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    async with await asyncio.start_server(guest, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], opens


async def test_an_order_whose_connection_opens_too_late_is_not_sent(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then somebody else may have taken over."""
    monkeypatch.setattr("migrate.adapters.channels.http.doors.ORDER_PATIENCE_S", 0.3)
    api = replace(with_key(write=(Call(path="/set", method="POST", json="${value}"),)), base=CLOUD)

    async with (
        a_host(lambda _: reply(200), context=context_of(tmp_path, authority.for_backend())) as host,
        a_way_that_opens_late(host.port) as (port, opens),
        doors_to(settings=settings_of(tmp_path, authority, port)) as doors,
    ):
        order = asyncio.create_task(doors.to(STATION, a_profile(api), Side.SOURCE).write("AC-1", "url", URL))
        await asyncio.wait({order}, timeout=1.5)
        opens.set()
        with pytest.raises(Unreachable, match="too long ago") as caught:
            await order

    assert caught.value.sent is False
    assert host.heard == []


async def test_where_no_tls_is_spoken_nothing_is_sent_in_the_clear(tmp_path: Path, authority: Authority) -> None:
    said: list[bytes] = []

    async def in_the_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.read(4096))
        writer.write(reply(400))
        writer.close()

    async with await asyncio.start_server(in_the_clear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with doors_to(settings=settings_of(tmp_path, authority, port)) as doors:
            with pytest.raises(Mismatch, match="no TLS"):
                await doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE).read("AC-1", ["url"])

    assert b"/ocpp/config" not in b"".join(said)
