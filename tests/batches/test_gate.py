"""The gate between two waves: thresholds, missing data, acknowledgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.gate import acknowledge, rule, still_acknowledged, stopped_kinds, tally
from migrate.domain.attempt import State
from migrate.domain.policy import GatePolicy, Share
from migrate.domain.record import Attempt, Direction
from migrate.domain.wave import Cause, Deferral, Ruling, Tally, Verdict
from tests.doubles import scene

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SOAK = timedelta(minutes=30)
POLICY = GatePolicy(
    min_confirmed=Share(0.98), max_failed=3, max_failed_share=Share(0.05), max_lost=0, min_sample=5, soak=SOAK
)


def judged(tally: Tally, policy: GatePolicy = POLICY, **changes: object) -> Ruling:
    usual: dict[str, object] = {"soaked": SOAK, "approved": True}
    return rule(tally, policy, **(usual | changes))  # type: ignore[arg-type]


def an_attempt(identity: str, state: State = State.SETTLED, **changes: object) -> Attempt:
    usual = {"wave": 1, "batch": "1-1", "profile": "alfen", "opened_at": AT, "entered_at": AT}
    return scene.an_attempt(state, identity=identity, **{**usual, **changes})


def test_a_wave_that_is_proven_soaked_and_approved_opens_the_gate() -> None:
    assert judged(Tally(planned=100, confirmed=60, settled=40)) == Ruling(verdict=Verdict.OPEN)


@pytest.mark.parametrize(("confirmed", "verdict"), [(97, "hold"), (98, "open"), (99, "open")])
def test_confirmed_stations_open_the_gate_at_the_threshold_and_not_before(confirmed: int, verdict: str) -> None:
    ruling = judged(Tally(planned=100, confirmed=confirmed, failed=100 - confirmed))

    assert ruling.verdict == verdict


@pytest.mark.parametrize(("failed", "verdict"), [(4, "hold"), (5, "hold"), (6, "shut")])
@pytest.mark.parametrize("state", ["failed", "reverted", "stuck"])
def test_a_failed_share_shuts_when_it_is_exceeded_and_never_when_it_is_met(
    state: str, failed: int, verdict: str
) -> None:
    ruling = judged(Tally(planned=100, confirmed=80, **{state: failed}))

    assert ruling.verdict == verdict


@pytest.mark.parametrize(("lost", "verdict"), [(1, "hold"), (2, "hold"), (3, "shut")])
def test_lost_stations_shut_when_there_are_more_than_allowed(lost: int, verdict: str) -> None:
    ruling = judged(Tally(planned=100, confirmed=50, lost=lost), replace(POLICY, max_lost=2))

    assert ruling.verdict == verdict


def test_one_lost_station_shuts_the_gate_while_the_wave_still_runs() -> None:
    ruling = judged(Tally(planned=100, lost=1), soaked=None)

    assert ruling.verdict is Verdict.SHUT
    assert (ruling.reasons[0].value, ruling.reasons[0].threshold, ruling.reasons[0].of) == (1, 0, 100)
    assert str(ruling.reasons[0]) == "1 lost, at most 0 allowed"


@pytest.mark.parametrize(("ended", "verdict"), [(4, "hold"), (5, "shut"), (6, "shut")])
def test_a_failed_share_says_nothing_before_the_sample_is_large_enough(ended: int, verdict: str) -> None:
    assert judged(Tally(planned=20, failed=ended)).verdict == verdict


@pytest.mark.parametrize(
    ("soaked", "verdict"),
    [(None, "hold"), (SOAK - timedelta(microseconds=1), "hold"), (SOAK, "open"), (SOAK + timedelta(1), "open")],
    ids=["not begun", "just short", "just enough", "long"],
)
def test_a_wave_must_have_soaked(soaked: timedelta | None, verdict: str) -> None:
    assert judged(Tally(planned=10, settled=10), soaked=soaked).verdict == verdict


def test_a_wave_without_approval_of_the_next_holds_and_says_what_to_do() -> None:
    ruling = judged(Tally(planned=10, settled=10), approved=False)

    assert ruling.verdict is Verdict.HOLD
    assert "plan approve" in str(ruling.reasons[0])


def test_one_pending_station_holds_the_gate_however_good_the_others_are() -> None:
    ruling = judged(Tally(planned=1000, settled=999))

    assert ruling.verdict is Verdict.HOLD
    assert str(ruling.reasons[0]) == "1 of 1000 still pending"


def test_evidence_against_outranks_missing_evidence() -> None:
    ruling = judged(Tally(planned=100, failed=6, settled=1), soaked=None, approved=False)

    assert ruling.verdict is Verdict.SHUT


def test_a_finished_wave_below_the_wanted_share_never_advances_by_itself() -> None:
    policy = replace(POLICY, max_failed_share=Share(1.0))

    assert judged(Tally(planned=10, settled=9, failed=1), policy, soaked=timedelta(days=365)).verdict is Verdict.HOLD


def test_a_wave_of_which_nothing_was_this_waves_to_prove_counts_as_proven() -> None:
    assert judged(Tally(planned=7, outside=7)).verdict is Verdict.OPEN


@pytest.mark.parametrize(
    "impossible",
    [
        Tally(planned=3, settled=4),
        Tally(planned=3, outside=4),
        Tally(planned=10, settled=11, failed=-1),
    ],
    ids=["more ended than planned", "more outside than planned", "less than nothing"],
)
def test_what_does_not_add_up_holds(impossible: Tally) -> None:
    assert judged(impossible).verdict is Verdict.HOLD


@pytest.mark.parametrize("share", [float("nan"), float("inf"), -0.1, 98.0], ids=str)
def test_a_threshold_that_is_no_share_holds(share: float) -> None:
    full = Tally(planned=10, settled=10)

    assert judged(full, replace(POLICY, min_confirmed=Share(share))).verdict is Verdict.HOLD
    assert judged(full, replace(POLICY, max_failed_share=Share(share))).verdict is Verdict.HOLD


@given(st.integers(1, 100), st.integers(1, 400))
def test_no_float_tips_a_threshold_that_is_met_exactly(percent: int, hundreds: int) -> None:
    planned, share = 100 * hundreds, Share(percent / 100)
    met = percent * hundreds
    policy = replace(POLICY, min_confirmed=share, max_failed_share=share, min_sample=0)

    assert judged(Tally(planned=planned, failed=met)).verdict is not Verdict.OPEN
    assert judged(Tally(planned=planned, failed=met), policy).verdict is Verdict.HOLD
    if met < planned:
        assert judged(Tally(planned=planned, failed=met + 1), policy).verdict is Verdict.SHUT
    lenient = replace(policy, max_failed_share=Share(1.0))
    assert judged(Tally(planned=planned, settled=met, failed=planned - met), lenient).verdict is Verdict.OPEN
    assert judged(Tally(planned=planned, settled=met - 1, failed=planned - met + 1), lenient).verdict is Verdict.HOLD


counts = st.integers(0, 40)
tallies = st.builds(
    Tally,
    planned=st.integers(0, 120),
    confirmed=counts,
    settled=counts,
    failed=counts,
    reverted=counts,
    stuck=counts,
    lost=counts,
    outside=counts,
)
shares = st.one_of(st.sampled_from([0.0, 0.05, 0.5, 0.98, 1.0]), st.floats(0, 1))
policies = st.builds(
    GatePolicy,
    min_confirmed=shares.map(Share),
    max_failed_share=shares.map(Share),
    max_lost=st.integers(0, 3),
    min_sample=st.integers(0, 8),
    soak=st.just(SOAK),
)


@settings(max_examples=500)
@given(tallies, policies, st.sampled_from([None, timedelta(0), SOAK]), st.booleans())
def test_the_gate_never_opens_on_missing_data(
    tally: Tally, policy: GatePolicy, soaked: timedelta | None, approved: bool
) -> None:
    ruling = rule(tally, policy, soaked=soaked, approved=approved)

    if ruling.verdict is Verdict.OPEN:
        assert tally.pending == 0
        assert soaked == SOAK
        assert approved
        assert tally.lost <= policy.max_lost
        assert tally.confirmed + tally.settled >= policy.min_confirmed.exact * tally.attempted
    else:
        assert ruling.reasons


@given(tallies, policies)
def test_one_more_failure_or_loss_never_opens_a_gate(tally: Tally, policy: GatePolicy) -> None:
    order = [Verdict.OPEN, Verdict.HOLD, Verdict.SHUT]

    def severity(of: Tally) -> int:
        return order.index(rule(of, policy, soaked=SOAK, approved=True).verdict)

    if tally.settled and tally.pending >= 0 and tally.attempted >= 0:
        worse = replace(tally, settled=tally.settled - 1, lost=tally.lost + 1)
        assert severity(worse) >= severity(tally)
        worse = replace(tally, settled=tally.settled - 1, failed=tally.failed + 1)
        assert severity(worse) >= severity(tally)


def test_a_station_without_an_attempt_is_pending() -> None:
    assert tally([an_attempt("A")], planned=3).pending == 2


@pytest.mark.parametrize(
    ("attempt", "outside"),
    [
        (an_attempt("A", State.SKIPPED), True),
        (an_attempt("A", State.VISITING), True),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.BUSY), True),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.OFFLINE), True),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.MODEL_STOPPED), True),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.UNPROVEN), True),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.WINDOW), False),
        (an_attempt("A", State.DEFERRED, deferral=Deferral.BACKOFF), False),
        (an_attempt("A", State.DEFERRED), False),
        (an_attempt("A", State.FAILED, cause=Cause.ENVIRONMENT), True),
        (an_attempt("A", State.REVERTED, cause=Cause.ENVIRONMENT), True),
        (an_attempt("A", State.FAILED), False),
        (an_attempt("A", State.LOST, cause=Cause.ENVIRONMENT), False),
    ],
    ids=lambda value: f"{value.state} {value.deferral or value.cause}" if isinstance(value, Attempt) else str(value),
)
def test_what_lies_outside_a_waves_proof(attempt: Attempt, outside: bool) -> None:
    assert tally([attempt], planned=1).outside == int(outside)


@pytest.mark.parametrize("state", [s for s in State if s not in {State.SKIPPED, State.VISITING}])
def test_every_state_that_is_no_ending_is_pending(state: State) -> None:
    ended = {State.CONFIRMED, State.SETTLED, State.FAILED, State.REVERTED, State.STUCK, State.LOST}

    assert tally([an_attempt("A", state)], planned=1).pending == int(state not in ended)


def test_a_station_tried_twice_counts_once_with_its_last_attempt() -> None:
    again = an_attempt("A", State.SETTLED, id="A#2", number=2)

    assert tally([again, an_attempt("A", State.FAILED)], planned=1) == Tally(planned=1, settled=1)


def test_a_rollback_that_settled_counts_as_reverted_and_one_under_way_as_nothing_yet() -> None:
    back = an_attempt("A", State.SETTLED, direction=Direction.BACK)

    assert tally([back], planned=1) == Tally(planned=1, reverted=1)
    for state in (State.CONFIRMED, State.FAILED, State.WRITING):
        assert tally([replace(back, state=state)], planned=1).pending == 1
    assert tally([replace(back, state=State.LOST)], planned=1).lost == 1


def ruled(attempts: list[Attempt], seen: dict[str, int]) -> Ruling:
    return judged(tally(attempts, 100), acknowledged=still_acknowledged(attempts, seen))


def test_after_a_resume_only_new_failures_shut_the_gate_again() -> None:
    wave = [an_attempt(f"A{n}", State.FAILED) for n in range(6)] + [an_attempt(f"B{n}") for n in range(80)]
    seen = acknowledge(wave)

    assert ruled(wave, {}).verdict is Verdict.SHUT
    assert ruled(wave, seen).verdict is Verdict.HOLD
    five_more = wave + [an_attempt(f"C{n}", State.STUCK) for n in range(5)]
    assert ruled(five_more, seen).verdict is Verdict.HOLD
    ruling = ruled([*five_more, an_attempt("C5", State.REVERTED)], seen)
    assert ruling.verdict is Verdict.SHUT
    assert "6 of 100 failed, reverted or stuck beside 6 acknowledged: 6%, at most 5% allowed" in str(ruling.reasons[0])


def test_a_lost_station_that_was_found_and_is_lost_again_is_new_evidence() -> None:
    lost = an_attempt("A", State.LOST, version=7)
    seen = acknowledge([lost])

    assert ruled([lost], seen).verdict is Verdict.HOLD
    assert ruled([replace(lost, version=11)], seen).verdict is Verdict.SHUT


def test_an_acknowledged_loss_that_was_found_does_not_excuse_another() -> None:
    seen = acknowledge([an_attempt("A", State.LOST, version=7)])

    ruling = ruled([an_attempt("A", State.SETTLED, version=9), an_attempt("B", State.LOST)], seen)

    assert ruling.verdict is Verdict.SHUT


@pytest.mark.parametrize(("failures", "stopped"), [(2, {}), (3, {}), (4, {"alfen|ng910|6.1": 4})])
def test_a_kind_is_stopped_when_more_than_allowed_have_failed(failures: int, stopped: dict[str, int]) -> None:
    states = [State.FAILED, State.REVERTED, State.STUCK, State.FAILED]
    attempts = [an_attempt(f"A{n}", states[n]) for n in range(failures)] + [an_attempt("B", State.FAILED)]
    kinds = {f"A{n}": "alfen|ng910|6.1" for n in range(4)} | {"B": "alfen|ng910|6.2"}

    assert stopped_kinds(attempts, kinds, POLICY) == stopped


def test_a_kind_is_stopped_neither_for_losses_nor_for_a_backend_that_was_down_nor_for_what_a_person_has_seen() -> None:
    lost = [an_attempt(f"L{n}", State.LOST) for n in range(4)]
    down = [an_attempt(f"D{n}", State.FAILED, cause=Cause.ENVIRONMENT) for n in range(4)]
    seen = [an_attempt(f"S{n}", State.FAILED) for n in range(4)]
    kinds = {a.identity: "alfen|ng910|6.1" for a in [*lost, *down, *seen]}

    assert stopped_kinds([*lost, *down, *seen], kinds, POLICY, acknowledge(seen)) == {}


@pytest.mark.parametrize(
    ("soaked", "said"),
    [
        pytest.param(None, "the soak of 30 min has not begun", id="not begun"),
        pytest.param(timedelta(minutes=3, seconds=5, microseconds=7), "soaked 3 min 05 s of 30 min", id="under way"),
    ],
)
def test_a_soak_is_told_in_minutes_as_on_every_screen(soaked: timedelta | None, said: str) -> None:
    policy = GatePolicy(soak=timedelta(minutes=30))

    assert said in [reason.text for reason in judged(Tally(planned=10, settled=10), policy, soaked=soaked).reasons]
