"""Simulated stations of OCPP 2.0.1 and 2.1 over real sockets, told what to do by their own CSMSes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ocpp.messages import Call, CallResult, validate_payload

from migrate.simulator.behaviour import FAMILIES_201, behaviour
from migrate.simulator.dialect201 import StationEnd21, StationEnd201
from migrate.simulator.faults import Fault
from migrate.simulator.habits import Fallback
from migrate.simulator.walk import Walk
from migrate.simulator.wirelog import Kind, Side, boots_on_target, last_side, transactions_cut

PRIORITY = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
ORDER = ("new", "old")
slotted = pytest.mark.parametrize("family", ["everest201", "everest21", "openocpp201"])


def profile(url: str, **more: Any) -> dict[str, Any]:
    return {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wireless0",
    } | more


def named(component: str, variable: str, instance: str = "") -> dict[str, Any]:
    where = {"name": component} | ({"instance": instance} if instance else {})
    return {"component": where, "variable": {"name": variable}}


async def get(there: Any, *variables: dict[str, Any]) -> list[tuple[str, str | None]]:
    answer = await there.source.call("SIM-1", "GetVariables", {"getVariableData": list(variables)})
    assert answer[0] == 3, answer
    return [(one["attributeStatus"], one.get("attributeValue")) for one in answer[2]["getVariableResult"]]


async def put(there: Any, component: str, variable: str, value: str, instance: str = "") -> tuple[str, str]:
    data = named(component, variable, instance) | {"attributeValue": value}
    answer = await there.source.call("SIM-1", "SetVariables", {"setVariableData": [data]})
    (said,) = answer[2]["setVariableResult"]
    return said["attributeStatus"], said.get("attributeStatusInfo", {}).get("reasonCode", "")


async def fill(there: Any, slot: int, data: dict[str, Any]) -> tuple[str, str]:
    payload = {"configurationSlot": slot, "connectionData": data}
    answer = await there.source.call("SIM-1", "SetNetworkProfile", payload)
    return answer[2]["status"], answer[2].get("statusInfo", {}).get("reasonCode", "")


async def reset(there: Any, kind: str = "OnIdle") -> str:
    answer = await there.source.call("SIM-1", "Reset", {"type": kind})
    return str(answer[2]["status"])


async def turn_to(there: Any, url: str) -> None:
    assert await fill(there, 2, profile(url)) == ("Accepted", "")
    assert (await put(there, *PRIORITY, "2,1"))[0] in ("Accepted", "RebootRequired")


@pytest.mark.story
@pytest.mark.parametrize("family", FAMILIES_201)
async def test_every_family_boots_in_its_own_version(field: Any, station_of: Any, family: str) -> None:
    there = await field([station_of(family)])

    (connected,) = there.log(Kind.CONNECTED)
    assert connected.key == behaviour(family).speaks[0]
    assert there.source.boots["SIM-1"] == 1
    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}


@pytest.mark.story
@slotted
async def test_a_station_dials_the_slot_that_the_order_names_first(field: Any, station_of: Any, family: str) -> None:
    there = await field([station_of(family)])

    await turn_to(there, there.target.url)
    before = last_side(there.log())
    assert await reset(there) == "Accepted"
    await there.until_side(Side.TARGET)
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert before == {"SIM-1": Side.SOURCE}, "nothing is used before the restart"
    flash = there.fleet.stations["SIM-1"].flash
    assert flash.value("OCPPCommCtrlr.ActiveNetworkProfile") == "2"


@pytest.mark.story
@slotted
async def test_a_station_whose_new_backend_does_not_answer_comes_back_by_itself(
    field: Any, station_of: Any, family: str
) -> None:
    there = await field([station_of(family)], speed=400.0)

    await turn_to(there, "ws://127.0.0.1:1/ocpp")
    await reset(there)
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}
    flash = there.fleet.stations["SIM-1"].flash
    assert flash.value("OCPPCommCtrlr.ActiveNetworkProfile") == "1"
    took_back = behaviour(family).fallback is Fallback.TRANSACTION
    assert flash.value("OCPPCommCtrlr.NetworkConfigurationPriority") == ("1" if took_back else "2,1")


REFUSED = {
    "no such slot": (7, {}, "InvalidConfSlot"),
    "another transport": (2, {"ocppTransport": "SOAP"}, "InvalidNetworkConf"),
    "no address": (2, {"ocppCsmsUrl": ""}, "InvalidNetworkConf"),
    "a password in 2.0.1": (2, {"basicAuthPassword": "x" * 16}, "InvalidNetworkConf"),
    "a lower security profile": (2, {"securityProfile": 0}, "NoSecurityDowngrade"),
}


@pytest.mark.story
@pytest.mark.parametrize(("slot", "changes", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_a_slot_of_this_station_is_rejected_with_its_reason(
    field: Any, station_of: Any, slot: int, changes: dict[str, Any], reason: str
) -> None:
    there = await field([station_of("everest201")])
    there.fleet.stations["SIM-1"].flash._values["SecurityCtrlr.SecurityProfile"] = "1"

    said = await fill(there, slot, profile(there.target.url, securityProfile=1) | changes)

    assert said == ("Rejected", reason)


@pytest.mark.story
async def test_a_raise_of_the_security_profile_deletes_the_slots_below_it_and_with_them_the_way_back(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("everest201")])

    await fill(there, 2, profile(there.target.url, securityProfile=1))
    await put(there, *PRIORITY, "2,1")
    await reset(there)
    await there.until(lambda: boots_on_target(there.log()) == 1)

    flash = there.fleet.stations["SIM-1"].flash
    await there.until(lambda: flash.value("NetworkProfile[1]") == "")
    assert flash.value("OCPPCommCtrlr.NetworkConfigurationPriority") == "2"
    assert flash.value("SecurityCtrlr.SecurityProfile") == "1"


@pytest.mark.story
@pytest.mark.parametrize(("family", "order"), [("everest201", "1,2"), ("openocpp201", "1")])
async def test_one_stack_puts_a_slot_that_is_written_into_its_order_by_itself(
    field: Any, station_of: Any, family: str, order: str
) -> None:
    there = await field([station_of(family)])

    await fill(there, 2, profile(there.target.url))

    assert await get(there, named(*PRIORITY)) == [("Accepted", order)]
    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}


@pytest.mark.story
async def test_one_stack_takes_no_interface_but_its_own(field: Any, station_of: Any) -> None:
    there = await field([station_of("openocpp201")])

    assert await fill(there, 2, profile(there.target.url, ocppInterface="Wired0")) == ("Rejected", "InvalidInterface")


@pytest.mark.story
async def test_2_1_shows_its_slots_and_hides_their_passwords_and_2_0_1_shows_none(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest21")])
    url, password = (
        named("NetworkConfiguration", "OcppCsmsUrl", "1"),
        named("NetworkConfiguration", "BasicAuthPassword", "1"),
    )

    shown = await get(there, url, password)

    assert shown == [("Accepted", there.source.url), ("Rejected", None)]


@pytest.mark.story
async def test_a_slot_in_the_order_is_not_changed_variable_by_variable(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest21")])

    said = await put(there, "NetworkConfiguration", "OcppCsmsUrl", "ws://x", "1")

    assert said == ("Rejected", "PriorityNetworkConf")


@pytest.mark.story
@pytest.mark.parametrize(
    ("component", "variable", "said"),
    [
        ("SecurityCtrlr", "BasicAuthPassword", ("Rejected", None)),
        ("securityctrlr", "IDENTITY", ("Accepted", "SIM-1")),
        ("SecurityCtrlr", "Nothing", ("UnknownVariable", None)),
        ("NothingCtrlr", "Nothing", ("UnknownComponent", None)),
        ("NetworkConfiguration", "OcppCsmsUrl", ("UnknownComponent", None)),
    ],
)
async def test_variables_are_told_or_not_in_the_words_of_2_0_1(
    field: Any, station_of: Any, component: str, variable: str, said: tuple[str, str | None]
) -> None:
    there = await field([station_of("everest201")])

    assert await get(there, named(component, variable)) == [said]


@pytest.mark.story
async def test_more_variables_than_a_station_takes_are_an_error(field: Any, station_of: Any) -> None:
    there = await field([station_of("openocpp201")])

    answer = await there.source.call("SIM-1", "GetVariables", {"getVariableData": [named(*PRIORITY)] * 5})

    assert answer[0] == 4
    assert "ConstraintViolation" in answer[2]


@pytest.mark.story
async def test_an_order_of_slots_that_do_not_exist_is_rejected(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest201")])

    assert await put(there, *PRIORITY, "3,1") == ("Rejected", "InvalidNetworkConf")
    assert await put(there, "SecurityCtrlr", "SecurityProfile", "2") == ("Rejected", "ReadOnly")


@pytest.mark.story
async def test_a_driver_is_not_cut_off_by_a_restart_on_idle_and_is_by_an_immediate_one(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("everest201", Fault.BUSY, transaction_s=200.0)], speed=200.0)
    await there.until(lambda: bool(there.log(Kind.TRANSACTION_STARTED)))

    polite = await reset(there)
    await there.until_restarted()

    stopped = there.log(Kind.TRANSACTION_STOPPED)
    assert polite == "Scheduled"
    assert [event.status for event in stopped] == ["Local"]
    assert there.log(Kind.RESTART)[0].seq > stopped[0].seq
    assert transactions_cut(there.log()) == 0


@pytest.mark.story
async def test_a_boot_says_why_it_is_sent(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest201")])

    await there.trigger()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)
    await reset(there, "Immediate")
    await there.until(lambda: there.source.boots["SIM-1"] == 3)

    assert [event.status for event in there.log(Kind.BOOT_SENT)] == ["PowerUp", "Triggered", "RemoteReset"]


class Socket:
    """Keeps what a station sends and answers everything with nothing."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.end: Any = None

    async def send(self, frame: str) -> None:
        message = json.loads(frame)
        self.sent.append(message)
        answer = {"status": "Accepted", "interval": 30, "currentTime": "2026-11-20T00:00:00Z"}
        payload = answer if message[2] == "BootNotification" else {}
        self.end._response_queue.put_nowait(CallResult(message[1], payload))


@pytest.mark.parametrize(("end", "version"), [(StationEnd201, "2.0.1"), (StationEnd21, "2.1")])
async def test_everything_that_a_station_says_satisfies_the_schema(station_of: Any, end: Any, version: str) -> None:
    socket = Socket()
    socket.end = said = end("SIM-1", socket, None)

    assert await said.boot(station_of("everest201", iccid="8900", imsi="00101"), "PowerUp") == ("Accepted", 30.0)
    number = await said.start_transaction("TAG")
    await said.stop_transaction(number, "Local")
    await said.report_status(1, "Charging")
    await said.report_firmware("Installing")
    await said.report_security("InvalidCsmsCertificate")

    actions = [message[2] for message in socket.sent]
    assert actions[1:3] == ["TransactionEvent", "TransactionEvent"]
    assert len(actions) == 6
    for _, number, action, payload in socket.sent:
        await validate_payload(Call(number, action, payload), version)


# ── the walk along the slots ───────────────────────────────────────────────


def dialled(walk: Walk, fates: Sequence[bool], *, pins: bool, attempts: int = 2) -> list[str]:
    """Which backend is dialled each time; True where somebody answers."""
    seen = []
    for is_answered in fates:
        seen.append(walk.address(ORDER))
        if is_answered:
            walk.connected(ORDER, Fallback.PROFILES)
        else:
            walk.refused(ORDER, Fallback.PROFILES, attempts=attempts, pins=pins)
    return seen


def test_after_so_many_failures_the_next_slot_is_tried_and_kept() -> None:
    assert dialled(Walk(), [False, False, True, True], pins=False) == ["new", "new", "old", "old"]


def test_a_station_that_pins_stays_with_the_one_that_took_it_last() -> None:
    walk = Walk()
    walk.refused(ORDER, Fallback.PROFILES, attempts=1, pins=True)
    walk.connected(ORDER, Fallback.PROFILES)

    seen = dialled(walk, [False] * 8, pins=True)

    assert seen == ["old", "old", "new", "new", "old", "old", "old", "old"]


def test_a_station_that_does_not_pin_goes_round() -> None:
    assert dialled(Walk(), [False] * 6, pins=False) == ["new", "new", "old", "old", "new", "new"]


def test_a_restart_begins_with_the_first_again() -> None:
    walk = Walk()
    dialled(walk, [False, False, True], pins=True)

    walk.power_up()

    assert walk.address(ORDER) == "new"
