"""Explanations of stations on their way back, and of those that nobody tried: what is true there, said of the right side."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.record import Direction
from migrate.domain.wave import Ruling, Verdict, WaveStanding, WaveState
from reports.explain import Circumstances, explain
from reports.timeline import timeline_text
from tests.reports.standings import a_standing, a_station
from tests.reports.test_timeline import AT, attempt

NOW = Circumstances(now=AT, zone=ZoneInfo("Europe/Amsterdam"))


def test_a_station_that_was_taken_back_is_said_to_have_stayed_on_the_source() -> None:
    text = explain(attempt(State.SETTLED, direction=Direction.BACK, evidence=Grade.E4), NOW)

    assert text.startswith("AC-17: settled back on the source since ")
    assert "It stayed on the source through the soak: done." in text
    assert "on the target" not in text


def test_one_whose_rollback_failed_is_still_on_the_target_and_can_be_ordered_back_again() -> None:
    text = explain(attempt(State.FAILED, direction=Direction.BACK), NOW)

    assert "It never left the target and holds its new address." in text
    assert "migrate rollback --stations=AC-17" in text
    assert "migrate retry" not in text


def test_one_that_is_being_written_back_gets_its_old_address() -> None:
    text = explain(attempt(State.WRITING, direction=Direction.BACK), NOW)

    assert "The old address is being written to it." in text


@pytest.mark.parametrize("reason", ["refused it (Rejected).", "refused it (Rejected)"])
def test_a_reason_ends_with_one_full_stop(reason: str) -> None:
    assert "Reason on record: refused it (Rejected).\n" in explain(attempt(State.FAILED, reason=reason), NOW)


def test_the_story_of_a_station_that_was_taken_back_begins_with_where_it_is() -> None:
    back = attempt(State.SETTLED, direction=Direction.BACK, evidence=Grade.E4)

    assert timeline_text("AC-17", [back], [], zone=NOW.zone).startswith("AC-17: ● settled back on the source (E4)")


def test_one_that_nobody_tried_is_told_its_wave_and_what_that_wave_waits_for() -> None:
    ruling = Ruling(verdict=Verdict.HOLD)
    wave = WaveStanding(number=0, state=WaveState.WAITING, totals={State.PLANNED: 1}, ruling=ruling, size=1)
    waiting = a_standing(a_station("AC-17", State.PLANNED), waves=(wave,))

    text = explain(None, NOW, identity="AC-17", standing=waiting)

    assert "It is planned for wave 0, which is waiting." in text
    assert f"migrate plan approve {waiting.fingerprint[:16]} --wave 0" in text


def test_one_that_the_plan_leaves_out_is_told_the_plans_reason() -> None:
    now = a_standing(a_station("AC-17", State.PLANNED))

    text = explain(None, NOW, identity="AC-18", standing=now, excluded="on hold: court case.")

    assert "The plan leaves it alone: on hold: court case.\n" in text


def test_without_a_plan_it_is_told_to_make_one() -> None:
    assert "There is no plan yet." in explain(None, NOW, identity="AC-17")
