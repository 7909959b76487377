"""A backend that slows down, seen by every process through the listening process: over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batches.pace import FULL, Pacer
from migrate.adapters.clock import CampaignClock
from migrate.adapters.ocpp.lines import PULSE_S
from migrate.adapters.witnesses.relay import RelayWitness
from migrate.domain.evidence import Side
from migrate.ports import Latency
from migrate.simulator.csms import SimulatedCsms
from tests.adapters.channels.conftest import Site
from tests.adapters.ocpp.wire import PATIENCE_S, Peer


@pytest.fixture
async def csms() -> AsyncIterator[SimulatedCsms]:
    backend = SimulatedCsms()
    await backend.up()
    yield backend
    await backend.down()


@pytest.fixture
async def site(tmp_path: Path, csms: SimulatedCsms) -> AsyncIterator[Site]:
    """Both relays before the same simulated CSMS."""
    site = Site(tmp_path)
    await site.up(csms.url)
    yield site
    await site.down()


@pytest.fixture
async def witness(site: Site) -> AsyncIterator[RelayWitness]:
    witness = RelayWitness(site.client, site.shelf.tail)
    await witness.start()
    yield witness
    await witness.stop()


async def speak(site: Site, side: Side, stations: int = 6) -> list[Peer]:
    peers = [await site.station(f"AC{number}", side=side) for number in range(stations)]
    for peer in peers:
        peer.say(2, "1", "Heartbeat", {})
        await asyncio.sleep(0.06)  # no more than one in a while is timed
    return peers


async def told(witness: RelayWitness, side: Side, *, at_least_s: float) -> Latency:
    async with asyncio.timeout(PATIENCE_S + PULSE_S):
        while (latency := witness.latency(side)) is None or latency.median_s < at_least_s:
            await asyncio.sleep(0.01)
    return latency


async def test_a_backend_that_slows_down_is_known_to_whoever_watches_and_slows_the_commands(
    site: Site, csms: SimulatedCsms, witness: RelayWitness
) -> None:
    csms.slow_s = FULL.slow_s + 0.5
    await speak(site, Side.TARGET)

    latency = await told(witness, Side.TARGET, at_least_s=FULL.slow_s)

    pacer = Pacer(witness, CampaignClock())
    assert latency.median_s < csms.slow_s + 1
    assert latency.samples >= FULL.few
    assert list(pacer.slowed) == [Side.TARGET]
    assert pacer.slowed[Side.TARGET].startswith(f"target answers in {latency.median_s:.1f} s: ")
    assert witness.latency(Side.SOURCE) is None


async def test_a_quick_backend_is_measured_too_and_slows_nobody(
    site: Site, csms: SimulatedCsms, witness: RelayWitness
) -> None:
    await speak(site, Side.SOURCE)

    latency = await told(witness, Side.SOURCE, at_least_s=0.0)

    pacer = Pacer(witness, CampaignClock())
    began_s = asyncio.get_running_loop().time()
    for _ in range(50):
        await pacer.turn()
    assert latency.median_s < FULL.calm_s
    assert not pacer.slowed
    assert asyncio.get_running_loop().time() - began_s < 0.5


async def test_what_was_measured_is_forgotten_with_the_listening_process(
    site: Site, csms: SimulatedCsms, witness: RelayWitness
) -> None:
    await speak(site, Side.SOURCE)
    await told(witness, Side.SOURCE, at_least_s=0.0)

    await site.server.drain()

    async with asyncio.timeout(PATIENCE_S):
        while witness.sees(Side.SOURCE):
            await asyncio.sleep(0.01)
    assert witness.latency(Side.SOURCE) is None


async def test_the_process_itself_says_how_its_backends_answer(site: Site, csms: SimulatedCsms) -> None:
    csms.slow_s = 0.2
    await speak(site, Side.TARGET)
    async with asyncio.timeout(PATIENCE_S):
        while (figure := site.relays[Side.TARGET].latency()) is None or figure.median_s < 0.15:
            await asyncio.sleep(0.01)

    stats = await site.client.stats()

    (target,) = [relay for relay in stats["relays"] if relay["side"] == "target"]
    assert target["answers_in_s"] >= 0.15
    assert target["slowest_s"] >= target["answers_in_s"]
