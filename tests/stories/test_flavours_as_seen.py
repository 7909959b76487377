"""Seven suppliers' stations behind a relay: what it saw of them is the table that their suppliers gave."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate.adapters.clock import CampaignClock
from migrate.adapters.ocpp.relay import Relay
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.flavour import Count, Flavour, Lapse, Shown, Trait
from migrate.domain.observation import Observer
from migrate.domain.record import Event, EventKind
from migrate.simulator import wirelog
from migrate.simulator.behaviour import SUPPLIERS, behaviour
from migrate.simulator.config import Config
from migrate.simulator.deal import StationSpec
from migrate.simulator.fleet import Fleet
from migrate.simulator.orders import ORDERS

pytestmark = pytest.mark.story

FACTS = Path(__file__).parents[2] / "../shared/reference/flavours.csv"
SIX = tuple(Trait)[:6]
SPEED = 100.0
PATIENCE_S = 20.0


def station_of(supplier: str) -> StationSpec:
    firmware = behaviour("everest").hardware[0].firmwares[0]
    return StationSpec(
        identity=f"SIM-{supplier}",
        vendor=supplier,
        model="Wall",
        firmware=firmware,
        serial=f"S-{supplier}",
        family="everest",
        site_id="SITE-1",
        connectors=1,
        reboot_s=45.0,
        flavour=supplier,
    )


class Street:
    """One station of each supplier behind a relay, and an observer of all that it sees."""

    def __init__(self, folder: Path) -> None:
        self.clock = CampaignClock(speed=SPEED, since=datetime.now(UTC))
        self.observer = Observer(lambda _identity, said: (said.vendor, said.model, ""))  # of any firmware
        self.sessions: Counter[str] = Counter()
        self._folder = folder
        self.backend = Fleet(Config(stations=(), wire=folder / "backend.jsonl"))
        self.fleet: Fleet
        self.relay: Relay

    async def open(self) -> None:
        stations = tuple(map(station_of, SUPPLIERS))
        await self.backend.open()
        self.relay = Relay(
            side=Side.SOURCE,
            listen=("127.0.0.1", 0),
            upstream=self.backend.csms[wirelog.Side.SOURCE].url,
            now=self.clock.now,
            tag_key=b"key",
            sink=self._see,
        )
        await self.relay.start()
        address = f"ws://127.0.0.1:{self.relay.port}/ocpp"
        wire = self._folder / "wire.jsonl"
        self.fleet = Fleet(Config(speed=SPEED, stations=stations, wire=wire, source_url=address, heartbeat_s=3600))
        await self.fleet.open()
        self.fleet.start_stations()
        await self.all_have_connected(1)

    def _see(self, sighting: Sighting) -> None:
        self.observer.saw(sighting)
        self.sessions[sighting.identity] += sighting.kind is Kind.CONNECTED

    async def all_have_connected(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while sum(count >= times for count in self.sessions.values()) < len(SUPPLIERS):
                await asyncio.sleep(0.01)

    async def a_while(self, seconds: float = 65) -> None:
        """Campaign time goes by."""
        await self.clock.sleep(timedelta(seconds=seconds))

    async def happens(self, what: str, **facts: object) -> None:
        for identity in self.fleet.stations:
            await ORDERS[what](self.fleet, {"identity": identity, **facts})

    async def a_driver_comes_and_goes(self) -> None:
        await self.happens("start_transaction")
        await self.a_while()
        await self.happens("stop_transaction")
        await self.a_while()

    async def we_restart_them(self) -> None:
        for identity in self.fleet.stations:
            event = Event(kind=EventKind.COMMAND, at=self.clock.now(), identity=identity, data={"action": "Reset"})
            self.observer.did(event)
        commands = (self.relay.inject(one, "Reset", {"type": "Hard"}, timeout_s=10) for one in self.fleet.stations)
        await asyncio.gather(*commands)

    async def close(self) -> None:
        await self.fleet.close()
        await self.relay.drain(within_s=1)
        await self.backend.close()


async def a_day(street: Street) -> None:
    """What happens to stations in a year, in a few seconds."""
    await street.a_while()
    await street.a_driver_comes_and_goes()
    await street.happens("meter_failure")
    await street.a_while(90)
    await street.we_restart_them()
    await street.all_have_connected(2)
    await street.a_while()
    await street.happens("drop_link", for_s=20)
    await street.all_have_connected(3)
    await street.a_while()
    await street.a_driver_comes_and_goes()
    await street.happens("update_firmware", version="9.9.9")
    await street.all_have_connected(4)
    await street.a_while()
    await street.a_driver_comes_and_goes()


async def lived_through(street: Street) -> None:
    await street.open()
    try:
        await a_day(street)
    finally:
        await street.close()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Flavour]:
    street = Street(tmp_path_factory.mktemp("street"))
    asyncio.run(lived_through(street))
    return {flavour.vendor: flavour for flavour in street.observer.flavours()}


@pytest.fixture(scope="module")
def told() -> Mapping[str, Mapping[str, str]]:
    if not FACTS.exists():
        pytest.skip(f"{FACTS.name} is not on this machine")
    with FACTS.open() as lines:
        return {row["supplier"]: row for row in csv.DictReader(lines)}


@pytest.mark.parametrize("supplier", SUPPLIERS)
def test_the_flavour_seen_on_the_wire_is_the_suppliers_own(
    seen: Mapping[str, Flavour], told: Mapping[str, Mapping[str, str]], supplier: str
) -> None:
    flavour = seen[supplier]

    shown = {trait.value: flavour.trait(trait).shown.value for trait in SIX}

    assert shown == {trait.value: told[supplier][trait.value] for trait in SIX}


@pytest.mark.parametrize("supplier", SUPPLIERS)
def test_each_happening_was_counted_once_and_timed(seen: Mapping[str, Flavour], supplier: str) -> None:
    flavour = seen[supplier]

    counts = {trait: flavour.trait(trait).of for trait in SIX}

    assert counts == {
        Trait.BOOT_AFTER_LINK_LOSS: 1,
        Trait.STATUS_AFTER_STOP: 3,
        Trait.STATUS_AFTER_START: 3,
        Trait.STATUS_AFTER_LINK_LOSS: 1,
        Trait.STATUS_AFTER_FIRMWARE: 1,
        Trait.STAYS_FAULTED: 1,
    }
    assert flavour.trait(Trait.BOOTS_ON_ARRIVAL) == Count(yes=1)
    assert flavour.trait(Trait.ANSWERS_TRIGGER).shown is Shown.UNKNOWN
    assert flavour.lapse(Lapse.AWAY_AFTER_LINK_LOSS).least_s >= 20
    assert 30 <= flavour.lapse(Lapse.AWAY_AFTER_CHANGE).least_s <= 60


def test_every_station_was_recognised_by_its_own_words(seen: Mapping[str, Flavour]) -> None:
    assert {supplier: flavour.stations for supplier, flavour in seen.items()} == dict.fromkeys(SUPPLIERS, 1)
