"""Many values at once are the values that one would make singly."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import repeat

import pytest

from migrate.domain.many import make_many
from migrate.domain.problem import Place
from migrate.domain.station import Station


def test_stations_made_at_once_are_those_made_one_by_one() -> None:
    columns = {"identity": ["AC1", "AC2"], "city": repeat("Gouda"), "connectors": [1, 2]}

    made = make_many(Station, 2, columns)

    assert made == [Station(identity="AC1", city="Gouda"), Station(identity="AC2", city="Gouda", connectors=2)]


def test_a_value_made_with_many_others_is_as_frozen_as_any() -> None:
    (place,) = make_many(Place, 1, {"file": ["fleet.csv"]})

    with pytest.raises(FrozenInstanceError):
        place.file = "other.csv"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"city": ["Gouda"]}, TypeError),
        ({"identity": ["AC1"], "colour": ["red"]}, TypeError),
        ({"identity": ["AC1", "AC2"]}, ValueError),
    ],
    ids=["a field is missing", "a field is unknown", "a column is too long"],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, list[str]], error: type[Exception]) -> None:
    with pytest.raises(error):
        make_many(Station, 1, columns)
