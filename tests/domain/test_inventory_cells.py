"""What a single cell of a legacy list may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.cell import (
    DateOrder,
    Read,
    read_coordinate,
    read_date,
    read_digits,
    read_hold,
    read_ip_address,
    read_lifecycle,
    read_ocpp_version,
    read_text,
    read_timezone,
    read_whole,
)
from migrate.domain.identity import glyphs, read_identity, skeleton
from migrate.domain.station import Lifecycle

ZONES = frozenset({"Europe/Amsterdam", "Europe/Berlin", "CET", "UTC", "America/New_York"})


def codes(read: Read[object]) -> list[str]:
    return [finding.code for finding in read.findings]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        pytest.param("AC22-0417", [], id="plain"),
        pytest.param("x" * 20, [], id="twenty characters"),
        pytest.param("x" * 21, ["W-ID-LONG"], id="twenty-one characters"),
        pytest.param("x" * 48, ["W-ID-LONG"], id="forty-eight characters"),
        pytest.param("x" * 49, ["E-ID-LONG"], id="forty-nine characters"),
        pytest.param("", ["E-ID-MISSING"], id="blank"),
        pytest.param(" \u00a0", ["E-ID-MISSING"], id="only blanks"),
        pytest.param("AC1 ", ["E-ID-CHARACTER"], id="blank at the end"),
        pytest.param("AC\u00a01", ["E-ID-CHARACTER"], id="no-break space"),
        pytest.param("AC\u200b1", ["E-ID-CHARACTER"], id="zero-width space"),
        pytest.param("AC\n1", ["E-ID-CHARACTER"], id="line break"),
        pytest.param("AC\x001", ["E-ID-CHARACTER"], id="NUL"),
        pytest.param("\x1b[31mAC1", ["E-ID-CHARACTER"], id="escape sequence"),
        pytest.param("AC\ud8001", ["E-ID-CHARACTER"], id="lone surrogate"),
        pytest.param("Cafe\u0301-1", ["E-ID-CHARACTER"], id="decomposed accent"),
        pytest.param("СР1", ["W-ID-UNUSUAL"], id="Cyrillic letters"),
        pytest.param("AC 1", ["W-ID-UNUSUAL"], id="blank inside"),
        pytest.param("site/AC1", ["W-ID-ENCODED"], id="slash"),
        pytest.param("AC%1?#", ["W-ID-ENCODED"], id="percent, question mark, hash"),
        pytest.param("AC:1", ["W-ID-COLON"], id="colon"),
        pytest.param("..", ["E-ID-CHARACTER"], id="parent folder"),
        pytest.param("8,93102E+18", ["E-ID-ROUNDED"], id="rounded by a spreadsheet"),
        pytest.param(
            '=HYPERLINK("http://evil")',
            ["W-ID-UNUSUAL", "W-ID-LONG", "W-TEXT-FORMULA", "W-ID-ENCODED", "W-ID-COLON"],
            id="formula as text",
        ),
    ],
)
def test_an_identity_is_kept_as_it_stands_and_every_breach_is_named(identity: str, expected: list[str]) -> None:
    read = read_identity(identity)

    assert codes(read) == expected
    assert read.value == (identity if identity.strip() else "")


def test_an_invisible_character_is_shown_by_its_code_point_and_place() -> None:
    (finding,) = read_identity("AC\u00a01").findings

    assert "U+00A0 NO-BREAK SPACE at 3" in finding.message
    assert "\u00a0" not in finding.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CP1", "СР1"),
        ("CP1", "cp1"),
        ("CP1", "CP 1"),
        ("CP1", "C\u200bP1"),
        ("CP1", "ＣＰ１"),
        ("é1", "e\u03011"),
    ],
    ids=["Cyrillic", "case", "blank", "zero width", "full width", "composition"],
)
def test_identities_that_a_person_cannot_tell_apart_share_a_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_letters_and_digits_that_look_alike_on_a_label_share_glyphs_but_no_skeleton() -> None:
    assert glyphs("CPO1") == glyphs("CP0l")
    assert skeleton("CPO1") != skeleton("CP0l")


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("0000-00-00 00:00:00", "", ["W-DATE-IMPOSSIBLE"]),
        ("2026-02-30", "", ["W-DATE-IMPOSSIBLE"]),
        ("2026-11-20 03:04 Uhr", "", ["W-DATE-IMPOSSIBLE"]),
        ("2026-04-03", "2026-04-03", []),
        ("2026-04-03T12:00:00+02:00", "2026-04-03T10:00:00Z", []),
        ("2017-01-02 10:11:12", "2017-01-02T10:11:12", []),
        ("07.11.2025", "2025-11-07", []),
        ("31/03/2020", "2020-03-31", []),
        ("03/31/2020", "2020-03-31", []),
        ("05/05/2020", "2020-05-05", []),
        ("03/04/2026", "", ["E-DATE-AMBIGUOUS"]),
        ("46346", "", ["E-DATE"]),
        ("yesterday", "", ["E-DATE"]),
        ("", "", []),
    ],
)
def test_a_date_is_read_only_one_way(text: str, value: str, expected: list[str]) -> None:
    read = read_date(text)

    assert (read.value, codes(read)) == (value, expected)


def test_the_operator_can_say_which_number_is_the_month() -> None:
    assert read_date("03/04/2026", DateOrder.DAY_FIRST).value == "2026-04-03"
    assert read_date("03/04/2026", DateOrder.MONTH_FIRST).value == "2026-03-04"


def test_a_spreadsheets_day_number_is_refused_with_the_day_it_may_mean() -> None:
    (finding,) = read_date("46346").findings

    assert "2026-11-20" in finding.hint


@pytest.mark.parametrize(
    ("word", "life"),
    [("In Service", Lifecycle.IN_SERVICE), ("OFFLINE", Lifecycle.OFFLINE), ("", Lifecycle.IN_SERVICE)],
)
def test_lifecycle_words_are_understood_in_any_case(word: str, life: Lifecycle) -> None:
    assert read_lifecycle(word) == Read(life)


def test_an_unknown_lifecycle_word_names_the_nearest() -> None:
    (finding,) = read_lifecycle("decomissioned").findings

    assert finding.code == "E-LIFECYCLE"
    assert "Did you mean decommissioned?" in finding.hint


@pytest.mark.parametrize(
    ("zone", "hint"), [("Europe/Amsterdm", "Europe/Amsterdam"), ("CET", "IANA name"), ("GMT+1", "IANA name")]
)
def test_a_time_zone_is_an_iana_name_or_an_error(zone: str, hint: str) -> None:
    (finding,) = read_timezone(zone, ZONES).findings

    assert finding.code == "E-TIMEZONE"
    assert hint in finding.hint


@pytest.mark.parametrize(("text", "value"), [("52,52979", 52.52979), ("52.52979", 52.52979), ("−0.5", -0.5)])
def test_coordinates_may_have_a_decimal_comma(text: str, value: float) -> None:
    assert read_coordinate(text, name="latitude", limit=90) == Read(value)


@pytest.mark.parametrize(("text", "code"), [("N 52°", "E-GEO-NUMBER"), ("nan", "E-GEO-NUMBER"), ("91", "W-GEO-RANGE")])
def test_a_coordinate_that_is_none_is_left_out_and_told(text: str, code: str) -> None:
    read = read_coordinate(text, name="latitude", limit=90)

    assert (read.value, codes(read)) == (None, [code])


@pytest.mark.parametrize("text", ["two", "-1", "1.5", "1001", "½", "1e9"])
def test_a_wave_is_a_small_whole_number(text: str) -> None:
    assert codes(read_whole(text, name="wave", code="E-WAVE", least=0, most=1000)) == ["E-WAVE"]


def test_a_whole_number_that_a_spreadsheet_wrote_with_decimals_counts() -> None:
    assert read_whole("2.0", name="connectors", code="E-CONNECTORS", least=0, most=100) == Read(2)


@pytest.mark.parametrize(
    ("text", "version"),
    [("", "1.6"), ("OCPP 1.6J", "1.6"), ("ocpp2.0.1", "2.0.1"), ("1,6", "1.6"), ("1.6 SOAP", "1.6-S")],
)
def test_ocpp_versions_are_understood_as_people_write_them(text: str, version: str) -> None:
    assert read_ocpp_version(text) == Read(version)


def test_a_rounded_sim_number_is_refused_because_it_proves_who_arrived() -> None:
    assert codes(read_digits("8,93102E+18", name="ICCID", lengths=range(18, 23))) == ["E-NUMBER-ROUNDED"]


@pytest.mark.parametrize(("text", "held"), [("NO", ""), ("ja", "held in the inventory"), ("roadworks", "roadworks")])
def test_a_bare_yes_holds_a_station_and_a_bare_no_does_not(text: str, held: str) -> None:
    assert read_hold(text).value == held


def test_an_ip_address_has_no_port() -> None:
    assert codes(read_ip_address("10.0.0.1:22")) == ["E-IP-ADDRESS"]
    assert read_ip_address(" fe80::1 ") == Read("fe80::1")


def test_line_breaks_inside_an_address_are_kept_and_direction_overrides_named() -> None:
    assert read_text(" Quay 1\r\nShed \n") == Read("Quay 1\r\nShed")
    assert codes(read_text("Site \u202eevil")) == ["W-TEXT-INVISIBLE"]
    assert codes(read_text("a\0b")) == ["E-TEXT-CHARACTER"]


@given(st.text(max_size=60))
def test_no_string_whatever_breaks_a_reader_or_reaches_a_sentence_raw(text: str) -> None:
    reads = [read_identity(text), read_text(text), read_date(text), read_lifecycle(text), read_ip_address(text)]
    reads += [
        read_coordinate(text, name="latitude", limit=90),
        read_whole(text, name="wave", code="E-WAVE", least=0, most=9),
    ]
    reads += [read_timezone(text, ZONES), read_ocpp_version(text), read_hold(text)]

    sentences = [finding.message + finding.hint for read in reads for finding in read.findings]

    assert all(sentence.isprintable() for sentence in sentences)


def test_a_day_that_is_right_is_not_blamed_for_its_time() -> None:
    (finding,) = read_date("2026-11-20 03:04 Uhr").findings

    assert finding.message == "'2026-11-20 03:04 Uhr' holds no time of day."
