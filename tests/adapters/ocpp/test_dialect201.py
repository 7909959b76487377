"""OCPP 2.0.1 and 2.1: what we send is by the book, what stations answer is read with patience and judged without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ocpp.messages import Call as LibraryCall
from ocpp.messages import validate_payload

from migrate.adapters.ocpp import dialect201, network_profile
from migrate.adapters.ocpp.dialect201 import Variable, Variables
from migrate.adapters.ocpp.messages import Error, Result
from migrate.adapters.ocpp.replies import Command
from migrate.domain.errors import Mismatch, Refused, StationError, Unreachable
from migrate.domain.profile import Restart

PRIORITY = Variable("OCPPCommCtrlr", "NetworkConfigurationPriority")
ITEMS = Variable("DeviceDataCtrlr", "ItemsPerMessage", instance="GetVariables")
SLOT = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://new.example/ocpp",
    "messageTimeout": 30,
    "securityProfile": 1,
    "ocppInterface": "Wired0",
}
PASSWORD = "correct horse battery staple"


def slot(protocol: str = "ocpp2.0.1", **more: Any) -> Command:
    return network_profile.set_network_profile("AC1", 2, json.dumps(SLOT | more), protocol)


COMMANDS = {
    "read": dialect201.get_variables([PRIORITY, ITEMS]),
    "write": dialect201.set_variable(PRIORITY, "2,1"),
    "slot": slot(),
    "slot with APN": slot(**{"apn.apn": "m2m.example", "apn.apnAuthentication": "AUTO", "apn.simPin": "1234"}),
    "on idle": dialect201.reset(Restart.SOFT),
    "immediate": dialect201.reset(Restart.HARD),
    "trigger": dialect201.trigger_boot(),
    "firmware": dialect201.update_firmware(7, "https://x/fw.bin", "2026-11-20T01:00:00Z", retries=2),
    "signed firmware": dialect201.update_firmware(
        7, "https://x/fw.bin", "2026-11-20T01:00:00Z", signing_certificate="PEM", signature="b64"
    ),
}
ONLY_IN_21 = {
    "slot in 2.1": slot("ocpp2.1"),
    "slot of its own": slot("ocpp2.1", identity="NEW-1", basicAuthPassword=PASSWORD),
}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
async def test_every_command_satisfies_the_schema_of_both_versions(command: Command, version: str) -> None:
    await validate_payload(LibraryCall("1", command.action, dict(command.payload)), version)


@pytest.mark.parametrize("command", ONLY_IN_21.values(), ids=ONLY_IN_21.keys())
async def test_what_2_1_adds_satisfies_its_schema(command: Command) -> None:
    await validate_payload(LibraryCall("1", command.action, dict(command.payload)), "2.1")


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("SecurityCtrlr.Identity", Variable("SecurityCtrlr", "Identity")),
        ("NetworkConfiguration[1].OcppCsmsUrl", Variable("NetworkConfiguration", "OcppCsmsUrl", "1")),
        ("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", ITEMS),
        ("AlfenStation.BackOffice-URL-wired", Variable("AlfenStation", "BackOffice-URL-wired")),
        ("GetConfigurationMaxKeys", None),
        ("A.B.C", None),
        ("A[1.B", None),
        ("", None),
    ],
)
def test_a_key_names_a_component_and_a_variable_each_with_its_instance(key: str, variable: Variable | None) -> None:
    assert dialect201.variable(key) == variable


def said(one: Variable, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    component = {"name": one.component} | ({"instance": one.component_instance} if one.component_instance else {})
    name = {"name": one.name} | ({"instance": one.instance} if one.instance else {})
    return {"attributeStatus": status, "component": component, "variable": name} | more


def told(*entries: Any, asked: tuple[Variable, ...] = (PRIORITY, ITEMS)) -> Variables:
    return dialect201.told("AC1", asked, Result("1", {"getVariableResult": list(entries)}))


def test_variables_are_found_whatever_their_order_and_case() -> None:
    shouted = Variable("OCPPCOMMCTRLR", "networkconfigurationpriority")

    found = told(said(ITEMS, attributeValue="4"), said(shouted, attributeValue="1,2"))

    assert found.values == {PRIORITY: "1,2", ITEMS: "4"}
    assert found.unanswered == ()


@pytest.mark.parametrize("status", ["UnknownComponent", "UnknownVariable"])
def test_what_a_station_does_not_know_is_absent(status: str) -> None:
    found = told(said(PRIORITY, status), asked=(PRIORITY,))

    assert found == Variables({}, ())


@pytest.mark.parametrize("status", ["Rejected", "NotSupportedAttributeType"])
def test_what_a_station_does_not_show_is_hidden_and_not_absent(status: str) -> None:
    found = told(said(PRIORITY, status), asked=(PRIORITY,))

    assert found.values == {PRIORITY: None}


@pytest.mark.parametrize(
    ("value", "read"),
    [("", ""), (30, "30"), (True, "true"), (None, None), (["x"], None)],
    ids=["empty", "number", "boolean", "null", "list"],
)
def test_values_that_are_not_text_are_read_or_hidden(value: object, read: str | None) -> None:
    assert told(said(PRIORITY, attributeValue=value), asked=(PRIORITY,)).values == {PRIORITY: read}


def test_a_status_that_nobody_knows_is_no_value() -> None:
    with pytest.raises(Mismatch, match="Perhaps"):
        told(said(PRIORITY, "Perhaps", attributeValue="1,2"), asked=(PRIORITY,))


def test_the_first_answer_about_a_variable_counts() -> None:
    found = told(said(PRIORITY, attributeValue="1,2"), said(PRIORITY, attributeValue="2,1"), asked=(PRIORITY,))

    assert found.values == {PRIORITY: "1,2"}


@pytest.mark.parametrize("entry", [None, 1, {}, {"component": "x", "variable": 1}, {"attributeStatus": "Accepted"}])
def test_an_answer_about_nothing_leaves_every_variable_open(entry: object) -> None:
    assert told(entry).unanswered == (PRIORITY, ITEMS)


@pytest.mark.parametrize(
    ("text", "read"), [("30", 30), ("0", 0), ("-1", 0), ("", 0), (None, 0), ("٣", 0), ("9" * 99, 0)]
)
def test_a_limit_is_what_the_station_says_within_reason(text: str | None, read: int) -> None:
    assert dialect201.limit(text) == read


def test_a_page_has_no_more_items_and_bytes_than_the_station_takes() -> None:
    many = [Variable("Component", f"Variable{number}") for number in range(10)]

    by_items = dialect201.pages(many, items=4)
    by_bytes = dialect201.pages(many, items=100, size_bytes=600)

    assert [len(page) for page in by_items] == [4, 4, 2]
    assert [one for page in by_bytes for one in page] == many
    for page in by_bytes:
        sent = [2, "m0123456789abcdefx123", "GetVariables", dialect201.get_variables(page).payload]
        assert len(json.dumps(sent, separators=(",", ":"))) <= 600


def test_a_variable_longer_than_a_page_is_asked_for_alone() -> None:
    assert [len(page) for page in dialect201.pages([PRIORITY, ITEMS], items=10, size_bytes=1)] == [1, 1]


def written(status: object, **more: Any) -> Result:
    return Result("1", {"setVariableResult": [{"attributeStatus": status} | more]})


@pytest.mark.parametrize("status", ["Accepted", "RebootRequired"])
def test_a_change_that_was_taken_says_how(status: str) -> None:
    assert dialect201.changed("AC1", "A.B", written(status)) == status


@pytest.mark.parametrize(
    "status", ["Rejected", "UnknownComponent", "UnknownVariable", "NotSupportedAttributeType", "accepted"]
)
def test_anything_but_a_clear_yes_is_a_refusal_with_the_stations_reason(status: str) -> None:
    answer = written(status, attributeStatusInfo={"reasonCode": "PriorityNetworkConf"})

    with pytest.raises(Refused, match=f"AC1 refused SetVariables of A.B \\({status}, PriorityNetworkConf\\)") as caught:
        dialect201.changed("AC1", "A.B", answer)

    assert caught.value.status == status


@pytest.mark.parametrize(
    "answer",
    [written(None), Result("1", {}), Result("1", {"setVariableResult": [{}, {}]}), Result("1", {"status": "Accepted"})],
    ids=["no status", "nothing", "two results", "another shape"],
)
def test_an_answer_that_says_nothing_of_the_write_is_a_mismatch_and_no_success(answer: Result) -> None:
    with pytest.raises(Mismatch):
        dialect201.changed("AC1", "A.B", answer)


@pytest.mark.parametrize("status", ["Accepted", "Scheduled"])
def test_a_restart_that_is_only_scheduled_is_a_yes(status: str) -> None:
    assert dialect201.will_restart("AC1", Result("1", {"status": status})) == status


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (Result("1", {"status": "Rejected"}), Refused),
        (Result("1", {}), Mismatch),
        (Error("1", "OccurrenceConstraintViolation"), Refused),
        (Error("1", "MessageTypeNotSupported"), Refused),
        (Error("1", "InternalError"), Unreachable),
        (Error("1", "Whatever"), Mismatch),
    ],
)
def test_a_restart_that_is_refused_or_not_understood_is_no_yes(answer: Any, raised: type[StationError]) -> None:
    with pytest.raises(raised):
        dialect201.will_restart("AC1", answer)


# ── a slot ─────────────────────────────────────────────────────────────────


def test_a_slot_is_written_whole_with_its_numbers_as_numbers() -> None:
    command = slot()

    assert command.payload == {"configurationSlot": 2, "connectionData": SLOT}


def test_2_1_is_told_no_version_for_it_is_chosen_in_the_handshake() -> None:
    assert "ocppVersion" not in slot("ocpp2.1").payload["connectionData"]


def test_an_apn_goes_into_an_object_of_its_own_and_without_a_name_there_is_none() -> None:
    with_one = slot(**{"apn.apn": "m2m.example", "apn.apnAuthentication": "AUTO", "apn.apnUserName": "007"})
    without = slot(**{"apn.apn": "", "apn.apnAuthentication": "AUTO"})

    named = {"apn": "m2m.example", "apnAuthentication": "AUTO", "apnUserName": "007"}
    assert with_one.payload["connectionData"]["apn"] == named
    assert without.payload["connectionData"] == SLOT


@pytest.mark.parametrize("field", ["identity", "basicAuthPassword"])
def test_2_0_1_has_one_identity_and_one_password_for_all_slots_and_is_never_sent_another(field: str) -> None:
    with pytest.raises(Mismatch, match=f"speaks ocpp2.0.1, in which a slot has no {field}") as caught:
        slot(**{field: PASSWORD})

    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("value", ["", "[]", "wss://new.example", '"x"'])
def test_a_value_that_is_no_object_is_never_sent_nor_told(value: str) -> None:
    with pytest.raises(Mismatch) as caught:
        network_profile.set_network_profile("AC1", 1, value, "ocpp2.0.1")

    assert not value or value not in str(caught.value)


def test_a_slot_that_is_shown_reads_as_the_object_that_was_written() -> None:
    variables = network_profile.variables_of(2)
    values = {variables[name]: str(value) for name, value in SLOT.items()}

    assert json.loads(network_profile.shown(2, values) or "") == SLOT


def test_a_slot_whose_url_is_not_shown_is_hidden() -> None:
    variables = network_profile.variables_of(1)

    assert network_profile.shown(1, {}) is None
    assert network_profile.shown(1, {variables["ocppCsmsUrl"]: None, variables["messageTimeout"]: "30"}) is None


def test_an_order_of_firmware_that_replaces_an_earlier_one_is_a_yes() -> None:
    assert dialect201.firmware_taken("AC1", Result("1", {"status": "AcceptedCanceled"})) == "AcceptedCanceled"
    with pytest.raises(Refused, match="InvalidCertificate"):
        dialect201.firmware_taken("AC1", Result("1", {"status": "InvalidCertificate"}))
