"""What every channel promises: the relay's and the double answer the same questions alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from migrate.adapters.channels.relay import RelayChannel
from migrate.domain.errors import Refused, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart
from migrate.ports import Channel
from tests.adapters.channels.doubles import Device, MemoryChannel

Reached = Callable[[Device], Awaitable[Channel]]


@pytest.fixture(params=["relay", "memory"])
def reached(request: pytest.FixtureRequest, site: Any) -> Reached:
    """Connects a device as AC1, and gives the channel to it."""
    devices: dict[str, Device] = {}

    async def in_memory(device: Device) -> Channel:
        devices["AC1"] = device
        return MemoryChannel(devices)

    async def through_a_relay(device: Device) -> Channel:
        await site.station("AC1", device=device)
        return RelayChannel(site.client, Side.SOURCE, timeout_s=0.2 if device.is_mute else 5.0)

    return through_a_relay if request.param == "relay" else in_memory


async def test_known_keys_are_read_as_they_were_asked_for_and_unknown_ones_are_absent(reached: Reached) -> None:
    channel = await reached(Device(values={"BackendURL": "ws://old", "Password": None}))

    values = await channel.read("AC1", ["backendurl", "Password", "Nothing"])

    assert values == {"backendurl": "ws://old", "Password": None}


async def test_more_keys_than_a_station_takes_at_once_are_all_read(reached: Reached) -> None:
    held = {f"Key{n}": str(n) for n in range(11)}
    channel = await reached(Device(values=dict(held), max_keys=3))

    assert await channel.read("AC1", list(held)) == held
    assert await channel.read("AC1", list(held), max_keys=2) == held


@pytest.mark.parametrize("verdict", ["Accepted", "RebootRequired"])
async def test_a_write_that_was_taken_says_how(reached: Reached, verdict: str) -> None:
    device = Device(values={"BackendURL": "ws://old"}, verdicts={"BackendURL": verdict})
    channel = await reached(device)

    assert await channel.write("AC1", "BackendURL", "ws://new") == verdict
    assert device.values["BackendURL"] == "ws://new"


@pytest.mark.parametrize("verdict", ["Rejected", "NotSupported", "NotImplemented"])
async def test_a_refused_write_changes_nothing_and_says_why(reached: Reached, verdict: str) -> None:
    device = Device(values={"BackendURL": "ws://old"}, verdicts={"BackendURL": verdict})
    channel = await reached(device)

    with pytest.raises(Refused) as caught:
        await channel.write("AC1", "BackendURL", "ws://new")

    assert caught.value.status == verdict
    assert device.values["BackendURL"] == "ws://old"


async def test_a_restart_and_a_trigger_that_are_accepted_return(reached: Reached) -> None:
    device = Device()
    channel = await reached(device)

    await channel.restart("AC1", Restart.HARD)
    await channel.trigger_boot("AC1")

    assert device.calls == ["Reset", "TriggerMessage"]


@pytest.mark.parametrize("command", ["Reset", "TriggerMessage"])
async def test_a_refused_restart_or_trigger_is_a_refusal(reached: Reached, command: str) -> None:
    channel = await reached(Device(verdicts={command: "Rejected"}))

    with pytest.raises(Refused, match="Rejected"):
        await (channel.restart("AC1", Restart.SOFT) if command == "Reset" else channel.trigger_boot("AC1"))


async def test_a_station_that_is_not_there_was_sent_nothing(reached: Reached) -> None:
    channel = await reached(Device())

    with pytest.raises(Unreachable) as caught:
        await channel.write("AC2", "BackendURL", "ws://new")

    assert not caught.value.sent


async def test_a_station_that_does_not_answer_was_sent_something(reached: Reached) -> None:
    channel = await reached(Device(is_mute=True))

    with pytest.raises(Unreachable) as caught:
        await channel.restart("AC1", Restart.SOFT)

    assert caught.value.sent


async def test_an_internal_error_of_a_station_is_no_refusal(reached: Reached) -> None:
    channel = await reached(Device(verdicts={"BackendURL": "InternalError"}))

    with pytest.raises(Unreachable) as caught:
        await channel.write("AC1", "BackendURL", "ws://new")

    assert caught.value.sent
