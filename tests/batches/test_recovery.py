"""After a crash: what a read-back means, and when a restart may be ordered again."""

from __future__ import annotations

from datetime import datetime

import pytest

from batches.recovery import Restarted, look_after_restart, may_restart_again, resume_writing, still_to_write
from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import Side
from migrate.domain.profile import Readback
from migrate.domain.unit import Held, PreparedWrite
from migrate.ports import Presence, Session
from tests.doubles.clock import EPOCH
from tests.doubles.scene import an_attempt

BOTH = frozenset(Side)


def a_session(name: str, boot: str = "", at: datetime = EPOCH) -> Session:
    return Session(id=name, connected_at=at, heard_at=at, boot_answer=boot)


def where(seen: frozenset[Side] = BOTH, **sides: Session) -> Restarted:
    sessions: dict[Side, Session | None] = {Side(name): session for name, session in sides.items()}
    presence = Presence(identity="AC1", sessions=sessions, seen=seen)
    return look_after_restart(an_attempt(State.RESTARTING, source_session="s1"), presence)


@pytest.mark.parametrize(
    ("held", "fact"),
    [
        (Held.NEW, Fact.READ_BACK_WHOLE),
        (Held.OLD, Fact.UNANSWERED),
        (Held.PARTLY, Fact.PARTLY_APPLIED),
        (Held.UNKNOWN, Fact.PARTLY_APPLIED),
    ],
)
def test_a_unit_that_a_dead_process_wrote_is_judged_by_what_the_station_holds(held: Held, fact: Fact) -> None:
    assert resume_writing(held, acknowledged=False) is fact


@pytest.mark.parametrize("held", [Held.OLD, Held.PARTLY])
def test_an_acknowledgement_never_outweighs_what_was_read(held: Held) -> None:
    assert resume_writing(held, acknowledged=True) is resume_writing(held, acknowledged=False)


def test_values_that_cannot_be_read_count_as_whole_only_when_every_write_was_acknowledged() -> None:
    assert resume_writing(Held.UNKNOWN, acknowledged=True) is Fact.READ_BACK_WHOLE


SEEN = PreparedWrite(key="Url", new="new", old="old")
SAME = PreparedWrite(key="Path", new="/ocpp", old="/ocpp")
HIDDEN = PreparedWrite(key="Secret", new="s", old=None, readback=Readback.MASKED)


@pytest.mark.parametrize(
    ("now", "todo"),
    [
        ({}, (HIDDEN, SEEN)),
        ({"Url": "new", "Path": "/ocpp", "Secret": None}, (HIDDEN,)),
        ({"Url": "old", "Path": "/ocpp"}, (HIDDEN, SEEN)),
        ({"Url": None, "Path": None}, (SAME, HIDDEN, SEEN)),
    ],
    ids=["nobody has begun", "done, as far as one can see", "not begun", "nothing can be seen"],
)
def test_only_what_a_look_shows_as_done_is_not_written(
    now: dict[str, str | None], todo: tuple[PreparedWrite, ...]
) -> None:
    assert still_to_write((SAME, HIDDEN, SEEN), now) == todo


def test_the_target_is_looked_at_first() -> None:
    assert where(source=a_session("s1"), target=a_session("t1")) is Restarted.ELSEWHERE


def test_the_same_session_on_the_source_never_restarted() -> None:
    assert where(source=a_session("s1", boot="Accepted")) is Restarted.STILL_THERE


def test_a_new_session_that_began_with_a_boot_is_a_restart() -> None:
    assert where(source=a_session("s2", boot="Accepted")) is Restarted.ELSEWHERE


def test_a_new_session_that_began_without_a_boot_is_a_broken_line_and_no_restart() -> None:
    assert where(source=a_session("s2")) is Restarted.STILL_THERE


def test_nobody_on_either_side_is_away() -> None:
    assert where() is Restarted.AWAY


def test_with_a_blind_source_nothing_can_be_said() -> None:
    assert where(seen=frozenset({Side.TARGET})) is Restarted.CANNOT_SEE


@pytest.mark.parametrize("place", list(Restarted))
@pytest.mark.parametrize("held", list(Held))
def test_a_restart_is_repeated_only_for_a_station_still_there_that_may_hold_the_new_values(
    place: Restarted, held: Held
) -> None:
    may = may_restart_again(place, held)

    assert may.allowed == (place is Restarted.STILL_THERE and held in (Held.NEW, Held.UNKNOWN))
    assert may.reason
