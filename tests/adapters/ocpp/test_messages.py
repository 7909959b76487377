"""OCPP-J as it comes: everything is read or called malformed, nothing is raised."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.messages import (
    MAX_TEXT_BYTES,
    Call,
    Error,
    Malformed,
    Result,
    answer_text,
    call_text,
    clean,
    kind_of,
    parse,
    peek,
)

MALFORMED = {
    "nothing": b"",
    "half": b'[2,"1","Heartbeat"',
    "no list": b'{"a":1}',
    "no json": b"hello",
    "type 7": b'[7,"1",{}]',
    "type true": b'[true,"1",{}]',
    "id null": b"[3,null,{}]",
    "id endless": b'[3,"' + b"x" * 300 + b'",{}]',
    "too few": b"[2]",
    "too many": b'[2,"1234567","WrongElements","additional string",{"payload":"something"}]',
    "deep": b"[" * 100_000,
    "deep in a payload": b'[2,"1","X",{"a":' + b"[" * 1000 + b"]" * 1000 + b"}]",
    "digits": b'[2,"1","X",{"a":' + b"9" * 5000 + b"}]",
    "long": b'[2,"1","X",{"a":"' + b"x" * MAX_TEXT_BYTES + b'"}]',
    "binary": bytes(range(256)),
}
LENIENT: dict[str, tuple[bytes, Any]] = {
    "byte order mark": (b'\xef\xbb\xbf[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", {})),
    "duplicate keys": (b'[2,"1","B",{"a":1,"a":2}]', Call("1", "B", {"a": 2})),
    "lone surrogate": (b'[3,"1",{"a":"\\ud800"}]', Result("1", {"a": "?"})),
    "broken UTF-8": (b'[3,"1",{"a":"\xff"}]', Result("1", {"a": "\ufffd"})),
    "id as a number": (b'[2,17,"Heartbeat",{}]', Call("17", "Heartbeat", {})),
    "no payload": (b'[2,"1","Heartbeat"]', Call("1", "Heartbeat", {})),
    "payload null": (b'[3,"1",null]', Result("1", {})),
    "error cut short": (b'[4,"1","InternalError"]', Error("1", "InternalError")),
    "line breaks in text": (b'[3,"1",{"a":"x\ny"}]', Result("1", {"a": "x\ny"})),
    "brackets in text": (b'[3,"1",{"a":"' + b"[" * 200 + b'"}]', Result("1", {"a": "[" * 200})),
    "digits in text": (b'[3,"1",{"a":"' + b"9" * 900 + b'"}]', Result("1", {"a": "9" * 900})),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_message_is_malformed_with_a_reason(text: bytes) -> None:
    message = parse(text)

    assert isinstance(message, Malformed)
    assert message.reason


@pytest.mark.parametrize(("text", "wanted"), LENIENT.values(), ids=LENIENT.keys())
def test_what_stations_get_slightly_wrong_is_understood(text: bytes, wanted: Any) -> None:
    assert parse(text) == wanted


@given(st.binary(max_size=300))
def test_no_bytes_raise(text: bytes) -> None:
    assert parse(text) is not None
    peek(text)
    kind_of(text)


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=5), st.integers(-5, 5), max_size=3))
def test_what_we_write_we_can_read(text: str, payload: dict[str, int]) -> None:
    assert parse(call_text("m1", "Reset", payload)) == Call("m1", "Reset", payload)
    assert parse(answer_text(Error("m1", "GenericError", clean(text)))) == Error("m1", "GenericError", clean(text))


@pytest.mark.parametrize(
    "hostile", [b'"' * MAX_TEXT_BYTES, b"[" * MAX_TEXT_BYTES, b"\\" * MAX_TEXT_BYTES, b" " * MAX_TEXT_BYTES]
)
def test_a_hostile_message_does_not_hold_up_the_others(hostile: bytes) -> None:
    before = time.process_time()

    parse(hostile)
    peek(hostile)

    assert time.process_time() - before < 1.0  # linear: a hundredth of it on an idle machine


def test_every_recorded_frame_is_read_as_what_it_was_recorded_as(shared_data: Path) -> None:
    kinds = {2: Call, 3: Result, 4: Error}
    for file in sorted((shared_data / "frames").glob("*.jsonl")):
        for frame in map(json.loads, file.read_text().splitlines()):
            message = parse(frame["raw"].encode())
            if isinstance(message, Malformed):
                assert frame["kind"] != "wire" or not frame["valid_json"], frame
            else:
                assert isinstance(message, kinds[frame["type"]])
                assert peek(frame["raw"].encode()) is not None


def test_every_boot_string_survives_as_it_was_sent(shared_data: Path) -> None:
    with (shared_data / "boot_strings.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            text = call_text(
                "1", "BootNotification", {"chargePointVendor": row["vendor"], "chargePointModel": row["model"]}
            )
            message = parse(text)
            assert isinstance(message, Call)
            assert clean(message.payload["chargePointVendor"]) == row["vendor"]
            assert clean(message.payload["chargePointModel"]) == row["model"]


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": 1}, True])
def test_what_is_not_text_is_unknown(value: object) -> None:
    assert clean(value) == ""


def test_what_steers_a_terminal_does_not_pass() -> None:
    assert clean("A\x1b[2J\u202eB\x00") == "A\ufffd[2J\ufffdB\ufffd"
