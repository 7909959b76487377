"""What a kind was seen to do, how it is counted, and when it overrules the profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.flavour import ENOUGH, STEPS_S, Count, Flavour, Lapse, Shown, Spread, Trait, measured, patient
from migrate.domain.policy import Timeouts
from migrate.domain.profile import Quirks, Timing

counts = st.builds(Count, yes=st.integers(0, 500), no=st.integers(0, 500))


def a_flavour(*, lapses: dict[Lapse, Spread] | None = None, max_keys: int | None = None, **traits: Count) -> Flavour:
    return Flavour(
        vendor="Acme",
        model="AC22",
        firmware="4.2",
        stations=3,
        traits={Trait[name]: replace(count, stations=min(count.of, 3)) for name, count in traits.items()},
        lapses=lapses or {},
        max_keys=max_keys,
    )


def spread(*seconds: float) -> Spread:
    found = Spread()
    for one in seconds:
        found = found.plus(one)
    return found


@given(counts)
def test_one_observation_to_the_contrary_is_never_rounded_away(count: Count) -> None:
    assert (count.shown is Shown.MIXED) is bool(count.yes and count.no)
    assert (count.shown is Shown.UNKNOWN) is (count.of == 0)


@pytest.mark.parametrize("refusals", [ENOUGH, 50])
def test_a_kind_that_never_followed_a_trigger_is_not_asked_again(refusals: int) -> None:
    quirks = measured(Quirks(triggers_boot=True), a_flavour(ANSWERS_TRIGGER=Count(no=refusals)))

    assert not quirks.triggers_boot


@pytest.mark.parametrize(
    "seen", [Count(), Count(no=ENOUGH - 1), Count(yes=1, no=40)], ids=["nothing", "too little", "mixed"]
)
def test_what_is_scarce_or_mixed_leaves_the_profile_its_word(seen: Count) -> None:
    for says in (True, False):
        profile = Quirks(triggers_boot=says, boots_on_reconnect=says)

        assert measured(profile, a_flavour(ANSWERS_TRIGGER=seen, BOOT_AFTER_LINK_LOSS=seen)) == profile


def test_a_kind_that_boots_by_itself_is_waited_for_whatever_its_profile_says() -> None:
    quirks = measured(Quirks(boots_on_reconnect=False), a_flavour(BOOT_AFTER_LINK_LOSS=Count(yes=ENOUGH)))

    assert quirks.boots_on_reconnect


@pytest.mark.parametrize(
    ("profiles", "seen", "taken"), [(None, 4, 4), (30, 4, 4), (4, 30, 4), (20, None, 20), (None, None, None)]
)
def test_the_page_of_keys_only_gets_smaller(profiles: int | None, seen: int | None, taken: int | None) -> None:
    assert measured(Quirks(max_keys=profiles), a_flavour(max_keys=seen)).max_keys == taken


def test_one_sick_station_that_was_asked_often_speaks_for_itself_alone() -> None:
    refusals = Count(no=40, stations=1)
    of_many = Flavour(vendor="A", model="B", firmware="1", stations=50, traits={Trait.ANSWERS_TRIGGER: refusals})

    assert measured(Quirks(triggers_boot=True), of_many).triggers_boot
    assert not measured(Quirks(triggers_boot=True), replace(of_many, stations=1)).triggers_boot


def test_what_nobody_measured_changes_nothing() -> None:
    quirks, timing = Quirks(notes=("as written",)), Timing(appear=timedelta(minutes=3))

    assert measured(quirks, None) == quirks
    assert patient(timing, Timeouts(), None) == timing


def test_a_kind_that_stays_away_for_long_is_waited_for_longer() -> None:
    away = spread(*[1100.0] * 19, 30.0)

    timing = patient(
        Timing(), Timeouts(appear=timedelta(minutes=20)), a_flavour(lapses={Lapse.AWAY_AFTER_CHANGE: away})
    )

    assert timing.appear == timedelta(seconds=1100 * 1.5)
    assert timing.settle is None


def test_one_that_boots_late_is_still_asked_before_its_deadline() -> None:
    late, timeouts = spread(590.0, 590.0, 590.0), Timeouts(settle=timedelta(seconds=60), arrive=timedelta(minutes=20))

    timing = patient(Timing(), timeouts, a_flavour(lapses={Lapse.CONNECT_TO_BOOT: late}))

    assert timing.settle == timeouts.arrive / 4


@given(
    st.lists(st.floats(0, 5000), max_size=30),
    st.none() | st.integers(1, 3600),
    st.integers(1, 3600),
    st.sampled_from([Lapse.AWAY_AFTER_CHANGE, Lapse.CONNECT_TO_BOOT]),
)
def test_what_was_measured_never_shortens_a_deadline(
    seen: list[float], own_s: int | None, policys_s: int, lapse: Lapse
) -> None:
    own, policys = timedelta(seconds=own_s) if own_s else None, timedelta(seconds=policys_s)
    timeouts = Timeouts(appear=policys, settle=policys)

    timing = patient(Timing(appear=own, settle=own), timeouts, a_flavour(lapses={lapse: spread(*seen)}))

    for after in (timing.appear, timing.settle):
        assert (after or policys) >= (own or policys)


@given(st.lists(st.floats(0, 100_000), min_size=1, max_size=60), st.integers(1, 100))
def test_so_many_of_a_hundred_truly_took_no_longer(seconds: list[float], percent: int) -> None:
    found = spread(*seconds)

    limit = found.within_s(percent)

    assert found.count == len(seconds)
    assert (found.least_s, found.most_s) == (min(seconds), max(seconds))
    assert limit <= found.most_s
    assert sum(one <= limit for one in seconds) * 100 >= percent * len(seconds)


def test_a_spread_takes_the_same_room_for_one_as_for_ten_thousand() -> None:
    assert len(spread(*range(10_000)).classes) == len(spread(1.0).classes) == len(STEPS_S) + 1
