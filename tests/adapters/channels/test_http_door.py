"""A station's own interface, or its maker's cloud, as a door: what is asked, what it means, and what is never repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

import pytest

from migrate.adapters.channels.http.reach import HttpSettings
from migrate.domain.errors import Mismatch, Refused, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart
from migrate.domain.ways import Call, HttpAuth, HttpKey, Until
from tests.adapters.channels.http_host import (
    API,
    READ,
    STATION,
    URL,
    Heard,
    Host,
    Secrets,
    a_door,
    a_host,
    a_profile,
    doors_to,
    reply,
    with_key,
)

HELD = {"enable": True, "url": "ws://old.example/ocpp", "identity": "AC-1", "pass": None, "cert_id": -1}


def puts(host: Host) -> list[Heard]:
    return [heard for heard in host.heard if heard.method != "GET"]


def answers(*rows: bytes) -> Iterator[bytes]:
    """One after the other, the last one for ever."""
    return chain(rows[:-1], repeat(rows[-1]))


async def error_of(work: Any) -> StationError:
    with pytest.raises(StationError) as caught:
        await work
    return caught.value


# ── reading and writing ────────────────────────────────────────────────────


async def test_a_value_is_picked_out_of_what_the_interface_shows() -> None:
    async with a_host(lambda _: reply(200, HELD)) as host, a_door(host) as door:
        held = await door.read("AC-1", ["url"])

    assert held == {"url": "ws://old.example/ocpp"}
    assert [(one.method, one.target) for one in host.heard] == [("GET", "/ocpp/config")]


async def test_an_object_is_put_back_as_it_was_read_with_one_field_changed() -> None:
    async with a_host(lambda _: reply(200, HELD)) as host, a_door(host) as door:
        said = await door.write("AC-1", "url", URL)

    assert said == "Accepted"
    assert [one.json for one in puts(host)] == [{**HELD, "url": URL}]


async def test_a_key_that_nobody_declared_and_one_that_the_interface_does_not_know_are_absent() -> None:
    async with a_host(lambda _: reply(404)) as host, a_door(host) as door:
        held = await door.read("AC-1", ["url", "else"])

    assert held == {}
    assert len(host.heard) == 1


async def test_a_value_that_is_shown_as_null_is_hidden() -> None:
    api = with_key(read=(Call(path="/ocpp/config", picks={"value": "pass"}),))

    async with a_host(lambda _: reply(200, HELD)) as host, a_door(host, api) as door:
        held = await door.read("AC-1", ["url"])

    assert held == {"url": None}


WHOSE = Call(path="/ocpp/config", picks={**READ.picks, "its_identity": "identity", "its_serial": "sse"})


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param({"identity": "AC-2", "sse": "S1"}, "'AC-2'", id="another identity"),
        pytest.param({"identity": "AC-1", "sse": "S2"}, "'S2'", id="another serial number"),
        pytest.param(None, "404", id="no such interface"),
    ],
)
async def test_another_device_at_the_address_of_a_station_is_told_nothing(
    shown: dict[str, str] | None, said: str
) -> None:
    answer = reply(404) if shown is None else reply(200, {**HELD, **shown})

    async with a_host(lambda _: answer) as host, a_door(host, with_key(read=(WHOSE,))) as door:
        looked = await error_of(door.read("AC-1", ["url"]))
        told = await error_of(door.write("AC-1", "url", URL))

    assert puts(host) == []
    for error in (looked, told):
        assert type(error) is Mismatch
        assert said in error.message
        assert "ip_address" in error.hint


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({"identity": "AC-1", "sse": "S1"}, id="itself"),
        pytest.param({"identity": "NEW-1", "sse": "s1"}, id="its name on the target"),
        pytest.param({"identity": "", "sse": None}, id="nothing of itself"),
        pytest.param({"identity": "AC-1", "sse": "000S1"}, id="zeros that a spreadsheet drops"),
    ],
)
async def test_a_device_that_shows_that_it_is_the_station_or_nothing_at_all_is_asked_and_told(
    shown: dict[str, str | None],
) -> None:
    station, answer = replace(STATION, target_identity="NEW-1"), reply(200, {**HELD, **shown})

    async with a_host(lambda _: answer) as host, a_door(host, with_key(read=(WHOSE,)), station=station) as door:
        held = await door.read("AC-1", ["url"])
        await door.write("AC-1", "url", URL)

    assert held == {"url": "ws://old.example/ocpp"}
    assert len(puts(host)) == 1


@pytest.mark.parametrize("shown", [f"{URL}/A 1", f"{URL}/A%201", URL])
async def test_what_a_cloud_appends_is_taken_off_again(shown: str) -> None:
    api, station = with_key(appends="/${identity}"), replace(STATION, identity="A 1")

    async with a_host(lambda _: reply(200, {"url": shown})) as host, a_door(host, api, station=station) as door:
        held = await door.read("A 1", ["url"])

    assert held == {"url": URL}


async def test_a_pick_that_is_not_there_is_named_with_its_place() -> None:
    async with a_host(lambda _: reply(200, {"uri": "x"})) as host, a_door(host) as door:
        error = await error_of(door.read("AC-1", ["url"]))

    assert isinstance(error, Mismatch)
    assert "without url, where value was looked for" in error.message


async def test_a_version_that_was_stored_is_the_one_that_is_applied() -> None:
    store = Call(
        path="/store/${serial}", method="POST", json={"url": "${value}"}, expect=(201,), picks={"v": "version"}
    )
    apply = Call(path="/apply/${serial}", method="POST", json={"version": "${v}"}, expect=(204,))
    api = with_key(write=(store, apply))

    async with (
        a_host(lambda h: reply(201, {"version": 7}) if "store" in h.target else reply(204)) as host,
        a_door(host, api) as door,
    ):
        await door.write("AC-1", "url", URL)

    assert [(one.target, one.json) for one in host.heard] == [
        ("/store/S1", {"url": URL}),
        ("/apply/S1", {"version": 7}),
    ]


async def test_a_state_is_asked_for_until_it_reads_as_wanted() -> None:
    states = answers(*(reply(200, {"state": state}) for state in ("queued", "running", "done")))
    poll = Call(path="/state", picks={"state": "state"}, until=Until(pick="state", is_one_of=("done",)))
    api = with_key(write=(replace(API.keys["url"].write[0], json={"url": "${value}"}), poll))

    async with (
        a_host(lambda h: next(states) if h.method == "GET" else reply(200)) as host,
        a_door(host, api, speed=200) as door,
    ):
        assert await door.write("AC-1", "url", URL) == "Accepted"

    assert [one.target for one in host.heard] == ["/ocpp/config", "/state", "/state", "/state"]


@pytest.mark.parametrize(
    ("state", "kind"),
    [pytest.param("error", Refused, id="it failed"), pytest.param("queued", Unreachable, id="it never ended")],
)
async def test_a_state_that_fails_or_never_ends_is_no_success(state: str, kind: type[StationError]) -> None:
    until = Until(pick="state", is_one_of=("done",), failed=("error",), within=timedelta(seconds=20))
    poll = Call(path="/state", picks={"state": "state"}, until=until)
    api = with_key(write=(Call(path="/set", method="POST", form={"url": "${value}"}), poll))

    async with (
        a_host(lambda h: reply(200, {"state": state}) if h.method == "GET" else reply(200)) as host,
        a_door(host, api, speed=200) as door,
    ):
        error = await error_of(door.write("AC-1", "url", URL))

    assert isinstance(error, kind)
    assert getattr(error, "sent", True) is True


async def test_a_restart_is_the_declared_requests_and_without_them_there_is_none() -> None:
    api = replace(API, restart=(Call(path="/reboot", method="POST"),))

    async with a_host(lambda _: reply(200)) as host, a_door(host, api) as door, a_door(host) as without:
        await door.restart("AC-1", Restart.SOFT)
        error = await error_of(without.restart("AC-1", Restart.SOFT))

    assert [one.target for one in host.heard] == ["/reboot"]
    assert isinstance(error, Mismatch)


# ── what a reply means ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "kind", "sent"),
    [
        pytest.param(409, Unreachable, False, id="busy: somebody charges"),
        pytest.param(400, Refused, None, id="refused"),
        pytest.param(404, Refused, None, id="no such place to write to"),
        pytest.param(401, Mismatch, None, id="our credentials"),
        pytest.param(403, Mismatch, None, id="our rights"),
        pytest.param(302, Mismatch, None, id="sent elsewhere"),
        pytest.param(202, Mismatch, None, id="a yes that nobody declared"),
        pytest.param(500, Unreachable, True, id="broken on the way"),
        pytest.param(503, Unreachable, True, id="overloaded"),
    ],
)
async def test_the_status_of_a_write_says_what_is_known_of_it(
    status: int, kind: type[StationError], sent: bool | None
) -> None:
    elsewhere = {"Location": "http://127.0.0.1:9/"} if status == 302 else {}

    async with (
        a_host(lambda h: reply(200, HELD) if h.method == "GET" else reply(status, **elsewhere)) as host,
        a_door(host) as door,
    ):
        error = await error_of(door.write("AC-1", "url", URL))

    assert type(error) is kind
    assert getattr(error, "sent", None) is sent
    assert len(puts(host)) == 1  # whatever it said, it was told once


async def test_a_refusal_carries_the_words_of_the_station_and_not_the_value() -> None:
    async with (
        a_host(lambda h: reply(200, HELD) if h.method == "GET" else reply(400, b"a transaction\r\nis running")) as host,
        a_door(host) as door,
    ):
        error = await error_of(door.write("AC-1", "url", URL))

    assert "HTTP 400 (a transaction is running)" in error.message
    assert isinstance(error, Refused)
    assert error.status == "HTTP 400"


async def test_nobody_there_means_that_nothing_was_sent() -> None:
    async with a_host(lambda _: reply(200, HELD)) as host:
        port = host.port
    async with doors_to(settings=HttpSettings(port=port)) as doors:
        door = doors.to(
            STATION, a_profile(with_key(write=(Call(path="/x", method="PUT", json="${value}"),))), Side.SOURCE
        )
        error = await error_of(door.write("AC-1", "url", URL))

    assert isinstance(error, Unreachable)
    assert not error.sent


@pytest.mark.parametrize("how", ["hangs", "breaks off", "half a body"])
async def test_a_write_without_an_answer_was_sent_and_is_not_sent_again(how: str) -> None:
    hold = asyncio.Event()

    async def silence() -> bytes:
        await hold.wait()
        return b""

    def answer(heard: Heard) -> Any:
        if heard.method == "GET":
            return reply(200, HELD)
        return silence() if how == "hangs" else b"" if how == "breaks off" else reply(200, b"{" * 9)[:-4]

    async with a_host(answer) as host, a_door(host, replace(API, timeout=timedelta(seconds=0.5))) as door:
        error = await error_of(door.write("AC-1", "url", URL))
        hold.set()

    assert isinstance(error, Unreachable)
    assert error.sent
    assert len(puts(host)) == 1


async def test_a_read_without_an_answer_is_asked_again_by_itself() -> None:
    rows = answers(b"", reply(500), reply(200, HELD))

    async with a_host(lambda _: next(rows)) as host, a_door(host) as door:
        held = await door.read("AC-1", ["url"])

    assert held == {"url": HELD["url"]}
    assert len(host.heard) == 3


async def test_after_the_first_effect_nothing_is_reported_as_never_sent() -> None:
    store, apply = Call(path="/store", method="POST", json="${value}"), Call(path="/apply", method="POST", busy=(409,))

    async with (
        a_host(lambda h: reply(409 if h.target == "/apply" else 200)) as host,
        a_door(host, with_key(write=(store, apply))) as door,
    ):
        error = await error_of(door.write("AC-1", "url", URL))

    assert isinstance(error, Unreachable)
    assert error.sent


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"[" * 40 + b"]" * 40, "nested deeper", id="deep"),
        pytest.param(b'{"url": ' + b"9" * 5000 + b"}", "digits", id="a long number"),
        pytest.param(b"<html>", "no JSON", id="a page"),
        # read once, to the end: looked for anew from each of its quotes it would hold everybody up for minutes
        pytest.param(b'"' + b'\\"[' * 40, "no JSON", id="a text that never ends"),
        pytest.param(b'{"url": NaN}', "no JSON", id="not a number"),
        pytest.param(b'{"url": 1e999}', "no JSON", id="a number beyond all numbers"),
        pytest.param(b"\xff\xfe", "no JSON", id="no text"),
        pytest.param(('["\u2201",' + "[" * 100_000 + '"').encode("utf-16-le"), "no JSON", id="deep in two bytes each"),
        pytest.param(b" " * 300_000, "256 KiB", id="huge"),
    ],
)
async def test_a_reply_beyond_all_bounds_is_no_reply_of_a_station(body: bytes, why: str) -> None:
    async with a_host(lambda _: reply(200, body)) as host, a_door(host) as door:
        error = await error_of(door.read("AC-1", ["url"]))

    assert isinstance(error, Mismatch)
    assert why in error.message


async def test_a_compressed_body_is_not_unpacked() -> None:
    async with a_host(lambda _: reply(200, b"x", Content_Encoding="gzip")) as host, a_door(host) as door:
        error = await error_of(door.read("AC-1", ["url"]))

    assert isinstance(error, Mismatch)


async def test_a_redirect_is_followed_by_nobody() -> None:
    async with (
        a_host(lambda _: reply(200, {"url": "stolen"})) as other,
        a_host(lambda _: reply(307, Location=f"http://127.0.0.1:{other.port}/")) as host,
        a_door(host) as door,
    ):
        error = await error_of(door.read("AC-1", ["url"]))

    assert isinstance(error, Mismatch)
    assert other.heard == []


# ── who we are ─────────────────────────────────────────────────────────────


async def test_a_password_goes_out_by_basic() -> None:
    api = replace(API, auth=HttpAuth.BASIC, user="admin", secret="web")

    async with a_host(lambda _: reply(200, HELD)) as host, a_door(host, api, secrets=Secrets(web="hunter2")) as door:
        await door.read("AC-1", ["url"])

    assert host.heard[0].headers["authorization"] == "Basic YWRtaW46aHVudGVyMg=="


async def test_a_password_never_goes_out_by_digest() -> None:
    api = replace(API, auth=HttpAuth.DIGEST, user="admin", secret="web")
    challenge = 'Digest realm="station", nonce="abc", qop="auth", algorithm=MD5'

    def answer(heard: Heard) -> bytes:
        return reply(200, HELD) if "authorization" in heard.headers else reply(401, WWW_Authenticate=challenge)

    async with a_host(answer) as host, a_door(host, api, secrets=Secrets(web="hunter2")) as door:
        held = await door.read("AC-1", ["url"])

    assert held == {"url": HELD["url"]}
    assert host.heard[1].headers["authorization"].startswith('Digest username="admin"')
    assert "hunter2" not in str(host.heard)


@pytest.mark.parametrize(
    "challenge",
    [
        pytest.param('Digest realm="St\u00e4tion", nonce="a", qop="auth"', id="letters of another alphabet"),
        pytest.param('Digest realm="x", nonce="a", qop="auth", domain="http://[::1/"', id="an address that is none"),
        pytest.param('Digest realm="x"', id="nothing to answer"),
        pytest.param('Digest realm="x", nonce="a", algorithm=ROT13', id="a sum that nobody knows"),
    ],
)
async def test_a_question_for_a_password_that_cannot_be_understood_ends_one_attempt_and_no_run(challenge: str) -> None:
    api = replace(API, auth=HttpAuth.DIGEST, user="admin", secret="warp_web")
    answer = reply(401, None, WWW_Authenticate=challenge).replace("ä".encode(), b"\xe4")

    async with a_host(lambda _: answer) as host, a_door(host, api, secrets=Secrets(warp_web="hunter2")) as door:
        error = await error_of(door.write("AC-1", "url", URL))

    assert not getattr(error, "sent", False)
    assert puts(host) == []


async def test_a_secret_that_the_campaign_lacks_is_named_before_anything_is_sent() -> None:
    api = replace(API, auth=HttpAuth.BEARER, secret="cloud_token")

    async with doors_to() as doors:
        with pytest.raises(Mismatch, match="cloud_token"):
            doors.to(STATION, a_profile(api), Side.SOURCE)


async def test_credentials_that_were_refused_are_not_offered_again() -> None:
    api = replace(API, auth=HttpAuth.BASIC, user="admin", secret="web")

    async with (
        a_host(lambda _: reply(401)) as host,
        doors_to(host, secrets=Secrets(web="wrong")) as doors,
    ):
        for number in range(4):
            station = replace(STATION, identity=f"AC-{number}")
            error = await error_of(doors.to(station, a_profile(api), Side.SOURCE).read(station.identity, ["url"]))
            assert isinstance(error, Mismatch)

    assert len(host.heard) == 1


LOGIN = Call(
    path="/login", method="POST", json={"userName": "${user}", "password": "${secret}"}, picks={"token": "accessToken"}
)
CLOUD = replace(API, auth=HttpAuth.BEARER, user="operator", secret="cloud", login=(LOGIN,))


async def test_one_login_serves_every_station_of_an_account_and_a_token_that_ran_out_is_replaced() -> None:
    given: list[str] = []

    def answer(heard: Heard) -> bytes:
        if heard.target == "/login":
            given.append(f"t{len(given) + 1}")
            return reply(200, {"accessToken": given[-1]})
        is_good = heard.headers["authorization"] == f"Bearer {given[-1]}" and len(host.heard) != 4
        return reply(200, HELD) if is_good else reply(401)

    async with a_host(answer) as host, doors_to(host, secrets=Secrets(cloud="hunter2")) as doors:
        for number in range(4):
            station = replace(STATION, identity=f"AC-{number}")
            held = await doors.to(station, a_profile(CLOUD), Side.SOURCE).read(station.identity, ["url"])
            assert held == {"url": HELD["url"]}

    assert given == ["t1", "t2"]
    assert next(one.json for one in host.heard if one.target == "/login") == {
        "userName": "operator",
        "password": "hunter2",
    }


async def test_whose_account_a_secret_belongs_to_the_campaign_may_say() -> None:
    async with a_host(lambda h: reply(200, {"accessToken": "t", **HELD})) as host:
        settings = HttpSettings(port=host.port, users={"cloud": "fleet@cpo.example"})
        async with doors_to(settings=settings, secrets=Secrets(cloud="hunter2")) as doors:
            await doors.to(STATION, a_profile(CLOUD), Side.SOURCE).read("AC-1", ["url"])

    assert host.heard[0].json["userName"] == "fleet@cpo.example"


async def test_a_login_that_is_refused_is_tried_once_for_the_whole_fleet() -> None:
    async with a_host(lambda _: reply(400, b"locked")) as host, doors_to(host, secrets=Secrets(cloud="wrong")) as doors:
        door = doors.to(STATION, a_profile(CLOUD), Side.SOURCE)
        errors = await asyncio.gather(*(error_of(door.read("AC-1", ["url"])) for _ in range(5)))

    assert all(isinstance(error, Mismatch) for error in errors)
    assert len(host.heard) == 1


async def test_a_login_without_an_answer_is_waited_for_once_and_not_by_each_station_in_turn() -> None:
    """A cloud that is down: station after station would wait for as long again."""

    over = asyncio.Event()

    async def never(_: Heard) -> bytes:
        await over.wait()
        return b""

    api = replace(CLOUD, timeout=timedelta(seconds=0.5))
    async with a_host(never) as host, doors_to(host, secrets=Secrets(cloud="hunter2")) as doors:
        door = doors.to(STATION, a_profile(api), Side.SOURCE)
        errors = await asyncio.gather(*(error_of(door.read("AC-1", ["url"])) for _ in range(8)))
        over.set()

    assert {(type(error), error.message) for error in errors} == {(Unreachable, errors[0].message)}
    assert not any(error.sent for error in errors if isinstance(error, Unreachable))
    assert len(host.heard) < 8  # three tries of each, and all wait for the same


async def test_a_login_that_failed_for_another_reason_is_tried_again() -> None:
    rows = answers(reply(302), reply(200, {"accessToken": "t", **HELD}))

    async with a_host(lambda _: next(rows)) as host, a_door(host, CLOUD, secrets=Secrets(cloud="hunter2")) as door:
        assert isinstance(await error_of(door.read("AC-1", ["url"])), Mismatch)
        assert await door.read("AC-1", ["url"]) == {"url": HELD["url"]}


async def test_a_token_that_no_header_may_hold_is_sent_nowhere() -> None:
    async with (
        a_host(lambda _: reply(200, {"accessToken": "x\r\nHost: evil.example"})) as host,
        a_door(host, CLOUD, secrets=Secrets(cloud="hunter2")) as door,
    ):
        error = await error_of(door.read("AC-1", ["url"]))

    assert isinstance(error, Mismatch)
    assert [one.target for one in host.heard] == ["/login"]


# ── whose turn it is ───────────────────────────────────────────────────────


async def test_a_cloud_that_asks_for_peace_gets_it_from_every_station() -> None:
    loop = asyncio.get_running_loop()
    began: list[float] = []

    def answer(heard: Heard) -> bytes:
        began.append(loop.time())
        return reply(429, Retry_After="1") if len(began) == 1 else reply(200, HELD)

    async with a_host(answer) as host, doors_to(host) as doors:
        first = asyncio.create_task(doors.to(STATION, a_profile(), Side.SOURCE).read("AC-1", ["url"]))
        while not began:
            await asyncio.sleep(0.01)
        others = [doors.to(STATION, a_profile(), Side.SOURCE).read("AC-1", ["url"]) for _ in range(3)]
        held = await asyncio.gather(first, *others)

    assert all(one == {"url": HELD["url"]} for one in held)
    assert min(began[1:]) - began[0] > 0.9


async def test_an_order_that_would_have_to_wait_too_long_is_not_sent() -> None:
    api = with_key(write=(Call(path="/set", method="POST", json="${value}"),))

    async with a_host(lambda _: reply(429, Retry_After="600")) as host, a_door(host, api) as door:
        first = await error_of(door.write("AC-1", "url", URL))
        second = await error_of(door.write("AC-1", "url", URL))

    assert isinstance(first, Unreachable)
    assert isinstance(second, Unreachable)
    assert (first.sent, second.sent) == (False, False)
    assert len(host.heard) == 1


async def test_an_order_that_waits_too_long_for_the_look_before_it_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look answers in its own time; by then somebody else may have taken over."""
    monkeypatch.setattr("migrate.adapters.channels.http.doors.ORDER_PATIENCE_S", 0.2)

    async def slowly(heard: Heard) -> bytes:
        await asyncio.sleep(0.4)
        return reply(200, {"url": "ws://old.example", "enable": True})

    async with a_host(slowly) as host, a_door(host) as door:
        error = await error_of(door.write("AC-1", "url", URL))

    assert [one.method for one in host.heard] == ["GET"]
    assert isinstance(error, Unreachable)
    assert error.sent is False
    assert "too long ago" in error.message


async def test_an_order_that_waits_too_long_for_its_login_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrate.adapters.channels.http.doors.ORDER_PATIENCE_S", 0.2)
    login = Call(path="/login", method="POST", json={"p": "${secret}"}, picks={"token": "token"})
    write = (Call(path="/set", method="POST", form={"url": "${value}"}),)
    api = replace(with_key(write=write), auth=HttpAuth.BEARER, secret="pw", login=(login,))

    async def slowly(heard: Heard) -> bytes:
        await asyncio.sleep(0.4)
        return reply(200, {"token": "t"})

    async with a_host(slowly) as host, a_door(host, api, secrets=Secrets(pw="hunter2")) as door:
        error = await error_of(door.write("AC-1", "url", URL))

    assert [one.target for one in host.heard] == ["/login"]
    assert isinstance(error, Unreachable)
    assert error.sent is False


async def test_one_station_is_asked_one_thing_at_a_time() -> None:
    async def slowly() -> bytes:
        await asyncio.sleep(0.05)
        return reply(200, HELD)

    async with a_host(lambda _: slowly()) as host, a_door(host) as door:
        await asyncio.gather(*(door.read("AC-1", ["url"]) for _ in range(4)))

    assert host.most_open == 1


async def test_there_are_never_more_requests_than_the_campaign_allows() -> None:
    gauge = {"now": 0, "most": 0}

    async def slowly() -> bytes:
        gauge["now"] += 1
        gauge["most"] = max(gauge["most"], gauge["now"])
        await asyncio.sleep(0.05)
        gauge["now"] -= 1
        return reply(200, HELD)

    async with a_host(lambda _: slowly()) as host, doors_to(settings=HttpSettings(at_once=2)) as doors:
        bases = [f"http://127.0.0.{n}:{host.port}" for n in range(1, 2)] + [f"http://localhost:{host.port}"]
        apis = [replace(API, base=base) for base in bases]
        await asyncio.gather(
            *(doors.to(STATION, a_profile(api), Side.SOURCE).read("AC-1", ["url"]) for api in apis for _ in range(4))
        )

    assert gauge["most"] == 2


async def test_a_profile_without_an_interface_leads_to_no_door() -> None:
    async with doors_to() as doors:
        with pytest.raises(Mismatch, match="acme_web"):
            doors.to(STATION, a_profile(None), Side.SOURCE)


async def test_a_get_that_writes_is_sent_once() -> None:
    write = Call(path="/api/set", query={"ocppu": "${value_json}"})

    async with (
        a_host(lambda _: reply(500)) as host,
        a_door(host, replace(API, keys={"url": HttpKey(read=(READ,), write=(write,))})) as door,
    ):
        error = await error_of(door.write("AC-1", "url", URL))

    assert isinstance(error, Unreachable)
    assert error.sent
    assert [one.target for one in host.heard] == ["/api/set?ocppu=%22ws%3A%2F%2Fnew.example%2Focpp%22"]
