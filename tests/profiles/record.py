"""Record a transcript: a tap between a station and the relays, and the program moving the station.

``python -m tests.profiles.record`` makes those of every packaged profile anew,
against the simulated firmware.  ``python -m tests.profiles.record --bench HOST
PROFILE`` moves the physical station that dials this machine; see
vendor_profiles/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from migrate.domain.evidence import Kind, Side
from migrate.domain.profile import Profile
from migrate.domain.station import Station
from migrate.simulator.authority import Authority
from migrate.simulator.behaviour import Hardware, behaviour
from migrate.simulator.config import Config
from migrate.simulator.deal import StationSpec
from migrate.simulator.faults import ENDINGS, Fault
from migrate.simulator.fleet import Fleet
from migrate.simulator.http_host import HttpConfig
from migrate.simulator.ssh_host import SshConfig
from tests.profiles.bench import FILES_PORT, PASSWORD, Bench, errand_of
from tests.profiles.families import EVERY, wanted
from tests.profiles.shell_end import passing_on, ssh_end
from tests.profiles.tap import HttpTap, Tap
from tests.profiles.transcripts import VISITED, Head, Line, path_of, timeless, write
from tests.profiles.visited import found_moved
from vendor_profiles import load_catalogue

SOURCE_PORT, TARGET_PORT = 19016, 19017  # fixed, so that two recordings of the same thing are the same file
SOURCE_URL = f"ws://127.0.0.1:{SOURCE_PORT}/legacy"
TARGET_URL = (
    f"ws://localhost:{TARGET_PORT}/ocpp"  # another host, port and path, so that every key of a family is written
)
HTTP_PORT = 19018  # where doors ask; the simulated station or cloud itself is beyond it
BEYOND_PORT = 19019
SSH_PORT, BEYOND_SSH_PORT = 19021, 19022
ADDRESS = "127.66.0.1"
SPEED = 100.0
CREW_SPEED = 10.0  # of the program alone: a station that boots by itself has done so before it is asked to
BENCH_PATIENCE_S = 3600.0  # a person stands before the station
IDENTITY = "BENCH-1"


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
        replace(line, frame=_timeless([line.frame[0], ids.get(line.frame[1], line.frame[1]), *line.frame[2:]], line))
        if line.frame
        else line
        for line in lines
    ]


def _timeless(frame: list[Any], line: Line) -> list[Any]:
    return [*frame[:3], timeless(frame[3])] if line.is_our_call else frame


def _is_noise(frame: list[Any]) -> bool:
    return frame[0] == 2 and frame[2] in ("Heartbeat", "StatusNotification")


def _until_the_last_answer(lines: list[Line]) -> list[Line]:
    answers = [n for n, line in enumerate(lines) if line.sender == "station" and line.frame[0] != 2]
    return lines[: answers[-1] + 1] if answers else lines


@asynccontextmanager
async def simulated(
    spec: StationSpec, folder: Path, *, source_url: str = SOURCE_URL, target_url: str = TARGET_URL
) -> AsyncIterator[Fleet]:
    """One simulated station that dials the tap."""
    config = Config(
        speed=SPEED,
        stations=(spec,),
        wire=folder / "wire.jsonl",
        source_url=source_url,
        target_url=target_url,
        http=_served(folder, spec),
        ssh=SshConfig(port=BEYOND_SSH_PORT, password_sha256=hashlib.sha256(PASSWORD.encode()).hexdigest()),
    )
    fleet = Fleet(config)
    await fleet.open()
    fleet.start_stations()
    try:
        await fleet.await_online()
        yield fleet
    finally:
        await fleet.close()


def _served(folder: Path, spec: StationSpec) -> HttpConfig:
    """Where the simulated station, or its maker's cloud, serves HTTP."""
    if behaviour(spec.family).web != "easee":
        return HttpConfig(port=BEYOND_PORT)
    certificate, key = Authority("bench").for_backend(["127.0.0.1"]).write(folder, "cloud")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    return HttpConfig(
        cloud_port=BEYOND_PORT, certificate=str(certificate), key=str(key), user="operator", password_sha256=digest
    )


def dealt(family: str, fault: Fault, profile: str = "") -> StationSpec:
    """One station of a family; the one that a profile is for, where the family has several."""
    ways = behaviour(family)
    fits = (h for h in ways.hardware if profile in ("", _fitting(h, ways.ocpp_version)))
    hardware = next(fits, ways.hardware[0])
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
        ip_address=ADDRESS if ways.web or ways.ssh_user else "",
    )


def _fitting(hardware: Hardware, ocpp_version: str) -> str:
    found = load_catalogue().match(hardware.vendor, hardware.model, hardware.firmwares[0], ocpp_version).profile
    return found.name if found else ""


async def record(profile_name: str, case: str, family: str) -> tuple[Head, list[Line]]:
    """Move one simulated station, and keep what was said."""
    profile = EVERY.get(profile_name)
    assert profile is not None
    spec = _spec_of(profile, case, family)
    made = f"against the simulated firmware {family!r} of this toolkit, {date.today()}; no physical station"
    with tempfile.TemporaryDirectory() as name:
        speed = CREW_SPEED if case == VISITED else SPEED
        async with tapped(Path(name), speed=speed, spec=spec) as (bench, tap), simulated(spec, Path(name)) as fleet:
            await bench.sees(Kind.BOOT, Side.SOURCE)
            ended = await bench.move(profile, _station(spec), TARGET_URL)
            if case == VISITED:
                fleet.send_crew(IDENTITY)
                ended = await found_moved(bench, ended, errand_of(profile, _station(spec), TARGET_URL))
    head = _head(profile_name, case, made, _station(spec), TARGET_URL, ended.state.value)
    return head, told(tap.lines)


def _spec_of(profile: Profile, case: str, family: str) -> StationSpec:
    """The station of a transcript: one that a crew visits, that takes everything, or that refuses, half-way where it can."""
    ways = behaviour(family)
    if case == VISITED:
        return replace(dealt(family, Fault.NONE, profile.name), visit_s=1.0)
    if case.startswith("accepted"):
        return dealt(family, Fault.NONE, profile.name)
    if ways.web or ways.ssh_user:
        manner = {"webbing": "refuses"} if ways.web else {"shelling": "refuses"}
        return replace(dealt(family, Fault.NONE, profile.name), ways=manner)
    is_half_way = len(profile.writes) > 1 and len(ways.backend_keys) > 1 and not ways.appends_slots
    return dealt(family, Fault.HALF_WAY_REFUSAL if is_half_way else Fault.READ_ONLY_KEY, profile.name)


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
    folder: Path,
    *,
    speed: float,
    host: str = "127.0.0.1",
    ports: tuple[int, int] = (SOURCE_PORT, TARGET_PORT),
    spec: StationSpec | None = None,
) -> AsyncIterator[tuple[Bench, Tap]]:
    """A bench with a tap before each of its relays, and before the station's own interface where it has one."""
    lines: list[Line] = []
    tap = Tap(lines, host)
    own = {"http_port": HTTP_PORT, "ssh_port": SSH_PORT, "files_port": FILES_PORT}
    async with Bench.open(folder, speed=speed, **own) as bench, AsyncExitStack() as stack:
        stack.push_async_callback(tap.close)
        for side, port in zip((Side.SOURCE, Side.TARGET), ports, strict=True):
            await tap.stand(side, port, bench.relays[side].port)
        if spec is not None and (web := behaviour(spec.family).web):
            is_cloud = web == "easee"
            beyond = f"https://127.0.0.1:{BEYOND_PORT}" if is_cloud else f"http://{ADDRESS}:{BEYOND_PORT}"
            http = HttpTap(lines, "127.0.0.1" if is_cloud else ADDRESS, HTTP_PORT, beyond)
            stack.push_async_callback(http.close)
            await http.open()
        if spec is not None and (user := behaviour(spec.family).ssh_user):
            answer = passing_on(lines, ADDRESS, BEYOND_SSH_PORT, user)
            await stack.enter_async_context(ssh_end(ADDRESS, SSH_PORT, bench.known_hosts, answer))
        yield bench, tap


def _station(spec: StationSpec) -> Station:
    return Station(
        identity=spec.identity,
        vendor=spec.vendor,
        model=spec.model,
        firmware=spec.firmware,
        serial=spec.serial,
        ocpp_version=spec.ocpp_version,
        ip_address=spec.ip_address,
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
        ocpp=station.ocpp_version,
    )


async def main(arguments: list[str]) -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.profiles.record", description=__doc__)
    asked.add_argument("--bench", metavar="HOST", help="this machine's address as the station on the bench dials it")
    asked.add_argument(
        "--case",
        default="accepted",
        help="accepted or refused, with --bench; a visit is recorded against a simulated station only",
    )
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
