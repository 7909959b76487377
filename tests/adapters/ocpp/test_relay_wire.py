"""What passes through the relay: every byte of both sides, and nobody's secrets into the journal."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.refusals import Refusals
from migrate.domain.evidence import Kind

HOSTILE = [
    b"",
    b"[" * 100_000,
    b'[2,"1","X",{"a":' + b"9" * 5000 + b"}]",
    b'[2,"1","BootNotification",{"chargePointVendor":"\\ud800"}]',
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf" + b'[2,"1","Heartbeat",{}]',
    b'[2,"1","BootNotification",{"a":1,"a":2}]',
    b'[2,"1","BootNotification"',
    b"[3,null,{}]",
    b'[2,"1","BootNotification",[]]',
    b'[2,"x","BootNotification",{"chargePointVendor":"' + b"V" * 300_000 + b'"}]',
]
JUNK = [b"\x00\x80\x00\x00\x00\x00", b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x8f\xff" + b"\xff" * 12]


def raw_frames(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "frames").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def sliced(data: bytes, dice: random.Random) -> list[bytes]:
    """The same bytes as a slow network delivers them."""
    cuts = sorted(dice.sample(range(1, len(data)), min(60, len(data) - 1)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def fragmented(text: bytes, mask: bytes, dice: random.Random) -> bytes:
    """One text as one to three frames, with a ping between."""
    cut = dice.randrange(len(text) + 1)
    if dice.random() < 0.5:
        return encode(Opcode.TEXT, text, mask=mask)
    first = bytearray(encode(Opcode.TEXT, text[:cut], mask=mask))
    first[0] &= 0x7F
    return bytes(first) + encode(Opcode.PING, b"", mask=mask) + encode(Opcode.CONTINUATION, text[cut:], mask=mask)


async def carry(data: bytes, sender: Any, receiver: Any, dice: random.Random) -> bytes:
    for part in sliced(data, dice):
        sender.raw(part)
        await asyncio.sleep(0)
    return await receiver.received_all(len(data))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_recorded_frame_is_the_same_on_both_sides(field: Any, shared_data: Path, seed: int) -> None:
    dice = random.Random(seed)
    station, csms = await field.pair()
    station.answers_pings = csms.answers_pings = False
    frames = raw_frames(shared_data)
    up = b"".join(fragmented(f["raw"].encode(), station.mask, dice) for f in frames if f["direction"] != "cs>cp")
    down = b"".join(fragmented(f["raw"].encode(), b"", dice) for f in frames if f["direction"] != "cp>cs")

    at_csms, at_station = await asyncio.gather(
        carry(up, station, csms, dice), carry(down, csms, station, random.Random(seed))
    )

    assert at_csms == up
    assert at_station == down


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_malformed_message_passes_and_ends_no_connection(field: Any, text: bytes) -> None:
    station, csms = await field.pair()
    frame = encode(Opcode.TEXT, text, mask=station.mask)

    station.raw(frame)
    csms.raw(encode(Opcode.TEXT, text))
    station.say(2, "9", "Heartbeat", {})

    wanted = frame + encode(Opcode.TEXT, b'[2, "9", "Heartbeat", {}]', mask=station.mask)
    assert await csms.received_all(len(wanted)) == wanted
    await field.sees(Kind.HEARTBEAT)
    assert not station.ended.is_set()


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
async def test_a_stream_that_stops_being_websocket_still_passes(field: Any, junk: bytes) -> None:
    station, csms = await field.pair()

    station.raw(junk)
    csms.raw(junk)

    assert await csms.received_all(len(junk)) == junk
    assert await station.received_all(len(junk)) == junk


async def test_megabytes_pass_both_ways_at_once_without_being_kept(field: Any) -> None:
    station, csms = await field.pair()
    big = bytes(range(256)) * 8192
    up, down = encode(Opcode.BINARY, big, mask=station.mask), encode(Opcode.BINARY, big)

    station.raw(up)
    csms.raw(down)

    assert await csms.received_all(len(up)) == up
    assert await station.received_all(len(down)) == down


async def test_a_station_that_does_not_read_stops_the_csms_being_read(field: Any) -> None:
    station, csms = await field.pair()
    station.writer.transport.pause_reading()
    flood = encode(Opcode.BINARY, b"x" * (1 << 20))

    for _ in range(40):
        csms.raw(flood)
    await asyncio.sleep(0.3)

    assert csms.writer.transport.get_write_buffer_size() > 0  # it did not end up in the relay's memory
    station.writer.transport.resume_reading()
    assert len(await station.received_all(40 * len(flood))) == 40 * len(flood)


async def test_only_the_raw_segment_and_the_credentials_reach_the_csms(field: Any) -> None:
    secret = "Authorization: Basic QUMxOnNlY3JldA==\r\nCookie: a=b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"

    head, _ = await field.knock("/old//deep/path/A%20C%2F1?token=t", headers=secret)

    asked = field.csms.heads[0]
    assert asked.startswith("GET /ocpp/A%20C%2F1 HTTP/1.1\r\n")
    assert "QUMxOnNlY3JldA==" in asked
    assert "Sec-Websocket-Protocol: ocpp1.6" in asked
    assert not any(word in asked for word in ("token", "Cookie", "Extensions", "/old"))
    assert "Sec-WebSocket-Protocol: ocpp1.6" in head
    assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    connected = await field.sees(Kind.CONNECTED)
    assert connected.identity == "A C/1"
    assert "QUMx" not in repr(field.sightings)


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "403 Forbidden"])
async def test_the_refusal_of_the_csms_reaches_the_station(field: Any, status: str) -> None:
    field.csms.refuse["AC1"] = status

    head, peer = await field.knock("/x/AC1")

    assert peer is None
    assert head.startswith(f"HTTP/1.1 {status}\r\n")
    assert "basic realm" in head.lower()
    refused = await field.sees(Kind.REFUSED)
    assert (refused.identity, refused.answer) == ("AC1", status[:3])
    assert field.relay.session("AC1") is None


async def test_a_station_that_is_refused_again_and_again_is_said_once_until_something_changes(field: Any) -> None:
    field.csms.refuse["AC1"] = "401 Unauthorized"
    for _ in range(3):
        await field.knock("/x/AC1")

    field.csms.refuse["AC1"] = "403 Forbidden"
    await field.knock("/x/AC1")

    assert [s.answer for s in field.seen(Kind.REFUSED)] == ["401", "403"]


async def test_a_crowd_of_invented_identities_does_not_fill_the_journal() -> None:
    refusals = Refusals()

    said = sum(refusals.is_news(f"invented-{n}", 404, now=1.0) for n in range(50_000))

    assert said <= 1_020


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ocpp/", 404), ("/ocpp/%ff", 404), ("/ocpp/..", 404), ("/ocpp/a%00b", 404), (f"/{'x' * 9000}", 431)],
    ids=["empty", "no text", "dots", "control", "endless"],
)
async def test_a_path_without_an_identity_is_turned_away_unseen(field: Any, path: str, status: int) -> None:
    head, _ = await field.knock(path)

    assert head.startswith(f"HTTP/1.1 {status} ")
    assert field.sightings == []
    assert field.csms.heads == []


async def test_a_csms_that_is_down_is_said_once_and_its_return_too(field: Any) -> None:
    await field.csms.down()

    head, _ = await field.knock("/x/AC1")
    await field.knock("/x/AC2")

    assert head.startswith("HTTP/1.1 503 ")
    assert len(field.seen(Kind.CSMS_DOWN)) == 1
    assert not field.relay.is_up
    await field.csms.up()
    await field.sees(Kind.CSMS_UP)
    assert field.relay.is_up


async def test_a_csms_that_hangs_up_and_is_gone_is_noticed_before_any_station_returns(field: Any) -> None:
    await field.pair()

    await field.csms.down()

    await field.sees(Kind.CSMS_DOWN)


async def test_a_csms_that_says_nothing_costs_the_station_its_call_only(field_with: Any) -> None:
    field = await field_with(limits=Limits(dial_s=0.05))
    field.csms.silent = True

    head, _ = await field.knock("/x/AC1")

    assert head.startswith("HTTP/1.1 502 ")
    assert field.relay.is_up


async def test_a_crowd_that_never_speaks_gives_way_to_a_station(field_with: Any) -> None:
    field = await field_with(limits=Limits(max_opening=5, handshake_s=5, mute_s=0.05))
    mute = [await asyncio.open_connection("127.0.0.1", field.relay.port) for _ in range(10)]

    station, csms = await field.pair()
    station.say(2, "1", "Heartbeat", {})

    assert await csms.hear() == [2, "1", "Heartbeat", {}]
    assert field.relay.counts["crowded_out"] >= 5
    for _, writer in mute:
        writer.transport.abort()


async def test_a_slow_handshake_is_ended(field_with: Any) -> None:
    field = await field_with(limits=Limits(handshake_s=0.05))
    reader, writer = await asyncio.open_connection("127.0.0.1", field.relay.port)
    writer.write(b"GET /ocpp/AC1 HTTP/1.1\r\nHost: x\r\n")

    answer = await asyncio.wait_for(reader.read(), 5)

    assert answer.startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.parametrize("limits", [{"max_connections": 1}, {"per_address": 1}], ids=["in all", "per address"])
async def test_one_connection_too_many_is_turned_away_and_the_others_stay(field_with: Any, limits: Any) -> None:
    field = await field_with(limits=Limits(**limits))
    station, csms = await field.pair()

    head, peer = await field.knock("/x/AC2")

    assert peer is None
    assert head.startswith("HTTP/1.1 503 ")
    station.say(2, "1", "Heartbeat", {})
    assert (await csms.hear())[2] == "Heartbeat"
