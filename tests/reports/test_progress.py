"""The progress report: what the committee reads, as a document."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.attempt import State
from migrate.domain.record import Event, EventKind, StoredEvent
from migrate.domain.wave import (
    Deferral,
    Incident,
    Mode,
    Reason,
    Ruling,
    Standing,
    StationStanding,
    Verdict,
    WaveStanding,
    WaveState,
)
from reports.forecast import Outlook, forecast
from reports.groups import Stopped
from reports.light import judge
from reports.progress import data_hash, progress_document
from reports.series import Point, backward_attempts, count, series, settled_per_day
from reports.words import Colour
from tests.reports.standings import AT, a_standing, a_station

MINUTE = timedelta(minutes=1)
OPEN = Ruling(verdict=Verdict.OPEN)


def standing(*stations: StationStanding, **given: Any) -> Standing:
    """They are its first wave, which is running and proven so far."""
    totals = Counter(s.state for s in stations)
    wave = WaveStanding(
        number=0, state=WaveState.RUNNING, totals=totals, ruling=OPEN, size=len(stations), started_at=AT
    )
    return a_standing(*stations, **{"at": AT + 10 * MINUTE, "totals": totals, "waves": (wave,), **given})


def moved(identity: str, to: str, minute: float, attempt: str = "") -> StoredEvent:
    event = Event(
        kind=EventKind.MOVED,
        at=AT + minute * MINUTE,
        identity=identity,
        attempt=attempt or f"{identity}#1",
        data={"to": to},
    )
    return StoredEvent(seq=1, writer="w", link=1, event=event, hash="")


# ── the document ────────────────────────────────────────────────────────────


def test_the_document_has_its_published_keys() -> None:
    document = progress_document(standing(a_station()))

    assert set(document) == {
        *("schema", "campaign", "fingerprint", "mode", "at", "timezone", "marks", "light", "decisions", "stations"),
        *("totals", "bands", "settled_share", "first_time_settled", "rates", "waves", "series", "plan_curve"),
        *("forecast", "away", "rollbacks", "one_way", "unknown", "quarantined", "holds", "needs_person", "setbacks"),
        *("deferrals", "incidents", "by_vendor", "by_model", "by_profile", "data_hash"),
    }
    assert document["schema"] == "migrate.progress/1"


def test_the_hash_covers_every_number_and_survives_a_round_trip_through_json() -> None:
    document = json.loads(json.dumps(progress_document(standing(a_station()))))

    assert document["data_hash"] == data_hash(document)
    document["totals"]["lost"] += 1
    assert document["data_hash"] != data_hash(document)


def test_the_same_facts_give_the_same_report() -> None:
    facts = standing(a_station("AC-1"), a_station("AC-2", State.LOST))

    assert progress_document(facts) == progress_document(facts)


def test_a_campaign_of_nothing_is_a_report_too() -> None:
    document = progress_document(standing(waves=()))

    assert document["stations"] == 0
    assert document["settled_share"] is None
    assert document["light"]["colour"] == "grey"


def test_every_station_that_needs_a_person_is_listed_the_lost_first_with_its_command() -> None:
    document = progress_document(
        standing(
            a_station("AC-1", State.STUCK, updated_at=AT - MINUTE),
            a_station("AC 2", State.LOST),
            a_station("AC-3"),
        )
    )

    assert [s["identity"] for s in document["needs_person"]] == ["AC 2", "AC-1"]
    assert document["needs_person"][0]["command"] == "migrate explain 'AC 2'"


def test_what_failed_is_grouped_by_profile_and_reason_most_frequent_first() -> None:
    refused = [a_station(f"AC-{n}", State.FAILED, reason="Rejected") for n in range(3)]

    document = progress_document(standing(a_station("AC-9", State.REVERTED, reason="half-way"), *refused))

    assert [(s["reason"], s["stations"]) for s in document["setbacks"]] == [("Rejected", 3), ("half-way", 1)]


def test_what_many_stations_refused_is_told_once_though_each_refusal_names_its_station() -> None:
    names = ("AC-1", "AC-10", "A+C (1)")
    refused = [a_station(n, State.FAILED, reason=f"{n} refused Url (Rejected); put off to {n}.") for n in names]

    document = progress_document(standing(*refused))

    told = [(s["reason"], s["stations"]) for s in document["setbacks"]]
    assert told == [("The station refused Url (Rejected); put off to the station.", 3)]


def test_reasons_too_many_to_be_told_singly_are_still_counted() -> None:
    stations = [a_station(f"AC-{n}", State.FAILED, reason=f"reason {n:02}") for n in range(23)]

    document = progress_document(standing(*stations, a_station("AC-99", State.REVERTED, reason="zz")))

    assert sum(s["stations"] for s in document["setbacks"]) == 24
    assert document["setbacks"][-2:] == [
        {"state": "failed", "profile": None, "reason": "other reasons, each rarer", "stations": 3},
        {"state": "reverted", "profile": None, "reason": "other reasons, each rarer", "stations": 1},
    ]


def test_deferrals_tell_the_earliest_due_time_of_each_reason() -> None:
    busy = {"state": State.DEFERRED, "deferral": Deferral.BUSY}

    document = progress_document(
        standing(
            a_station("AC-1", **busy, due_at=AT + 9 * MINUTE),
            a_station("AC-2", **busy, due_at=AT + 5 * MINUTE),
        )
    )

    assert document["deferrals"] == [{"reason": "busy", "stations": 2, "next_due_at": "2026-11-20T01:05:00.000Z"}]


def test_lab_and_synthetic_fleets_are_marked() -> None:
    marks = progress_document(standing(a_station(synthetic=True), lab=True, notices=("a drill",)))["marks"]

    assert marks == {"lab": True, "synthetic_stations": 1, "notices": ["a drill"]}


def test_a_wave_that_waits_behind_open_gates_is_a_decision() -> None:
    waves = (
        WaveStanding(number=0, state=WaveState.OPEN, totals={State.SETTLED: 1}, ruling=OPEN, size=1),
        WaveStanding(number=1, state=WaveState.WAITING, totals={State.PLANNED: 7}, ruling=OPEN, size=7),
        WaveStanding(number=2, state=WaveState.WAITING, totals={State.PLANNED: 9}, ruling=OPEN, size=9),
    )

    decisions = progress_document(standing(a_station(), waves=waves))["decisions"]

    assert [d["command"] for d in decisions] == ["migrate plan approve a3f9 --wave 1"]


# ── the curve ───────────────────────────────────────────────────────────────


def test_the_curve_counts_a_station_once_and_takes_it_back_when_it_leaves_the_target() -> None:
    events = [
        moved("AC-1", "confirmed", 1),
        moved("AC-2", "confirmed", 2),
        moved("AC-1", "settled", 3),
        moved("AC-2", "departed", 4),
        moved("AC-2", "confirmed", 5),
    ]

    points = [(p.confirmed, p.settled) for p in count(events)]

    assert points == [(1, 0), (2, 0), (2, 1), (1, 1), (2, 1)]


def test_a_rollback_is_no_progress_and_takes_its_station_back_when_it_settles() -> None:
    opened = Event(kind=EventKind.ATTEMPT_OPENED, at=AT, identity="AC-1", attempt="AC-1#2", data={"direction": "back"})
    events = [
        moved("AC-1", "settled", 1),
        StoredEvent(seq=2, writer="w", link=2, event=opened, hash=""),
        moved("AC-1", "confirmed", 3, "AC-1#2"),
        moved("AC-1", "settled", 4, "AC-1#2"),
    ]

    points = [(p.confirmed, p.settled) for p in count(events, backward_attempts(events))]

    assert points == [(1, 1), (0, 0)]


def test_the_curve_ends_in_the_standing_itself() -> None:
    facts = standing(a_station("AC-1"), a_station("AC-2", State.CONFIRMED))

    points = progress_document(facts, events=[moved("AC-1", "confirmed", 1), moved("AC-1", "settled", 2)])["series"][
        "points"
    ]

    assert points[0] == {"at": "2026-11-20T01:00:00.000Z", "confirmed": 0, "settled": 0}
    assert points[-1] == {"at": "2026-11-20T01:10:00.000Z", "confirmed": 2, "settled": 1}


@given(st.integers(min_value=1, max_value=60 * 60 * 24 * 400))
def test_a_curve_of_any_length_stays_readable(seconds: int) -> None:
    end = Point(at=AT + timedelta(seconds=seconds), confirmed=1, settled=0)

    drawn = series([Point(at=AT, confirmed=1, settled=0)], start=AT, end=end)

    assert len(drawn.points) <= 50
    assert drawn.points[-1] == end


def test_a_day_without_settling_counts_as_zero_in_the_campaigns_own_days() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    late = Point(at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC), confirmed=4, settled=4)  # the 21st in Amsterdam

    daily = settled_per_day([late], first=date(2026, 11, 20), last=date(2026, 11, 22), zone=zone)

    assert daily == [0, 4, 0]


# ── the forecast ────────────────────────────────────────────────────────────

TODAY = date(2026, 12, 1)


def test_nine_days_give_no_date() -> None:
    assert forecast([5] * 9, remaining=50, today=TODAY).outlook is Outlook.NOT_ENOUGH_DATA


def test_ten_even_days_give_the_date_that_arithmetic_gives() -> None:
    outlook = forecast([5] * 10, remaining=50, today=TODAY, switch_off=date(2026, 12, 12))

    assert (outlook.outlook, outlook.p50, outlook.p95) == (Outlook.FORECAST, date(2026, 12, 11), date(2026, 12, 11))
    assert outlook.chance == 1.0


def test_a_switch_off_on_the_very_day_of_finishing_is_missed() -> None:
    assert forecast([5] * 10, remaining=50, today=TODAY, switch_off=date(2026, 12, 11)).chance == 0.0


def test_a_pace_that_broke_gives_no_date() -> None:
    outlook = forecast([5, 5, 6, 5, 5, 6, 5, 5, 6, 60], remaining=500, today=TODAY)

    assert outlook.outlook is Outlook.UNSTABLE
    assert outlook.p50 is None


def test_days_without_any_settling_give_no_date() -> None:
    assert forecast([0] * 12, remaining=5, today=TODAY).outlook is Outlook.NOT_ENOUGH_DATA


def test_uneven_days_spread_the_dates() -> None:
    outlook = forecast([2, 8, 3, 9, 2, 7, 4, 8, 3, 9], remaining=100, today=TODAY)

    assert outlook.p50 is not None
    assert outlook.p85 is not None
    assert outlook.p95 is not None
    assert TODAY < outlook.p50 <= outlook.p85 <= outlook.p95


def test_nothing_left_needs_no_forecast() -> None:
    assert forecast([], remaining=0, today=TODAY).outlook is Outlook.DONE


# ── the light ───────────────────────────────────────────────────────────────

DONE = forecast([], remaining=0, today=TODAY)


def _shut_wave() -> WaveStanding:
    return WaveStanding(
        number=1,
        state=WaveState.SHUT,
        totals={},
        ruling=Ruling(verdict=Verdict.SHUT, reasons=(Reason(text="2 lost"),)),
    )


@pytest.mark.parametrize(
    ("facts", "colour"),
    [
        pytest.param(standing(a_station()), Colour.GREEN, id="all well"),
        pytest.param(standing(a_station(state=State.PLANNED)), Colour.GREY, id="not begun"),
        pytest.param(standing(a_station(), a_station("b", State.LOST)), Colour.AMBER, id="one lost"),
        pytest.param(standing(a_station(), a_station("b", State.STUCK)), Colour.AMBER, id="one stuck"),
        pytest.param(standing(a_station(), mode=Mode.PAUSED), Colour.AMBER, id="paused"),
        pytest.param(standing(a_station(), mode=Mode.HALTED), Colour.RED, id="halted"),
        pytest.param(standing(a_station(), waves=(_shut_wave(),)), Colour.RED, id="gate shut"),
        pytest.param(standing(a_station(), incidents=(Incident(at=AT, title="x"),)), Colour.AMBER, id="incident open"),
        pytest.param(
            standing(a_station(), incidents=(Incident(at=AT, title="x", ended_at=AT),)),
            Colour.GREEN,
            id="incident over",
        ),
    ],
)
def test_the_worst_condition_that_applies_sets_the_light(facts: Standing, colour: Colour) -> None:
    assert judge(facts, DONE).colour is colour


@pytest.mark.parametrize(("failed", "colour"), [(1, Colour.GREEN), (2, Colour.AMBER)])
def test_setbacks_count_above_one_in_twenty_and_never_at_it(failed: int, colour: Colour) -> None:
    good = [a_station(f"g{n}") for n in range(20 - failed)]
    bad = [a_station(f"b{n}", State.FAILED) for n in range(failed)]

    assert judge(standing(*good, *bad), DONE).colour is colour


@pytest.mark.parametrize(
    ("day", "colour"), [(date(2026, 12, 11), Colour.RED), (date(2026, 12, 12), Colour.GREEN)], ids=["missed", "met"]
)
def test_the_legacy_switch_off_turns_the_light(day: date, colour: Colour) -> None:
    outlook = forecast([5] * 10, remaining=50, today=TODAY, switch_off=day)

    assert judge(standing(a_station()), outlook).colour is colour


@pytest.mark.parametrize("day", [AT.date(), AT.date() - timedelta(days=3)], ids=["today", "days ago"])
def test_a_switch_off_that_has_come_is_red_however_little_data_there_is(day: date) -> None:
    document = progress_document(standing(a_station(), a_station("b", State.PLANNED)), switch_off=day)

    assert document["forecast"]["outlook"] == "not enough data"
    assert document["light"]["colour"] == "red"
    assert document["light"]["grounds"] == [
        f"The legacy switch-off is more likely missed than met. ({day} has come with 1 still to settle)"
    ]
    assert document["decisions"][0]["text"].startswith(f"The switch-off of {day} has come with 1 still to settle")


def test_a_switch_off_that_has_come_with_nobody_left_is_no_miss() -> None:
    assert progress_document(standing(a_station()), switch_off=AT.date())["light"]["colour"] == "green"


def test_what_was_stopped_alone_puts_the_campaign_at_risk() -> None:
    document = progress_document(standing(a_station()), stopped=Stopped(profiles={"acme": 2}))

    assert document["light"]["grounds"] == ["A model or a profile was stopped alone. (1 stopped)"]


def test_the_light_tells_its_grounds_and_every_other_condition_too() -> None:
    light = progress_document(standing(a_station(), a_station("b", State.LOST)))["light"]

    assert light["grounds"] == ["A station is stuck or lost. (1 of 2)"]
    assert len(light["conditions"]) == 9
