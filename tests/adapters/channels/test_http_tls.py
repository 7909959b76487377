"""Over TLS: who is believed, who is not, and who is an incident."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from migrate.adapters.channels.http.reach import HttpSettings
from migrate.domain.errors import Impostor, Mismatch, SettingsProblem
from migrate.domain.evidence import Side
from migrate.simulator.authority import Authority, Credential
from tests.adapters.channels.http_host import API, STATION, a_host, a_profile, doors_to, reply

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


async def test_roots_that_cannot_be_read_stop_everything_and_blame_no_station(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("no certificate")

    async with doors_to(settings=HttpSettings(ca=tmp_path / "root.pem", bases={CLOUD: "https://127.0.0.1:9"})) as doors:
        with pytest.raises(SettingsProblem, match=r"root\.pem"):
            await doors.to(STATION, a_profile(replace(API, base=CLOUD)), Side.SOURCE).read("AC-1", ["url"])


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
