"""OCPP 1.6: what we send is by the book, what stations answer is read with patience and judged without."""

from __future__ import annotations

from typing import Any

import pytest
from ocpp.messages import Call as LibraryCall
from ocpp.messages import validate_payload

from migrate.adapters.ocpp import dialect16, replies
from migrate.adapters.ocpp.messages import Error, Result
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.profile import Restart

COMMANDS = {
    "read": dialect16.get_configuration(["BackendURL"]),
    "read all": dialect16.get_configuration([]),
    "write": dialect16.change_configuration("BackendURL", "wss://new.example/ocpp"),
    "soft": dialect16.reset(Restart.SOFT),
    "hard": dialect16.reset(Restart.HARD),
    "trigger": dialect16.trigger_boot(),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
async def test_every_command_satisfies_the_schema(command: replies.Command) -> None:
    await validate_payload(LibraryCall("1", command.action, dict(command.payload)), "1.6")


def test_the_key_and_the_value_travel_untouched() -> None:
    command = dialect16.change_configuration("Chg_Amina_URL", "wss://x/${a}?b=%20")

    assert command.payload == {"key": "Chg_Amina_URL", "value": "wss://x/${a}?b=%20"}


def test_keys_are_found_whatever_their_case_and_told_as_they_were_asked_for() -> None:
    answer = Result("1", {"configurationKey": [{"key": "BACKENDURL", "value": "ws://x"}], "unknownKey": ["nothing"]})

    found = dialect16.configuration("AC1", ["BackendUrl", "Nothing", "Silent"], answer)

    assert found.values == {"BackendUrl": "ws://x"}
    assert found.unanswered == ("Silent",)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"key": "K", "value": None}, None),
        ({"key": "K"}, None),
        ({"key": "K", "value": ""}, ""),
        ({"key": "K", "value": 30}, "30"),
        ({"key": "K", "value": True}, "true"),
        ({"key": "K", "value": ["x"]}, None),
    ],
    ids=["null", "missing", "empty", "number", "boolean", "list"],
)
def test_values_that_are_not_text_are_read_or_hidden(entry: dict[str, Any], value: str | None) -> None:
    answer = Result("1", {"configurationKey": [entry]})

    assert dialect16.configuration("AC1", ["K"], answer).values == {"K": value}


@pytest.mark.parametrize(
    "payload", [{}, {"configurationKey": None}, {"configurationKey": "x"}, {"configurationKey": [1]}]
)
def test_an_answer_without_keys_leaves_every_key_open(payload: dict[str, Any]) -> None:
    assert dialect16.configuration("AC1", ["K"], Result("1", payload)).unanswered == ("K",)


@pytest.mark.parametrize(
    ("text", "size"),
    [("30", 30), ("0", 1), ("9999", 100), ("-1", 10), ("", 10), ("many", 10), ("٣", 10), ("9" * 5000, 10)],
)
def test_a_page_is_as_large_as_the_station_says_within_reason(text: str, size: int) -> None:
    assert dialect16.page_size({dialect16.MAX_KEYS: text}, 10) == size


@pytest.mark.parametrize("status", ["Accepted", "RebootRequired"])
def test_a_change_that_was_taken_says_how(status: str) -> None:
    assert dialect16.changed("AC1", "K", Result("1", {"status": status})) == status


@pytest.mark.parametrize("status", ["Rejected", "NotSupported", "accepted", "Accepted "])
def test_anything_but_a_clear_yes_is_a_refusal(status: str) -> None:
    with pytest.raises(Refused, match="AC1 refused ChangeConfiguration of K") as caught:
        dialect16.changed("AC1", "K", Result("1", {"status": status}))

    assert caught.value.status == status


@pytest.mark.parametrize("payload", [{}, {"status": None}, {"status": 1}])
def test_an_answer_without_a_status_is_a_mismatch_and_no_success(payload: dict[str, Any]) -> None:
    with pytest.raises(Mismatch):
        replies.agreed("AC1", "Reset", Result("1", payload))


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        *((code, Refused) for code in sorted(replies.PERMANENT)),
        *((code, Unreachable) for code in sorted(replies.TEMPORARY)),
        ("Whatever", Mismatch),
        ("", Mismatch),
    ],
)
def test_call_errors_are_told_apart_by_the_table(code: str, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        replies.agreed("AC1", "Reset", Error("1", code, "words of the vendor"))
