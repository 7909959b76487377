"""What the committee's rates count, what needs a decision, and what the plan wants by now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from migrate.domain.attempt import State
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Event, EventKind, Hold, StoredEvent
from migrate.domain.wave import (
    Deferral,
    Mode,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)
from reports.decisions import latest_day
from reports.forecast import forecast
from reports.groups import Stopped
from reports.progress import progress_document
from reports.rates import percent
from tests.reports.standings import AT, a_standing, a_station

HOUR = timedelta(hours=1)
KIND = {"vendor": "Acme", "model": "AC22", "firmware": "4.1"}


def station(identity: str = "AC-1", state: State = State.SETTLED, **given: Any) -> StationStanding:
    return a_station(identity, state, **{**KIND, "tries": 1, **given})


def standing(*stations: StationStanding, **given: Any) -> Standing:
    return a_standing(*stations, **{"at": AT + HOUR, **given})


def told(identity: str, *states: State, attempt: int = 1, kind: EventKind = EventKind.MOVED) -> list[StoredEvent]:
    name = f"{identity}#{attempt}"
    events = (
        Event(kind=kind, at=AT + HOUR / 60 * n, identity=identity, attempt=name, data={"to": s.value})
        for n, s in enumerate(states)
    )
    return [StoredEvent(seq=n, writer="w", link=n, event=e, hash="") for n, e in enumerate(events)]


def rate(name: str, *stations: StationStanding, events: Any = ()) -> tuple[int, int]:
    counted = progress_document(standing(*stations), events=events)["rates"][name]
    return counted["numerator"], counted["denominator"]


@pytest.mark.parametrize(
    ("stations", "counted"),
    [
        pytest.param([station()], (1, 1), id="settled at once"),
        pytest.param([station(attempts=2)], (0, 1), id="settled by the second attempt"),
        pytest.param([station(tries=2)], (0, 1), id="written to twice"),
        pytest.param(
            [station(state=State.WRITING, attempts=2)], (0, 1), id="tried again: the first attempt has failed"
        ),
        pytest.param([station(state=State.WRITING)], (0, 0), id="still under way"),
        pytest.param([station(state=State.CONFIRMED)], (0, 0), id="confirmed is no result yet"),
        pytest.param([station(state=State.LOST)], (0, 1), id="lost is a result, and no success"),
        pytest.param([station(state=State.PLANNED, attempts=0)], (0, 0), id="not begun"),
    ],
)
def test_first_time_success_is_settled_by_one_attempt_with_one_write(
    stations: list[StationStanding], counted: tuple[int, int]
) -> None:
    assert rate("first_time_success", *stations) == counted


def test_a_station_that_came_back_once_counts_as_rolled_back_also_after_it_has_settled() -> None:
    events = told("AC-1", State.WRITING, State.RESTARTING, State.UNDOING, State.REVERTED)

    assert rate("rollback", station(attempts=2), station("AC-2"), events=events) == (1, 2)


def test_a_rollback_by_order_counts_when_it_has_settled_and_is_told_apart() -> None:
    events = told("AC-1", State.WRITING, State.SETTLED, attempt=2)
    back = station(state=State.REVERTED, attempts=2, is_going_back=True)

    document = progress_document(standing(back), events=events)

    assert document["rates"]["rollback"]["numerator"] == 1
    assert document["rollbacks"] == {"ordered": 1, "settled": 1, "failed": 0, "stuck_or_lost": 0, "under_way": 0}


def test_a_refused_write_that_changed_nothing_is_no_rollback() -> None:
    events = told("AC-1", State.CHECKED, State.WRITING, State.FAILED)

    assert rate("rollback", station(state=State.FAILED), events=events) == (0, 1)


@pytest.mark.parametrize(
    ("facts", "events", "visits"),
    [
        pytest.param({"method": Method.VISIT, "state": State.PLANNED}, [], 1, id="planned as a visit"),
        pytest.param({}, told("AC-1", State.VISITING), 1, id="needed hands on the way"),
        pytest.param(
            {"state": State.LOST}, told("AC-1", State.LOST, kind=EventKind.VISIT), 1, id="a work order was issued"
        ),
        pytest.param({"state": State.LOST}, [], 0, id="lost, and nobody was sent"),
    ],
)
def test_the_visit_rate_counts_whoever_needs_hands_over_the_whole_plan(
    facts: dict[str, Any], events: list[StoredEvent], visits: int
) -> None:
    assert rate("visit", station(**facts), station("AC-2"), events=events) == (visits, 2)


def test_one_way_steps_are_counted_once_the_restart_has_begun() -> None:
    one_way = {"rollback": Rollback.IMPOSSIBLE}
    events = told("AC-3", State.RESTARTING, State.UNDOING)

    steps = progress_document(
        standing(
            station("AC-1", State.SETTLED, **one_way),
            station("AC-2", State.WRITTEN, **one_way),
            station("AC-3", State.UNDOING, **one_way),
            station("AC-4", rollback=Rollback.REMOTE),
        ),
        events=events,
    )["one_way"]

    assert (steps["taken"], steps["stations"]) == (2, 3)


def test_the_unknown_of_more_than_a_day_are_told_apart_and_become_a_decision() -> None:
    old = station("AC-1", State.LOST, updated_at=AT - 24 * HOUR)
    fresh = station("AC-2", State.LOST, updated_at=AT)

    document = progress_document(standing(old, fresh))

    assert (document["unknown"]["stations"], document["unknown"]["over_24h"]) == (2, 1)
    assert document["decisions"][0]["text"].startswith("2 × lost, 1 of them unknown for more than 24 h")
    assert document["decisions"][0]["who"] == "migration manager"


def test_a_model_that_was_stopped_is_told_with_its_failures_and_those_who_do_not_go_on() -> None:
    waiting = [station(f"W{n}", State.DEFERRED, deferral=Deferral.MODEL_STOPPED) for n in range(3)]
    later = station("P", State.PLANNED, attempts=0)
    other = station("X", State.PLANNED, model="AC44")

    document = progress_document(
        standing(station("F", State.FAILED), *waiting, later, other), stopped=Stopped(kinds={"Acme|AC22|4.1": 4})
    )

    kind = {"vendor": "Acme", "model": "AC22", "firmware": "4.1", "profile": None}
    assert document["quarantined"] == [kind | {"failed": 4, "waiting": 4}]
    assert document["decisions"][0]["command"] == 'migrate resume --model AC22 --reason "…"'


def test_a_profile_that_was_stopped_is_told_by_its_name() -> None:
    waiting = station("W", State.DEFERRED, deferral=Deferral.MODEL_STOPPED)

    document = progress_document(standing(station(), waiting), stopped=Stopped(profiles={"acme": 2}))

    assert [(q["profile"], q["failed"], q["waiting"]) for q in document["quarantined"]] == [("acme", 2, 1)]
    assert document["decisions"][0]["command"] == 'migrate resume --profile acme --reason "…"'


def test_stations_that_wait_for_the_proof_of_their_profile_are_a_decision() -> None:
    waiting = [station(f"U{n}", State.DEFERRED, deferral=Deferral.UNPROVEN) for n in range(2)]

    [decision] = progress_document(standing(*waiting))["decisions"]

    assert decision["text"].startswith("2 × waiting: profile acme is not proven enough")
    assert decision["command"] == "migrate profiles show acme"


def test_an_order_in_force_is_a_decision_of_whoever_gave_it() -> None:
    hold = Hold(scope="site:A 4", mode=Mode.HALTED, reason="fire brigade", by="j.devries", at=AT)

    decision = progress_document(standing(station()), holds=(hold,))["decisions"][0]

    assert (decision["who"], decision["since"]) == ("j.devries", "2026-11-20T01:00:00.000Z")
    assert decision["command"] == "migrate resume --site 'A 4' --reason \"…\""


def test_a_decision_is_wanted_by_the_day_on_which_going_on_still_meets_the_switch_off() -> None:
    today = date(2026, 12, 1)
    outlook = forecast([5] * 10, remaining=50, today=today, switch_off=date(2026, 12, 31))

    assert outlook.p85 == date(2026, 12, 11)
    assert latest_day(outlook, today) == date(2026, 12, 20)
    assert latest_day(forecast([5], remaining=50, today=today), today) is None
    assert latest_day(forecast([5], remaining=50, today=today, switch_off=date(2026, 12, 24)), today) == date(
        2026, 12, 24
    )


def test_time_away_runs_from_the_restart_to_the_confirmation_and_not_over_an_undoing() -> None:
    good = told("AC-1", State.RESTARTING, State.DEPARTED, State.CONFIRMED)
    undone = told("AC-2", State.RESTARTING, State.UNDOING, State.FAILED)

    away = progress_document(standing(station(), station("AC-2", State.FAILED)), events=[*good, *undone])["away"]

    assert (away["departures"], away["median_s"], away["longest_s"]) == (1, 120.0, 120.0)


# ── plan against actual ─────────────────────────────────────────────────────


def _waves(*sizes: int) -> tuple[WaveStanding, ...]:
    ruling = Ruling(verdict=Verdict.HOLD)
    return tuple(
        WaveStanding(
            number=n, state=WaveState.RUNNING, totals={}, ruling=ruling, size=size, started_at=AT if n == 0 else None
        )
        for n, size in enumerate(sizes)
    )


def test_each_wave_is_due_after_an_equal_part_of_the_time_to_the_switch_off() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    waves = tuple(_waves(10, 30))
    begun = (
        WaveStanding(number=0, state=WaveState.RUNNING, totals={}, ruling=waves[0].ruling, size=10, started_at=start),
        waves[1],
    )

    document = progress_document(
        standing(station(), waves=begun, at=start + timedelta(days=15)), switch_off=date(2026, 12, 10)
    )

    assert [w["due_at"] for w in document["waves"]] == ["2026-11-30T00:00:00.000Z", "2026-12-10T00:00:00.000Z"]
    assert (document["plan_curve"]["due"], document["plan_curve"]["ahead"]) == (25, -24)


@pytest.mark.parametrize(
    ("waves", "day", "why"),
    [
        pytest.param(_waves(4), None, "no switch-off date is set", id="no date"),
        pytest.param((), date(2026, 12, 31), "it begins with the first wave", id="not begun"),
        pytest.param(_waves(4), date(2026, 11, 1), "after the legacy switch-off", id="begun too late"),
    ],
)
def test_without_a_plan_over_time_the_report_says_why(
    waves: tuple[WaveStanding, ...], day: date | None, why: str
) -> None:
    curve = progress_document(standing(station(), waves=waves), switch_off=day)["plan_curve"]

    assert curve["points"] == []
    assert why in curve["text"]


def test_every_division_of_the_fleet_adds_up_to_the_same_total() -> None:
    stations = [station(f"S{n}", state, vendor="AB"[n % 2], profile="xy"[n % 3 % 2]) for n, state in enumerate(State)]

    document = progress_document(standing(*stations))

    for division in ("by_vendor", "by_model", "by_profile"):
        assert sum(row["stations"] for row in document[division]) == len(State)
        for name, whole in document["rates"].items():
            for part in ("numerator", "denominator"):
                assert sum(row["rates"][name][part] for row in document[division]) == whole[part]


@pytest.mark.parametrize("whole", [7, 1000, 100_000])
def test_a_share_never_says_all_or_none_when_one_is_missing(whole: int) -> None:
    assert percent(whole - 1, whole) != percent(whole, whole) == "100 %"
    assert percent(1, whole) != percent(0, whole) == "0 %"
    assert percent(whole - 1, whole) not in ("100.0 %", "100 %")
