"""A bench for one station: both relays, the real channel and witness, and a driver that moves it.

Whatever stands on the bench, a simulated station, a player of a transcript or a
real one, dials ``ws://127.0.0.1:PORT/IDENTITY``.  The relays answer as a lab
CSMS, the journal is the one in memory, everything between is the program's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from batches.driver import Driver
from batches.errand import Errand, Fence, Ports
from batches.lookout import Lookout
from batches.pace import Pacer
from migrate.adapters.channels.firmware import Depot, FirmwareDoors
from migrate.adapters.channels.http.doors import HttpDoors
from migrate.adapters.channels.http.reach import HttpSettings
from migrate.adapters.channels.relay import RelayChannel
from migrate.adapters.channels.ssh import SshDoors, SshSettings
from migrate.adapters.channels.ssh.known_hosts import KnownHosts
from migrate.adapters.clock import CampaignClock
from migrate.adapters.dice import SystemDice
from migrate.adapters.files.serving import FileServer, Terms
from migrate.adapters.files.store import open_store
from migrate.adapters.journal.rows import sighting_change
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.listen import ListenServer
from migrate.adapters.ocpp.relay import LAB, Relay
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.address import parse_backend
from migrate.domain.bandwidth import Share
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.policy import Policy, Timeouts
from migrate.domain.profile import Profile
from migrate.domain.record import Attempt, Change, Event, EventKind, Permit
from migrate.domain.station import Station
from migrate.domain.wave import PlannedStation
from migrate.domain.ways import Way
from migrate.simulator.image import Image
from migrate.simulator.releases import Release, write_releases
from tests.doubles.journal import MemoryJournal
from vendor_profiles import Catalogue, load_catalogue

BATCH = "w0.b0"
HOUR = timedelta(hours=1)
EASEE = "https://api.easee.com"
PASSWORD = "made-up-password"
PATIENCE_S = 60.0


FILES_PORT = 19020
FILES_URL = f"http://127.0.0.1:{FILES_PORT}"
RELEASES = (Release(name="keba-1.18.0.bin", image=Image(vendor="Keba AG", version="1.18.0"), models=("KC-P30-*",)),)
UNHURRIED = Timeouts(check=HOUR, write=HOUR, restart=HOUR, appear=HOUR, arrive=HOUR, undo=HOUR)
"""What is compared is what is sent; how long a busy machine takes is not."""
SCRIPTS = Path(str(files("vendor_profiles"))) / "on_request"


class MadeUp:
    """A vault in which every secret is the same, and none."""

    def secret(self, name: str) -> bytes:
        return PASSWORD.encode()

    def of(self, identity: str) -> MadeUp:
        return self


SECRETS = MadeUp()


class Bench:
    """The relays, what they saw, and the ports of a driver."""

    def __init__(
        self,
        folder: Path,
        *,
        speed: float,
        ports: tuple[int, int] = (0, 0),
        http_port: int = 0,
        ssh_port: int = 0,
        files_port: int = 0,
    ) -> None:
        self.clock = CampaignClock(speed=speed, since=datetime.now(UTC))
        self.journal = MemoryJournal()
        self.kept: list[Sighting] = []
        self._news = asyncio.Event()
        self.relays = {
            side: Relay(side=side, listen=("127.0.0.1", port), upstream=LAB, now=self.clock.now, tag_key=b"key")
            for side, port in zip(Side, ports, strict=True)
        }
        socket = folder / "listen.sock"
        self.server = ListenServer(list(self.relays.values()), socket, self._record)
        self.client = ListenClient(socket, dial_s=1.0)
        self.witness = RelayWitness(self.client, self._tail)
        self.known_hosts = KnownHosts(folder / "known_hosts")
        self._files = Terms(
            store=folder / "firmware",
            rate_bytes_per_s=4_000_000,
            key=PASSWORD.encode(),
            web=("127.0.0.1", files_port) if files_port else None,
        )
        write_releases(self._files.store, RELEASES)
        at_bench = {EASEE: f"http://127.0.0.1:{http_port}"}
        self.doors = {
            Way.HTTP: HttpDoors(HttpSettings(port=http_port, bases=at_bench), SECRETS, clock=self.clock),
            Way.FIRMWARE: FirmwareDoors(
                self.client, self._depot(), SECRETS, self.journal.facts, clock=self.clock, dice=SystemDice()
            ),
            Way.SSH: SshDoors(
                SshSettings(known_hosts=folder / "known_hosts", scripts=(SCRIPTS,), port=ssh_port, threads=2), SECRETS
            ),
        }

    def _depot(self) -> Depot:
        """What is ordered under one address, whether anybody serves it or a transcript says what came of it."""
        return Depot(store=open_store(self._files.store).checked(), bases={"http": FILES_URL}, share=Share.SITE)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, speed: float = 1.0, **ports: Any) -> AsyncIterator[Bench]:
        bench = cls(folder, speed=speed, **ports)
        await bench.server.start()
        await bench.witness.start()
        server = FileServer(bench._files, lambda _: None)
        await server.start()
        try:
            yield bench
        finally:
            await server.stop()
            await bench.witness.stop()
            for doors in bench.doors.values():
                await doors.close()
            await bench.client.close()
            await bench.server.drain()

    async def _record(self, seen: Sequence[Sighting]) -> list[int]:
        places = [await self.journal.commit(sighting_change([sighting])) for sighting in seen]
        self.kept += [replace(sighting, seq=place) for sighting, place in zip(seen, places, strict=True)]
        self._news.set()
        return places

    async def _tail(self, after: int) -> list[Sighting]:
        return [sighting for sighting in self.kept if sighting.seq > after]

    async def sees(self, kind: Kind, side: Side, *, patience_s: float = PATIENCE_S) -> Sighting:
        """Wait until something was seen and recorded."""
        async with asyncio.timeout(patience_s):
            while True:
                for sighting in self.kept:
                    if sighting.kind is kind and sighting.side is side:
                        return sighting
                self._news.clear()
                await self._news.wait()

    async def move(self, profile: Profile, station: Station, target: str, *, patience_s: float = PATIENCE_S) -> Attempt:
        """Move the station that stands on the bench, as a wave would."""
        attempt = Attempt(
            id=f"{station.identity}#1",
            identity=station.identity,
            number=1,
            wave=0,
            batch=BATCH,
            profile=profile.name,
            method=profile.method,
            opened_at=self.clock.now(),
            entered_at=self.clock.now(),
        )
        opened = Event(
            kind=EventKind.ATTEMPT_OPENED, at=self.clock.now(), identity=station.identity, attempt=attempt.id
        )
        await self.journal.commit(Change(events=(opened,), attempts=(replace(attempt, version=1),)))
        return await self.drive(attempt, errand_of(profile, station, target), patience_s=patience_s)

    async def drive(self, attempt: Attempt, errand: Errand, *, patience_s: float = PATIENCE_S) -> Attempt:
        """Give an attempt to a driver, who is told all that is seen of its station from here on and what nobody heeded yet."""
        epoch = await self.journal.take_batch(attempt.batch, "bench", self.clock.now())
        driver = Driver(errand, self.ports(), Fence(batch=attempt.batch, epoch=epoch))
        lookout = Lookout(self.witness)
        looking = asyncio.ensure_future(lookout.look_out(await self.journal.newest_seq(), _nobody))
        try:
            with lookout.for_driver(attempt.identity, driver):
                missed = await self.journal.missed(attempt.identity)
                async with asyncio.timeout(patience_s):
                    return await driver.drive(attempt, missed)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    def ports(self) -> Ports:
        """What a driver or a watch of this bench reaches the world by."""
        return Ports(
            journal=self.journal,
            source=RelayChannel(self.client, Side.SOURCE, timeout_s=5.0),
            target=RelayChannel(self.client, Side.TARGET, timeout_s=5.0),
            witness=self.witness,
            clock=self.clock,
            pacer=Pacer(self.witness, self.clock),
            dice=SystemDice(),
            doors=self.doors,
            vault=SECRETS,
        )


def errand_of(profile: Profile, station: Station, target: str) -> Errand:
    """What a plan would hold of the station on the bench."""

    def refit(said: IdentityFacts) -> str:
        known = Catalogue({one.name: one for one in (*load_catalogue().profiles, profile)}.values())
        found = known.match(said.vendor, said.model, said.firmware, station.ocpp_version).profile
        return found.name if found else ""

    planned = PlannedStation(
        identity=station.identity,
        wave=0,
        batch=0,
        profile=profile.name,
        method=profile.method,
        rollback=profile.rollback,
        site="bench",
        kind=station.kind,
    )
    return Errand(
        station=station,
        planned=planned,
        profile=profile,
        backend=parse_backend(target),
        policy=Policy(timeouts=UNHURRIED),
        permits=(Permit(scope="global", limit=1),),
        refit=refit,
        lab_counts=True,
    )


async def _nobody(_: Sighting) -> None:
    return None
