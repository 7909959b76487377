"""Record a transcript: a tap between a station and the relays, and the program moving the station.

``python -m tests.profiles.record`` makes those of every packaged profile anew,
against the simulated firmware.  ``python -m tests.profiles.record --bench HOST
PROFILE`` moves the physical station that dials this machine; see
vendor_profiles/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from migrate.adapters.ocpp.framing import FrameReader, Opcode
from migrate.domain.evidence import Kind, Side
from migrate.domain.profile import Method
from migrate.domain.station import Station
from migrate.simulator.behaviour import behaviour
from migrate.simulator.config import Config
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import ENDINGS, Fault
from migrate.simulator.fleet import Fleet
from tests.profiles.bench import Bench
from tests.profiles.transcripts import Head, Line, path_of, write
from vendor_profiles import load_catalogue

SOURCE_PORT, TARGET_PORT = 19016, 19017  # fixed, so that two recordings of the same thing are the same file
SOURCE_URL = f"ws://127.0.0.1:{SOURCE_PORT}/legacy"
TARGET_URL = (
    f"ws://localhost:{TARGET_PORT}/ocpp"  # another host, port and path, so that every key of a family is written
)
SPEED = 100.0
BENCH_PATIENCE_S = 3600.0  # a person stands before the station
IDENTITY = "BENCH-1"
FAMILIES = {
    "alfen_fw5": "alfen5",
    "alfen_fw6": "alfen6",
    "amina_fw3": "amina3",
    "amina_fw4": "amina",
    "everest_libocpp16": "everest",
    "evnex": "evnex",
    "grizzl_e": "grizzl_e",
    "growatt_thor": "growatt",
    "keba_p30x": "keba",
    "microocpp": "microocpp",
    "open_ocpp": "open_ocpp",
    "open_ocpp_eviq": "eviq",
    "openevse": "openevse",
    "openocpp": "openocpp",
    "schneider_evlink_fw33": "evlink",
    "vestel_evc03": "vestel_dc",
    "vestel_evc04": "vestel_ac",
}
"""Profile and the simulated family that stands for it."""

OTHERWISE = {("alfen_fw5", "accepted"): "alfen5_gsm"}
"""Further transcripts of a profile: the pair of keys for stations on a SIM."""


class Tap:
    """Stands where the station dials, passes every byte on to the relay, and keeps the messages."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.lines: list[Line] = []
        self._host = host
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def stand(self, side: Side, port: int, relay_port: int) -> None:
        """Listen where the station of this side dials."""

        def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.add(asyncio.ensure_future(self._attend(side, reader, writer, relay_port)))

        server = await asyncio.start_server(attend, self._host, port)
        self._servers.append(server)

    async def _attend(
        self, side: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, relay_port: int
    ) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", relay_port)
        up_writer.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await up_reader.readuntil(b"\r\n\r\n"))
        self.lines.append(Line(on=side, does="connects"))
        both = [
            asyncio.ensure_future(_pump(reader, up_writer, self._keeper(side, "station"))),
            asyncio.ensure_future(_pump(up_reader, writer, self._keeper(side, "csms"))),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lines.append(Line(on=side, does="leaves"))
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            writer.close()
            up_writer.close()

    def _keeper(self, side: Side, sender: str) -> Callable[[bytes], None]:
        frames, text = FrameReader(), bytearray()

        def keep(data: bytes) -> None:
            for piece in frames.feed(data):
                if piece.is_control or piece.opcode not in (Opcode.TEXT, Opcode.CONTINUATION):
                    continue
                text.extend(piece.payload)
                if piece.ends:
                    self.lines.append(Line(on=side, sender=sender, frame=msgspec.json.decode(bytes(text))))
                    text.clear()

        return keep

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: Callable[[bytes], None]) -> None:
    while data := await reader.read(65536):
        keep(data)
        writer.write(data)


def told(lines: list[Line]) -> list[Line]:
    """The lines that belong to the move: no heartbeats and statuses, nothing after the boot on the target."""
    noise = {line.frame[1] for line in lines if line.sender == "station" and _is_noise(line.frame)}
    kept = [line for line in lines if not (line.frame and line.frame[1] in noise)]
    boots = [n for n, line in enumerate(kept) if line.on is Side.TARGET and line.frame[2:3] == ["BootNotification"]]
    return _numbered(kept[: boots[0] + 2] if boots else _until_the_last_answer(kept))


def _numbered(lines: list[Line]) -> list[Line]:
    """Message ids by their order, so that the same conversation is the same file."""
    calls = [(line.sender, line.frame[1]) for line in lines if line.frame and line.frame[0] == 2]
    ids = {id_: f"{sender}-{n}" for n, (sender, id_) in enumerate(calls, 1)}
    return [
        replace(line, frame=[line.frame[0], ids.get(line.frame[1], line.frame[1]), *line.frame[2:]])
        if line.frame
        else line
        for line in lines
    ]


def _is_noise(frame: list[Any]) -> bool:
    return frame[0] == 2 and frame[2] in ("Heartbeat", "StatusNotification")


def _until_the_last_answer(lines: list[Line]) -> list[Line]:
    answers = [n for n, line in enumerate(lines) if line.sender == "station" and line.frame[0] != 2]
    return lines[: answers[-1] + 1] if answers else lines


@asynccontextmanager
async def simulated(
    spec: StationSpec, folder: Path, *, source_url: str = SOURCE_URL, target_url: str = TARGET_URL
) -> AsyncIterator[None]:
    """One simulated station that dials the tap."""
    config = Config(
        speed=SPEED, stations=(spec,), wire=folder / "wire.jsonl", source_url=source_url, target_url=target_url
    )
    fleet = Fleet(config)
    await fleet.open()
    fleet.start_stations()
    try:
        await fleet.await_online()
        yield
    finally:
        await fleet.close()


def dealt(family: str, fault: Fault) -> StationSpec:
    ways = behaviour(family)
    hardware = ways.hardware[0]
    return StationSpec(
        identity=IDENTITY,
        vendor=hardware.vendor,
        model=hardware.model,
        firmware=hardware.firmwares[0],
        serial="SIM-0001",
        family=family,
        site_id="BENCH",
        connectors=1,
        reboot_s=45.0,
        fault=fault,
        expected=ENDINGS[fault],
    )


async def record(profile_name: str, case: str, family: str) -> tuple[Head, list[Line]]:
    """Move one simulated station, and keep what was said."""
    profile = load_catalogue().get(profile_name)
    assert profile is not None
    is_half_way = len(profile.writes) > 1 and len(behaviour(family).backend_keys) > 1
    refusing = Fault.HALF_WAY_REFUSAL if is_half_way else Fault.READ_ONLY_KEY
    spec = dealt(family, Fault.NONE if case.startswith("accepted") else refusing)
    made = f"against the simulated firmware {family!r} of this toolkit, {date.today()}; no physical station"
    with tempfile.TemporaryDirectory() as name:
        async with tapped(Path(name), speed=SPEED) as (bench, tap), simulated(spec, Path(name)):
            await bench.sees(Kind.BOOT, Side.SOURCE)
            ended = await bench.move(profile, _station(spec), TARGET_URL)
    head = _head(profile_name, case, made, _station(spec), TARGET_URL, ended.state.value)
    return head, told(tap.lines)


async def record_on_bench(
    profile_name: str, host: str, case: str, ports: tuple[int, int] = (SOURCE_PORT, TARGET_PORT)
) -> tuple[Head, list[Line]]:
    """Move the physical station that dials ``ws://HOST:19016``; it is what it says of itself in its boot."""
    profile = load_catalogue().get(profile_name)
    assert profile is not None, f"there is no profile {profile_name}"
    target = f"ws://{host}:{ports[1]}/ocpp"
    with tempfile.TemporaryDirectory() as name:
        async with tapped(Path(name), speed=1.0, host=host, ports=ports) as (bench, tap):
            print(f"Let the station dial ws://{host}:{ports[0]}/legacy and switch it on; waiting for its boot.")
            boot = await bench.sees(Kind.BOOT, Side.SOURCE, patience_s=BENCH_PATIENCE_S)
            facts = boot.facts
            assert facts is not None
            station = Station(
                identity=boot.identity,
                vendor=facts.vendor,
                model=facts.model,
                firmware=facts.firmware,
                serial=facts.serial,
            )
            ended = await bench.move(profile, station, target, patience_s=BENCH_PATIENCE_S)
    made = f"on a bench, {date.today()}, one physical station"
    return _head(profile_name, case, made, station, target, ended.state.value), told(tap.lines)


@asynccontextmanager
async def tapped(
    folder: Path, *, speed: float, host: str = "127.0.0.1", ports: tuple[int, int] = (SOURCE_PORT, TARGET_PORT)
) -> AsyncIterator[tuple[Bench, Tap]]:
    """A bench with a tap before each of its relays."""
    tap = Tap(host)
    async with Bench.open(folder, speed=speed) as bench:
        for side, port in zip((Side.SOURCE, Side.TARGET), ports, strict=True):
            await tap.stand(side, port, bench.relays[side].port)
        try:
            yield bench, tap
        finally:
            await tap.close()


def _station(spec: StationSpec) -> Station:
    return Station(
        identity=spec.identity, vendor=spec.vendor, model=spec.model, firmware=spec.firmware, serial=spec.serial
    )


def _head(profile: str, case: str, made: str, station: Station, target: str, ends: str) -> Head:
    return Head(
        profile=profile,
        case=case,
        made=made,
        identity=station.identity,
        vendor=station.vendor,
        model=station.model,
        firmware=station.firmware,
        serial=station.serial,
        target=target,
        ends=ends,
    )


def wanted() -> list[tuple[str, str, str]]:
    """Profile, case and simulated family of every transcript there has to be."""
    names = [profile.name for profile in load_catalogue().profiles if profile.method is Method.CHANGE_CONFIGURATION]
    usual = [(name, case, FAMILIES[name]) for name in names for case in ("accepted", "refused")]
    return usual + [(name, f"{case}_by_sim", family) for (name, case), family in OTHERWISE.items()]


async def main(arguments: list[str]) -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.profiles.record", description=__doc__)
    asked.add_argument("--bench", metavar="HOST", help="this machine's address as the station on the bench dials it")
    asked.add_argument("--case", default="accepted", help="accepted or refused; with --bench")
    asked.add_argument("profiles", nargs="*", metavar="PROFILE")
    given = asked.parse_args(arguments)
    if given.bench:
        cases = [(given.profiles[0], given.case, "")]
    else:
        cases = [one for one in wanted() if not given.profiles or one[0] in given.profiles]
    for profile, case, family in cases:
        recorded = record_on_bench(profile, given.bench, case) if given.bench else record(profile, case, family)
        head, lines = await recorded
        write(path_of(profile, case), head, lines)
        print(f"{profile} {case}: {head.ends}, {len(lines)} lines")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
