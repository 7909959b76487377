"""Where a campaign stands, folded from plan and journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batches.gate import acknowledge
from batches.standing import Facts, exit_code, fold, is_approved, mode_of
from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.policy import GatePolicy
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Approval, Attempt, Control, Direction, Hold, WaveMark
from migrate.domain.station import Station
from migrate.domain.wave import Deferral, Mode, Plan, PlannedStation, Verdict, Wave, WaveState
from tests.doubles import scene

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def a_plan(*sizes: int) -> Plan:
    waves = tuple(
        Wave(number=n, stations=tuple(planned(f"W{n}S{i}", n) for i in range(size))) for n, size in enumerate(sizes)
    )
    return Plan(fingerprint="f00d", waves=waves)


def planned(identity: str, wave: int) -> PlannedStation:
    return PlannedStation(
        identity=identity,
        wave=wave,
        batch=1,
        profile="alfen",
        method=Method.CHANGE_CONFIGURATION,
        rollback=Rollback.REMOTE,
        site="mall",
        kind="Alfen BV|NG910|6.1",
    )


def an_attempt(identity: str, state: State, **changes: object) -> Attempt:
    usual = {"wave": int(identity[1]), "batch": "1", "profile": "alfen", "opened_at": AT, "entered_at": AT}
    return scene.an_attempt(state, identity=identity, **{**usual, **changes})


def facts(plan: Plan, *attempts: Attempt, **changes: object) -> Facts:
    usual = Facts(campaign="cutover", at=AT, plan=plan, gate=GatePolicy(min_sample=1), attempts=attempts)
    return replace(usual, **changes)  # type: ignore[arg-type]


def approval(wave: int | None = None, fingerprint: str = "f00d") -> Approval:
    return Approval(fingerprint=fingerprint, wave=wave, by="maria", at=AT)


def a_hold(mode: Mode, scope: str = "") -> Hold:
    return Hold(scope=scope, mode=mode, reason="storm", by="maria", at=AT)


def test_every_planned_station_counts_once_and_untried_ones_as_planned() -> None:
    standing = fold(facts(a_plan(2, 5), an_attempt("W0S0", State.SETTLED), an_attempt("W0S1", State.LOST)))

    assert set(standing.totals) == set(State)
    assert sum(standing.totals.values()) == 7
    assert {s: n for s, n in standing.totals.items() if n} == {State.PLANNED: 5, State.SETTLED: 1, State.LOST: 1}
    assert standing.waves[1].totals[State.PLANNED] == 5


def test_each_wave_carries_the_gates_word_on_it() -> None:
    standing = fold(facts(a_plan(1, 1, 1), an_attempt("W0S0", State.LOST), an_attempt("W1S0", State.SETTLED)))

    assert [w.ruling.verdict for w in standing.waves] == [Verdict.SHUT, Verdict.HOLD, Verdict.HOLD]


def test_a_wave_soaks_from_the_moment_nothing_was_pending() -> None:
    plan, done = a_plan(1, 1), an_attempt("W0S0", State.SETTLED)
    quiet = {0: WaveMark(wave=0, state="soaking", at=AT, quiet_since=AT - timedelta(minutes=30))}

    assert fold(facts(plan, done, approvals=[approval(1)])).waves[0].ruling.verdict is Verdict.HOLD
    assert fold(facts(plan, done, approvals=[approval(1)], marks=quiet)).waves[0].ruling.verdict is Verdict.OPEN
    assert fold(facts(plan, done, marks=quiet)).waves[0].ruling.verdict is Verdict.HOLD


def test_a_gate_that_has_opened_is_not_told_as_holding_when_a_station_moves_again() -> None:
    opened = {0: WaveMark(wave=0, state="open", at=AT)}

    standing = fold(facts(a_plan(1, 1), marks=opened))

    assert standing.waves[0].ruling.verdict is Verdict.OPEN


def test_the_last_wave_needs_no_approval_of_a_next_one() -> None:
    quiet = {0: WaveMark(wave=0, state="soaking", at=AT, quiet_since=AT - timedelta(hours=1))}

    standing = fold(facts(a_plan(1), an_attempt("W0S0", State.SETTLED), marks=quiet))

    assert standing.waves[0].ruling.verdict is Verdict.OPEN


def test_an_acknowledged_loss_leaves_the_gate_holding_and_not_shut() -> None:
    lost = an_attempt("W0S0", State.LOST)
    control = Control(epoch=1, acknowledged={0: acknowledge([lost])})

    assert fold(facts(a_plan(1, 1), lost, control=control)).waves[0].ruling.verdict is Verdict.HOLD


@pytest.mark.parametrize(
    ("wave", "approvals", "approved"),
    [
        (0, [], False),
        (0, [approval()], True),
        (1, [approval()], False),
        (1, [approval(), approval(1)], True),
        (2, [approval(1)], False),
        (0, [approval(fingerprint="another")], False),
        (1, [approval(1, fingerprint="another")], False),
    ],
)
def test_the_plans_approval_covers_the_canary_and_later_waves_need_their_own(
    wave: int, approvals: list[Approval], approved: bool
) -> None:
    assert is_approved(wave, "f00d", approvals, GatePolicy(approval_from_wave=1)) is approved


def test_a_wave_is_waiting_until_approved_and_then_what_the_engine_recorded() -> None:
    plan = a_plan(1, 1, 1)
    running = {1: WaveMark(wave=1, state="running", at=AT, started_at=AT)}

    standing = fold(facts(plan, approvals=[approval()], marks=running))

    assert [w.state for w in standing.waves] == [WaveState.APPROVED, WaveState.RUNNING, WaveState.WAITING]
    assert standing.waves[1].started_at == AT


@pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.HALTED])
def test_a_running_wave_under_an_order_over_all_is_paused(mode: Mode) -> None:
    marks = {0: WaveMark(wave=0, state="running", at=AT), 1: WaveMark(wave=1, state="done", at=AT)}
    control = Control(epoch=1, holds=(a_hold(mode),))

    standing = fold(facts(a_plan(1, 1), control=control, marks=marks))

    assert standing.mode is mode
    assert [w.state for w in standing.waves] == [WaveState.PAUSED, WaveState.DONE]


def test_the_strictest_order_over_all_is_the_mode_and_orders_over_a_part_are_not() -> None:
    both = Control(epoch=2, holds=(a_hold(Mode.HALTED), a_hold(Mode.PAUSED)))
    part = Control(epoch=1, holds=(a_hold(Mode.HALTED, "site:mall"),))

    assert mode_of(both, is_running=True) is Mode.HALTED
    assert mode_of(part, is_running=True) is Mode.RUNNING
    assert mode_of(Control(), is_running=False) is Mode.IDLE


def test_an_order_over_a_site_is_the_reason_why_its_stations_do_not_start() -> None:
    control = Control(epoch=1, holds=(a_hold(Mode.PAUSED, "site:mall"),))

    assert fold(facts(a_plan(1), control=control)).stations[0].reason == "paused: storm"


def test_an_order_over_a_model_lies_on_that_model_of_any_firmware() -> None:
    control = Control(epoch=1, holds=(a_hold(Mode.PAUSED, "model:NG910"),))

    assert fold(facts(a_plan(1), control=control)).stations[0].reason == "paused: storm"


def test_a_station_is_shown_with_what_its_attempt_and_the_inventory_say() -> None:
    attempt = an_attempt("W0S0", State.DEFERRED, deferral=Deferral.BUSY, evidence=Grade.E1, number=3)
    inventory = {"W0S0": Station(identity="W0S0", vendor="Alfen BV", model="NG910", firmware="6.1", synthetic=True)}

    (row,) = fold(facts(a_plan(1), attempt, stations=inventory)).stations

    assert (row.state, row.reason, row.evidence, row.attempts) == (State.DEFERRED, "busy", "E1", 3)
    assert (row.vendor, row.model, row.firmware, row.synthetic, row.updated_at) == (
        "Alfen BV",
        "NG910",
        "6.1",
        True,
        AT,
    )


def test_without_the_inventory_the_plan_still_says_what_a_station_is() -> None:
    (row,) = fold(facts(a_plan(1))).stations

    assert (row.vendor, row.model, row.firmware) == ("Alfen BV", "NG910", "6.1")


def test_a_rollback_that_settled_shows_as_reverted_and_one_under_way_as_what_it_is() -> None:
    back = an_attempt("W0S0", State.SETTLED, direction=Direction.BACK)

    assert fold(facts(a_plan(1), back)).totals[State.REVERTED] == 1
    assert fold(facts(a_plan(1), replace(back, state=State.DEPARTED))).totals[State.DEPARTED] == 1


def test_a_station_that_an_older_plan_lost_does_not_fall_out_of_sight() -> None:
    standing = fold(facts(a_plan(1), an_attempt("W0-gone", State.LOST)))

    assert standing.notices == ("1 station outside this plan, still stuck or lost: W0-gone",)


def test_a_station_that_a_newer_plan_leaves_out_while_it_is_in_flight_is_told_of() -> None:
    """Its permits stay taken and nobody drives it: who made the plan has to know."""
    standing = fold(facts(a_plan(1), an_attempt("W0-gone", State.DEPARTED), an_attempt("W0-done", State.SETTLED)))

    assert standing.notices == ("1 station outside this plan, still in flight, and driven by nobody: W0-gone",)


@pytest.mark.parametrize(
    ("states", "mode", "code"),
    [
        (["settled"], Mode.RUNNING, 0),
        (["settled", "failed"], Mode.RUNNING, 1),
        (["settled", "reverted"], Mode.RUNNING, 1),
        (["settled", "skipped"], Mode.RUNNING, 0),
        (["settled", "failed"], Mode.PAUSED, 3),
        (["settled"], Mode.HALTED, 3),
        (["settled", "lost"], Mode.HALTED, 5),
        (["stuck", "failed"], Mode.RUNNING, 5),
    ],
    ids=str,
)
def test_the_higher_claim_on_attention_wins(states: list[str], mode: Mode, code: int) -> None:
    attempts = [an_attempt(f"W0S{n}", State(s)) for n, s in enumerate(states)]
    holds = () if mode is Mode.RUNNING else (a_hold(mode),)
    patient = GatePolicy(min_sample=100)

    standing = fold(facts(a_plan(len(states)), *attempts, control=Control(holds=holds), gate=patient, is_running=True))

    assert exit_code(standing) == code


def test_a_shut_gate_is_exit_3_although_the_stations_only_failed() -> None:
    attempts = [an_attempt(f"W0S{n}", State.FAILED) for n in range(5)]

    assert exit_code(fold(facts(a_plan(5), *attempts))) == 3
