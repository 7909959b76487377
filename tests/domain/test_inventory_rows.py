"""Rows judged alone and against each other."""

from __future__ import annotations

import pytest

from migrate.domain.inventory import COLUMNS, Judgement, Origin, Place, Row, Severity, judge
from migrate.domain.station import Lifecycle

ZONES = frozenset({"Europe/Amsterdam", "UTC"})


def row(number: int = 2, /, **cells: str) -> Row:
    origins = {name: Origin(column=name.upper(), letter="F") for name in cells}
    place = Place(file="fleet.csv", row=number, line=number)
    return Row(place=place, cells={"identity": f"AC-{number:02}A", **cells}, origins=origins)


def judged(*rows: Row, twins_allowed: bool = False) -> Judgement:
    return judge(rows, zones=ZONES, twins_allowed=twins_allowed)


def codes(judgement: Judgement) -> list[str]:
    return [problem.code for problem in judgement.problems]


def test_a_full_row_becomes_a_station() -> None:
    full = row(vendor="Alfen BV", connectors="2", lifecycle="faulted", latitude="52,37", longitude="4,89", country="NL")

    (station,) = judged(full).stations

    assert (station.identity, station.vendor, station.connectors) == ("AC-02A", "Alfen BV", 2)
    assert (station.lifecycle, station.latitude, station.country) == (Lifecycle.FAULTED, 52.37, "nl")


def test_a_blank_row_but_for_the_identity_gets_the_honest_defaults() -> None:
    (station,) = judged(row()).stations

    assert (station.connectors, station.ocpp_version, station.lifecycle) == (1, "1.6", Lifecycle.IN_SERVICE)
    assert station.site == "station:AC-02A"


def test_all_problems_of_a_row_are_told_at_once_each_with_its_cell() -> None:
    judgement = judged(row(17, ip_address="10.0.0.1:22", wave="two", lifecycle="gone", timezone="CET"))

    assert judgement.stations == ()
    assert sorted(codes(judgement)) == ["E-IP-ADDRESS", "E-LIFECYCLE", "E-TIMEZONE", "E-WAVE"]
    assert {problem.cell for problem in judgement.problems} == {"F17"}


def test_a_problem_carries_every_field_of_the_contract() -> None:
    (problem,) = judged(row(17, wave="two")).problems

    document = problem.to_json()

    assert document == {
        "file": "fleet.csv",
        "sheet": None,
        "row": 17,
        "line": 17,
        "column": "WAVE",
        "cell": "F17",
        "code": "E-WAVE",
        "severity": "error",
        "message": "'two' is no wave: it is a whole number from 0 to 1000.",
        "hint": "Write digits, or leave the cell blank.",
        "value": "two",
    }


def test_a_station_listed_twice_is_kept_once_and_both_rows_are_named() -> None:
    judgement = judged(row(5, identity="AC1"), row(9, identity="AC1"))

    assert [station.identity for station in judgement.stations] == ["AC1"]
    assert codes(judgement) == ["E-ID-DUPLICATE"]
    assert "row 9" in judgement.problems[0].message
    assert "row 5" in judgement.problems[0].message


def test_a_lookalike_is_an_error_that_shows_the_code_points() -> None:
    judgement = judged(row(5, identity="CP1"), row(9, identity="СР1"))

    lookalike = next(problem for problem in judgement.problems if problem.code == "E-ID-LOOKALIKE")
    assert "U+0421 CYRILLIC CAPITAL LETTER ES at 1" in lookalike.message
    assert lookalike.row == 9


def test_the_operators_word_lets_lookalikes_pass_as_two_stations() -> None:
    judgement = judged(row(5, identity="CP1"), row(9, identity="cp1"), twins_allowed=True)

    assert [station.identity for station in judgement.stations] == ["CP1", "cp1"]
    assert codes(judgement) == ["W-ID-LOOKALIKE"]


def test_an_o_for_a_zero_is_only_a_warning() -> None:
    judgement = judged(row(5, identity="CP0"), row(9, identity="CPO"))

    assert codes(judgement) == ["W-ID-SIMILAR"]
    assert len(judgement.stations) == 2


def test_two_stations_with_one_sim_card_are_told() -> None:
    judgement = judged(row(5, imsi="204081234567890"), row(9, imsi="204081234567890"))

    assert codes(judgement) == ["W-SIM-SHARED"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected", "kept"),
    [
        ("52.37", "4.89", [], 52.37),
        ("4.89", "52.37", ["W-GEO-SWAPPED"], 4.89),
        ("0", "0", ["W-GEO-ZERO"], None),
        ("40.4", "-3.7", ["W-GEO-ABROAD"], 40.4),
    ],
    ids=["at home", "swapped", "null island", "abroad"],
)
def test_a_place_outside_its_country_is_a_warning(
    latitude: str, longitude: str, expected: list[str], kept: float | None
) -> None:
    judgement = judged(row(country="nl", latitude=latitude, longitude=longitude))

    assert codes(judgement) == expected
    assert judgement.stations[0].latitude == kept


def test_a_country_that_we_have_no_box_for_is_never_abroad() -> None:
    assert codes(judged(row(country="zz", latitude="1", longitude="99"))) == []


def test_a_row_of_totals_is_no_station() -> None:
    judgement = judged(row(identity="Total", connectors="312"), row(7, identity="", site_name="Gesamt"))

    assert codes(judgement) == ["E-ROW-TOTAL", "E-ROW-TOTAL"]
    assert judgement.stations == ()


def test_a_station_without_connectors_counts_as_one_connector() -> None:
    judgement = judged(row(connectors="0"))

    assert codes(judgement) == ["W-CONNECTORS"]
    assert judgement.stations[0].connectors == 1


def test_a_colon_in_the_identity_stops_only_a_station_with_basic_authentication() -> None:
    assert "E-ID-COLON" in codes(judged(row(identity="AC:1", security_profile="2")))
    assert "E-ID-COLON" not in codes(judged(row(identity="AC:1", security_profile="3")))


def test_a_value_that_no_encoding_can_hold_still_makes_a_document() -> None:
    (problem, *_) = judged(row(identity="AC\ud8001")).problems

    assert problem.severity is Severity.ERROR
    assert str(problem.to_json()["value"]).encode("utf-8")


def test_the_canonical_columns_are_those_of_the_contract() -> None:
    promised = (
        "identity vendor model firmware serial iccid imsi apn ocpp_version security_profile connection ip_address "
        "site_id site_name address postcode city country latitude longitude timezone connectors lifecycle "
        "last_seen_at notes hold wave contact_name contact_phone contact_email access target_identity"
    )

    assert " ".join(COLUMNS) == promised


def test_ten_thousand_rows_with_the_same_mistake_are_judged_in_a_moment() -> None:
    rows = [row(n, identity=f"AC{n}", timezone="Europa/Amsterdam") for n in range(10_000)]

    assert len(judged(*rows).problems) == 10_000
