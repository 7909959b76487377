"""What a read-back says of a unit: only what the station shows counts, unless it hides it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batches.readback import refused, undone, written
from migrate.domain.attempt import Fact, State
from migrate.domain.profile import Readback
from migrate.domain.unit import PreparedWrite
from tests.doubles.scene import an_attempt

NAME = PreparedWrite(key="Name", new="new.example", old="old.example")
URL = PreparedWrite(key="Url", new="ws://new", old="ws://old")
HIDDEN = replace(URL, old=None, readback=Readback.MASKED)
OLD, NEW = {"Name": "old.example", "Url": "ws://old"}, {"Name": "new.example", "Url": "ws://new"}
HALF = OLD | {"Name": "new.example"}


@pytest.mark.parametrize(
    ("now", "acknowledged", "is_last_try", "fact"),
    [
        (NEW, set(), False, Fact.READ_BACK_WHOLE),
        (HALF, {"Name"}, False, Fact.PARTLY_APPLIED),
        (OLD, set(), False, Fact.UNANSWERED),
        (OLD, {"Name"}, False, Fact.UNANSWERED),
        (OLD, set(), True, Fact.PARTLY_APPLIED),
        (OLD, {"Name", "Url"}, False, Fact.PARTLY_APPLIED),
        ({}, {"Name"}, False, Fact.PARTLY_APPLIED),
    ],
    ids=["whole", "half", "nothing", "nothing of what was said yes to", "the last try", "accepted, not stored", "mute"],
)
def test_a_write_is_worth_what_the_station_holds_afterwards(
    now: dict[str, str], acknowledged: set[str], is_last_try: bool, fact: Fact
) -> None:
    attempt = an_attempt(State.WRITING, unit=(NAME, URL), tries=3)

    assert written(attempt, now, acknowledged, is_last_try=is_last_try, why="no answer").fact is fact


def test_a_unit_that_will_be_tried_again_is_prepared_anew() -> None:
    again = written(an_attempt(State.WRITING, unit=(URL,)), OLD, set(), is_last_try=False, why="no answer")

    assert again.changes["unit"] == ()


@pytest.mark.parametrize(
    ("unit", "now", "acknowledged", "fact"),
    [
        ((NAME, URL), OLD, set(), Fact.REFUSED),
        ((NAME, URL), HALF, {"Name"}, Fact.PARTLY_APPLIED),
        ((HIDDEN, NAME), OLD, {"Url"}, Fact.PARTLY_APPLIED),
        ((NAME, URL), OLD, {"Name"}, Fact.PARTLY_APPLIED),
    ],
    ids=["nothing applied", "half-way", "a hidden value was taken", "taken, and not shown yet"],
)
def test_a_refusal_is_an_end_only_if_nothing_was_applied(
    unit: tuple[PreparedWrite, ...], now: dict[str, str], acknowledged: set[str], fact: Fact
) -> None:
    assert refused(an_attempt(State.WRITING, unit=unit, tries=1), now, acknowledged, "Rejected.").fact is fact


@pytest.mark.parametrize(("left", "fact"), [(False, Fact.OLD_VALUES_READ_BACK), (True, Fact.OLD_VALUES_AFTER_LEAVING)])
def test_old_values_that_are_back_tell_a_station_that_stayed_from_one_that_was_away(left: bool, fact: Fact) -> None:
    assert undone(an_attempt(State.UNDOING, unit=(NAME, URL), tries=1, left=left), OLD).fact is fact


def test_a_hidden_value_that_was_written_is_never_said_to_be_back() -> None:
    ended = undone(an_attempt(State.UNDOING, unit=(HIDDEN,), tries=1), {"Url": "****"})

    assert ended.fact is Fact.UNDO_REFUSED
    assert "Url" in ended.changes["reason"]
