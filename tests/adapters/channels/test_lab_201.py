"""The minimal CSMS of a relay without one behind it, for stations of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

import pytest
from ocpp.messages import CallResult, validate_payload

BOOT = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
STARTED = {"eventType": "Started", "transactionInfo": {"transactionId": "t"}, "idToken": {"idToken": "C", "type": "x"}}
ENDED = {"eventType": "Ended", "transactionInfo": {"transactionId": "t"}}
SAID = {
    "BootNotification": BOOT,
    "Heartbeat": {},
    "Authorize": {"idToken": {"idToken": "C", "type": "ISO14443"}},
    "StatusNotification": {"connectorStatus": "Available", "evseId": 1, "connectorId": 1},
    "SecurityEventNotification": {"type": "ResetOrReboot"},
    "NotifyEvent": {"seqNo": 0},
    "FirmwareStatusNotification": {"status": "Idle"},
    "MeterValues": {"evseId": 1},
}


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize(
    ("action", "payload"), [*SAID.items(), ("TransactionEvent", STARTED), ("TransactionEvent", ENDED)]
)
async def test_everything_that_a_station_says_is_answered_by_the_schema_of_its_version(
    site: Any, protocol: str, action: str, payload: dict[str, Any]
) -> None:
    station = await site.raw_station("AC1", protocol=protocol)

    station.say(2, "1", action, payload)
    kind, number, answer = await station.hear()

    assert (kind, number) == (3, "1")
    await validate_payload(CallResult("1", answer, action=action), protocol.removeprefix("ocpp"))


async def test_a_card_is_accepted_and_an_event_without_one_is_only_taken(site: Any) -> None:
    station = await site.raw_station("AC1", protocol="ocpp2.0.1")

    answers = []
    for payload in (STARTED, ENDED):
        station.say(2, "1", "TransactionEvent", payload)
        answers.append((await station.hear())[2])

    assert answers == [{"idTokenInfo": {"status": "Accepted"}}, {}]


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [("ocpp2.1, ocpp2.0.1", "ocpp2.1"), ("soap, ocpp2.0.1, ocpp1.6", "ocpp2.0.1"), ("ocpp2.0, ocpp1.6", "ocpp1.6")],
)
async def test_the_first_version_that_both_speak_is_agreed_on(site: Any, offered: str, agreed: str) -> None:
    await site.raw_station("AC1", protocol=offered)

    presence = await site.client.presence("AC1")

    assert [session.protocol for session in presence.sessions.values() if session] == [agreed]
