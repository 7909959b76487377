"""Who may be in flight beside whom, and the time that no conductor can beat."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.schedule import Admission, floor_s, model_of, permits, site_limits
from migrate.domain.attempt import IN_FLIGHT, TABLE, Fact, State, advance
from migrate.domain.policy import Caps, Share
from migrate.domain.profile import Method, Rollback
from migrate.domain.wave import PlannedStation


def planned(
    identity: str, *, site: str = "", kind: str = "alfen|ng910|6.1", connectors: int = 1, apn: str = ""
) -> PlannedStation:
    return PlannedStation(
        identity=identity,
        wave=1,
        batch=1,
        profile="alfen",
        method=Method.CHANGE_CONFIGURATION,
        rollback=Rollback.REMOTE,
        site=site or f"station:{identity}",
        kind=kind,
        connectors=connectors,
        apn=apn,
    )


def admission(stations: list[PlannedStation], caps: Caps) -> Admission:
    line = Admission(caps, site_limits(stations, caps))
    line.offer(stations)
    return line


def names(stations: tuple[PlannedStation, ...]) -> list[str]:
    return [s.identity for s in stations]


def test_stations_start_in_plan_order_up_to_the_cap() -> None:
    line = admission([planned(c) for c in "DACB"], Caps(stations=2))

    assert names(line.admit()) == ["D", "A"]
    assert names(line.admit()) == []
    line.release("A")
    assert names(line.admit()) == ["C"]


def test_stations_that_load_over_one_bandwidth_wait_before_anything_is_begun_and_hold_up_nobody_else() -> None:
    loading = [replace(planned(f"F{n}", apn="iot", site=f"s{n}"), method=Method.FIRMWARE) for n in range(3)]
    line = admission([*loading, planned("K", apn="iot")], Caps(loading=2))
    by_site = admission(loading, Caps(loading=2, loading_by_site=True))

    assert names(line.admit()) == ["F0", "F1", "K"]
    line.release("F0")
    assert names(line.admit()) == ["F2"]
    assert names(by_site.admit()) == ["F0", "F1", "F2"]


def test_a_station_whose_site_is_taken_does_not_hold_up_those_behind_it() -> None:
    stations = [planned("A", site="depot"), planned("B", site="depot"), planned("C")]
    line = admission(stations, Caps())

    assert names(line.admit()) == ["A", "C"]
    line.release("A")
    assert names(line.admit()) == ["B"]


@pytest.mark.parametrize(
    ("connectors", "limit"),
    [
        ([1], 1),
        ([1, 1], 1),
        ([1, 1, 1], 1),
        ([1, 1, 1, 1], 2),
        ([2, 2, 2, 2], 2),
        ([1, 1, 4], 1),
        ([2, 2, 2, 2, 1], 2),
        ([0], 1),
    ],
    ids=str,
)
def test_half_of_a_sites_connectors_may_be_away_and_always_one_station(connectors: list[int], limit: int) -> None:
    stations = [planned(f"S{n}", site="mall", connectors=c) for n, c in enumerate(connectors)]

    assert site_limits(stations, Caps(per_site_share=Share(0.5))) == {"mall": limit}


def test_a_site_may_have_one_station_in_flight_even_when_no_share_is_allowed() -> None:
    stations = [planned("A", site="mall"), planned("B", site="mall")]
    line = admission(stations, Caps(per_site_share=Share(0.0)))

    assert names(line.admit()) == ["A"]


def test_a_model_is_counted_over_all_its_firmware() -> None:
    stations = [
        planned("A", kind="alfen|ng910|6.1"),
        planned("B", kind="alfen|ng910|5.8"),
        planned("C", kind="keba|p30|1"),
    ]
    line = admission(stations, Caps(per_model=1))

    assert names(line.admit()) == ["A", "C"]
    assert model_of("a|b|c|1.0") == "a|b|c"


def test_stations_behind_one_apn_are_counted_together_and_those_without_one_are_not() -> None:
    stations = [planned("A", apn="iot.nl"), planned("B", apn="iot.nl"), planned("C"), planned("D")]

    assert names(admission(stations, Caps(per_apn=1)).admit()) == ["A", "C", "D"]


def test_the_journal_is_asked_for_the_same_places_that_admission_counts() -> None:
    station = planned("A", site="mall", apn="iot.nl")

    scopes = {p.scope: p.limit for p in permits(station, Caps(), {"mall": 3})}

    assert scopes == {"global": 200, "model:alfen|ng910": 100, "site:mall": 3, "apn:iot.nl": 100}


def test_a_station_offered_twice_starts_once() -> None:
    mall = [planned(c, site="mall") for c in "ABCD"]  # two of them may be in flight, but not one of them twice
    line = Admission(Caps(), site_limits(mall, Caps()))
    line.offer([mall[0], mall[0]])

    assert names(line.admit()) == ["A"]
    line.offer([mall[0]])
    assert names(line.admit()) == []


def test_a_station_may_come_again_once_its_places_are_released_however_often_that_is_said() -> None:
    mall = [planned(c, site="mall") for c in "ABCD"]
    line = admission(mall, Caps())
    line.admit()

    line.release("A")
    line.release("A")
    line.offer([mall[0]])

    assert names(line.admit()) == ["C"]
    assert line.in_flight == {"B", "C"}


def test_a_station_that_was_withdrawn_does_not_start_and_blocks_nobody() -> None:
    stations = [planned("A", site="mall"), planned("B", site="mall"), planned("C", site="mall")]
    line = admission(stations, Caps())
    line.admit()

    line.withdraw("B")
    line.release("A")

    assert names(line.admit()) == ["C"]
    assert line.waiting == 0


caps_strategy = st.builds(
    Caps,
    stations=st.integers(1, 8),
    per_model=st.integers(1, 4),
    per_apn=st.integers(1, 4),
    per_site_share=st.sampled_from([Share(0.0), Share(0.3), Share(0.5), Share(1.0)]),
)


def mixed(count: int, dice: random.Random) -> list[PlannedStation]:
    return [
        planned(
            f"S{n}",
            site=dice.choice(["", "mall", "depot", "pier"]),
            kind=f"alfen|m{dice.randrange(3)}|{dice.randrange(2)}",
            apn=dice.choice(["", "one", "two"]),
            connectors=dice.randrange(1, 4),
        )
        for n in range(count)
    ]


def plain_scan(
    line: list[PlannedStation], flying: list[PlannedStation], caps: Caps, limits: dict[str, int]
) -> list[PlannedStation]:
    """The rule in its plainest form: in plan order, whoever fits."""
    taken = Counter(p.scope for s in flying for p in permits(s, caps, limits))
    started = []
    for station in line:
        places = permits(station, caps, limits)
        if all(taken[p.scope] < p.limit for p in places):
            taken.update(p.scope for p in places)
            started.append(station)
    return started


@settings(max_examples=150, deadline=None)
@given(caps_strategy, st.integers(1, 60), st.randoms(use_true_random=False))
def test_admission_does_what_a_scan_of_the_whole_line_would_do(caps: Caps, count: int, dice: random.Random) -> None:
    stations = mixed(count, dice)
    limits = site_limits(stations, caps)
    line, waiting, flying = Admission(caps, limits), list(stations), list[PlannedStation]()
    line.offer(stations)

    while waiting or flying:
        expected = plain_scan(waiting, flying, caps, limits)
        assert list(line.admit()) == expected
        waiting = [s for s in waiting if s not in expected]
        flying += expected
        for station in dice.sample(flying, dice.randint(1, len(flying))):
            flying.remove(station)
            line.release(station.identity)
        if waiting and dice.random() < 0.2:
            line.withdraw(waiting.pop(dice.randrange(len(waiting))).identity)


def test_no_station_is_twice_in_flight_and_no_cap_exceeded_in_a_hundred_thousand_random_steps() -> None:
    dice = random.Random(20261120)
    caps = Caps(stations=12, per_model=6, per_apn=5, per_site_share=Share(0.3))
    stations = mixed(80, dice)
    limits = site_limits(stations, caps)
    line = Admission(caps, limits)
    by_name = {s.identity: s for s in stations}
    states = dict.fromkeys(by_name, State.PLANNED)
    flying: set[str] = set()
    line.offer(stations)
    seen: Counter[State] = Counter()

    for _ in range(100_000):
        for station in line.admit():
            assert station.identity not in flying
            flying.add(station.identity)
            states[station.identity] = advance(states[station.identity], Fact.CHECKS_PASSED)
        _caps_hold([by_name[i] for i in flying], caps, limits)
        identity = dice.choice(sorted(flying)) if flying else dice.choice(sorted(by_name))
        states[identity] = _a_step(states[identity], dice)
        seen[states[identity]] += 1
        if identity in flying and states[identity] not in IN_FLIGHT:
            flying.remove(identity)
            line.release(identity)
            states[identity] = State.PLANNED  # a new attempt
            line.offer([by_name[identity]])
        assert flying == line.in_flight

    assert set(seen) >= IN_FLIGHT - {State.CHECKED}


def _a_step(state: State, dice: random.Random) -> State:
    row = TABLE[state]
    return row[dice.choice(sorted(row))] if row and state in IN_FLIGHT else state


def _caps_hold(flying: list[PlannedStation], caps: Caps, limits: dict[str, int]) -> None:
    assert len(flying) <= caps.stations
    assert max(Counter(model_of(s.kind) for s in flying).values(), default=0) <= caps.per_model
    assert max(Counter(s.apn for s in flying if s.apn).values(), default=0) <= caps.per_apn
    assert all(n <= limits[site] for site, n in Counter(s.site for s in flying).items())


def test_the_floor_is_the_list_schedule_of_the_plan_order() -> None:
    wave = [planned(c) for c in "ABCD"]
    durations = {"A": 10.0, "B": 4.0, "C": 3.0, "D": 5.0}

    assert floor_s([wave], durations, Caps(stations=2)) == 12.0  # A 0-10, B 0-4, C 4-7, D 7-12
    assert floor_s([wave[:2], wave[2:]], durations, Caps(stations=2)) == 15.0


def test_the_floor_leaves_visits_out() -> None:
    assert floor_s([[planned("A"), planned("visit")]], {"A": 10.0}, Caps(stations=1)) == 10.0
    assert floor_s([[planned("visit")], []], {}, Caps()) == 0


def test_stations_of_one_site_queue_up_in_the_floor_too() -> None:
    wave = [planned(c, site="mall") for c in "AB"]

    assert floor_s([wave], {"A": 10.0, "B": 5.0}, Caps()) == 15.0


@settings(max_examples=100, deadline=None)
@given(caps_strategy, st.integers(1, 40), st.randoms(use_true_random=False))
def test_no_floor_lies_below_what_the_caps_leave_possible(caps: Caps, count: int, dice: random.Random) -> None:
    stations = mixed(count, dice)
    durations = {s.identity: dice.uniform(1, 100) for s in stations}

    floor = floor_s([stations], durations, caps)

    assert floor >= max(durations.values())
    assert floor >= sum(durations.values()) / caps.stations - 1e-6
    assert floor <= sum(durations.values()) + 1e-6


def test_the_floor_of_ten_thousand_stations_that_fight_for_places_needs_few_looks() -> None:
    dice = random.Random(7)
    stations = [
        planned(f"S{n}", kind=f"v|m{dice.randrange(3)}|1", site=f"site{dice.randrange(40)}") for n in range(10_000)
    ]
    durations = {s.identity: dice.lognormvariate(3.8, 0.6) for s in stations}
    line = CountingAdmission(Caps(stations=50, per_model=10), site_limits(stations, Caps()))

    line.offer(stations)
    while line.waiting:
        for station in line.admit():
            line.release(station.identity)

    assert line.looks < 100_000  # a scan of the whole line at every release would need fifty million
    assert floor_s([stations], durations, Caps(stations=50, per_model=10)) > sum(durations.values()) / 50


class CountingAdmission(Admission):
    """Counts how often it considers a station."""

    looks = 0

    def _start(self, station: PlannedStation) -> str | None:
        self.looks += 1
        return super()._start(station)
