"""Simulated stations of OCPP 2 report their device model: whole, in small parts, badly, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from ocpp.messages import Call, validate_payload

from migrate.simulator.behaviour import FAMILIES_201, behaviour
from migrate.simulator.dialect201 import StationEnd201
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash
from migrate.simulator.reporting import Part, parts
from migrate.simulator.wirelog import Kind

SOURCE = "ws://127.0.0.1:1/ocpp"


def parts_of(family: str, **ways: Any) -> list[Part]:
    kind = behaviour(family).but(ways)
    return list(parts(Flash(kind, "SIM-1", SOURCE, Fault.NONE), kind, connectors=2))


def told(sent: Sequence[Part]) -> dict[str, tuple[str | None, str]]:
    """By key: the value shown, and what may be done with it."""
    entries = [one for part in sent for one in part.entries if "evse" not in one["component"]]
    found = {}
    for one in entries:
        (attribute,) = one["variableAttribute"]
        named = [one[part]["name"] + (f"[{i}]" if (i := one[part].get("instance")) else "") for part in ORDER]
        found[".".join(named)] = (attribute.get("value"), attribute["mutability"])
    return found


ORDER = ("component", "variable")


def test_a_report_says_what_is_there_what_may_be_written_and_never_a_password() -> None:
    found = told(parts_of("everest201"))

    assert found["OCPPCommCtrlr.ActiveNetworkProfile"] == ("1", "ReadOnly")
    assert found["OCPPCommCtrlr.NetworkConfigurationPriority"][1] == "ReadWrite"
    assert found["SecurityCtrlr.BasicAuthPassword"] == (None, "WriteOnly")
    assert found["DeviceDataCtrlr.ItemsPerMessage[GetVariables]"] == ("50", "ReadOnly")
    assert not [key for key in found if key.startswith("NetworkProfile")]


def test_slots_are_reported_where_a_station_shows_them() -> None:
    assert told(parts_of("everest21"))["NetworkConfiguration[1].OcppCsmsUrl"] == (SOURCE, "ReadOnly")


def test_connectors_are_named_by_their_evse() -> None:
    evses = [one["component"]["evse"]["id"] for part in parts_of("everest201") for one in part.entries
             if "evse" in one["component"]]  # fmt: skip

    assert evses == [1, 2]


MANNERS = {
    "well": (lambda numbers: numbers == sorted(set(numbers)), True),
    "shuffled": (lambda numbers: numbers == sorted(set(numbers), reverse=True), True),
    "repeated": (lambda numbers: numbers == sorted([*set(numbers), *set(numbers)]), True),
    "loses_one": (lambda numbers: 1 not in numbers and 2 in numbers, True),
    "endless": (lambda numbers: len(numbers) > 600, False),
    "silent": (lambda numbers: numbers == [], False),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_each_manner_of_reporting_looks_as_it_was_seen(manner: str) -> None:
    looks, ends = MANNERS[manner]

    sent = parts_of("everest201", reporting=manner, report_items=1)

    assert looks([part.number for part in sent])
    assert any(not part.continues for part in sent) is ends


@pytest.mark.story
@pytest.mark.parametrize("family", FAMILIES_201)
async def test_a_report_follows_its_answer_to_the_backend_that_asked(field: Any, station_of: Any, family: str) -> None:
    there = await field([station_of(family)])

    answer = await there.source.call("SIM-1", "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
    await there.until(lambda: any(e.status == "last" for e in there.log(Kind.REPORT)))

    assert answer[2] == {"status": "Accepted"}


REFUSED = [("not_supported", "FullInventory", "NotSupported"), ("summary_only", "FullInventory", "NotSupported"),
           ("summary_only", "SummaryInventory", "Accepted"), ("empty", "FullInventory", "EmptyResultSet")]  # fmt: skip


@pytest.mark.story
@pytest.mark.parametrize(("manner", "base", "status"), REFUSED)
async def test_what_a_station_does_not_report_it_says_at_once(
    field: Any, station_of: Any, manner: str, base: str, status: str
) -> None:
    there = await field([station_of("everest201", ways={"reporting": manner})])

    answer = await there.source.call("SIM-1", "GetBaseReport", {"requestId": 7, "reportBase": base})

    assert answer[2]["status"] == status


@pytest.mark.story
async def test_a_station_without_reports_answers_with_an_error(field: Any, station_of: Any) -> None:
    there = await field([station_of("openocpp201", ways={"reporting": "not_implemented"})])

    answer = await there.source.call("SIM-1", "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})

    assert (answer[0], answer[2]) == (4, "NotImplemented")


@pytest.mark.story
@pytest.mark.parametrize(
    ("evse", "status"),
    [({}, "Rejected"), ({"id": 1}, "Rejected"), ({"id": 9, "connectorId": 1}, "Rejected"),
     ({"id": 1, "connectorId": 1}, "Accepted")],
    ids=["none", "no connector", "one that it has not", "its first"],
)  # fmt: skip
async def test_a_status_is_sent_of_a_named_connector_and_of_no_other(
    field: Any, station_of: Any, evse: dict[str, int], status: str
) -> None:
    there = await field([station_of("everest201")])
    named = {"evse": evse} if evse else {}

    asked = {"requestedMessage": "StatusNotification", **named}
    answer = await there.source.call("SIM-1", "TriggerMessage", asked)

    assert answer[2]["status"] == status


async def test_every_part_fits_its_schema(overheard: Any) -> None:
    for part in parts_of("everest21", report_items=3):
        await overheard.end.report_part(7, part)

    assert {message[2] for message in overheard.sent} == {"NotifyReport"}
    for _, number, action, payload in overheard.sent:
        await validate_payload(Call(number, action, payload), "2.0.1")


class Overheard:
    """The station's end of a session whose other end answers everything with nothing."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.end = StationEnd201("SIM-1", self, None)  # type: ignore[arg-type]  # nobody commands it

    async def send(self, text: str) -> None:
        message = json.loads(text)
        self.sent.append(message)
        asyncio.get_running_loop().create_task(self.end.route_message(json.dumps([3, message[1], {}])))


@pytest.fixture
def overheard() -> Overheard:
    return Overheard()
