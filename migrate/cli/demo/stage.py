"""The stage of a demonstration: an ordinary campaign folder, and a simulated fleet beside it.

The fleet is a process of its own that dials the relays as stations would; it
and the toolkit know nothing of each other but addresses.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from migrate.adapters.vault import IDTAG_KEY, FileVault
from migrate.cli.demo.equipment import Equipment
from migrate.domain.errors import CsmsUnavailable
from migrate.domain.station import Lifecycle, Station
from migrate.settings import FILE_NAME
from migrate.simulator.deal import StationSpec
from migrate.simulator.wirelog import Side

READY_WITHIN_S = 120.0
NOBODY_IS_GIVEN = range(20_000, 32_000)
"""Ports below those that the system hands out by itself (Linux: from 32,768 on)."""

CAMPAIGN = """\
# Made by `migrate demo`.  The policy of a demonstration is fixed; a real campaign is made with `migrate init`.
name = "demo-{seed}"
timezone = "UTC"

[source]
url = "{scheme}://127.0.0.1:{source}/ocpp"
[source.relay]
listen = "127.0.0.1:{source}"
upstream = "{source_csms}"
{source_relay}
[target]
url = "{scheme}://127.0.0.1:{target}/ocpp"
{target_root}[target.relay]
listen = "127.0.0.1:{target}"
upstream = "{target_csms}"
{target_relay}
[gate]
min_confirmed = "60%"
max_failed = 20
max_failed_share = "40%"
max_lost = 2
max_without_effect = 20
soak = "2m"

[timeouts]
appear = "10m"
grace = "2m"
check = "{answers}s"                      # an answer is awaited for 30 real seconds, however fast the campaign runs
write = "{answers}s"
undo = "{answers}s"

[retries]
backoff = "2m"

[drill]                                   # campaign time runs {speed:g} times faster than the clock on the wall
speed = {speed:g}
since = {since}
"""

POLICY = (
    "soak 2 min, appear 10 min, grace 2 min, back-off 2 min, heartbeat 30 s, reboot lognormal with median 45 s and "
    "sigma 0.6;\n  gate: at least 60 % confirmed, at most 20 failed of a kind, 40 % failed, 2 lost"
)
HEARTBEAT_S = 30.0
ANSWERS_S = 100.0
"""Real seconds in which a station that answers nothing has been asked as often as it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A demonstration's folder and what was drawn for it."""

    folder: Path
    seed: int
    speed: float
    specs: Sequence[StationSpec]
    stations: Sequence[Station]
    source_port: int
    target_port: int
    equipment: Equipment = field(default_factory=Equipment)

    @property
    def wire(self) -> Path:
        return self.folder / "wire.jsonl"

    @property
    def control(self) -> Path:
        return self.folder / "simulator.sock"

    def write_fleet(self) -> Path:
        """The simulator's configuration: what stations dial today, and what crews enter."""
        path, scheme = self.folder / "fleet.json", self.equipment.scheme
        fleet = {
            "seed": self.seed,
            "speed": self.speed,
            "heartbeat_s": HEARTBEAT_S,
            "stations": [spec.to_json() for spec in self.specs],
            "source_url": f"{scheme}://127.0.0.1:{self.source_port}/ocpp",
            "target_url": f"{scheme}://127.0.0.1:{self.target_port}/ocpp",
            "wire": str(self.wire),
            "control": str(self.control),
            "csms": self.equipment.csms,
            **self.equipment.fleet,
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # it holds passwords
            json.dump(fleet, file)
        return path

    def write_campaign(self, csms: dict[str, str]) -> None:
        """The campaign folder, as ``migrate init`` would have made it for this fleet."""
        text = CAMPAIGN.format(
            seed=self.seed,
            speed=self.speed,
            answers=round(ANSWERS_S * self.speed),
            since=datetime.now(UTC).isoformat(timespec="microseconds"),
            source=self.source_port,
            target=self.target_port,
            source_csms=csms["source"],
            target_csms=csms["target"],
            scheme=self.equipment.scheme,
            source_relay=_toml(self.equipment.relays[Side.SOURCE]),
            target_relay=_toml(self.equipment.relays[Side.TARGET]),
            target_root=_toml({"root": self.equipment.target_root} if self.equipment.target_root else {}),
        )
        (self.folder / FILE_NAME).touch(mode=0o640)
        (self.folder / FILE_NAME).write_text(text + self.equipment.sections, encoding="utf-8")
        FileVault(self.folder / "secrets").make(IDTAG_KEY)
        self.equipment.furnish(self.folder)


def _toml(keys: Mapping[str, str | bool]) -> str:
    """Lines of a table; a text in JSON's quotes is a text in TOML."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in keys.items())


@dataclass(slots=True)
class SimulatedFleet:
    """The simulator's process, and the addresses of its two CSMSes."""

    process: asyncio.subprocess.Process
    csms: dict[str, str]

    async def ready(self) -> None:
        """Wait until every station that should be online is."""
        await _line(self.process, "READY")

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(10):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


@asynccontextmanager
async def simulated_fleet(stage: Stage) -> AsyncIterator[SimulatedFleet]:
    """Start the fleet; its CSMSes listen when this yields, its stations dial on."""
    with (stage.folder / "simulator.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "migrate.simulator",
            "--config",
            str(stage.write_fleet()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the run, not for the stations it moves
        )
    try:
        words = (await _line(process, "CSMS ")).split()[1:]
        fleet = SimulatedFleet(process, dict(word.split("=", 1) for word in words))
        try:
            yield fleet
        finally:
            await fleet.stop()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process, begin: str) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            async for line in process.stdout:
                if line.decode().startswith(begin):
                    return line.decode().strip()
    except TimeoutError as error:
        raise CsmsUnavailable(
            f"The simulated fleet did not say {begin.strip()!r} in time.",
            side="both",
            hint="Look at simulator.log in the demo's folder.",
        ) from error
    raise CsmsUnavailable("The simulated fleet ended.", side="both", hint="Look at simulator.log in the demo's folder.")


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds at this moment, and that nobody is given who asks for any: those lie above."""
    with ExitStack() as holders:
        return [_free_port(holders.enter_context(socket.socket())) for _ in range(count)]


def _free_port(one: socket.socket) -> int:
    for port in random.SystemRandom().sample(NOBODY_IS_GIVEN, 100):
        with suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise OSError(errno.EADDRINUSE, "a hundred ports of the loopback are taken")


def stations_of(specs: Sequence[StationSpec], published: Sequence[Station] = ()) -> list[Station]:
    """The inventory of a simulated fleet: what was published stays, vendor, model and firmware are marked synthetic."""
    known = {station.identity: station for station in published}
    return [_station(spec, known.get(spec.identity)) for spec in specs]


def _station(spec: StationSpec, published: Station | None) -> Station:
    base = published or Station(identity=spec.identity, site_id=spec.site_id, connectors=spec.connectors)
    return replace(
        base,
        vendor=spec.vendor,
        model=spec.model,
        firmware=spec.firmware,
        serial=spec.serial,
        iccid=spec.iccid,
        imsi=spec.imsi,
        ip_address=spec.ip_address,
        ocpp_version=spec.ocpp_version,
        security_profile=spec.security.profile if spec.security else published.security_profile if published else None,
        lifecycle=Lifecycle.IN_SERVICE,
        synthetic=True,
    )
