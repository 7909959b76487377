"""One of a kind is told as one."""

from __future__ import annotations

import pytest

from migrate.domain.counted import counted, who_does


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_a_count_is_in_the_plural_unless_it_is_one(number: int, said: str) -> None:
    assert counted(number, "file") == said


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("have no password", "1 station has no password"),
        ("may not know the root", "1 station may not know the root"),
        ("got no answer", "1 station got no answer"),
    ],
)
def test_the_verb_goes_with_one_station(what: str, said: str) -> None:
    assert who_does(1, "station", what) == said
    assert who_does(2, "station", what) == f"2 stations {what}"
