"""What concerns several cells of a row, and lists that are judged by columns as they would be row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.cell import DateOrder, spoilt
from migrate.domain.contact import read_email, read_phone
from migrate.domain.evidence import Side
from migrate.domain.finding import Finding
from migrate.domain.inventory import COLUMNS, Judgement, Origin, Place, Row, judge
from migrate.domain.readers import PLAIN, READERS
from migrate.domain.references import LocalTime, NearKind, References

ZONES = frozenset({"Europe/Amsterdam", "UTC"})


def row(number: int = 2, /, *, file: str = "fleet.csv", order: DateOrder = DateOrder.UNKNOWN, **cells: str) -> Row:
    named = {"identity": f"AC-{number:02}A", **cells}
    origins = {name: Origin(column=name.upper(), letter="F", order=order) for name in named}
    return Row(place=Place(file=file, row=number, line=number), cells=named, origins=origins)


def judged(*rows: Row, references: References | None = None) -> Judgement:
    return judge(rows, zones=ZONES, references=references)


def codes(judgement: Judgement) -> list[str]:
    return [problem.code for problem in judgement.problems]


def clock(verdict: LocalTime) -> References:
    def told(at: datetime, zone: str) -> LocalTime:
        return verdict if (at.hour, zone) == (2, "Europe/Amsterdam") else LocalTime.ONCE

    return References(local_time=told)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([{"target_identity": "NL-1"}, {}], [], id="one is renamed"),
        pytest.param(
            [{"target_identity": "NL-1"}, {"target_identity": "NL-1"}], [(3, "E-TARGET-ID-DUPLICATE")], id="two"
        ),
        pytest.param(
            [{"target_identity": "AC-03A"}, {}], [(2, "E-TARGET-ID-DUPLICATE")], id="a name that another keeps"
        ),
        pytest.param(
            [{"target_identity": "AC-03A"}, {"target_identity": "NL-2"}], [], id="a name that another gives up"
        ),
        pytest.param(
            [{"target_identity": "nl-1"}, {"target_identity": "NL-1"}], [(3, "E-TARGET-ID-LOOKALIKE")], id="case"
        ),
        pytest.param(
            [{"target_identity": "ac-03a"}, {}], [(2, "E-TARGET-ID-LOOKALIKE")], id="looks like one that stays"
        ),
        pytest.param([{"target_identity": "NL\u200b1"}, {}], [(2, "E-ID-CHARACTER")], id="what nobody sees"),
        pytest.param([{"target_identity": "N" * 49}, {}], [(2, "E-ID-LONG")], id="too long"),
        pytest.param(
            [{"target_identity": "NL:1", "security_profile": "2"}, {}],
            [(2, "W-ID-COLON"), (2, "E-ID-COLON")],
            id="colon",
        ),
        pytest.param([{"target_identity": "  "}, {}], [], id="blank"),
    ],
)
def test_a_name_on_the_target_is_judged_as_an_identity_is_and_against_all_others_there(
    rows: list[dict[str, str]], expected: list[tuple[int, str]]
) -> None:
    judgement = judged(*(row(number, **cells) for number, cells in enumerate(rows, 2)))

    assert [(p.row, p.code) for p in judgement.problems] == expected


def test_a_station_is_called_by_its_new_name_on_the_target_and_by_its_old_one_everywhere_else() -> None:
    (station,) = judged(row(target_identity="NL-1")).stations

    assert (station.identity_on(Side.SOURCE), station.identity_on(Side.TARGET)) == ("AC-02A", "NL-1")


@pytest.mark.parametrize(
    ("verdict", "said", "expected"),
    [
        (LocalTime.MISSING, "2026-03-29T02:30", ["E-TIME-MISSING"]),
        (LocalTime.TWICE, "2026-10-25 02:30:00", ["E-TIME-TWICE"]),
        (LocalTime.TWICE, "2026-10-25T02:30:00Z", []),
        (LocalTime.TWICE, "2026-10-25", []),
        (LocalTime.TWICE, "2026-10-25T04:30", []),
    ],
)
def test_a_time_without_offset_that_is_no_moment_in_its_zone_is_refused(
    verdict: LocalTime, said: str, expected: list[str]
) -> None:
    judgement = judged(row(timezone="Europe/Amsterdam", last_seen_at=said), references=clock(verdict))

    assert codes(judgement) == expected


def test_a_phone_is_judged_by_the_country_of_its_row_and_kept_as_typed() -> None:
    strict = References(phone=lambda text, country: "" if country == "nl" else "it is not Dutch")

    judgement = judged(
        row(2, country="NL", contact_phone=" 020 1 "), row(3, contact_phone="+31 (0)20"), references=strict
    )

    assert [(p.row, p.code) for p in judgement.problems] == [(3, "W-PHONE")]
    assert [station.contact_phone for station in judgement.stations] == ["020 1", "+31 (0)20"]


def test_a_phone_that_a_spreadsheet_rounded_is_called_that_and_no_country_is_asked_for() -> None:
    judgement = judged(row(contact_phone="4,91761E+11"), references=References(phone=lambda text, country: ""))

    (problem,) = judgement.problems
    assert problem.code == "W-PHONE"
    assert "is a rounded number" in problem.message


def test_a_kind_that_is_nearly_known_is_pointed_out_where_it_stands_and_never_mapped() -> None:
    near = References(near=lambda vendor, model: NearKind(column="vendor", name="Alfen", score=94))

    judgement = judged(row(vendor="Afen", model="NG910"), references=near)

    (problem,) = judgement.problems
    assert (problem.code, problem.column, problem.value) == ("W-KIND-NEAR", "VENDOR", "Afen")
    assert "'Alfen' is close (94 of 100)" in problem.message
    assert judgement.stations[0].vendor == "Afen"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"wave": "1", "hold": "roadworks"}, ["W-WAVE-UNUSED"]),
        ({"wave": "0", "lifecycle": "warehouse"}, ["W-WAVE-UNUSED"]),
        ({"wave": "1", "hold": "no"}, []),
        ({"latitude": "52.1"}, ["W-GEO-HALF"]),
        ({"longitude": "4.9", "latitude": ""}, ["W-GEO-HALF"]),
    ],
    ids=["held", "warehouse", "not held", "latitude alone", "longitude alone"],
)
def test_cells_that_contradict_each_other_warn(cells: dict[str, str], expected: list[str]) -> None:
    assert codes(judged(row(**cells))) == expected


@pytest.mark.parametrize(
    ("text", "is_sound"),
    [
        ("a@example.org", True),
        ("jörg@müller.example", True),
        ("a b@example.org", False),
        ("a@example", False),
        ("Maria <a@example.org>", False),
        ("a@example.org; b@example.org", False),
        ("a..b@example.org", False),
        ("", True),
    ],
)
def test_an_e_mail_address_is_one_address_or_warned_about(text: str, is_sound: bool) -> None:
    read = read_email(text)

    assert [finding.code for finding in read.findings] == ([] if is_sound else ["W-EMAIL"])
    assert read.value == text


def test_a_phone_that_begins_with_a_plus_is_no_formula() -> None:
    assert read_phone("+31(0)20 5550100").findings == ()


@pytest.mark.parametrize("text", ["#DIV/0!", "#N/A", "#NV", "#WERT!", "#BEZUG!", "#NOM?", "#REF!", "#VALUE!", "#NAME?"])
def test_the_errors_of_a_spreadsheet_are_known_in_its_languages(text: str) -> None:
    finding = spoilt(text)

    assert finding is not None
    assert finding.code == "E-CELL-ERROR"


@pytest.mark.parametrize("text", ["#12", "# 4", "#", "#hashtag", "C#", "x" * 32_767])
def test_other_texts_with_a_hash_and_the_longest_text_of_a_cell_are_fine(text: str) -> None:
    assert spoilt(text) is None


# ── by columns as by rows ──────────────────────────────────────────────────

TEXTS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"-?[0-9]{1,4}\.[0-9]{1,5}", fullmatch=True),
    st.from_regex(r"[0-9]{1,25}([eE][0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[ -~]{1,40}", fullmatch=True),
    st.sampled_from(["-0.0", "89.999", "90.0", "179.9", "180.0", "099.1", "1E5", "AC-1", "0"]),
)


@pytest.mark.parametrize("column", sorted(PLAIN))
@given(text=TEXTS)
def test_a_text_that_is_plain_at_one_look_is_read_the_same_with_care(column: str, text: str) -> None:
    plain = PLAIN[column]
    if not plain.looks.fullmatch(text):
        return

    read = READERS[column](text)

    assert read.findings == ()
    assert read.value == (plain.value(text) if plain.value else text)
    assert spoilt(text) is None


@given(rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), TEXTS, max_size=6), max_size=6))
def test_rows_of_any_shape_are_judged_together_as_they_are_alone(rows: list[dict[str, str]]) -> None:
    listed = [
        Row(place=Place(file="f", row=number, line=number), cells={"identity": f"AC-{number}A", **cells})
        for number, cells in enumerate(rows, start=2)
    ]
    among = (
        *("E-ID-DUPLICATE", "E-ID-LOOKALIKE", "W-ID-SIMILAR", "W-SIM-SHARED"),
        *("E-TARGET-ID-DUPLICATE", "E-TARGET-ID-LOOKALIKE", "W-TARGET-ID-LOOKALIKE"),
    )

    together = judged(*listed)
    alone = [judged(one) for one in listed]

    assert [p for p in together.problems if p.code not in among] == [p for one in alone for p in one.problems]
    assert {s.identity: s for one in reversed(alone) for s in one.stations} == {
        s.identity: s for s in together.stations
    }


def test_two_lists_with_their_own_columns_and_date_orders_are_judged_as_one() -> None:
    dutch = row(2, file="nl.csv", order=DateOrder.DAY_FIRST, last_seen_at="03/04/2026", vendor="Alfen BV")
    american = row(3, file="us.csv", order=DateOrder.MONTH_FIRST, last_seen_at="03/04/2026", connectors="2")

    judgement = judged(dutch, american)

    assert codes(judgement) == []
    assert [(s.last_seen_at, s.vendor, s.connectors) for s in judgement.stations] == [
        ("2026-04-03", "Alfen BV", 1),
        ("2026-03-04", "", 2),
    ]


def test_a_cell_that_the_reader_of_the_file_refused_is_not_judged_again() -> None:
    refused = Finding("E-CELL-FORMULA", "The formula has no stored result.", "Paste values.")
    bad = row(2, wave="=B9", vendor="KEBA")
    found = ((bad.origins["wave"], refused, "=B9"), (bad.origins["identity"], refused, "=B8"))
    bad = replace(bad, found=found, numbers=frozenset({"identity", "wave"}))

    judgement = judged(bad, row(3, wave="=B9"), row(4, wave="2"))

    assert [(p.row, p.code) for p in judgement.problems] == [
        (2, "E-CELL-FORMULA"),
        (2, "E-CELL-FORMULA"),
        (3, "E-WAVE"),
    ]
    assert [station.wave for station in judgement.stations] == [2]
