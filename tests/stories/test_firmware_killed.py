"""A campaign of firmware that dies in every state in which something is under way: nothing is ordered twice, nothing is forgotten."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from migrate.domain.attempt import State
from migrate.domain.record import EventKind, StoredEvent
from migrate.simulator.faults import Fault
from migrate.simulator.wirelog import Kind, WireEvent, commands_repeated_without_read, last_side
from tests.chaos.child import Trigger
from tests.stories.conftest import Field
from tests.stories.firmware import a_firmware_field, dealt, furnish
from tests.stories.killing import KILLED, dies

pytestmark = pytest.mark.story

WITHIN_S = 600.0
FLEET = {"northwind": {"moves": {}, "falls-back": {"fault": Fault.FALLS_BACK}}}


def is_loading(log: Sequence[WireEvent]) -> bool:
    return any(event.kind is Kind.FIRMWARE and event.status == "Downloading" for event in log)


def is_installed(log: Sequence[WireEvent]) -> bool:
    """A first step is in, and the station is restarting for it."""
    return any(event.kind is Kind.RESTART for event in log)


async def killed_when(site: Field, seen: Callable[[Sequence[WireEvent]], bool]) -> int:
    """A run that is killed as soon as a station's own log shows it; its exit code."""
    run = await site.run()
    async with asyncio.timeout(WITHIN_S):
        while not seen(site.log()):
            await asyncio.sleep(0.02)
    run.send(signal.SIGKILL)
    return (await run.ended()).code


async def test_a_run_that_dies_again_and_again_orders_no_version_twice_and_leaves_every_station_proven() -> None:
    async with a_firmware_field(dealt(FLEET), furnish=furnish(rate="4 kB/s")) as site:
        deaths = [
            await dies(site, Trigger(on="command", nth=1), WITHIN_S),  # the order is journaled, and was never sent
            await killed_when(site, is_loading),
            await killed_when(site, is_installed),
            await dies(site, Trigger(on="restarting", nth=1, after_ms=4.0), WITHIN_S),
            await dies(site, Trigger(on="undoing", nth=1), WITHIN_S),
        ]

        ended = await (await site.run()).ended(WITHIN_S)

        log, standing = site.log(), await site.standing()
        states = {s.identity: s.state for s in standing.stations}
        orders = Counter((e.identity, e.key) for e in log if e.kind is Kind.COMMAND and e.action == "UpdateFirmware")
        lives = last_side(log)
    assert deaths == [KILLED] * 5
    assert states == {"northwind.moves": State.SETTLED, "northwind.falls-back": State.REVERTED}, (
        [(s.identity, s.reason) for s in standing.stations],
        ended.err,
    )
    assert lives == {"northwind.moves": "target", "northwind.falls-back": "source"}
    assert orders == {(identity, file): 1 for identity in states for file in ("nw7-2.6.bin", "nw-3.0.bin")}
    assert commands_repeated_without_read(log) == 0


async def test_a_file_server_that_dies_under_a_transfer_is_started_again_and_no_order_is_repeated() -> None:
    fleet = {"northwind": {"moves": {"ways": {"download_tries": 60}}}}
    async with a_firmware_field(dealt(fleet), furnish=furnish(rate="2 kB/s")) as site:
        listening = site.running[0]
        run = await site.run()
        async with asyncio.timeout(WITHIN_S):
            while not has_begun(await site.wired.journal.timeline("northwind.moves")):
                await asyncio.sleep(0.05)

        listening.send(signal.SIGKILL)
        await listening.ended()
        ended = await run.ended(WITHIN_S)

        log, standing = site.log(), await site.standing()
    broken = [event for event in log if event.kind is Kind.DOWNLOAD and event.status != "whole"]
    orders = [event.key for event in log if event.kind is Kind.COMMAND and event.action == "UpdateFirmware"]
    assert [s.state for s in standing.stations] == [State.SETTLED], ended.err
    assert orders == ["nw7-2.6.bin", "nw-3.0.bin"]
    assert broken


def has_begun(told: Sequence[StoredEvent]) -> bool:
    return any(line.event.kind is EventKind.FETCHED for line in told)
