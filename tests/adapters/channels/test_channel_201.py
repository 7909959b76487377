"""The channel speaks the version that the live session agreed on, and reads and writes a station of 2.0.1 in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from migrate.adapters.channels.relay import RelayChannel
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.evidence import Kind, Side
from migrate.domain.profile import Restart
from tests.adapters.channels.doubles import Device

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ACTIVE = "OCPPCommCtrlr.ActiveNetworkProfile"
PASSWORD = "SecurityCtrlr.BasicAuthPassword"
SLOT = json.dumps(
    {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://new.example/ocpp",
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
    }
)


def device(**changes: Any) -> Device:
    values = {PRIORITY: "1", ACTIVE: "1", PASSWORD: None, "DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "3"}
    return Device(**{"values": values, **changes})


def channel(site: Any) -> RelayChannel:
    return RelayChannel(site.client, Side.SOURCE, timeout_s=5.0)


@pytest.mark.parametrize("speaks", ["ocpp2.0.1", "ocpp2.1"])
async def test_what_a_session_agreed_on_is_seen_by_everybody(site: Any, speaks: str) -> None:
    await site.station("AC1", protocol=speaks)

    session = (await site.client.presence("AC1")).on(Side.SOURCE)

    assert session is not None
    assert session.protocol == speaks


async def test_known_keys_are_read_hidden_ones_are_none_and_unknown_ones_absent(site: Any) -> None:
    held = device()
    await site.station("AC1", device=held, protocol="ocpp2.0.1")

    found = await channel(site).read("AC1", [PRIORITY, PASSWORD, "Nothing.AtAll", "CentralSystemURI"])

    assert found == {PRIORITY: "1", PASSWORD: None}
    assert set(held.calls) == {"GetVariables"}


async def test_a_slot_is_hidden_until_the_station_shows_its_address(site: Any) -> None:
    held = device()
    await site.station("AC1", device=held, protocol="ocpp2.0.1")

    before = await channel(site).read("AC1", ["NetworkProfile[2]", PRIORITY])
    said = await channel(site).write("AC1", "NetworkProfile[2]", SLOT)
    after = await channel(site).read("AC1", ["NetworkProfile[2]"])

    assert before == {"NetworkProfile[2]": None, PRIORITY: "1"}
    assert said == "Accepted"
    assert json.loads(after["NetworkProfile[2]"] or "") == {"ocppCsmsUrl": "wss://new.example/ocpp"}


async def test_more_variables_than_a_station_takes_come_in_pages_and_none_is_lost(site: Any) -> None:
    values = {f"Some.Variable{number}": str(number) for number in range(8)}
    items = {"DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "3"}
    held = device(values=values | items, max_keys=3)
    await site.station("AC1", device=held, protocol="ocpp2.0.1")

    assert await channel(site).read("AC1", list(values)) == values
    assert len(held.calls) == 4, "what it takes at once, and three pages"


async def test_what_a_station_passes_over_in_silence_is_asked_for_alone(site: Any) -> None:
    values = {f"Some.Variable{number}": str(number) for number in range(4)}
    await site.station("AC1", device=device(values=values, max_keys=2), protocol="ocpp2.0.1")

    assert await channel(site).read("AC1", list(values), max_keys=4) == values


async def test_how_many_it_takes_is_asked_once_and_not_at_all_for_a_few(site: Any) -> None:
    values = {f"Some.Variable{number}": str(number) for number in range(6)}
    items = {"DeviceDataCtrlr.ItemsPerMessage[GetVariables]": "6"}
    held = device(values=values | items, max_keys=6)
    await site.station("AC1", device=held, protocol="ocpp2.0.1")
    reading = channel(site)

    counts = []
    for keys in (list(values)[:4], list(values), list(values)):
        assert len(await reading.read("AC1", keys)) == len(keys)
        counts.append(len(held.calls))

    assert counts == [1, 3, 4]


async def test_without_a_name_the_variables_of_a_move_are_asked_for(site: Any) -> None:
    await site.station("AC1", device=device(), protocol="ocpp2.1")

    found = await channel(site).read("AC1", [])

    assert (found[PRIORITY], found[ACTIVE]) == ("1", "1")


async def test_a_variable_is_written_and_a_refusal_says_why(site: Any) -> None:
    held = device(verdicts={ACTIVE: "Rejected"})
    await site.station("AC1", device=held, protocol="ocpp2.0.1")

    said = await channel(site).write("AC1", PRIORITY, "2,1")

    assert said == "Accepted"
    assert held.values[PRIORITY] == "2,1"
    with pytest.raises(Refused, match="Rejected"):
        await channel(site).write("AC1", ACTIVE, "2")
    with pytest.raises(Refused, match=r"no Component\.Variable"):
        await channel(site).write("AC1", "CentralSystemURI", "wss://x")


@pytest.mark.parametrize("verdict", ["Rejected", "Failed"])
async def test_a_slot_that_is_not_taken_is_a_refusal(site: Any, verdict: str) -> None:
    await site.station("AC1", device=device(verdicts={"NetworkProfile[2]": verdict}), protocol="ocpp2.0.1")

    with pytest.raises(Refused, match=verdict):
        await channel(site).write("AC1", "NetworkProfile[2]", SLOT)


async def test_a_slot_with_a_password_of_its_own_is_never_sent_to_2_0_1(site: Any) -> None:
    held = device()
    await site.station("AC1", device=held, protocol="ocpp2.0.1")

    with pytest.raises(Mismatch):
        await channel(site).write("AC1", "NetworkProfile[2]", json.dumps(json.loads(SLOT) | {"basicAuthPassword": "x"}))

    assert held.calls == []


async def test_a_restart_and_a_trigger_go_out_in_the_words_of_2_x(site: Any) -> None:
    held = device(verdicts={"Reset": "Scheduled"})
    await site.station("AC1", device=held, protocol="ocpp2.1")

    await channel(site).restart("AC1", Restart.SOFT)
    await channel(site).trigger_boot("AC1")

    assert held.calls == ["Reset", "TriggerMessage"]


async def test_a_call_in_one_version_never_reaches_a_session_of_another(site: Any) -> None:
    held = device()
    await site.station("AC1", device=held, protocol="ocpp1.6")

    with pytest.raises(Unreachable, match=r"speaks ocpp1\.6") as caught:
        await site.client.inject(Side.SOURCE, "AC1", "Reset", {"type": "OnIdle"}, timeout_s=2.0, protocol="ocpp2.0.1")

    assert not caught.value.sent
    assert held.calls == []


async def test_how_many_variables_it_takes_is_remembered_as_a_sighting(site: Any) -> None:
    await site.station("AC1", device=device(), protocol="ocpp2.0.1")

    await channel(site).read("AC1", [PRIORITY, ACTIVE, PASSWORD, "Nothing.AtAll", "Nothing.Else"])

    kinds = {(one.kind, one.detail) for one in site.shelf.kept}
    assert (Kind.KEYS, "3") in kinds
