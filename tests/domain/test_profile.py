"""Versions, and a profile's rendering into the writes of one station."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.domain.address import Backend, Slash, parse_backend
from migrate.domain.errors import Mismatch, ProfileProblem
from migrate.domain.filling import Goal, prepare, unfit, visit_steps
from migrate.domain.profile import Readback, Slots, Write
from migrate.domain.unit import Held, PreparedWrite, held, undo
from migrate.domain.version import FirmwareRange, is_readable_version, version_key
from tests.doubles.catalogue import a_profile

TARGET = parse_backend("wss://new.example:8443/ocpp")

numbers = st.lists(st.integers(0, 9999), min_size=1, max_size=5)
versions = st.builds(
    lambda numbers, suffix: ".".join(map(str, numbers)) + suffix,
    numbers,
    st.sampled_from(["", "-rc1", "-beta", "-4123", "a", ".WL", "-rc2"]),
)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("5.9", "5.10"),
        ("5.8.1-4123", "6.0.0"),
        ("6.0-rc1", "6.0.0"),
        ("6.0.0-rc1", "6"),
        ("6.0-rc1", "6.0-rc2"),
        ("6.0-beta", "6.0-rc1"),
        ("6.0.0", "6.0.0-4166"),
        ("5.1", "5.1A"),
        ("5.1A", "5.1.1"),
        ("1.5.1", "1.5.1.d723fd5"),
        ("v1.2", "V1.3"),
        ("05.43", "5.44"),
    ],
)
def test_versions_compare_as_people_mean_them(earlier: str, later: str) -> None:
    assert version_key(earlier) < version_key(later)


@settings(deadline=None)
@given(numbers, st.integers(0, 4))
def test_trailing_zeros_change_no_version(parts: list[int], zeros: int) -> None:
    short = ".".join(map(str, parts))

    assert version_key(short) == version_key(short + ".0" * zeros) == version_key("v" + short)


@settings(deadline=None)
@given(numbers, numbers)
def test_plain_versions_order_like_their_numbers(left: list[int], right: list[int]) -> None:
    padded = max(len(left), len(right))
    by_number = left + [0] * (padded - len(left)) < right + [0] * (padded - len(right))

    assert (version_key(".".join(map(str, left))) < version_key(".".join(map(str, right)))) is by_number


@settings(deadline=None)
@given(versions)
def test_a_release_candidate_never_reaches_its_release(version: str) -> None:
    release = version.split("-", maxsplit=1)[0]

    assert version_key(release + "-rc1") < version_key(release)


@settings(deadline=None)
@given(versions, versions, versions)
def test_a_version_is_on_one_side_of_a_bound_only(bound: str, firmware: str, other: str) -> None:
    below, above = FirmwareRange(below=bound), FirmwareRange(at_least=bound)

    assert below.holds(firmware) is not above.holds(firmware)
    if version_key(firmware) <= version_key(other) and below.holds(other):
        assert below.holds(firmware)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_no_firmware_string_breaks_a_range(firmware: str) -> None:
    assert FirmwareRange().holds(firmware)
    assert FirmwareRange(at_least="1").holds(firmware) <= is_readable_version(firmware)


@pytest.mark.parametrize(
    "firmware",
    [
        "",
        "   ",
        "Soft",
        "TAC3Z9119006710273::V1.8.21",
        "PFA0102|V0.00.00|V1.38.00||2.4.3.0",
        "#1:3.4.0-2990#N:217H;1.0-223",
        "V01.01.91/V01.01.90",
        "1.0.0.0 / 9.0.1.0",
        "V1.8.x",
        "1.2.*",
        "5.0\x1b[31m",
        "9" * 5000,
    ],
)
def test_an_unreadable_firmware_is_in_an_open_range_only(firmware: str) -> None:
    assert FirmwareRange().holds(firmware)
    assert not FirmwareRange(at_least="0").holds(firmware)
    assert not FirmwareRange(below="999").holds(firmware)


def test_the_unit_keeps_the_order_of_the_profile_and_remembers_what_was_there() -> None:
    profile = a_profile(writes=(Write(key="Port", value="${port}"), Write(key="Host", value="${host}")))

    unit = prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"Host": "old.example", "Port": "80"})

    assert unit == (
        PreparedWrite(key="Port", new="8443", old="80"),
        PreparedWrite(key="Host", new="new.example", old="old.example"),
    )


def test_undo_goes_backwards_and_leaves_alone_what_is_already_old() -> None:
    profile = a_profile(writes=(Write(key="Port", value="${port}"), Write(key="Host", value="${host}")))
    unit = prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"Host": "old.example", "Port": "80"})

    both = undo(unit, {"Host": "new.example", "Port": "8443"})
    half = undo(unit, {"Host": "old.example", "Port": "8443"})

    assert [(w.key, w.new) for w in both] == [("Host", "old.example"), ("Port", "80")]
    assert [(w.key, w.new) for w in half] == [("Port", "80")]


def test_a_station_without_the_key_is_not_written_to() -> None:
    with pytest.raises(Mismatch, match="does not know the key Url"):
        prepare(a_profile(), Goal(backend=TARGET, identity="AC-1"), {"Other": "x"})


def test_a_key_goes_by_the_name_that_the_station_has() -> None:
    profile = a_profile(writes=(Write(key="Cst_Url", value="${url}", also_named=("AO_Url",)),))

    unit = prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"AO_Url": "ws://old/ocpp"})

    assert [w.key for w in unit] == ["AO_Url"]
    assert profile.reads == ("Cst_Url", "AO_Url")


def test_a_station_with_both_names_of_a_key_is_not_guessed_at() -> None:
    profile = a_profile(writes=(Write(key="Cst_Url", value="${url}", also_named=("AO_Url",)),))

    with pytest.raises(Mismatch, match="more than one"):
        prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"AO_Url": "ws://a", "Cst_Url": "ws://b"})


def test_a_station_that_finds_its_backend_elsewhere_is_not_written_to() -> None:
    with pytest.raises(Mismatch, match="another setting"):
        prepare(a_profile(), Goal(backend=TARGET, identity="AC-1"), {"Url": ""})


def test_a_write_that_goes_with_a_key_is_made_only_where_that_key_holds_something() -> None:
    profile = a_profile(
        writes=(
            Write(key="PathA", value="${path}", only_with="UrlA"),
            Write(key="UrlA", value="${origin}", only_with="UrlA"),
            Write(key="UrlB", value="${origin}", only_with="UrlB"),
        )
    )

    unit = prepare(
        profile, Goal(backend=TARGET, identity="AC-1"), {"PathA": "", "UrlA": "ws://old.example", "UrlB": ""}
    )

    assert [w.key for w in unit] == ["PathA", "UrlA"]
    with pytest.raises(Mismatch, match="UrlA or UrlB"):
        prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"PathA": "/ocpp", "UrlA": "", "UrlB": None})


IN_ITS_FORM = Write(key="Url", value="${url}", keeps_form=True)


@pytest.mark.parametrize("held_now", ["ws://old/ocpp", "ws://old/ocpp/", ""])
def test_a_value_of_the_form_that_is_expected_is_replaced(held_now: str) -> None:
    writes = (IN_ITS_FORM, Write(key="Last", value="${host}"))

    unit = prepare(a_profile(writes=writes), Goal(backend=TARGET, identity="AC 1"), {"Url": held_now, "Last": "x"})

    assert unit[0] == PreparedWrite(key="Url", new="wss://new.example:8443/ocpp", old=held_now)


@pytest.mark.parametrize("held_now", ["ws://old/AC 1", "ws://old/ac%201/", "AC 1"])
def test_an_identity_where_the_profile_writes_none_is_no_guess_to_make(held_now: str) -> None:
    with pytest.raises(Mismatch, match="holds its identity at the end of Url"):
        prepare(a_profile(writes=(IN_ITS_FORM,)), Goal(backend=TARGET, identity="AC 1"), {"Url": held_now})


def test_an_address_that_no_station_of_a_family_can_hold_is_known_without_a_station() -> None:
    short = replace(a_profile(writes=(Write(key="Url", value="${full_url}"),)), max_value_length=40)

    assert unfit(short, TARGET, "AC-1") == ""
    assert unfit(short, TARGET, "AC-" + "1" * 20) == f"Url would hold 51 characters, {short.name} allows 40"


def test_a_hidden_old_value_does_not_stop_a_write_but_cannot_be_put_back() -> None:
    unit = prepare(a_profile(), Goal(backend=TARGET, identity="AC-1"), {"Url": None})

    assert unit[0].old is None
    assert undo(unit, {"Url": "wss://new.example:8443/ocpp"}) == ()


def test_only_the_url_inside_a_packed_value_changes() -> None:
    profile = a_profile(writes=(Write(key="Net1", value="${url}", within="ocppCsmsUrl"),))
    now = "ocppVersion{OCPP16}ocppCsmsUrl{ws://old/x}securityProfile{1}ocppInterface{Wireless0}"

    unit = prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"Net1": now})

    assert unit[0].new == now.replace("ws://old/x", "wss://new.example:8443/ocpp")


@pytest.mark.parametrize(
    "now",
    [None, "", "ws://old/x", "{}", "xocppCsmsUrl{ws://old}", "ocppCsmsUrl{a}ocppCsmsUrl{b}", "ocppCsmsUrl{a"],
    ids=["hidden", "empty", "not packed", "no name", "another field", "twice", "unclosed"],
)
def test_a_packed_value_of_unknown_form_is_left_alone(now: str | None) -> None:
    profile = a_profile(writes=(Write(key="Net1", value="${url}", within="ocppCsmsUrl"),))

    with pytest.raises(Mismatch, match="cannot be replaced"):
        prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"Net1": now})


def test_the_free_slot_is_written_and_the_slot_in_use_is_the_way_back() -> None:
    profile = a_profile(
        slots=Slots(keys=("P1", "P2"), priority_key="Prio"),
        writes=(Write(key="${free_slot}", value="${url}"), Write(key="Prio", value="${free_slot},${active_slot}")),
    )

    unit = prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"P1": "", "P2": "ws://old/ocpp", "Prio": "P2 , P1"})

    assert [(w.key, w.new) for w in unit] == [("P1", "wss://new.example:8443/ocpp"), ("Prio", "P1,P2")]


@pytest.mark.parametrize("priority", [None, "", "P9", "p1"])
def test_a_station_whose_priority_names_no_slot_is_not_written_to(priority: str | None) -> None:
    profile = a_profile(
        slots=Slots(keys=("P1", "P2"), priority_key="Prio"), writes=(Write(key="${free_slot}", value="${url}"),)
    )

    with pytest.raises(Mismatch, match="names none of its slots"):
        prepare(profile, Goal(backend=TARGET, identity="AC-1"), {"P1": "ws://old", "P2": "", "Prio": priority})


def test_a_value_too_long_for_the_family_is_a_problem_of_the_plan_not_of_the_station() -> None:
    with pytest.raises(ProfileProblem, match="27 characters, acme allows 20"):
        prepare(a_profile(max_value_length=20), Goal(backend=TARGET, identity="AC-1"), {"Url": "ws://old"})


hostile = st.text(max_size=48) | st.sampled_from(
    ["${url}", "$", "$$", "{{ 7*7 }}", "}x{", "../..", "a/b?c#d", "%2e", "a\r\nX: y", "\x1b[31m", "\ud800", "СР1"]
)


@settings(deadline=None)
@given(hostile)
def test_no_identity_escapes_from_the_value_it_is_put_into(identity: str) -> None:
    profile = a_profile(writes=(Write(key="Id", value="${identity}"), Write(key="Url", value="${full_url}")))

    try:
        unit = prepare(profile, Goal(backend=TARGET, identity=identity), {"Id": "x", "Url": "ws://old"})
    except Mismatch:
        assert not identity.isprintable()
        return

    segment = unit[1].new.removeprefix("wss://new.example:8443/ocpp/")
    assert unit[0].new == identity
    assert set(segment) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")


@settings(deadline=None)
@given(hostile)
def test_no_identity_breaks_out_of_a_packed_field(identity: str) -> None:
    profile = a_profile(writes=(Write(key="Net1", value="${identity}", within="id"),))

    try:
        unit = prepare(profile, Goal(backend=TARGET, identity=identity), {"Net1": "url{ws://old}id{x}"})
    except Mismatch:
        assert not identity.isprintable() or "{" in identity or "}" in identity
        return

    assert unit[0].new == f"url{{ws://old}}id{{{identity}}}"


def test_visit_steps_write_out_the_address_as_the_family_wants_it() -> None:
    profile = a_profile(visit=("Enter ${url}, not ${unknown}", "or ${full_url}"), slash=Slash.REQUIRE)

    steps = visit_steps(profile, TARGET, "AC 1")

    assert steps == (
        "Enter wss://new.example:8443/ocpp/, not ${unknown}",
        "or wss://new.example:8443/ocpp/AC%201",
    )


def test_a_masked_key_proves_nothing_when_it_is_read_back() -> None:
    unit = (PreparedWrite(key="Key", new="n", old="o", readback=Readback.MASKED),)

    assert held(unit, {"Key": "n"}) is Held.UNKNOWN


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        ({"A": "n", "B": "n"}, Held.NEW),
        ({"A": "o", "B": "o"}, Held.OLD),
        ({"A": "n", "B": "o"}, Held.PARTLY),
        ({"A": "n", "B": "N"}, Held.PARTLY),
        ({"A": "n"}, Held.UNKNOWN),
        ({"A": "n", "B": None}, Held.UNKNOWN),
    ],
)
def test_a_read_back_is_judged_exactly(now: dict[str, str | None], verdict: Held) -> None:
    unit = (PreparedWrite(key="A", new="n", old="o"), PreparedWrite(key="B", new="n", old="o"))

    assert held(unit, now) is verdict


def test_a_backend_on_an_ipv6_host_keeps_its_brackets_in_a_url() -> None:
    unit = prepare(
        a_profile(),
        Goal(backend=Backend(scheme="ws", host="fd00::1", port=80, path="/o"), identity="AC-1"),
        {"Url": "ws://old"},
    )

    assert unit[0].new == "ws://[fd00::1]:80/o"
