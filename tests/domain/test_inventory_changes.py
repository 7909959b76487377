"""A list against the one before it, and what of that a person must see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.domain.attempt import State
from migrate.domain.changes import FieldChange, InventoryChanges, compare, disturbing
from migrate.domain.station import Lifecycle, Station

A, B, C = (Station(identity=name, vendor="Alfen BV", serial=f"S-{name}") for name in "ABC")


def codes(changes: InventoryChanges, **states: State) -> list[tuple[str, str]]:
    return [(identity, finding.code) for identity, finding in disturbing(changes, states)]


def test_the_order_of_rows_is_no_change() -> None:
    changes = compare([A, B], [B, A])

    assert changes.is_empty
    assert changes.unchanged == 2


def test_who_came_who_went_and_what_differs_are_told_field_by_field() -> None:
    changes = compare([A, B], [replace(B, connectors=2, lifecycle=Lifecycle.FAULTED, wave=0), C])

    assert (changes.added, changes.gone) == (("C",), ("A",))
    assert changes.changed[0].fields == (
        FieldChange(field="connectors", before="1", after="2"),
        FieldChange(field="lifecycle", before="in_service", after="faulted"),
        FieldChange(field="wave", before="", after="0"),
    )


def test_what_opens_doors_is_said_to_differ_and_not_shown() -> None:
    (change,) = compare([A], [replace(A, access="gate code 4711")]).changed

    assert change.fields == (FieldChange(field="access", before="", after="(not shown)"),)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.WRITING, ["W-IMPORT-GONE"]),
        (State.DEPARTED, ["W-IMPORT-GONE"]),
        (State.VISITING, ["W-IMPORT-GONE"]),
        (State.SETTLED, ["W-IMPORT-GONE"]),
        (State.LOST, ["W-IMPORT-GONE"]),
        (State.PLANNED, []),
        (State.FAILED, []),
    ],
    ids=str,
)
def test_a_list_that_forgets_a_station_is_warned_about_while_the_station_is_not_done_with(
    state: State, expected: list[str]
) -> None:
    changes = compare([A, B, C], [B, C])

    assert [code for _, code in codes(changes, A=state)] == expected


def test_a_station_under_way_whose_proof_changes_is_warned_about_and_one_with_another_phone_is_not() -> None:
    changes = compare([A, B], [replace(A, serial="other"), replace(B, contact_phone="+31 20 555 0100")])

    assert codes(changes, A=State.RESTARTING, B=State.RESTARTING) == [("A", "W-IMPORT-CHANGED")]


def test_a_station_that_comes_back_under_another_spelling_is_named_with_the_old_one() -> None:
    changes = compare([Station(identity="CP1"), A, B], [Station(identity="СР1"), A, B])

    ((identity, finding),) = disturbing(changes, {})

    assert (identity, finding.code) == ("СР1", "W-IMPORT-RENAMED")
    assert "'CP1'" in finding.message


def test_a_list_without_half_of_the_known_stations_may_be_another_campaigns() -> None:
    changes = compare([A, B, C], [A, Station(identity="X"), Station(identity="Y")])

    assert codes(changes) == [("", "W-IMPORT-OTHER")]


def test_the_first_list_disturbs_nobody() -> None:
    changes = compare([], [A, B, C])

    assert changes.is_first
    assert codes(changes) == []
