"""Whatever an inventory or a station says stays in its place: one test for each place that a request has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from migrate.adapters.channels.http.reach import HttpSettings, base_of
from migrate.domain.errors import Mismatch
from migrate.domain.evidence import Side
from migrate.domain.station import Station
from migrate.domain.ways import Call, HttpApi, HttpKey
from tests.adapters.channels.http_host import API, STATION, Heard, a_door, a_host, a_profile, doors_to, reply, with_key

HOSTILE = [
    pytest.param("../../admin", id="climbing"),
    pytest.param("x/../../admin", id="climbing further on"),
    pytest.param("%2e%2e%2fadmin", id="climbing in disguise"),
    pytest.param("AC?admin=1#x", id="query and fragment"),
    pytest.param("AC&admin=1;drop=2", id="one more field"),
    pytest.param('AC", "admin": true, "x": "', id="out of JSON"),
    pytest.param("AC\r\nX-Admin: 1\r\n\r\nGET /admin HTTP/1.1", id="one more header"),
    pytest.param("AC\x00\x1b[2J", id="control characters"),
    pytest.param("${secret}${value}$$", id="a template"),
    pytest.param("{{7*7}}{% x %}", id="template code"),
    pytest.param("'; DROP TABLE x; --$(touch /tmp/x)`id`", id="SQL and shell"),
    pytest.param("@evil.example:80/", id="another host"),
    pytest.param("\u0410\u0421\u202e1\u2028", id="look-alikes and turned writing"),
    pytest.param("😀" * 40, id="far beyond ASCII"),
]

COLUMNS = ["identity", "serial"]
"""What of an inventory a request may name; ``ip_address`` has its own tests, no other column has a name."""


def station_with(column: str, text: str) -> Station:
    return replace(STATION, **{column: text})


async def sent(
    api: HttpApi, station: Station = STATION, value: str = "ws://new.example/ocpp"
) -> list[Heard] | Mismatch:
    """What stood on the wire, or the clear error instead of it."""
    async with a_host(lambda _: reply(200, {})) as host, a_door(host, api, station=station) as door:
        try:
            await door.write(station.identity, "url", value)
        except Mismatch as error:
            ended = error
        else:
            return host.heard
    assert host.heard == []
    assert ended.message.isprintable()
    return ended


def writing(call: Call) -> HttpApi:
    return with_key(write=(call,))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_a_column_stays_in_its_segment_of_the_path(column: str, text: str) -> None:
    wire = await sent(writing(Call(path=f"/v1/${{{column}}}/set", method="PUT")), station_with(column, text))

    if not isinstance(wire, Mismatch):
        parts = urlsplit(wire[0].target)
        assert (parts.query, parts.fragment) == ("", "")
        assert [unquote(part) for part in parts.path.split("/")] == ["", "v1", text, "set"]
        assert len(wire) == 1


@pytest.mark.parametrize("text", [".", ".."])
async def test_an_identity_that_is_a_step_upwards_is_no_segment(text: str) -> None:
    error = await sent(writing(Call(path="/v1/${identity}/set", method="PUT")), station_with("identity", text))

    assert isinstance(error, Mismatch)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_a_column_stays_in_its_value_of_the_query(column: str, text: str) -> None:
    call = Call(path="/set", method="PUT", query={"a": f"${{{column}}}", "b": "2"})

    wire = await sent(writing(call), station_with(column, text))

    assert not isinstance(wire, Mismatch)
    assert parse_qsl(urlsplit(wire[0].target).query, keep_blank_values=True) == [("a", text), ("b", "2")]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_a_column_stays_in_its_header_or_is_refused(column: str, text: str) -> None:
    call = Call(path="/set", method="PUT", headers={"X-Station": f"${{{column}}}"})

    wire = await sent(writing(call), station_with(column, text))

    if isinstance(wire, Mismatch):
        assert not (text.isascii() and text.isprintable())
    else:
        assert wire[0].headers["x-station"] == text
        assert "x-admin" not in wire[0].headers
        assert len(wire) == 1


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_a_column_stays_in_its_leaf_of_json(column: str, text: str) -> None:
    call = Call(
        path="/set", method="PUT", json={"who": f"${{{column}}}", "says": f"I am ${{{column}}}!", "n": [1, True]}
    )

    wire = await sent(writing(call), station_with(column, text))

    assert not isinstance(wire, Mismatch)
    assert wire[0].json == {"who": text, "says": f"I am {text}!", "n": [1, True]}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_a_column_stays_in_its_field_of_a_form(column: str, text: str) -> None:
    call = Call(path="/set", method="POST", form={"a": f"${{{column}}}", "b": "2"})

    wire = await sent(writing(call), station_with(column, text))

    assert not isinstance(wire, Mismatch)
    assert parse_qsl(wire[0].body.decode(), keep_blank_values=True) == [("a", text), ("b", "2")]


PLACES: dict[str, Any] = {
    "path": Call(path="/x/${found}", method="PUT"),
    "query": Call(path="/x", method="PUT", query={"a": "${found}"}),
    "header": Call(path="/x", method="PUT", headers={"X-Station": "${found}"}),
    "json": Call(path="/x", method="PUT", json={"a": "${found}", "b": "<${found}>"}),
    "form": Call(path="/x", method="PUT", form={"a": "${found}"}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_station_answers_stays_in_its_place_too(place: str, text: str) -> None:
    look = Call(path="/look", picks={"found": "found"})

    async with (
        a_host(lambda _: reply(200, {"found": text})) as host,
        a_door(host, HttpApi(base=API.base, keys={"url": HttpKey(read=(look,), write=(look, PLACES[place]))})) as door,
    ):
        try:
            await door.write("AC-1", "url", "ws://new.example/ocpp")
        except Mismatch:
            assert [one.method for one in host.heard] == ["GET"]
            assert place in ("path", "header")
            return

    heard = host.heard[1]
    query = dict(parse_qsl(urlsplit(heard.target).query, keep_blank_values=True))
    shown = {
        "path": lambda: unquote(heard.target.removeprefix("/x/")),
        "query": lambda: query["a"],
        "header": lambda: heard.headers["x-station"],
        "json": lambda: heard.json["a"],
        "form": lambda: dict(parse_qsl(heard.body.decode(), keep_blank_values=True))["a"],
    }
    assert shown[place]() == text
    assert len(host.heard) == 2


@pytest.mark.parametrize("text", HOSTILE)
async def test_an_old_value_that_is_put_back_is_one_json_text_inside_a_query(text: str) -> None:
    call = Call(path="/api/set", query={"ocppu": "${value_json}"})

    wire = await sent(writing(call), value=text)

    assert not isinstance(wire, Mismatch)
    ((name, shown),) = parse_qsl(urlsplit(wire[0].target).query)
    assert name == "ocppu"
    assert json.loads(shown) == text


@pytest.mark.parametrize("place", ["path", "query", "header", "form"])
async def test_a_tree_that_a_station_answers_becomes_no_text(place: str) -> None:
    look = Call(path="/look", picks={"found": "found"})
    api = HttpApi(base=API.base, keys={"url": HttpKey(read=(look,), write=(look, PLACES[place]))})

    async with a_host(lambda _: reply(200, {"found": {"a": [1]}})) as host, a_door(host, api) as door:
        with pytest.raises(Mismatch, match="no text, number or boolean"):
            await door.write("AC-1", "url", "ws://new.example/ocpp")


async def test_an_object_that_a_station_answers_can_only_fill_the_fields_that_are_not_declared() -> None:
    look = Call(path="/look", picks={"found": "$"})
    put = Call(path="/x", method="PUT", json={"...": "${found}", "url": "${value}"})
    api = HttpApi(base=API.base, keys={"url": HttpKey(read=(look,), write=(look, put))})
    shown = {"url": "ws://evil.example", "...": {"url": "ws://evil.example"}, "${value}": "${value}"}

    async with a_host(lambda _: reply(200, shown)) as host, a_door(host, api) as door:
        await door.write("AC-1", "url", "ws://new.example/ocpp")

    assert host.heard[1].json == {**shown, "url": "ws://new.example/ocpp"}  # nothing that was picked is filled in again


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1@evil.example",
        "evil.example/x",
        "evil.example#",
        "evil.example?x",
        "127.0.0.1:22",
        "evil.example\r\nHost: x",
        "http://evil.example",
        "file:///etc/passwd",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "fe80::1%eth0",
        "224.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f000001",
        "127.1",
        "host_name",
        "-host",
        "a" * 300,
        "[::1]",
        "",
        " ",
        "хост",
    ],
)
def test_an_address_that_is_not_one_of_one_station_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Mismatch) as caught:
        base_of(API, replace(STATION, ip_address=address), HttpSettings())

    assert caught.value.message.isprintable()
    assert "ip_address" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("10.1.2.3", "http://10.1.2.3:80"),
        ("fd00::7", "http://[fd00::7]:80"),
        ("Warp2-AbCd.lan", "http://warp2-abcd.lan:80"),
    ],
)
def test_an_address_of_one_station_becomes_the_base_and_nothing_else(address: str, url: str) -> None:
    assert base_of(API, replace(STATION, ip_address=address), HttpSettings()).url == url


async def test_a_fact_that_the_inventory_does_not_give_is_named_and_nothing_is_sent() -> None:
    error = await sent(writing(Call(path="/x/${serial}", method="PUT")), replace(STATION, serial=""))

    assert isinstance(error, Mismatch)
    assert "serial" in error.message


async def test_on_the_target_a_station_goes_by_its_name_there() -> None:
    station = replace(STATION, target_identity="NEW/1")
    api = with_key(read=(Call(path="/x/${identity}", picks={"value": "url"}),))

    async with a_host(lambda _: reply(200, {"url": "x"})) as host, doors_to(host) as doors:
        await doors.to(station, a_profile(api), Side.TARGET).read("AC-1", ["url"])
        await doors.to(station, a_profile(api), Side.SOURCE).read("AC-1", ["url"])

    assert [one.target for one in host.heard] == ["/x/NEW%2F1", "/x/AC-1"]
