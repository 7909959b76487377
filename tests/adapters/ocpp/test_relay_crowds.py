"""Who stands at a relay's door: a whole fleet at once, and those who come to stand in the way."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.ocpp.doorstep import _has_spoken
from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.health import Health
from migrate.adapters.ocpp.lane import Lane
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.tls import NO_FILES, Files
from migrate.domain.evidence import Kind
from migrate.simulator.authority import Authority
from tests.adapters.ocpp.wire import Field

Build = Callable[..., Awaitable[Field]]

ROOT = Authority("Root of the relay")
WITHIN_S = 60.0  # a slow machine


@pytest.fixture(params=[False, True], ids=["in the clear", "over TLS"])
def tls(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if not request.param:
        return NO_FILES
    certificate, key = ROOT.for_backend().write(tmp_path, "relay")
    return Files(side="source", certificates=(certificate,), keys=(key,))


def trusting(files: Files) -> ssl.SSLContext | None:
    return ssl.create_default_context(cadata=ROOT.root) if files.certificates else None


async def counted(field: Field, what: str, least: int = 1) -> None:
    async with asyncio.timeout(WITHIN_S):
        while field.relay.counts[what] < least:
            await asyncio.sleep(0.005)


async def test_a_fleet_that_dials_all_at_once_waits_its_turn_and_nobody_is_sent_away(
    field_with: Build, tls: Files
) -> None:
    field = await field_with(tls=tls, limits=Limits(max_opening=5, crowded_s=WITHIN_S))

    opened = await asyncio.gather(*(field.knock(f"/any/AC{n}", tls=trusting(tls)) for n in range(60)))

    assert [head.split()[1] for head, _ in opened] == ["101"] * 60
    assert not field.relay.counts["crowded_out"]


@pytest.mark.parametrize(
    "begins", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=["mute", "one byte", "half a hello"]
)
async def test_a_crowd_that_never_ends_its_handshake_gives_way_and_leaves_nothing_open(
    field_with: Build, tls: Files, begins: bytes
) -> None:
    field = await field_with(tls=tls, limits=Limits(max_opening=5, handshake_s=WITHIN_S, crowded_s=0.02, mute_s=0.02))
    crowd = [await asyncio.open_connection("127.0.0.1", field.relay.port) for _ in range(20)]
    for _, writer in crowd:
        writer.write(begins)

    _, peer = await field.knock("/any/AC1", tls=trusting(tls))

    assert peer is not None
    assert field.relay.counts["crowded_out"] >= 15
    async with asyncio.timeout(WITHIN_S):
        for reader, writer in crowd[:15]:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
    for _, writer in crowd:
        writer.transport.abort()


async def test_those_who_say_nothing_give_way_long_before_those_who_speak_slowly(field_with: Build, tls: Files) -> None:
    field = await field_with(
        tls=tls, limits=Limits(max_opening=5, handshake_s=WITHIN_S, crowded_s=WITHIN_S, mute_s=0.02)
    )
    reader, slow = await asyncio.open_connection("127.0.0.1", field.relay.port)
    slow.write(b"\x16\x03" if tls.certificates else b"GET /any/AC2 HTTP/1.1\r\n")
    mute = [await asyncio.open_connection("127.0.0.1", field.relay.port) for _ in range(20)]

    _, peer = await field.knock("/any/AC1", tls=trusting(tls))

    assert peer is not None
    assert field.relay.counts["crowded_out"] >= 16
    assert not reader.at_eof()
    for writer in (slow, *(writer for _, writer in mute)):
        writer.transport.abort()


def test_whoever_has_spoken_and_was_not_heard_yet_waits_for_us_and_is_not_sent_away() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)

        before = _has_spoken(ours)
        theirs.send(b"\x16")
        after = _has_spoken(ours)

        assert (before, after) == (False, True)
        assert ours.recv(10) == b"\x16"


async def test_a_tls_handshake_that_drips_is_ended_however_it_drips(field_with: Build, tmp_path: Path) -> None:
    certificate, key = ROOT.for_backend().write(tmp_path, "relay")
    files = Files(side="source", certificates=(certificate,), keys=(key,))
    field = await field_with(tls=files, limits=Limits(handshake_s=0.2, sweep_s=0.02))
    reader, writer = await asyncio.open_connection("127.0.0.1", field.relay.port)
    dripping = asyncio.create_task(_drip(writer, b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"))

    async with asyncio.timeout(WITHIN_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(100):
                pass

    dripping.cancel()
    assert field.relay.counts["failed_handshakes"] == 1
    writer.close()


async def _drip(writer: asyncio.StreamWriter, begins: bytes) -> None:
    writer.write(begins)
    while True:
        writer.write(b"\x00")
        await asyncio.sleep(0.01)


async def test_when_no_file_is_left_the_relay_waits_blames_nobody_and_takes_stations_again_later(
    field_with: Build, tls: Files
) -> None:
    field = await field_with(tls=tls, limits=Limits(sweep_s=0.1))
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(socket.socket()) for _ in range(40)]
        with few_files_left(10):
            for stranger in strangers:
                stranger.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    stranger.connect(("127.0.0.1", field.relay.port))
            await counted(field, "overload", 2)
    _, peer = await field.knock("/any/AC1", tls=trusting(tls))

    assert peer is not None
    assert field.relay.is_up
    assert not field.seen(Kind.CSMS_DOWN)


@pytest.mark.parametrize(
    ("number", "is_up"),
    [(errno.EMFILE, True), (errno.ENFILE, True), (errno.ENOBUFS, True), (errno.ECONNREFUSED, False)],
    ids=errno.errorcode.get,
)
async def test_a_csms_that_cannot_be_dialled_for_want_of_files_here_does_not_count_as_down(
    number: int, is_up: bool
) -> None:
    said: list[bool] = []

    async def dial() -> None:
        raise OSError(number, os.strerror(number))

    health = Health(dial, lambda up, _why: said.append(up))
    await health.check()
    await health.stop()

    assert health.is_up is is_up
    assert said == ([] if is_up else [False])


@contextlib.contextmanager
def few_files_left(how_many: int) -> Iterator[None]:
    """This process may open that many more files, and those that it closes meanwhile."""
    gc.collect()  # what an earlier test has left is not to be closed meanwhile
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(int(one.name) for one in Path("/proc/self/fd").iterdir()) + 20, hard)
    )
    filling: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                filling.append(os.dup(0))
        for _ in range(how_many):
            os.close(filling.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in filling:
            os.close(one)


async def test_pings_and_fragments_without_end_reach_the_csms_and_keep_nobody_else_waiting(field_with: Build) -> None:
    field = await field_with()
    flooding, csms = await field.pair("AC1")
    other, others_csms = await field.pair("AC2")
    csms.answers_pings = False
    first = bytearray(encode(Opcode.TEXT, b'[2,"1","MeterValues",', mask=flooding.mask))
    first[0] &= 0x7F
    more = bytearray(encode(Opcode.CONTINUATION, b" " * 1000, mask=flooding.mask))
    more[0] &= 0x7F
    flood = bytes(first) + (bytes(more) + encode(Opcode.PING, b"", mask=flooding.mask)) * 3000

    flooding.raw(flood)
    other.say(2, "1", "Heartbeat", {})

    assert await others_csms.hear() == [2, "1", "Heartbeat", {}]
    assert await csms.received_all(len(flood)) == flood
    session = next(one for one in field.relay._sessions if one.identity == "AC1")
    assert len(session.up._text or b"") < 2 << 20  # what is kept of a message has an end, also if it has none


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(encode(Opcode.PING, b"") * 10_000, id="pings"),
        pytest.param(b"\x01\x02[2" + b"\x00\x00" * 10_000, id="empty fragments"),
    ],
)
def test_a_flood_of_small_frames_is_written_in_one_go(flood: bytes) -> None:
    written: list[bytes] = []
    lane = Lane(write=written.append, heard=lambda _text, _fate: None, control=lambda _piece: True, hold=written.append)

    lane.feed(flood)

    assert b"".join(written) == flood
    assert len(written) <= 2


async def test_a_station_that_talks_without_end_lets_the_others_be_heard_in_between(field_with: Build) -> None:
    field = await field_with()
    station, csms = await field.pair("AC1")
    (session,) = field.relay._sessions
    leg: Any = session.station
    much = encode(Opcode.BINARY, b"x" * 70_000, mask=station.mask)

    session.from_station(much)
    at_once = leg.is_reading()
    session.csms_stuck(False)
    session._hear_on()
    in_its_turn = leg.is_reading()
    session.csms_stuck(True)
    session._hear_on()
    while_the_csms_does_not_read = leg.is_reading()
    session.csms_stuck(False)

    assert (at_once, in_its_turn, while_the_csms_does_not_read) == (False, True, False)
    assert await csms.received_all(len(much)) == much
    station.say(2, "1", "Heartbeat", {})
    await field.sees(Kind.HEARTBEAT)


@pytest.mark.parametrize(
    ("path", "identity", "dialled"),
    [
        pytest.param("/x/a%2Fb", "a/b", "a%2Fb", id="a slash inside"),
        pytest.param("/x/a%252Fb", "a%2Fb", "a%252Fb", id="encoded twice stays encoded once"),
        pytest.param("/x/..%2F..%2Fadmin", "../../admin", "..%2F..%2Fadmin", id="a way out is a name"),
        pytest.param("/x/%41C1", "AC1", "%41C1", id="encoded without need"),
        pytest.param("/x/AC1;admin=1", "AC1;admin=1", "AC1;admin=1", id="parameters are part of the name"),
    ],
)
async def test_a_name_is_decoded_once_and_dialled_as_it_came(
    field_with: Build, path: str, identity: str, dialled: str
) -> None:
    field = await field_with()

    await field.knock(path)

    assert (await field.sees(Kind.CONNECTED)).identity == identity
    assert field.csms.heads[0].startswith(f"GET /ocpp/{dialled} HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "name",
    ["%00", "a%00b", "%c0%af", "%e0%80%af", "%ed%a0%80", "%2e", "%2e%2e", "a%0d%0ab", "%e2%80%ae", "a%7fb"],
)
async def test_a_name_that_is_none_is_turned_away_unseen(field_with: Build, name: str) -> None:
    field = await field_with()

    head, peer = await field.knock(f"/x/{name}")

    assert peer is None
    assert head.startswith("HTTP/1.1 404 ")
    assert not field.sightings
    assert not field.csms.heads


async def test_a_station_that_names_no_subprotocol_is_the_csms_to_judge_and_is_not_commanded(field_with: Build) -> None:
    field = await field_with()

    head, peer = await field.knock("/x/AC1", protocol="")

    assert peer is not None
    assert "Sec-WebSocket-Protocol" not in head
    assert "Sec-Websocket-Protocol" not in field.csms.heads[0]
    session = field.relay.session("AC1")
    assert session is not None
