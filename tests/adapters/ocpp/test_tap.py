"""What one session's messages say about its station, and what is passed over unread."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.messages import Call, parse
from migrate.adapters.ocpp.tap import HEARD, Place, Tap
from migrate.domain.evidence import Kind, Side, still_charging

AT = datetime(2026, 11, 20, 1, tzinfo=UTC)
PLAIN = b'[2,"1","Heartbeat",{}]'
AS_THEY_COME = {
    "plain": PLAIN,
    "spaced": b'[2, "1", "Heartbeat", {}]',
    "very spaced": b' [ 2 , "1" , "Heartbeat" , { } ] ',
    "id in another tongue": '[2,"é","Heartbeat",{}]'.encode(),
    "id in no tongue": b'[2,"\xff","Heartbeat",{}]',
    "id as a number": b'[2,17,"Heartbeat",{}]',
    "something in it": b'[2,"1","Heartbeat",{"vendor":{}}]',
    "no payload": b'[2,"1","Heartbeat"]',
}
NO_HEARTBEAT = {
    "cut short": b'[2,"1","Heartbeat",{}',
    "too much": PLAIN + b"]",
    "twice": PLAIN + PLAIN,
    "an answer": b'[3,"Heartbeat",{}]',
    "meter values about one": b'[2,"1","MeterValues",{"a":["2","1","Heartbeat",{}]}]',
}


def tap() -> Tap:
    return Tap(Place(side=Side.TARGET, identity="AC1", session="s1"), b"key")


@pytest.mark.parametrize("text", AS_THEY_COME.values(), ids=AS_THEY_COME.keys())
def test_a_heartbeat_counts_however_it_is_written_and_only_the_first_is_told(text: bytes) -> None:
    heard = tap()

    told = [heard.station_said(text, AT) for _ in range(3)]

    assert [sighting.kind if sighting else None for sighting in told] == [Kind.HEARTBEAT, None, None]
    assert heard.heartbeats == 3


@pytest.mark.parametrize("text", NO_HEARTBEAT.values(), ids=NO_HEARTBEAT.keys())
def test_what_only_looks_like_a_heartbeat_is_none(text: bytes) -> None:
    heard = tap()
    heard.station_said(PLAIN, AT)

    heard.station_said(text, AT)

    assert heard.heartbeats == 1


@given(st.sampled_from(["MeterValues", "Heartbeats", "BootNotificationX", "Boot", "", *HEARD]), st.text(max_size=70))
def test_what_is_passed_over_unread_would_have_said_nothing(action: str, id_: str) -> None:
    text = json.dumps([2, id_, action, {"status": "Charging", "connectorId": 1}]).encode()
    heard = tap()

    told = heard.station_said(text, AT)
    heard.station_said(text, AT)

    call = parse(text)
    is_heard = isinstance(call, Call) and call.action in HEARD
    assert is_heard is bool(told or heard.heartbeats or list(heard.over()))


def test_every_recorded_call_is_heard_or_passed_over_by_its_action(shared_data: Path) -> None:
    for file in sorted((shared_data / "frames").glob("*.jsonl")):
        for frame in map(json.loads, file.read_text().splitlines()):
            heard, call = tap(), parse(frame["raw"].encode())

            told = heard.station_said(frame["raw"].encode(), AT)

            is_heard = isinstance(call, Call) and call.action in HEARD
            assert is_heard is bool(told or list(heard.over())), frame["raw"]


def status_said(**payload: object) -> str:
    told = tap().station_said(json.dumps([2, "1", "StatusNotification", {"connectorId": 1, **payload}]).encode(), AT)
    assert told is not None
    return told.detail


FAULTS = {
    "a meter": ({"status": "Faulted", "errorCode": "PowerMeterFailure"}, "Faulted; PowerMeterFailure"),
    "a maker's own": (
        {"status": "Faulted", "errorCode": "OtherError", "vendorErrorCode": "E-17"},
        "Faulted; OtherError; E-17",
    ),
    "nothing wrong": ({"status": "Charging", "errorCode": "NoError", "vendorErrorCode": ""}, "Charging"),
    "a maker's own without a fault": (
        {"status": "Available", "errorCode": "NoError", "vendorErrorCode": "0x0"},
        "Available; ; 0x0",
    ),
    "a number": ({"status": "Faulted", "errorCode": 17}, "Faulted"),
    "separators of ours": ({"status": "Faulted", "errorCode": "a; b"}, "Faulted; a, b"),
}


@pytest.mark.parametrize(("payload", "kept"), FAULTS.values(), ids=FAULTS.keys())
def test_a_status_keeps_what_is_wrong_with_the_connector(payload: dict[str, object], kept: str) -> None:
    assert status_said(**payload) == kept


def test_error_codes_are_bounded_and_printable() -> None:
    kept = status_said(status="Faulted", errorCode="\x1b[31m" + "x" * 9_999, vendorErrorCode="\u202e" * 9_999)

    assert len(kept) <= 300
    assert kept.isprintable()


@pytest.mark.parametrize("error", ["PowerMeterFailure", "NoError", "; Available"])
def test_whoever_charges_with_a_fault_charges_all_the_same(error: str) -> None:
    heard = tap()
    call = [2, "1", "StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": error}]

    told = heard.station_said(json.dumps(call).encode(), AT)

    assert told is not None
    assert heard.charging == still_charging((), told) == (1,)
