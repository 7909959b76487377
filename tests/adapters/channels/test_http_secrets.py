"""A secret that goes out by HTTP stands in no message, no traceback and no value that can be printed."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from migrate.adapters.channels.http.hidden import words_of
from migrate.adapters.channels.http.reach import HttpSettings
from migrate.adapters.channels.http.turns import LONGEST_PAUSE_S, USUAL_PAUSE_S, pause_of
from migrate.domain.errors import StationError
from migrate.domain.evidence import Side
from migrate.domain.ways import Call, HttpAuth
from tests.adapters.channels.http_host import (
    API,
    STATION,
    Heard,
    Secrets,
    a_host,
    a_profile,
    doors_to,
    reply,
    with_key,
)

SECRET = 'Pla/nted "S3cret"'
TOKEN = "planted-token-7c1f"
VALUE = "planted-value-93ab"
SPELLINGS = [
    form
    for text in (SECRET, TOKEN, VALUE)
    for form in (text, text.encode().hex(), b64encode(text.encode()).decode().rstrip("="))
]
SIGNED = {
    HttpAuth.BASIC: replace(API, auth=HttpAuth.BASIC, user="ops", secret="web"),
    HttpAuth.DIGEST: replace(API, auth=HttpAuth.DIGEST, user="ops", secret="web"),
    HttpAuth.BEARER: replace(
        API,
        auth=HttpAuth.BEARER,
        user="ops",
        secret="web",
        login=(Call(path="/login", method="POST", form={"p": "${secret}"}, picks={"token": "token"}),),
    ),
}


def echo(status: int) -> Callable[[Heard], bytes]:
    """Says back whatever it heard: a proxy's error page, a debug build."""

    def answer(heard: Heard) -> bytes:
        if heard.target == "/login" and status != 400:
            return reply(200, {"token": TOKEN})
        told = (
            f"{dict(heard.headers)} {heard.body.decode()} {SECRET} {SECRET.encode().hex()} {b64encode(SECRET.encode())}"
        )
        return reply(status, told.encode())

    return answer


@pytest.mark.parametrize("auth", SIGNED)
@pytest.mark.parametrize("status", [200, 202, 302, 400, 401, 403, 409, 500])
async def test_whatever_goes_wrong_says_nothing_of_what_was_sent_in_confidence(
    auth: HttpAuth, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = replace(SIGNED[auth], keys=with_key(write=(Call(path="/set", method="POST", json={"v": "${value}"}),)).keys)
    told: list[str] = []

    with caplog.at_level(logging.DEBUG):
        async with a_host(echo(status)) as host, doors_to(host, secrets=Secrets(web=SECRET)) as doors:
            door = doors.to(STATION, a_profile(api), Side.SOURCE)
            told.append(repr(door) + repr(doors) + repr(vars(door)))
            for work in (door.write("AC-1", "url", VALUE), door.read("AC-1", ["url"])):
                try:
                    await work
                except StationError as error:
                    told.append("".join(traceback.format_exception(error)) + repr(error) + error.hint)

    everything = "".join(told) + caplog.text
    assert [form for form in SPELLINGS if form.casefold() in everything.casefold()] == []
    assert told


async def test_a_secret_with_characters_that_no_header_holds_is_not_shown_either() -> None:
    api = replace(API, auth=HttpAuth.BEARER, secret="web")
    planted = "S3cret\r\nX-Admin: 1"

    async with a_host(lambda _: reply(200, {})) as host, doors_to(host, secrets=Secrets(web=planted)) as doors:
        with pytest.raises(StationError) as caught:
            await doors.to(STATION, a_profile(api), Side.SOURCE).read("AC-1", ["url"])

    assert host.heard == []
    assert "S3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"a transaction\r\n is   running\x1b[2J", "a transaction is running [2J", id="one printable line"),
        pytest.param(b"<html><body>500</body></html>", "", id="a page for people"),
        pytest.param(b"x" * 500, "x" * 120 + "…", id="a long story"),
        pytest.param(b"token=HUNTER2", "", id="the secret in other letters"),
        pytest.param(b"hunter2".hex().encode(), "", id="the secret in hex"),
        pytest.param(b64encode(b"hunter2"), "", id="the secret in base64"),
        pytest.param(b"x" * 1000 + b"hunter2", "", id="the secret far behind"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no text"),
    ],
)
def test_a_reply_is_quoted_in_one_short_line_or_not_at_all(body: bytes, words: str) -> None:
    assert words_of(body, ["hunter2"]) == words


NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param(format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0, id="a date"),
        pytest.param(format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0, id="a date that is over"),
        pytest.param(format_datetime(NOW + timedelta(days=9), usegmt=True), LONGEST_PAUSE_S, id="a date far away"),
        pytest.param("9" * 400, LONGEST_PAUSE_S, id="longer than anybody waits"),
        pytest.param("-5", USUAL_PAUSE_S, id="nonsense"),
        pytest.param("٣", USUAL_PAUSE_S, id="digits of another script"),
        pytest.param(None, USUAL_PAUSE_S, id="nothing"),
    ],
)
def test_how_long_a_host_asks_for_peace_is_heeded_within_bounds(text: str | None, seconds: float) -> None:
    assert pause_of(text, NOW) == seconds


def test_settings_of_http_hold_no_secret() -> None:
    assert set(HttpSettings.__slots__) == {"port", "at_once", "ca", "bases", "users"}
