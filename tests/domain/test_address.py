"""Addresses that a station may be told to dial, and those that it must never be told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.domain.address import Reach, Slash, parse_backend
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


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("csms.example", Reach.ANYWHERE),
        ("10.1.2.3", Reach.ANYWHERE),
        ("[fd00::1]", Reach.ANYWHERE),
        ("localhost.example", Reach.ANYWHERE),
        ("localhost", Reach.LOOPBACK),
        ("localhost.", Reach.LOOPBACK),
        ("csms.localhost", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("[::1]", Reach.LOOPBACK),
        ("[::ffff:127.0.0.1]", Reach.LOOPBACK),
        ("169.254.169.254", Reach.NOWHERE),
        ("169.254.169.254.", Reach.NOWHERE),
        ("[::ffff:169.254.169.254]", Reach.NOWHERE),
        ("[fe80::1]", Reach.NOWHERE),
        ("0.0.0.0", Reach.NOWHERE),
        ("[::]", Reach.NOWHERE),
        ("224.0.0.1", Reach.NOWHERE),
        ("[ff02::1]", Reach.NOWHERE),
    ],
)
def test_an_address_tells_from_where_it_leads_anywhere(host: str, reach: Reach) -> None:
    assert parse_backend(f"ws://{host}:9017/ocpp").reach is reach


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "1.2.3", "1.2.3.4.5", "256.1.1.1", "csms.1", "[1:2]"]
)
def test_a_host_that_ends_in_a_number_is_a_whole_address(host: str) -> None:
    with pytest.raises(SettingsProblem, match=r"no name and no address|port outside"):
        parse_backend(f"ws://{host}/ocpp")


@pytest.mark.parametrize("path", ["//ocpp", "/ocpp//", "/a//b"])
def test_an_empty_part_of_a_path_would_be_dialled(path: str) -> None:
    with pytest.raises(SettingsProblem, match="empty part"):
        parse_backend(f"ws://csms.example{path}")
