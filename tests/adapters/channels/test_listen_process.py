"""The listening process: recorded before told, one per campaign, and blind when it cannot record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.channels.relay import RelayChannel
from migrate.adapters.ocpp import listen
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.lines import Request, line
from migrate.adapters.ocpp.listen import ListenServer
from migrate.adapters.ocpp.relay import Relay
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.errors import CsmsUnavailable, Locked, SettingsProblem, Unreachable
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.profile import Restart
from tests.adapters.channels.doubles import Device


async def until(claim: Any) -> None:
    async with asyncio.timeout(60):
        while not claim():
            await asyncio.sleep(0.002)


async def collect(witness: RelayWitness, into: list[Sighting]) -> None:
    async for sighting in witness.sightings():
        into.append(sighting)  # noqa: PERF401 - its reader looks before the end, and there is none


async def test_what_cannot_be_recorded_is_told_to_nobody_and_told_once_it_can(site: Any) -> None:
    witness, told = RelayWitness(site.client, site.shelf.tail), []
    await witness.start()
    reading = asyncio.create_task(collect(witness, told))
    site.shelf.is_full = True

    await site.station("AC1")

    await until(lambda: not witness.sees(Side.SOURCE))
    assert told == []
    assert (await site.client.stats())["recording"] is False
    assert (await site.client.presence("AC1")).seen == frozenset()
    site.shelf.is_full = False
    await until(lambda: witness.sees(Side.SOURCE))
    await until(lambda: told)
    assert [s.seq for s in told] == [1]
    reading.cancel()
    await witness.stop()


async def test_the_socket_is_its_owners_alone(site: Any) -> None:
    assert stat.S_IMODE(site.path.stat().st_mode) == 0o600


async def test_a_second_listening_process_is_refused_and_the_first_goes_on(site: Any) -> None:
    second = ListenServer([], site.path, site.shelf.record)

    with pytest.raises(Locked):
        await second.start()

    assert (await site.client.stats())["recording"] is True


async def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "listen.sock"))
    dead.close()

    async def record(_seen: Any) -> list[int]:
        return []

    server = ListenServer([], tmp_path / "listen.sock", record)
    await server.start()

    client = ListenClient(tmp_path / "listen.sock")
    assert (await client.stats())["recording"] is True
    await client.close()
    await server.drain()


async def test_a_campaign_folder_may_lie_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)

    async def record(_seen: Any) -> list[int]:
        return []

    server = ListenServer([], deep / "listen.sock", record)
    await server.start()

    client = ListenClient(deep / "listen.sock")
    assert (await client.stats())["recorded"] == 0
    await client.close()
    await server.drain()


async def test_without_a_listening_process_no_station_is_blamed_and_nothing_is_seen(tmp_path: Path) -> None:
    client = ListenClient(tmp_path / "listen.sock", dial_s=0.05)
    channel = RelayChannel(client, Side.SOURCE)

    with pytest.raises(CsmsUnavailable):
        await channel.restart("AC1", Restart.SOFT)

    assert (await client.presence("AC1")).seen == frozenset()


async def test_a_reader_misses_nothing_while_the_listening_process_is_replaced(site: Any) -> None:
    witness, told = RelayWitness(site.client, site.shelf.tail), []
    reading = asyncio.create_task(collect(witness, told))
    await site.station("A")
    await until(lambda: len(told) == 1)

    await site.server.drain()
    await site.up()
    await site.station("B")

    await until(lambda: any(s.identity == "B" for s in told))
    assert [s.seq for s in told] == [s.seq for s in site.shelf.kept]
    assert [s.kind for s in told] == [Kind.CONNECTED, Kind.DISCONNECTED, Kind.CONNECTED]
    reading.cancel()


async def test_a_reader_that_is_too_slow_is_sent_to_the_journal_and_misses_nothing(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "MAX_UNREAD_BYTES", 0)
    witness, told = RelayWitness(site.client, site.shelf.tail), []
    stream = witness.sightings()
    for _ in range(3):
        await site.station("A")
    told.append(await anext(stream))

    for number in range(1500):  # more than the kernel's buffers hold
        site.server.see(
            Sighting(side=Side.SOURCE, kind=Kind.STATUS, at=told[0].at, identity=str(number), detail="x" * 400)
        )
    await until(lambda: site.server.dropped)
    async with asyncio.timeout(20):
        while len(told) < 1503:
            told.append(await anext(stream))

    assert [s.seq for s in told] == [s.seq for s in site.shelf.kept]
    await stream.aclose()


async def test_readers_that_are_killed_while_much_is_told_take_nobody_with_them(site: Any) -> None:
    """A reader is forgotten a moment after its connection has ended, and in that moment something is told again."""
    waiting = asyncio.create_task(site.server.wait())
    seen = Sighting(side=Side.SOURCE, kind=Kind.STATUS, at=datetime.now(UTC), identity="AC1")

    for _ in range(200):
        _, writer = await asyncio.open_unix_connection(str(site.path))
        writer.write(line(Request("subscribe")))
        for _ in range(10):
            site.server.see(seen)
            await asyncio.sleep(0)
        writer.transport.abort()
        for _ in range(20):
            site.server.see(seen)
            await asyncio.sleep(0)

    await until(lambda: len(site.shelf.kept) == 200 * 30)
    assert not waiting.done()
    await site.server.drain()
    await waiting


async def test_a_process_that_dies_while_a_station_is_called_leaves_the_effect_unknown(site: Any) -> None:
    device = Device(is_mute=True)
    await site.station("AC1", device=device)
    asked = asyncio.create_task(RelayChannel(site.client, Side.SOURCE, timeout_s=30).restart("AC1", Restart.SOFT))
    await until(lambda: device.calls)

    await site.server.drain()

    with pytest.raises(Unreachable) as caught:
        await asked
    assert caught.value.sent


async def test_a_station_that_is_away_because_its_csms_is_down_is_not_blamed(site: Any) -> None:
    await site.server.drain()
    await site.up(upstream="ws://127.0.0.1:9/ocpp")

    with pytest.raises(CsmsUnavailable):
        await RelayChannel(site.client, Side.TARGET).restart("AC1", Restart.SOFT)

    assert (await site.client.presence("AC1")).seen == frozenset()


async def test_two_sockets_of_one_station_on_two_sides_both_count(site: Any) -> None:
    await site.station("AC1", side=Side.SOURCE)
    await site.station("AC1", side=Side.TARGET)

    presence = await site.client.presence("AC1")

    assert presence.answering == 2


@pytest.mark.parametrize("junk", [b"\xff\n", b"[]\n", b'{"do":7}\n', b'{"do":"fly","number":3}\n', b"x" * 3_000_000])
async def test_a_client_that_talks_nonsense_harms_nobody(site: Any, junk: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(site.path))
    writer.write(junk)
    writer.write_eof()

    answer = b""
    with contextlib.suppress(ConnectionResetError):  # an endless line is cut off
        answer = await asyncio.wait_for(reader.read(), 5)

    assert answer == b"" or "knows no" in json.loads(answer)["failure"]["message"]
    assert (await site.client.stats())["recording"] is True
    writer.close()


async def test_asking_to_drain_lets_the_stations_go_and_records_it_before_the_process_ends(site: Any) -> None:
    await site.station("AC1")
    waiting = asyncio.create_task(site.server.wait())
    await asyncio.sleep(0)

    await site.client.drain()

    await asyncio.wait_for(waiting, 5)
    assert not site.path.exists()
    assert site.shelf.kept[-1].kind is Kind.DISCONNECTED


async def test_a_drain_ends_every_client_without_a_word_in_the_log(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with site.client.subscribe() as news:
        await site.client.stats()

        await site.server.drain()
        await asyncio.sleep(0)

        said = [one async for one in news]
    assert said
    assert caplog.records == []


async def test_a_listening_process_that_hangs_is_not_believed_to_see(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "PULSE_S", 60.0)
    await site.server.drain()
    await site.up()
    witness = RelayWitness(site.client, site.shelf.tail, patience_s=0.2)
    await witness.start()
    assert witness.sees(Side.SOURCE)

    await until(lambda: not witness.sees(Side.SOURCE))

    await witness.stop()


async def test_a_port_that_is_taken_is_a_sentence_and_leaves_the_socket_free(site: Any, tmp_path: Path) -> None:
    port = site.relays[Side.SOURCE].port
    relay = Relay(
        side=Side.SOURCE, listen=("127.0.0.1", port), upstream=None, now=lambda: datetime.now(UTC), tag_key=b"key"
    )
    path = tmp_path / "other.sock"

    with pytest.raises(SettingsProblem, match=r"source\.relay\.listen"):
        await ListenServer([relay], path, site.shelf.record).start()

    assert not path.exists()
    free = ListenServer([], path, site.shelf.record)
    await free.start()
    await free.drain()
