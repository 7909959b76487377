"""What the messages of a 2.0.1 session say about its station."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.messages import Result
from migrate.adapters.ocpp.tap import Place, Tap
from migrate.adapters.ocpp.tap201 import HEARD, Tap201, tap_for
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting, still_charging

AT = datetime(2026, 11, 20, 1, tzinfo=UTC)
STATION = {
    "vendorName": "EVerest",
    "model": "Pionix Yeti",
    "serialNumber": "EVE0001",
    "firmwareVersion": "2025.9.0",
    "modem": {"iccid": "8900100000000000001", "imsi": "001010000000001"},
}
FACTS = IdentityFacts(
    vendor="EVerest",
    model="Pionix Yeti",
    firmware="2025.9.0",
    serial="EVE0001",
    iccid="8900100000000000001",
    imsi="001010000000001",
)


def tap() -> Tap201:
    return Tap201(Place(side=Side.TARGET, identity="AC1", session="s1"), b"key")


def say(heard: Tap, action: str, payload: Any, id_: str = "1") -> Sighting | None:
    return heard.station_said(json.dumps([2, id_, action, payload]).encode(), AT)


def answer(heard: Tap, payload: Any, id_: str = "1") -> Sighting | None:
    return heard.csms_answered(id_, json.dumps([3, id_, payload]).encode())


def event(kind: str, transaction: str = "t1", evse: int | None = 1, **more: Any) -> dict[str, Any]:
    where = {} if evse is None else {"evse": {"id": evse, "connectorId": 1}}
    return {"eventType": kind, "transactionInfo": {"transactionId": transaction}} | where | more


def status(connector_status: str, evse: int = 1, connector: int = 1) -> dict[str, Any]:
    return {"connectorStatus": connector_status, "evseId": evse, "connectorId": connector}


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
def test_a_session_of_either_version_is_heard_in_its_own_words(protocol: str) -> None:
    assert tap_for(protocol) is Tap201
    assert tap_for("ocpp1.6") is tap_for("") is Tap


def test_a_boot_is_told_with_its_answer_and_everything_the_station_says_of_itself() -> None:
    heard = tap()

    before = say(heard, "BootNotification", {"reason": "PowerUp", "chargingStation": STATION})
    seen = answer(heard, {"status": "Accepted", "currentTime": "x", "interval": 30})

    assert before is None, "a boot proves nothing before it was answered"
    assert seen is not None
    assert (seen.kind, seen.answer, seen.facts, seen.solicited) == (Kind.BOOT, "Accepted", FACTS, False)


@pytest.mark.parametrize("reason", ["Triggered", "PowerUp"])
def test_a_boot_that_was_asked_for_is_no_restart(reason: str) -> None:
    heard = tap()
    heard.expects_boot = reason != "Triggered"

    say(heard, "BootNotification", {"reason": reason, "chargingStation": STATION})
    seen = answer(heard, {"status": "Accepted"})
    say(heard, "BootNotification", {"reason": "PowerUp", "chargingStation": STATION}, "2")
    again = answer(heard, {"status": "Accepted"}, "2")

    assert seen is not None
    assert again is not None
    assert (seen.solicited, again.solicited) == (True, False)


@pytest.mark.parametrize("said", [None, 1, [], {"modem": 3, "model": 4}, {"modem": {"iccid": ["x"]}}])
def test_a_boot_without_facts_is_still_a_boot(said: object) -> None:
    heard = tap()

    say(heard, "BootNotification", {"reason": "PowerUp", "chargingStation": said})
    seen = answer(heard, {"status": "Pending"})

    assert seen is not None
    assert (seen.facts, seen.answer) == (IdentityFacts(), "Pending")


def test_a_transaction_runs_on_its_evse_from_started_to_ended() -> None:
    heard = tap()

    began = say(heard, "TransactionEvent", event("Started", evse=2, idToken={"idToken": "CARD-1", "type": "ISO14443"}))
    goes_on = say(heard, "TransactionEvent", event("Updated", evse=None))
    during = heard.charging
    ended = say(heard, "TransactionEvent", event("Ended", evse=None))

    assert began is not None
    assert ended is not None
    assert (began.kind, began.connector) == (Kind.TRANSACTION_STARTED, 2)
    assert "CARD-1" not in str(began)
    assert goes_on is None
    assert during == (2,)
    assert (ended.kind, ended.connector, heard.charging) == (Kind.TRANSACTION_STOPPED, 2, ())


def test_a_transaction_that_nobody_saw_begin_counts_from_its_first_update() -> None:
    heard = tap()

    first = say(heard, "TransactionEvent", event("Updated", evse=3))
    second = say(heard, "TransactionEvent", event("Updated", evse=3))

    assert first is not None
    assert (first.kind, second, heard.charging) == (Kind.TRANSACTION_STARTED, None, (3,))


def test_a_transaction_outlives_a_session_and_ends_in_the_next() -> None:
    before, after = tap(), tap()
    say(before, "TransactionEvent", event("Started"))

    after.goes_on_from(before)
    say(after, "TransactionEvent", event("Ended", evse=None))

    assert after.charging == ()


def test_a_plugged_cable_is_no_transaction() -> None:
    heard = tap()

    seen = say(heard, "StatusNotification", status("Occupied"))

    assert seen is not None
    assert (seen.kind, seen.connector, seen.detail, heard.charging) == (Kind.STATUS, 1, "Occupied", ())
    assert still_charging((), seen) == ()


@pytest.mark.parametrize("word", ["Available", "Unavailable", "Reserved", "Faulted"])
def test_the_other_connector_of_an_evse_ends_no_transaction(word: str) -> None:
    heard = tap()
    say(heard, "TransactionEvent", event("Started"))

    seen = say(heard, "StatusNotification", status(word, connector=2))

    assert seen is not None
    assert heard.charging == (1,)
    assert still_charging((1,), seen) == (1,), "the journal reads the sighting as the relay does"


def test_a_connector_that_says_it_is_taken_while_somebody_charges_is_told_as_that_connector() -> None:
    heard = tap()
    say(heard, "TransactionEvent", event("Started", evse=2))

    seen = say(heard, "StatusNotification", status("Occupied", evse=2))

    assert seen is not None
    assert (seen.connector, heard.charging) == (2, (2,))


def test_an_evse_of_which_only_the_journal_says_that_it_charges_is_free_when_it_says_available() -> None:
    heard = tap()
    heard.knows_charging((1,))

    unavailable = say(heard, "StatusNotification", status("Unavailable"))
    still = heard.charging
    available = say(heard, "StatusNotification", status("Available"))

    assert unavailable is not None
    assert available is not None
    assert (still, heard.charging) == ((1,), ())
    assert still_charging(still_charging((1,), unavailable), available) == ()


def test_a_security_event_is_told_by_its_name_alone() -> None:
    tech = {"type": "InvalidCsmsCertificate", "timestamp": "x", "techInfo": "password=hunter2"}

    seen = say(tap(), "SecurityEventNotification", tech)

    assert seen is not None
    assert (seen.kind, seen.detail) == (Kind.SECURITY, "InvalidCsmsCertificate")
    assert "hunter2" not in str(seen)


def test_firmware_and_heartbeats_are_heard_as_in_1_6() -> None:
    heard = tap()

    words = [say(heard, "FirmwareStatusNotification", {"status": "Installing", "requestId": 1})]
    words += [say(heard, "Heartbeat", {}) for _ in range(2)]

    assert [(one.kind, one.detail) if one else None for one in words] == [
        (Kind.FIRMWARE, "Installing"),
        (Kind.HEARTBEAT, ""),
        None,
    ]


@pytest.mark.parametrize("action", ["NotifyEvent", "MeterValues", "NotifyReport", "StartTransaction"])
def test_what_does_not_matter_is_passed_over(action: str) -> None:
    assert say(tap(), action, {"anything": 1}) is None


def test_how_many_variables_a_station_takes_is_learnt_from_its_answer_to_us() -> None:
    items = {"variable": {"name": "ItemsPerMessage", "instance": "GetVariables"}, "attributeValue": "7"}
    others = [None, {"variable": {"name": "ItemsPerMessage", "instance": "SetVariables"}, "attributeValue": "3"}]

    seen = tap().answered_us(Result("1", {"getVariableResult": [*others, items]}), AT)

    assert seen is not None
    assert (seen.kind, seen.detail) == (Kind.KEYS, "7")
    assert tap().answered_us(Result("1", {"getVariableResult": others}), AT) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("chargingStation", "eventType", "transactionInfo", "evse", "idToken", "connectorStatus", "evseId", "type")


@given(st.sampled_from(sorted(HEARD)), st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5))
def test_nothing_a_station_says_breaks_the_session(action: str, payload: dict[str, Any]) -> None:
    heard = tap()

    say(heard, action, payload)
    answer(heard, {"status": "Accepted"})

    assert len(heard.charging) <= 1
