"""Addresses that a station may be told to dial, and those that it must never be told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.domain.address import Slash, parse_backend
from migrate.domain.errors import SettingsProblem


@pytest.mark.parametrize(
    ("text", "keep", "forbid", "require"),
    [
        ("ws://a", "ws://a", "ws://a", "ws://a/"),
        ("ws://a/", "ws://a/", "ws://a", "ws://a/"),
        ("wss://a.example:8443/x/y", "wss://a.example:8443/x/y", "wss://a.example:8443/x/y", "wss://a.example:8443/x/y/"),
        ("WSS://A.Example/Path", "wss://a.example/Path", "wss://a.example/Path", "wss://a.example/Path/"),
        ("ws://[fd00::1]:80/o/", "ws://[fd00::1]:80/o/", "ws://[fd00::1]:80/o", "ws://[fd00::1]:80/o/"),
    ],
)  # fmt: skip
def test_an_address_obeys_the_slash_rule_of_the_family(text: str, keep: str, forbid: str, require: str) -> None:
    backend = parse_backend(text)

    assert (backend.url(Slash.KEEP), backend.url(Slash.FORBID), backend.url(Slash.REQUIRE)) == (keep, forbid, require)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a url",
        "ws:/host",
        "ws://",
        "ws://:80/x",
        "http://host/x",
        "host/x",
        "ws://host:0/x",
        "ws://host:99999/x",
        "ws://host:eighty/x",
        "ws://[fd00::1/x",
        "ws://fe80::1%25eth0/x",
        "ws://host/x?token=1",
        "ws://host/x?",
        "ws://host/x#part",
        "ws://host/x y",
        "ws://host/x\n",
        "\x00ws://host/x",
        "ws://host/путь",
        "ws://hоst/x",
        "ws://host/{x}",
        "ws://host/${url}",
        'ws://host/"x"',
        "ws://host/%zz",
        "ws://ho_st{}/x",
        "ws://-host/x",
        "ws://host/" + "x" * 600,
    ],
)
def test_an_address_that_would_strand_a_station_is_refused(text: str) -> None:
    with pytest.raises(SettingsProblem) as refusal:
        parse_backend(text, where="target.url")

    assert "target.url" in str(refusal.value)
    assert refusal.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "wss://user:hunter2@host/x",
        "http://user:hunter2@host/x",
        "user:hunter2@host",
        "ws:/user:hunter2@host",
        "wss://hunter2@host:99999/x",
        "ws://host/x?token=hunter2",
        "wss://user:hunter2@ho st/x",
    ],
)
def test_a_refusal_never_repeats_a_password(text: str) -> None:
    with pytest.raises(SettingsProblem) as refusal:
        parse_backend(text)

    assert "hunter2" not in str(refusal.value)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_every_text_is_an_address_or_a_sentence(text: str) -> None:
    try:
        backend = parse_backend("ws://" + text)
    except SettingsProblem:
        return

    assert parse_backend(backend.url()) == backend
    assert not set(backend.url()) & set("{}$\"' \\<>^`|") - {"'", "$"}
