"""How long a state may last, where a station has to be meanwhile, and what it means when the time is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batches.deadlines import deadline_of, grace_of, home_of, is_away, needs_restart, run_out
from migrate.domain.attempt import BATCH_ENDS, Fact, State, means_something
from migrate.domain.evidence import Grade, Side
from migrate.domain.profile import Restart, Timing
from migrate.domain.record import Direction
from migrate.domain.wave import Cause
from migrate.domain.ways import Firmware
from migrate.ports import Presence, Session
from tests.doubles.clock import EPOCH
from tests.doubles.scene import ACME, an_attempt, an_errand

BOTH = frozenset(Side)
SESSION = Session(id="s1", connected_at=EPOCH, heard_at=EPOCH)


def where(*sides: Side, seen: frozenset[Side] = BOTH) -> Presence:
    return Presence(identity="AC1", sessions=dict.fromkeys(sides, SESSION), seen=seen)


@pytest.mark.parametrize("state", sorted(set(State) - BATCH_ENDS))
def test_no_state_of_a_batch_lasts_for_ever_and_its_end_means_something_to_the_table(state: State) -> None:
    ended = run_out(an_attempt(state), where(), again_at=EPOCH)

    assert deadline_of(state, an_errand()) is not None
    assert means_something(state, ended.fact)
    assert ended.changes["reason"]


@pytest.mark.parametrize("state", sorted(BATCH_ENDS))
def test_what_no_batch_holds_has_no_deadline_of_the_driver(state: State) -> None:
    assert deadline_of(state, an_errand()) is None


def test_a_family_that_needs_longer_gets_longer_and_the_others_the_campaigns_time() -> None:
    slow = an_errand(replace(ACME, timing=Timing(restart=timedelta(minutes=30), appear=timedelta(hours=2))))

    assert deadline_of(State.RESTARTING, slow) == timedelta(minutes=30)
    assert deadline_of(State.DEPARTED, slow) == timedelta(hours=2)
    assert deadline_of(State.WRITING, slow) == slow.policy.timeouts.write


def test_a_station_that_takes_several_firmwares_is_missed_after_the_time_of_one() -> None:
    """It may write for as long as all of them take; the first that never comes back is to be known before the others."""
    steps = Firmware(steps=("4.5", "5.0", "6.0"), within=timedelta(minutes=30))
    loading = an_errand(replace(ACME, firmware=steps))
    timeouts = loading.policy.timeouts

    assert grace_of(State.WRITING, loading) == timeouts.grace + timedelta(minutes=30)
    assert deadline_of(State.WRITING, loading) == timeouts.write + timedelta(minutes=90)
    assert grace_of(State.RESTARTING, loading) == timeouts.grace


def test_a_family_that_uses_what_is_written_at_once_is_not_waited_for_until_a_quiet_hour() -> None:
    at_once = an_errand(replace(ACME, restart=Restart.NONE))

    ended = run_out(an_attempt(State.WRITTEN), where(Side.SOURCE), again_at=EPOCH, restarts=needs_restart(at_once))

    assert deadline_of(State.WRITTEN, at_once) == at_once.policy.timeouts.restart
    assert deadline_of(State.WRITTEN, an_errand()) == at_once.policy.timeouts.idle
    assert ended.changes["cause"] is Cause.WITHOUT_EFFECT
    assert "not used" in ended.changes["reason"]


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("state", [State.WRITTEN, State.ARRIVED])
def test_a_station_is_away_only_from_a_side_that_can_be_seen(state: State, direction: Direction) -> None:
    attempt = an_attempt(state, direction=direction, evidence=Grade.E1)
    home = home_of(attempt)
    assert home is not None
    (other,) = BOTH - {home}

    assert is_away(attempt, where())
    assert is_away(attempt, where(other))
    assert not is_away(attempt, where(home))
    assert not is_away(attempt, where(seen=BOTH - {home}))


def test_one_that_is_refused_at_the_door_is_not_missed_where_it_never_had_a_session() -> None:
    assert not is_away(an_attempt(State.ARRIVED, evidence=Grade.E0, reason="refused 404"), where())


def test_nobody_is_away_while_it_is_on_its_way() -> None:
    assert not is_away(an_attempt(State.DEPARTED), where())


def test_what_ran_out_on_the_way_back_is_told_of_the_side_it_left() -> None:
    going, back = an_attempt(State.DEPARTED), an_attempt(State.DEPARTED, direction=Direction.BACK)

    assert run_out(going, where(), again_at=EPOCH).changes["reason"] == "left the source and was seen nowhere"
    assert run_out(back, where(), again_at=EPOCH).changes["reason"] == "left the target and was seen nowhere"


@pytest.mark.parametrize(
    ("presence", "fact"),
    [
        (where(), Fact.DEADLINE),
        (where(Side.TARGET), Fact.SEEN_ON_TARGET),
        (where(Side.SOURCE), Fact.ON_SOURCE),
        (where(Side.SOURCE, Side.TARGET), Fact.ON_SOURCE),
    ],
    ids=["seen nowhere", "on the target", "on the source", "on both"],
)
def test_a_departed_station_is_lost_only_if_it_is_found_nowhere(presence: Presence, fact: Fact) -> None:
    assert run_out(an_attempt(State.DEPARTED), presence, again_at=EPOCH).fact is fact
