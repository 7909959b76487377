"""What is wrong with a list, as a terminal shows it: few lines, and each advice where it belongs."""

from __future__ import annotations

from migrate.domain.cell import read_timezone
from migrate.domain.problem import Origin, Place, Problem, problem
from reports.problems import told

ZONES = frozenset({"Europe/Amsterdam", "Europe/Berlin", "UTC"})


def in_zone(row: int, text: str) -> Problem:
    (finding,) = read_timezone(text, ZONES).findings
    return problem(Place(file="fleet.csv", row=row), finding, Origin(column="timezone", letter="B"), text)


def test_what_is_advised_for_one_cell_stands_at_that_cell_and_what_holds_for_all_stands_once() -> None:
    lines = list(told([in_zone(2, "+01:00"), in_zone(3, "Europe/amsterdm"), in_zone(4, "Europe/Berlni")], most=5))

    assert lines == [
        "error E-TIMEZONE in timezone: 3",
        "  fleet.csv, B2: '+01:00' is no time zone name.",
        "  fleet.csv, B3: 'Europe/amsterdm' is no time zone name. Did you mean Europe/Amsterdam?",
        "  fleet.csv, B4: 'Europe/Berlni' is no time zone name. Did you mean Europe/Berlin?",
        "  Write an IANA name such as Europe/Amsterdam, or leave it blank for the campaign's own.",
    ]


def test_one_problem_has_its_whole_advice_below_it() -> None:
    lines = list(told([in_zone(3, "Europe/amsterdm")], most=5))

    assert lines[1:] == [
        "  fleet.csv, B3: 'Europe/amsterdm' is no time zone name.",
        "  Did you mean Europe/Amsterdam? Write an IANA name such as Europe/Amsterdam, or leave it blank for the campaign's own.",
    ]
