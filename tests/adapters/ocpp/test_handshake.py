"""The door: what is let through to the CSMS, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.handshake import BadHead, read_reply, read_upgrade, write_refusal, write_upgrade
from migrate.domain.address import parse_backend

HEAD = "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k{}"


def head(path: str = "/ocpp/AC1", more: str = "") -> bytes:
    return HEAD.format(path, more).encode("latin-1")


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/ocpp/AC1", "AC1"),
        ("//AC1", "AC1"),
        ("/AC1?x=/y", "AC1"),
        ("/a/AC%201", "AC 1"),
        ("/a/%E5%85%AC", "公"),
        ("ws://relay/ocpp/AC1", "AC1"),
    ],
)
def test_the_identity_is_the_last_segment(path: str, identity: str) -> None:
    assert read_upgrade(head(path)).identity == identity


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"", 400),
        (b"POST /AC1 HTTP/1.1", 400),
        (b"GET /AC1 HTTP/1.0", 400),
        (b"GET /AC1 HTTP/1.1\r\nHost: x", 426),
        (head(more="\r\nContent-Length: 5"), 400),
        (head(more="\r\nTransfer-Encoding: chunked"), 400),
        (head(more="\r\nX-Sm: a\nAuthorization: b"), 400),
        (head(more="\r\n folded"), 400),
        (head("/a%0d%0aX:y"), 404),
        (head("/" + "a" * 200), 404),
    ],
)
def test_what_is_no_honest_upgrade_is_refused(text: bytes, status: int) -> None:
    with pytest.raises(BadHead) as caught:
        read_upgrade(text)

    assert caught.value.status == status


@given(st.binary(max_size=200))
def test_no_bytes_at_the_door_raise_anything_else(text: bytes) -> None:
    for read in (read_upgrade, read_reply):
        try:
            read(text)
        except BadHead:
            continue


def test_a_password_shows_in_no_repr() -> None:
    upgrade = read_upgrade(head(more="\r\nAuthorization: Basic c2VjcmV0"))

    assert "c2VjcmV0" not in repr(upgrade)
    assert b"Authorization: Basic c2VjcmV0" in write_upgrade(upgrade, parse_backend("ws://b/ocpp"))


def test_two_protocol_headers_are_one_list() -> None:
    upgrade = read_upgrade(head(more="\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\nSec-WebSocket-Protocol: ocpp1.6"))

    assert upgrade.subprotocols == ("ocpp2.0.1", "ocpp1.6")


@pytest.mark.parametrize(("base", "line"), [("ws://b:81/x/", b"GET /x/AC1 "), ("wss://b", b"GET /AC1 ")])
def test_the_base_and_the_segment_meet_in_one_slash(base: str, line: bytes) -> None:
    assert write_upgrade(read_upgrade(head()), parse_backend(base)).startswith(line)


def test_a_csms_that_insists_on_compression_is_a_bad_gateway() -> None:
    with pytest.raises(BadHead) as caught:
        read_reply(b"HTTP/1.1 101 ok\r\nSec-WebSocket-Extensions: permessage-deflate")

    assert caught.value.status == 502


def test_a_refusal_passes_on_no_more_than_it_must() -> None:
    refusal = write_refusal(401, "", {"www-authenticate": "Basic", "set-cookie": "a=b"})

    assert refusal.startswith(b"HTTP/1.1 401 Unauthorized\r\nWww-Authenticate: Basic\r\n")
    assert b"a=b" not in refusal
