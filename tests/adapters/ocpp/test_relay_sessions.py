"""Who is there: sessions, their sightings, and the sockets that only look alive."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.relay import LAB
from migrate.domain.evidence import Kind

BOOT = {
    "chargePointVendor": "A vendor of more than twenty letters",
    "chargePointModel": "M1",
    "chargePointSerialNumber": "S\x001",
    "firmwareVersion": "1.2.3",
    "unknown": 7,
}


async def test_a_boot_is_seen_together_with_its_answer(field: Any) -> None:
    station, csms = await field.pair()
    station.say(2, "b", "BootNotification", BOOT)
    await csms.hear()
    assert field.seen(Kind.BOOT) == []

    csms.say(3, "b", {"status": "Pending", "currentTime": "2026-11-20T00:00:00Z", "interval": 60})

    boot = await field.sees(Kind.BOOT)
    assert (boot.answer, boot.solicited, boot.identity) == ("Pending", False, "AC1")
    assert (boot.facts.vendor, boot.facts.serial) == (BOOT["chargePointVendor"], "S\ufffd1")
    assert boot.session == (await field.sees(Kind.CONNECTED)).session
    assert field.relay.session("AC1").boot_answer == "Pending"


async def test_a_boot_that_nobody_answers_is_still_a_boot(field: Any) -> None:
    station, csms = await field.pair()
    station.say(2, "b", "BootNotification", BOOT)
    await csms.hear()

    station.leave()

    gone = await field.sees(Kind.DISCONNECTED)
    assert (await field.sees(Kind.BOOT)).answer == ""
    assert field.sightings.index(field.seen(Kind.BOOT)[0]) < field.sightings.index(gone)


async def test_a_boot_of_ocpp_201_is_recognised(field: Any) -> None:
    station = await field.station(protocol="ocpp2.0.1")
    csms = await field.csms.peer("AC1")
    station.say(
        2,
        "b",
        "BootNotification",
        {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "serialNumber": "S"}},
    )
    await csms.hear()

    csms.say(3, "b", {"status": "Accepted"})

    facts = (await field.sees(Kind.BOOT)).facts
    assert (facts.vendor, facts.model, facts.serial) == ("V", "M", "S")


async def test_only_the_first_heartbeat_is_a_sighting_and_the_rest_are_counted(field: Any) -> None:
    station, csms = await field.pair()

    for number in range(3):
        station.say(2, str(number), "Heartbeat", {})
        await csms.hear()

    assert len(field.seen(Kind.HEARTBEAT)) == 1
    assert field.relay.session("AC1").heartbeats == 3


async def test_a_transaction_is_followed_and_its_card_is_nobodys(field: Any) -> None:
    station, csms = await field.pair()
    station.say(2, "t", "StartTransaction", {"connectorId": 2, "idTag": "CARD-1", "meterStart": 0, "timestamp": "x"})
    await csms.hear()
    csms.say(3, "t", {"transactionId": 77, "idTagInfo": {"status": "Accepted"}})
    await station.hear()
    assert field.relay.session("AC1").charging == (2,)

    station.say(2, "u", "StopTransaction", {"transactionId": 77, "idTag": "CARD-1", "meterStop": 1, "timestamp": "x"})

    stopped = await field.sees(Kind.TRANSACTION_STOPPED)
    started = await field.sees(Kind.TRANSACTION_STARTED)
    assert (started.connector, stopped.connector) == (2, 2)
    assert started.detail == stopped.detail != ""
    assert "CARD-1" not in repr(field.sightings)
    assert field.relay.session("AC1").charging == ()


async def test_a_status_says_that_a_station_is_charging_since_before_we_came(field: Any) -> None:
    station, csms = await field.pair()

    station.say(2, "s", "StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": "NoError"})
    await csms.hear()

    status = await field.sees(Kind.STATUS)
    assert (status.connector, status.detail) == (1, "Charging")
    assert field.relay.session("AC1").charging == (1,)


async def test_a_car_goes_on_charging_when_its_station_loses_the_line_and_dials_again(field: Any) -> None:
    station, csms = await field.pair()
    station.say(2, "t", "StartTransaction", {"connectorId": 2, "idTag": "CARD-1", "meterStart": 0, "timestamp": "x"})
    await csms.hear()
    csms.say(3, "t", {"transactionId": 77, "idTagInfo": {"status": "Accepted"}})
    await station.hear()
    station.leave()
    await field.sees(Kind.DISCONNECTED)

    again, csms = await field.pair()

    assert field.relay.session("AC1").charging == (2,)
    again.say(2, "u", "StopTransaction", {"transactionId": 77, "meterStop": 1, "timestamp": "x"})
    assert (await field.sees(Kind.TRANSACTION_STOPPED)).connector == 2
    assert field.relay.session("AC1").charging == ()


async def test_a_car_goes_on_charging_while_the_old_socket_only_looks_alive(field: Any) -> None:
    station, csms = await field.pair()
    station.say(2, "s", "StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": "NoError"})
    await csms.hear()

    again, csms = await field.pair()

    assert field.relay.session("AC1").charging == (1,)
    again.say(2, "s", "StatusNotification", {"connectorId": 1, "status": "Finishing", "errorCode": "NoError"})
    await csms.hear()
    assert field.relay.session("AC1").charging == ()


async def test_a_car_goes_on_charging_when_the_listening_process_is_another_one(field_with: Any) -> None:
    field = await field_with(charging={"AC1": (1,)})

    await field.pair()
    await field.pair("AC2")

    assert field.relay.session("AC1").charging == (1,)
    assert field.relay.session("AC2").charging == ()


async def test_the_late_close_of_an_old_socket_leaves_the_new_one_alone(field: Any) -> None:
    old, _ = await field.pair()
    new, csms = await field.pair()
    first, second = (s.session for s in field.seen(Kind.CONNECTED))

    old.leave()

    assert (await field.sees(Kind.DISCONNECTED)).session == first
    assert field.relay.session("AC1").id == second
    new.say(2, "1", "Heartbeat", {})
    assert (await csms.hear())[2] == "Heartbeat"


async def test_two_sockets_that_both_answer_are_two_and_a_dead_one_soon_counts_no_more(field_with: Any) -> None:
    field = await field_with(limits=Limits(sweep_s=0.01, idle_s=60, pong_s=0.1, max_missed=100))
    old, _ = await field.pair()
    await field.pair()
    await asyncio.sleep(0.2)
    assert field.relay.answering("AC1") == 2

    old.answers_pings = False
    field.relay.answering("AC1", ask=True)
    await asyncio.sleep(0.3)

    assert field.relay.answering("AC1") == 1
    assert field.relay.session("AC1").id == field.seen(Kind.CONNECTED)[1].session


async def test_a_silent_station_is_pinged_and_its_pong_never_reaches_the_csms(field_with: Any) -> None:
    field = await field_with(limits=Limits(sweep_s=0.01, idle_s=0.03, pong_s=5))
    station, csms = await field.pair()

    opcode, _ = await asyncio.wait_for(station.controls.get(), 5)
    await asyncio.sleep(0.05)

    assert opcode is Opcode.PING
    assert csms.received == b""
    assert field.relay.answering("AC1") == 1


async def test_a_half_open_socket_is_closed_after_several_pings(field_with: Any) -> None:
    field = await field_with(limits=Limits(sweep_s=0.01, idle_s=0.02, pong_s=0.02, max_missed=2))
    station, _ = await field.pair()
    station.answers_pings = False

    gone = await field.sees(Kind.DISCONNECTED)

    assert "half-open" in gone.detail
    assert field.relay.session("AC1") is None


async def test_what_the_csms_said_before_it_hung_up_still_arrives(field: Any) -> None:
    station, csms = await field.pair()

    csms.say(3, "1", {"status": "Accepted"})
    csms.leave()

    assert (await station.hear())[1] == "1"
    await station.is_gone()
    assert "CSMS closed" in (await field.sees(Kind.DISCONNECTED)).detail


async def test_draining_says_goodbye_to_every_station_and_lets_nobody_in(field: Any) -> None:
    station, csms = await field.pair()
    port = field.relay.port

    await field.relay.drain(within_s=1)

    opcode, payload = await asyncio.wait_for(station.controls.get(), 5)
    assert (opcode, int.from_bytes(payload[:2], "big")) == (Opcode.CLOSE, 1012)
    await csms.is_gone()
    await field.sees(Kind.DISCONNECTED)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_the_lab_answers_as_a_small_csms_and_says_that_it_is_one(field_with: Any) -> None:
    field = await field_with(upstream=LAB)
    station = await field.station()

    station.say(2, "b", "BootNotification", BOOT)
    station.say(2, "t", "StartTransaction", {"connectorId": 1, "idTag": "T"})
    station.say(2, "x", "Surprise", {})

    assert (await station.hear())[2]["status"] == "Accepted"
    assert (await station.hear())[2]["transactionId"] == 1
    assert (await station.hear())[2] == "NotImplemented"
    boot = await field.sees(Kind.BOOT)
    assert boot.lab
    assert boot.is_accepted_boot


async def test_a_station_of_the_lab_can_be_called_too(field_with: Any) -> None:
    field = await field_with(upstream=LAB)
    station = await field.station()

    asked = asyncio.create_task(field.relay.inject("AC1", "Reset", {"type": "Soft"}, timeout_s=3))
    _, id_, *_ = await station.hear()
    station.say(3, id_, {"status": "Accepted"})

    assert (await asked).payload == {"status": "Accepted"}
    station.leave()
    await field.sees(Kind.DISCONNECTED)


async def test_a_station_of_the_lab_that_never_reads_is_not_answered_without_end(field_with: Any) -> None:
    field = await field_with(upstream=LAB)
    station = await field.station()
    station.writer.transport.pause_reading()

    heartbeat = encode(Opcode.TEXT, f'[2,"{"9" * 250}","Heartbeat",{{}}]'.encode(), mask=station.mask)
    station.raw(heartbeat * 150_000)  # the answers repeat the id: more than the kernel's buffers hold

    assert await unread(station) > 0  # the relay no longer takes what it cannot answer
    assert field.relay.session("AC1") is not None


async def unread(station: Any) -> int:
    """What the relay still leaves unread once it has stopped reading."""
    looks = [-1]
    while looks[-1] != 0 and looks[-5:] != looks[-1:] * 5:
        await asyncio.sleep(0.15)
        looks.append(station.writer.transport.get_write_buffer_size())
    return looks[-1]
