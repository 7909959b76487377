"""How stations spell their backend: recognised where it is the known address, told apart where it is not."""

from __future__ import annotations

import pytest

from migrate.domain.address import Backend, Slash
from migrate.domain.spelling import Form, is_path, spelt

LEGACY = Backend(scheme="wss", host="old.example", port=8443, path="/ocpp/16")
PLAIN = Backend(scheme="ws", host="10.0.0.7", path="/ocpp")
PACKED = "ocppVersion{OCPP16}ocppCsmsUrl{wss://old.example:8443/ocpp/16}messageTimeout{10}securityProfile{0}"


@pytest.mark.parametrize(
    ("value", "form", "slash", "field"),
    [
        ("wss://old.example:8443/ocpp/16", Form.URL, Slash.FORBID, ""),
        ("wss://old.example:8443/ocpp/16/", Form.URL, Slash.REQUIRE, ""),
        (" wss://old.example:8443/ocpp/16 ", Form.URL, Slash.FORBID, ""),
        ("wss://old.example:8443/ocpp/16/AC%201", Form.FULL_URL, Slash.FORBID, ""),
        ("wss://old.example:8443/ocpp/16/AC 1", Form.FULL_URL, Slash.FORBID, ""),
        ("old.example:8443/ocpp/16", Form.NO_SCHEME, Slash.FORBID, ""),
        ("wss://old.example:8443", Form.ORIGIN, Slash.FORBID, ""),
        ("old.example", Form.HOST, Slash.FORBID, ""),
        (PACKED, Form.URL, Slash.FORBID, "ocppCsmsUrl"),
    ],
)
def test_a_value_that_is_the_address_is_recognised(value: str, form: Form, slash: Slash, field: str) -> None:
    found = spelt(value, LEGACY, "AC 1")

    assert found is not None
    assert (found.form, found.slash, found.field, found.is_exact) == (form, slash, field, True)


@pytest.mark.parametrize("value", ["WSS://Old.Example:8443/ocpp/16", "wss://OLD.example:8443/OCPP/16"])
def test_another_case_is_recognised_and_said(value: str) -> None:
    found = spelt(value, LEGACY, "AC1")

    assert found is not None
    assert (found.form, found.is_exact) == (Form.URL, False)


def test_a_default_port_written_out_is_the_same_address() -> None:
    found = spelt("ws://10.0.0.7:80/ocpp", PLAIN, "AC1")

    assert found is not None
    assert (found.form, found.is_exact) == (Form.URL, False)


@pytest.mark.parametrize(
    "value",
    [
        "wss://old.example:8443/ocpp/16/token-of-this-station",
        "wss://old.example:9000/ocpp/16",
        "wss://old.example:8443/ocpp/16/AC2",
        "backup=old.example;primary=other.example",
    ],
)
def test_an_address_that_only_shares_the_host_has_no_known_form(value: str) -> None:
    found = spelt(value, LEGACY, "AC1")

    assert found is not None
    assert found.form is Form.UNKNOWN
    assert found.form.template == ""


@pytest.mark.parametrize(
    "value", ["", "30", "old.example.org", "very-old.example", "bold.example", "wss://new.example/ocpp"]
)
def test_what_is_not_the_backend_is_not_taken_for_it(value: str) -> None:
    assert spelt(value, LEGACY, "AC1") is None


def test_a_host_without_a_dot_is_found_as_a_whole_value_only() -> None:
    intranet = Backend(scheme="ws", host="legacy", path="/ocpp")

    assert spelt("legacy mode", intranet, "AC1") is None
    assert spelt("legacy", intranet, "AC1") is not None


def test_without_a_path_no_value_is_the_path() -> None:
    assert is_path("", Backend(scheme="ws", host="old.example")) is None
    assert is_path("/", Backend(scheme="ws", host="old.example", path="/")) is None
