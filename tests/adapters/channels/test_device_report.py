"""What a station reports of its device model becomes entries: bounded, named as a move names them, nothing guessed."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.adapters.channels.device_report import reported
from migrate.adapters.ocpp.messages import MAX_VALUE
from migrate.domain.answered import Entry, Reported, Taken


def entry(component: Any, variable: Any, *attributes: Any) -> dict[str, Any]:
    return {"component": component, "variable": variable, "variableAttribute": list(attributes)}


def of(*entries: Any, **more: Any) -> Reported:
    payload = {"status": "Accepted", "parts": 1, "missing": [], "whole": True, "more": False, "entries": list(entries)}
    return reported("FullInventory", {**payload, **more})


def the_entry(*attributes: Any) -> Entry:
    (found,) = of(entry({"name": "Ctrlr"}, {"name": "Thing"}, *attributes)).entries
    return found


def test_instances_of_components_and_variables_stand_in_brackets() -> None:
    found = of(
        entry({"name": "NetworkConfiguration", "instance": "1"}, {"name": "OcppCsmsUrl"}, {"value": "ws://a"}),
        entry({"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage", "instance": "GetVariables"}, {"value": "4"}),
    )

    keys = [one.key for one in found.entries]
    assert keys == ["NetworkConfiguration[1].OcppCsmsUrl", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"]


MUTABLE = [
    pytest.param({"mutability": "ReadOnly", "value": "1"}, ("1", True), id="read-only"),
    pytest.param({"mutability": "ReadWrite", "value": "1"}, ("1", False), id="may be written"),
    pytest.param({"mutability": "WriteOnly"}, (None, False), id="a password"),
    pytest.param({"value": "1"}, ("1", False), id="left out means that it may"),
    pytest.param({"mutability": "Sometimes", "value": "1"}, ("1", None), id="a word that nobody knows"),
    pytest.param({"mutability": ["ReadOnly"], "value": "1"}, ("1", None), id="no word"),
]


@pytest.mark.parametrize(("attribute", "told"), MUTABLE)
def test_what_may_be_written_is_the_stations_own_word(attribute: Any, told: Any) -> None:
    found = the_entry(attribute)

    assert (found.value, found.readonly) == told


def test_of_several_attributes_the_actual_value_counts() -> None:
    found = the_entry({"type": "MaxSet", "value": "99"}, {"type": "Actual", "value": "7", "mutability": "ReadOnly"})

    assert (found.value, found.readonly) == ("7", True)


@pytest.mark.parametrize(
    ("value", "kept"), [(True, "true"), (7, "7"), ({"a": 1}, None), ("v" * 9_999, "v" * MAX_VALUE)]
)
def test_bare_values_are_spelt_and_long_ones_are_cut(value: Any, kept: Any) -> None:
    assert the_entry({"value": value}).value == kept


def test_variables_of_an_evse_are_counted_and_not_listed() -> None:
    found = of(
        entry({"name": "Connector", "evse": {"id": 1, "connectorId": 1}}, {"name": "State"}, {"value": "x"}),
        entry({"name": "Ctrlr"}, {"name": "Thing"}, {"value": "1"}),
    )

    assert ([one.key for one in found.entries], found.beside) == (["Ctrlr.Thing"], 1)


@pytest.mark.parametrize(
    "nonsense",
    [7, None, [], {}, {"component": 7}, {"component": {"name": 7}, "variable": {"name": "V"}},
     {"component": {"name": "C"}, "variable": {"name": ""}}, {"component": {"name": "C", "evse": 7}}],
)  # fmt: skip
def test_what_has_no_name_is_left_out(nonsense: Any) -> None:
    assert of(nonsense).entries == ()


def test_control_characters_in_a_name_reach_nobody() -> None:
    (found,) = of(entry({"name": "C\x1b[2J"}, {"name": "V" * 200}, {"value": "1"})).entries

    assert "\x1b" not in found.key
    assert len(found.key) < 110


WORDS = [
    pytest.param({"status": "NotSupported"}, Taken.REFUSED, id="refused"),
    pytest.param({"status": "EmptyResultSet"}, Taken.ANSWERED, id="it has nothing to report"),
    pytest.param({"status": "Accepted", "parts": 0}, Taken.UNANSWERED, id="a yes, and nothing"),
    pytest.param({"status": 7}, Taken.REFUSED, id="no status"),
]


@pytest.mark.parametrize(("payload", "taken"), WORDS)
def test_how_the_question_was_taken(payload: Any, taken: Taken) -> None:
    found = reported("FullInventory", payload)

    assert (found.taken, found.entries, found.is_whole) == (taken, (), False)
