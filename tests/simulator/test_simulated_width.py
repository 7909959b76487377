"""How wide the fleet is: every family once more, and what makes each of the newer ones itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from migrate.simulator.address import Layout, Slash, addresses, dial_url
from migrate.simulator.behaviour import EVERY_FAMILY, KEYED_FAMILIES, VISIT_FAMILIES, behaviour
from migrate.simulator.deal import deal
from migrate.simulator.faults import FAULT_SETS
from migrate.simulator.flash import Flash
from migrate.simulator.wirelog import Kind, Side, last_side

SOURCE = "ws://127.0.0.1:9016/ocpp"


def flash_of(family: str) -> Flash:
    spec = deal(1, 1, FAULT_SETS["none"], [family])[0]
    return Flash(behaviour(family), "SIM-1", SOURCE, spec.fault)


def test_one_fleet_can_show_more_than_twenty_five_families() -> None:
    fleet = deal(1, 3000, FAULT_SETS["none"], EVERY_FAMILY)

    assert len(set(EVERY_FAMILY)) == len(EVERY_FAMILY) >= 25
    each = len(fleet) // len(EVERY_FAMILY)
    assert set(Counter(spec.family for spec in fleet).values()) <= {each, each + 1}


def test_every_dealt_boot_of_every_family_is_legal_in_ocpp_1_6() -> None:
    for spec in deal(2, 200, FAULT_SETS["none"], EVERY_FAMILY):
        assert 0 < len(spec.vendor) <= 20, spec.family
        assert 0 < len(spec.model) <= 20, spec.family
        assert len(spec.firmware) <= 50, spec.family


@pytest.mark.parametrize("family", VISIT_FAMILIES)
def test_a_family_without_a_key_shows_its_backend_to_nobody(family: str) -> None:
    flash = flash_of(family)

    shown = {one.key: one.value for one in flash.read([])[0]}

    assert behaviour(family).is_visit_only
    assert SOURCE not in shown.values()


@pytest.mark.parametrize("family", KEYED_FAMILIES)
def test_a_family_with_a_key_lists_it(family: str) -> None:
    shown = {one.key: one.readonly for one in flash_of(family).read(behaviour(family).backend_keys)[0]}

    assert shown == dict.fromkeys(behaviour(family).backend_keys, False)


def test_a_vestel_wants_the_whole_address_and_dials_a_base_address_without_its_identity() -> None:
    flash = flash_of("vestel_ac")
    at_first = flash.backend[0]

    flash.write("ConnectionURL", "ws://127.0.0.1:9017/ocpp")

    assert at_first == f"{SOURCE}/SIM-1"
    assert dial_url(flash.backend[0], "SIM-1", behaviour("vestel_ac").slash) == "ws://127.0.0.1:9017/ocpp"


@pytest.mark.parametrize(
    ("value", "dialled"),
    [
        ("ws://csms/ocpp", "ws://csms/ocpp/SIM-1"),
        ("csms:9000/ocpp", "ws://csms:9000/ocpp/SIM-1"),
        ("wss://csms/ocpp/", "wss://csms/ocpp/SIM-1"),
        ("wss://csms/ocpp/SIM-1", "wss://csms/ocpp/SIM-1"),
    ],
    ids=["plain", "no scheme", "slash at the end", "identity at the end"],
)
def test_libocpp_takes_an_address_in_many_forms(value: str, dialled: str) -> None:
    flash = {"CentralSystemURI": value, "ChargePointId": "SIM-1"}

    (address,) = addresses(Layout.LENIENT_URL, ("CentralSystemURI",), flash)

    assert dial_url(address, "SIM-1", Slash.IF_MISSING) == dialled


def test_an_alfen_behind_a_sim_lives_by_the_other_pair_of_keys() -> None:
    flash = flash_of("alfen5_gsm")
    flash.write("BackOffice-URL-wired", "ws://127.0.0.1:9017")

    held = {one.key: one.value for one in flash.read(["BackOffice-URL-wired", "BackOffice-URL-APN"])[0]}

    assert held == {"BackOffice-URL-wired": "ws://127.0.0.1:9017", "BackOffice-URL-APN": "ws://127.0.0.1:9016"}
    assert flash.backend == (SOURCE,)


def test_a_vestel_dc_lists_keys_without_a_value() -> None:
    shown = {one.key: one.value for one in flash_of("vestel_dc").read(["VEC_cellularAPN", "VEC_ocppServerURL"])[0]}

    assert shown == {"VEC_cellularAPN": None, "VEC_ocppServerURL": f"{SOURCE}/"}


@pytest.mark.parametrize(
    ("family", "key", "good", "bad"),
    [
        ("microocpp", "AuthorizationKey", "00ff" * 10, "plain text 16 ch"),
        ("openevse", "AuthorizationKey", "ab", "abc"),
        ("everest", "AuthorizationKey", "8 letter", "7letter"),
        ("everest", "SecurityProfile", "2", "0"),
        ("openocpp", "BasicAuthPassword", "p" * 16, "p" * 15),
        ("openocpp", "ChargePointId", "AB-1", "AB:1"),
    ],
)
def test_what_a_maker_judges_is_rejected_when_it_is_wrong(family: str, key: str, good: str, bad: str) -> None:
    flash = flash_of(family)

    assert (flash.write(key, good), flash.write(key, bad)) == ("Accepted", "Rejected")


@pytest.mark.parametrize("family", KEYED_FAMILIES)
@pytest.mark.parametrize("value", ["not a url", "", "http://x", "ws://" + "x" * 400])
def test_no_maker_judges_an_address(family: str, value: str) -> None:
    flash = flash_of(family)

    assert flash.write(behaviour(family).backend_keys[0], value) in ("Accepted", "RebootRequired")


def test_an_evbox_lists_one_key_at_a_time() -> None:
    assert len(flash_of("evbox").read([])[0]) == 1


@pytest.mark.story
async def test_a_teison_that_lost_its_link_waits_until_somebody_comes(field: Any, station_of: Any) -> None:
    there = await field([station_of("teison", visit_s=0.1)])
    there.fleet.stations["SIM-1"].lose_link(0.0)
    await there.until(lambda: len(there.log(Kind.DISCONNECTED)) == 1)
    await there.until(lambda: there.fleet.stations["SIM-1"].session is None)

    there.fleet.send_crew("SIM-1")
    await there.until_side(Side.TARGET)

    assert len(there.log(Kind.CONNECTED)) == 2
    assert last_side(there.log()) == {"SIM-1": Side.TARGET}


@pytest.mark.story
async def test_a_mennekes_that_was_written_to_refuses_everything_until_it_is_restarted(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("microocpp", ways={"mute_until_restart": True})])
    await there.write("Cst_BackendUrl", there.source.url)

    refused = [
        await there.source.call("SIM-1", "GetConfiguration", {}),
        await there.trigger(),
        await there.source.call("SIM-1", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "30"}),
    ]
    reset = await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)
    await there.until_answers()

    assert [frame[0] for frame in refused] == [4, 4, 4]
    assert reset == "Accepted"
    assert await there.show("HeartbeatInterval") == {"HeartbeatInterval": "30"}
