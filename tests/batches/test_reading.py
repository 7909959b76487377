"""What a sighting means to an attempt in each of its states."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batches.reading import read
from migrate.domain.attempt import ENDS, Fact, State, means_something
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side, Sighting
from tests.doubles.clock import EPOCH
from tests.doubles.scene import an_attempt

FACTS = IdentityFacts(vendor="Acme", model="AC22", serial="S-1")
LATER = EPOCH + timedelta(minutes=1)
AWAY = (State.DEPARTED, State.ARRIVED, State.CONFIRMED, State.SETTLED, State.LOST)


def a_boot(side: Side, **changes: object) -> Sighting:
    boot = Sighting(side=side, kind=Kind.BOOT, at=LATER, identity="AC1", session="new", answer="Accepted", facts=FACTS)
    return replace(boot, **changes)  # type: ignore[arg-type]


def a_sign(side: Side, kind: Kind = Kind.CONNECTED, **changes: object) -> Sighting:
    return replace(a_boot(side, kind=kind, answer="", facts=IdentityFacts()), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [s for s in State if s not in ENDS and s is not State.SETTLED])
def test_a_proven_boot_on_the_target_confirms_from_every_state_that_is_no_end(state: State) -> None:
    meaning = read(an_attempt(state), a_boot(Side.TARGET), FACTS)

    assert meaning is not None
    assert (meaning.fact, meaning.evidence, meaning.left) == (Fact.CONFIRMED_ON_TARGET, Grade.E3, True)


@pytest.mark.parametrize("state", [*sorted(ENDS), State.SETTLED])
def test_a_boot_on_the_target_changes_nothing_once_an_attempt_has_settled_or_ended(state: State) -> None:
    assert read(an_attempt(state), a_boot(Side.TARGET), FACTS) is None


@pytest.mark.parametrize("kind", [Kind.CONNECTED, Kind.HEARTBEAT, Kind.STATUS, Kind.TRANSACTION_STARTED])
def test_a_sign_of_life_on_the_target_is_an_arrival_that_is_not_proven(kind: Kind) -> None:
    meaning = read(an_attempt(State.DEPARTED), a_sign(Side.TARGET, kind), FACTS)

    assert meaning is not None
    assert (meaning.fact, meaning.evidence) == (Fact.SEEN_ON_TARGET, Grade.E1)


@pytest.mark.parametrize("kind", [Kind.DISCONNECTED, Kind.FIRMWARE, Kind.CSMS_DOWN, Kind.CSMS_UP])
@pytest.mark.parametrize("side", list(Side))
def test_what_is_no_sign_of_life_means_nothing_by_itself(side: Side, kind: Kind) -> None:
    for state in State:
        assert read(an_attempt(state), a_sign(side, kind), FACTS) is None


@pytest.mark.parametrize(
    ("known", "fact"), [(Grade.E2, None), (Grade.E1, Fact.SEEN_ON_TARGET)], ids=["the same again", "more than before"]
)
def test_a_stuck_station_arrives_anew_only_with_more_proof_than_it_had(known: Grade, fact: Fact | None) -> None:
    meaning = read(an_attempt(State.STUCK, evidence=known), a_boot(Side.TARGET, answer="Pending"), FACTS)

    assert (meaning.fact if meaning else None) is fact


def test_a_refused_handshake_does_not_prove_that_the_station_left() -> None:
    meaning = read(an_attempt(State.RESTARTING), a_sign(Side.TARGET, Kind.REFUSED, answer="404"), FACTS)

    assert meaning is not None
    assert (meaning.fact, meaning.left) == (Fact.SEEN_ON_TARGET, False)
    assert "404" in meaning.reason


def test_more_of_what_is_known_is_not_journaled_again() -> None:
    arrived = an_attempt(State.ARRIVED, evidence=Grade.E1)

    assert read(arrived, a_sign(Side.TARGET, Kind.HEARTBEAT), FACTS) is None


def test_a_better_sighting_of_an_arrived_station_is_worth_a_line() -> None:
    arrived = an_attempt(State.ARRIVED, evidence=Grade.E1)

    meaning = read(arrived, a_boot(Side.TARGET, answer="Pending"), FACTS)

    assert meaning is not None
    assert meaning.evidence is Grade.E2


def test_a_rival_keeps_a_boot_from_confirming_and_the_reason_counts_it() -> None:
    meaning = read(an_attempt(State.DEPARTED), a_boot(Side.TARGET), FACTS, rivals=1)

    assert meaning is not None
    assert meaning.fact is Fact.SEEN_ON_TARGET
    assert "1 other answering session" in meaning.reason


@pytest.mark.parametrize(("counts", "fact"), [(True, Fact.CONFIRMED_ON_TARGET), (False, Fact.SEEN_ON_TARGET)])
def test_a_lab_confirms_only_where_labs_count(counts: bool, fact: Fact) -> None:
    meaning = read(an_attempt(State.DEPARTED), a_boot(Side.TARGET, lab=True), FACTS, lab_counts=counts)

    assert meaning is not None
    assert meaning.fact is fact


@pytest.mark.parametrize("state", AWAY)
def test_a_station_that_had_left_is_back_with_its_first_sign_of_life_on_the_source(state: State) -> None:
    meaning = read(an_attempt(state), a_sign(Side.SOURCE), FACTS)

    assert meaning is not None
    assert (meaning.fact, meaning.left) == (Fact.ON_SOURCE, True)


@pytest.mark.parametrize("state", AWAY)
def test_what_was_seen_on_the_source_before_the_station_left_is_no_return(state: State) -> None:
    before = a_sign(Side.SOURCE, at=EPOCH - timedelta(seconds=1))

    assert read(an_attempt(state), before, FACTS) is None


@pytest.mark.parametrize("state", list(State))
def test_a_boot_on_the_source_that_we_asked_for_is_never_a_return(state: State) -> None:
    assert read(an_attempt(state), a_boot(Side.SOURCE, solicited=True), FACTS) is None


@pytest.mark.parametrize("state", [State.WRITTEN, State.RESTARTING])
def test_a_boot_in_a_new_session_on_the_source_says_that_the_setting_had_no_effect(state: State) -> None:
    meaning = read(an_attempt(state, source_session="old"), a_boot(Side.SOURCE), FACTS)

    assert meaning is not None
    assert meaning.fact is Fact.BOOT_ON_SOURCE
    assert "without effect" in meaning.reason


@pytest.mark.parametrize("state", [State.WRITTEN, State.RESTARTING])
def test_a_boot_in_the_session_of_the_write_is_no_restart(state: State) -> None:
    assert read(an_attempt(state, source_session="new"), a_boot(Side.SOURCE), FACTS) is None


@pytest.mark.parametrize("state", [State.PLANNED, State.CHECKED, State.WRITING, State.UNDOING, State.VISITING])
def test_a_station_that_restarts_on_the_source_before_anything_is_in_use_moves_nothing(state: State) -> None:
    assert read(an_attempt(state, source_session="old"), a_boot(Side.SOURCE), FACTS) is None


@pytest.mark.parametrize(
    ("state", "word"),
    [(State.DEPARTED, "by itself"), (State.ARRIVED, "arrived on the target"), (State.CONFIRMED, "confirmed on the")],
)
def test_the_reason_of_a_return_tells_how_far_the_station_came(state: State, word: str) -> None:
    meaning = read(an_attempt(state), a_sign(Side.SOURCE), FACTS)

    assert meaning is not None
    assert word in meaning.reason


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("side", list(Side))
def test_no_sighting_is_ever_read_as_a_fact_that_its_state_does_not_know(side: Side, kind: Kind) -> None:
    for state in State:
        meaning = read(an_attempt(state), a_boot(side, kind=kind), FACTS)

        assert meaning is None or means_something(state, meaning.fact)
