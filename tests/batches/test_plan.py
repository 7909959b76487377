"""What a plan promises to the operator who approves it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.findings import Severity, difference, findings, projected_finish
from batches.plan import Fit, is_stale, make_plan
from batches.schedule import site_limits
from migrate.domain.errors import PlanProblem
from migrate.domain.policy import Caps, Daily, Freeze, Policy, Share, Timeouts, WavePolicy, Windows
from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint
from migrate.domain.station import Lifecycle, Station
from migrate.domain.wave import Plan

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_profile(
    name: str, *, method: Method = Method.CHANGE_CONFIGURATION, rollback: Rollback = Rollback.REMOTE
) -> Profile:
    return Profile(
        name=name,
        title=name,
        selector=Selector(vendors=(name,)),
        method=method,
        rollback=rollback,
        turning_point=TurningPoint.RESTART,
        proof=Proof.SIMULATED,
    )


PROFILES = {name: a_profile(name) for name in ("alfen", "keba", "amina")} | {
    "abb": a_profile("abb", method=Method.VISIT, rollback=Rollback.VISIT),
    "growatt": a_profile("growatt", rollback=Rollback.IMPOSSIBLE),
}


def by_vendor(station: Station) -> Fit:
    return Fit(profile=PROFILES.get(station.vendor), reason="by vendor")


def plan_of(stations: Sequence[Station], policy: Policy | None = None, **changes: str) -> Plan:
    bound = {"catalogue_digest": "catalogue-1", "version": "0.1.0"} | changes
    return make_plan(stations, by_vendor, policy or Policy(), **bound)


def fleet(counts: Mapping[str, int], **same: object) -> list[Station]:
    return [
        Station(identity=f"{vendor}-{n:05}", vendor=vendor, model=f"m{n % 3}", **same)  # type: ignore[arg-type]
        for vendor, count in counts.items()
        for n in range(count)
    ]


def sized(*sizes: int | Share | None, canary: int = 2, batch: int = 250) -> Policy:
    return Policy(waves=WavePolicy(sizes=sizes, canary_per_profile=canary, batch_size=batch))


stations_strategy = st.lists(
    st.builds(
        Station,
        identity=st.text(min_size=1, max_size=6),
        vendor=st.sampled_from(["alfen", "keba", "amina", "abb", "growatt", "nobody"]),
        model=st.sampled_from(["a", "b", ""]),
        firmware=st.sampled_from(["1.0", "2|0", ""]),
        site_id=st.sampled_from(["", "depot", "mall", "pier"]),
        connectors=st.integers(1, 3),
        lifecycle=st.sampled_from(Lifecycle),
        hold=st.sampled_from(["", "", "", "festival until May"]),
        wave=st.sampled_from([None, None, None, None, 0, 1, 2, 5, -1]),
    ),
    unique_by=lambda s: s.identity,
    max_size=60,
)
policies_strategy = st.builds(
    lambda sizes, canary, batch: sized(*sizes, canary=canary, batch=batch),
    st.lists(st.one_of(st.integers(1, 30), st.sampled_from([Share(0.1), Share(0.25), Share(1.0), None])), max_size=5),
    st.integers(1, 4),
    st.integers(1, 10),
)


@settings(max_examples=150, deadline=None)
@given(stations_strategy, policies_strategy)
def test_every_station_is_in_the_plan_exactly_once(stations: list[Station], policy: Policy) -> None:
    plan = plan_of(stations, policy)

    placed = [s.identity for s in plan.stations] + [e.identity for e in plan.excluded]
    assert Counter(placed) == Counter(s.identity for s in stations)
    assert all(e.reason for e in plan.excluded)


@settings(max_examples=150, deadline=None)
@given(stations_strategy, policies_strategy)
def test_a_pin_is_honoured_or_the_station_is_left_alone(stations: list[Station], policy: Policy) -> None:
    plan = plan_of(stations, policy)

    pins = {s.identity: s.wave for s in stations if s.wave is not None}
    assert all(s.wave == pins.get(s.identity, s.wave) for s in plan.stations)
    assert [w.number for w in plan.waves] == list(range(len(plan.waves)))


@settings(max_examples=150, deadline=None)
@given(stations_strategy, policies_strategy)
def test_the_canary_holds_a_few_of_every_profile(stations: list[Station], policy: Policy) -> None:
    free = [replace(s, wave=None) for s in stations]

    plan = plan_of(free, policy)

    planned = Counter(s.profile for s in plan.stations)
    canary = Counter(s.profile for s in plan.waves[0].stations) if plan.waves else Counter()
    assert canary == {name: min(count, policy.waves.canary_per_profile) for name, count in planned.items()}


@settings(max_examples=150, deadline=None)
@given(stations_strategy, policies_strategy)
def test_waves_never_shrink_but_for_the_last_which_holds_what_is_left(stations: list[Station], policy: Policy) -> None:
    plan = plan_of([replace(s, wave=None) for s in stations], policy)

    sizes = [wave.size for wave in plan.waves]
    assert sizes[:-1] == sorted(sizes[:-1])
    assert len(sizes) < 2 or sizes[-1] >= sizes[-2] or any("no others are left" in n for n in plan.waves[-1].notes)


@settings(max_examples=100, deadline=None)
@given(stations_strategy, policies_strategy, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(stations: list[Station], policy: Policy, dice: random.Random) -> None:
    shuffled = list(stations)
    dice.shuffle(shuffled)

    assert plan_of(shuffled, policy) == plan_of(stations, policy)


@settings(max_examples=100, deadline=None)
@given(stations_strategy, policies_strategy)
def test_a_wave_keeps_within_the_share_of_every_site_or_says_so(stations: list[Station], policy: Policy) -> None:
    plan = plan_of([replace(s, wave=None) for s in stations], policy)

    limits = site_limits(plan.stations, policy.caps)
    for wave in plan.waves[1:-1]:
        over = {site for site, n in Counter(s.site for s in wave.stations).items() if n > limits[site]}
        assert not over or any("share of" in note for note in wave.notes)


def test_half_of_a_large_site_is_left_to_drivers_in_a_wave_that_can_do_without() -> None:
    mall = fleet({"alfen": 40}, site_id="mall")

    plan = plan_of([*mall, *fleet({"keba": 40})], sized(50, None))

    assert Counter(s.site for s in plan.waves[1].stations)["mall"] == 20
    assert plan.waves[1].size == 50
    assert plan.waves[1].notes == ()


def test_a_wave_that_needs_more_of_a_site_than_its_share_says_so() -> None:
    plan = plan_of([*fleet({"alfen": 40}, site_id="mall"), *fleet({"keba": 10})], sized(36, None))

    assert plan.waves[1].size == 36
    assert plan.waves[1].notes == ("the share of 1 site is exceeded: no other stations are left to fill the wave",)


@settings(max_examples=50, deadline=None)
@given(stations_strategy, policies_strategy)
def test_batches_count_from_one_and_none_is_larger_than_allowed(stations: list[Station], policy: Policy) -> None:
    plan = plan_of(stations, policy)

    for wave in plan.waves:
        batches = Counter(s.batch for s in wave.stations)
        assert set(batches) == set(range(1, wave.batches + 1))
        assert max(batches.values()) <= policy.waves.batch_size


def test_sizes_are_counts_and_shares_of_all_plannable_stations() -> None:
    plan = plan_of(fleet({"alfen": 100, "keba": 100}), sized(10, 20, Share(0.10), Share(0.25), None))

    assert [w.size for w in plan.waves] == [4, 10, 20, 20, 50, 96]


def test_a_wave_smaller_than_the_one_before_is_raised_to_it_and_says_so() -> None:
    plan = plan_of(fleet({"alfen": 100}), sized(20, Share(0.07), None))

    assert [w.size for w in plan.waves] == [2, 20, 20, 58]
    assert plan.waves[2].notes == ("raised from 7 to 20: never smaller than the wave before",)


def test_sizes_that_end_too_early_leave_the_remainder_to_a_last_wave_and_say_so() -> None:
    plan = plan_of(fleet({"alfen": 40}), sized(5, 10))

    assert [w.size for w in plan.waves] == [2, 5, 10, 23]
    assert "sizes end before" in plan.waves[3].notes[0]


def test_four_quarters_leave_nobody_over() -> None:
    plan = plan_of(fleet({"alfen": 51}), sized(*[Share(0.25)] * 4))

    assert sum(w.size for w in plan.waves) == 51
    assert len(plan.waves) == 5


def test_the_canary_takes_different_models_on_different_sites() -> None:
    stations = [
        Station(identity=f"A{n}", vendor="alfen", model=f"m{n % 2}", site_id=f"site{n // 5}") for n in range(20)
    ]

    canary = plan_of(stations).waves[0].stations

    assert len({s.kind for s in canary}) == 2
    assert len({s.site for s in canary}) == 2


def test_the_canary_prefers_stations_in_service_because_only_they_can_prove_something() -> None:
    stations = [
        Station(identity=f"A{n}", vendor="alfen", lifecycle=Lifecycle.IN_SERVICE if n > 7 else Lifecycle.OFFLINE)
        for n in range(10)
    ]

    assert {s.identity for s in plan_of(stations).waves[0].stations} == {"A8", "A9"}


def test_a_station_that_no_profile_fits_is_planned_as_a_visit_without_a_profile() -> None:
    plan = plan_of([Station(identity="X1", vendor="unheard of")])

    (station,) = plan.stations
    assert (station.profile, station.method, station.rollback) == ("", Method.VISIT, Rollback.VISIT)


@pytest.mark.parametrize(
    ("station", "reason"),
    [
        (Station(identity="X", hold=" court case "), "hold: court case"),
        (Station(identity="X", lifecycle=Lifecycle.WAREHOUSE), "lifecycle warehouse"),
        (Station(identity="X", lifecycle=Lifecycle.DECOMMISSIONED), "lifecycle decommissioned"),
        (Station(identity="X", wave=-1), "pinned to wave -1, the first wave is 0"),
        (Station(identity="X", wave=10**9), "pinned to wave 1000000000, but the waves end with 1"),
    ],
    ids=["hold", "warehouse", "decommissioned", "negative pin", "pin beyond the last wave"],
)
def test_a_station_left_alone_is_listed_with_its_reason(station: Station, reason: str) -> None:
    plan = plan_of([station, *fleet({"alfen": 3})])

    assert [(e.identity, e.reason) for e in plan.excluded] == [("X", reason)]


def test_a_fleet_pinned_past_the_canary_is_not_touched_at_all() -> None:
    plan = plan_of([replace(s, wave=1) for s in fleet({"alfen": 3})])

    assert plan.waves == ()
    assert {e.reason for e in plan.excluded} == {"pinned to wave 1, but no station is left for wave 0"}


def test_a_profile_whose_stations_are_all_pinned_to_later_waves_is_reported_as_without_canary() -> None:
    stations = [*fleet({"keba": 5}), Station(identity="A1", vendor="alfen", wave=1)]

    plan = plan_of(stations)

    assert plan.waves[0].notes == ("no canary of alfen: all of them are pinned to later waves",)
    assert any(f.severity is Severity.WARNING and "alfen" in f.text for f in findings(plan, Policy(), at=AT))


def test_the_same_identity_twice_is_refused_by_name() -> None:
    with pytest.raises(PlanProblem, match="'A1'"):
        plan_of([Station(identity="A1"), Station(identity="A1", vendor="keba")])


def test_an_empty_inventory_gives_an_empty_plan_and_a_finding() -> None:
    plan = plan_of([])

    assert plan.waves == ()
    assert [f.code for f in findings(plan, Policy(), at=AT)] == ["empty"]


CHANGED: dict[str, Plan] = {
    "a SIM in the inventory": plan_of(
        [
            *fleet({"alfen": 9}),
            Station(identity="Z", iccid="8931"),
        ]
    ),
    "another catalogue": plan_of([*fleet({"alfen": 9}), Station(identity="Z")], catalogue_digest="catalogue-2"),
    "another version": plan_of([*fleet({"alfen": 9}), Station(identity="Z")], version="0.2.0"),
    "another soak": plan_of(
        [*fleet({"alfen": 9}), Station(identity="Z")], replace(Policy(), gate=replace(Policy().gate, soak=timedelta(1)))
    ),
    "another site share": plan_of(
        [*fleet({"alfen": 9}), Station(identity="Z")], Policy(caps=Caps(per_site_share=Share(0.2)))
    ),
    "another freeze": plan_of(
        [*fleet({"alfen": 9}), Station(identity="Z")],
        Policy(windows=Windows(freeze=(Freeze(first=date(2026, 12, 24), last=date(2026, 12, 27)),))),
    ),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED.keys())
def test_a_plan_is_stale_once_what_it_was_made_from_has_changed(changed: Plan) -> None:
    plan = plan_of([*fleet({"alfen": 9}), Station(identity="Z")])

    assert is_stale(plan, changed)


def test_caps_and_timeouts_may_be_tightened_in_the_night_without_a_new_plan() -> None:
    stations = fleet({"alfen": 50, "keba": 9})
    tightened = Policy(caps=Caps(stations=3, per_model=1), timeouts=Timeouts(write=timedelta(seconds=5)))

    assert not is_stale(plan_of(stations), plan_of(stations, tightened))


def test_hostile_text_in_every_column_still_gives_a_plan() -> None:
    nasty = "\ud800\x1b[31m\u202e'; DROP TABLE--\x00|\n" + "9" * 300
    stations = [Station(identity=nasty, vendor=nasty, model=nasty, firmware=nasty, site_id=nasty, timezone=nasty)]

    plan = plan_of(stations)

    assert plan.stations[0].identity == nasty
    assert "unknown-timezone" in {f.code for f in findings(plan, Policy(), at=AT)}


def test_ten_thousand_stations_are_dealt_in_proportion() -> None:
    plan = plan_of(fleet({"alfen": 7000, "keba": 2900, "amina": 100}))

    fourth = Counter(s.profile for s in plan.waves[3].stations)
    assert plan.waves[3].size == 1000
    assert 690 <= fourth["alfen"] <= 710
    assert 8 <= fourth["amina"] <= 12


def test_one_way_steps_are_counted_with_the_sites_that_hold_nothing_else() -> None:
    plan = plan_of([*fleet({"growatt": 3}, site_id="depot"), *fleet({"alfen": 2, "abb": 1})])

    found = {f.code: f for f in findings(plan, Policy(), at=AT)}

    assert found["one-way"].count == 4
    assert "3 impossible, 1 visit" in found["one-way"].text
    assert found["one-way-site"].count == 3


def test_unmatched_stations_and_visits_are_told_apart() -> None:
    plan = plan_of(fleet({"nobody": 3, "abb": 2}))

    found = {f.code: f.count for f in findings(plan, Policy(), at=AT)}

    assert (found["unmatched"], found["visits"]) == (3, 2)


def test_a_window_that_never_opens_is_found_before_anyone_waits_for_it() -> None:
    forever = Policy(windows=Windows(freeze=(Freeze(first=date(2026, 1, 1), last=date.max),)))

    plan = plan_of(fleet({"alfen": 3}), forever)

    assert next((f.code, f.severity) for f in findings(plan, forever, at=AT)) == ("never-open", Severity.EXCLUDE)


def test_a_switch_off_that_the_pace_cannot_meet_is_found() -> None:
    policy = Policy(
        waves=WavePolicy(sizes=(10, None)),
        caps=Caps(stations=1),
        windows=Windows(daily=Daily(begin=time(1), end=time(2))),
        legacy_switch_off=date(2026, 11, 25),
    )
    plan = plan_of(fleet({"alfen": 100}), policy)  # twelve stations a night, and two soaks inside the hour: ten nights

    end = projected_finish(plan, policy, AT)

    assert end is not None
    assert end.date() == date(2026, 11, 30)
    assert "switch-off-too-near" in {f.code for f in findings(plan, policy, at=AT)}


def test_a_switch_off_far_away_is_no_finding() -> None:
    policy = Policy(legacy_switch_off=date(2027, 11, 25))

    assert "switch-off-too-near" not in {f.code for f in findings(plan_of(fleet({"alfen": 9}), policy), policy, at=AT)}


def test_the_difference_of_two_plans_names_each_station_that_moved() -> None:
    stations = fleet({"alfen": 3})
    held = [replace(stations[0], hold="festival"), *stations[1:], Station(identity="new", vendor="keba")]

    moved = {d.identity: (d.before, d.after) for d in difference(plan_of(stations), plan_of(held))}

    assert moved[stations[0].identity][1] == "excluded: hold: festival"
    assert moved["new"] == ("", "wave 0, keba, change_configuration")


def test_an_approval_holds_for_one_target_only() -> None:
    there, elsewhere = "ws://legacy.example/ocpp", "wss://elsewhere.example/ocpp"
    stations = fleet({"keba": 3})

    def bound_to(target: str) -> Plan:
        return make_plan(stations, by_vendor, Policy(), catalogue_digest="c", version="1", addresses=(there, target))

    assert is_stale(bound_to("wss://new.example/ocpp"), bound_to(elsewhere))


def test_another_telephone_number_makes_no_plan_stale_and_another_site_does() -> None:
    stations = fleet({"alfen": 3})
    called = [replace(s, contact_phone="+31 20 123 4567", notes="key at the desk") for s in stations]
    moved = [replace(s, site_id="mall") for s in stations]

    assert not is_stale(plan_of(stations), plan_of(called))
    assert is_stale(plan_of(stations), plan_of(moved))
