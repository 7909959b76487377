"""When a station may be touched: by the clock on the wall of its site."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.window import closes_at, is_open, next_opening
from migrate.domain.policy import Daily, Freeze, Windows

AMSTERDAM = "Europe/Amsterdam"


def nights(begin: str, end: str, *freeze: Freeze, timezone: str = AMSTERDAM) -> Windows:
    daily = Daily(begin=time.fromisoformat(begin), end=time.fromisoformat(end))
    return Windows(daily=daily, freeze=freeze, timezone=timezone)


def wall(text: str, timezone: str = AMSTERDAM, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=fold)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("00:59:59.999999", False), ("01:00", True), ("04:59:59.999999", True), ("05:00", False), ("13:00", False)],
)
def test_a_window_includes_its_first_moment_and_not_its_last(shown: str, expected: bool) -> None:
    assert is_open(nights("01:00", "05:00"), "", wall(f"2026-11-20T{shown}")) is expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("21:59:59", False), ("22:00", True), ("23:59:59", True), ("00:00", True), ("03:59:59", True), ("04:00", False)],
)
def test_a_window_may_span_midnight(shown: str, expected: bool) -> None:
    assert is_open(nights("22:00", "04:00"), "", wall(f"2026-11-20T{shown}")) is expected


def test_the_window_is_told_by_the_clock_of_the_site_and_not_of_the_campaign() -> None:
    at = wall("2026-11-20T02:00")

    assert is_open(nights("01:00", "05:00"), "", at)
    assert not is_open(nights("01:00", "05:00"), "America/New_York", at)


def test_a_window_whose_ends_are_equal_lasts_the_whole_day() -> None:
    whole = nights("03:00", "03:00")

    assert is_open(whole, "", wall("2026-11-20T14:00"))
    assert closes_at(whole, "", wall("2026-11-20T14:00")) is None


def test_a_station_in_a_time_zone_that_nobody_knows_is_never_touched() -> None:
    at = wall("2026-11-20T02:00")

    for nowhere in ("Mars/Olympus", "../../etc/passwd", "\ud800", "a\x00b", "Europe"):
        assert not is_open(Windows(), nowhere, at)
        assert next_opening(Windows(), nowhere, at) is None


CHRISTMAS = Freeze(first=date(2026, 12, 24), last=date(2026, 12, 27))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-12-23T23:59:59", True),
        ("2026-12-24T00:00:00", False),
        ("2026-12-27T23:59:59", False),
        ("2026-12-28T00:00:00", True),
    ],
)
def test_a_freeze_covers_its_first_and_its_last_day_whole(at: str, expected: bool) -> None:
    assert is_open(Windows(freeze=(CHRISTMAS,), timezone=AMSTERDAM), "", wall(at)) is expected


def test_a_freeze_begins_at_the_midnight_of_the_site() -> None:
    at = wall("2026-12-24T00:30")  # still the 23rd in New York

    assert not is_open(Windows(freeze=(CHRISTMAS,), timezone=AMSTERDAM), "", at)
    assert is_open(Windows(freeze=(CHRISTMAS,), timezone=AMSTERDAM), "America/New_York", at)


def test_a_night_that_runs_into_a_freeze_ends_at_midnight() -> None:
    windows = nights("22:00", "04:00", CHRISTMAS)

    assert closes_at(windows, "", wall("2026-12-23T23:00")) == wall("2026-12-24T00:00")
    assert next_opening(windows, "", wall("2026-12-24T00:00")) == wall("2026-12-28T00:00")


def test_a_freeze_months_ahead_is_when_an_endless_window_closes() -> None:
    windows = Windows(freeze=(CHRISTMAS,), timezone=AMSTERDAM)

    assert closes_at(windows, "", wall("2026-06-01T12:00")) == wall("2026-12-24T00:00")


def test_overlapping_freezes_are_leapt_over_together() -> None:
    windows = nights(
        "01:00", "05:00", CHRISTMAS, Freeze(first=date(2026, 12, 26), last=date(2029, 1, 1)), timezone=AMSTERDAM
    )

    assert next_opening(windows, "", wall("2026-12-25T00:00")) == wall("2029-01-02T01:00")


def test_a_freeze_without_end_never_opens() -> None:
    windows = nights("01:00", "05:00", Freeze(first=date(2026, 1, 1), last=date.max))

    assert next_opening(windows, "", wall("2026-12-25T00:00")) is None


def test_a_window_that_is_open_opens_now() -> None:
    at = wall("2026-11-20T02:00")

    assert next_opening(nights("01:00", "05:00"), "", at) == at


# In Amsterdam the clock springs from 02:00 to 03:00 on 2026-03-29 and falls from 03:00 to 02:00 on 2026-10-25.


def test_a_window_inside_the_skipped_hour_does_not_open_that_night() -> None:
    windows = nights("02:15", "02:45")

    assert next_opening(windows, "", wall("2026-03-28T12:00")) == wall("2026-03-30T02:15")


def test_a_window_whose_first_minutes_are_skipped_opens_when_the_clock_springs() -> None:
    windows = nights("02:30", "05:00")

    opening = next_opening(windows, "", wall("2026-03-28T12:00"))

    assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # the first moment that shows 03:00
    assert closes_at(windows, "", opening) == datetime(2026, 3, 29, 3, 0, tzinfo=UTC)


def test_a_window_that_ends_in_the_skipped_hour_closes_when_the_clock_springs() -> None:
    windows = nights("01:00", "02:30")

    assert closes_at(windows, "", wall("2026-03-29T01:30")) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    windows = nights("02:00", "03:00")

    assert next_opening(windows, "", wall("2026-10-24T12:00")) == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert closes_at(windows, "", wall("2026-10-25T02:30")) == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)


def test_a_window_that_ends_in_the_doubled_hour_opens_again_for_its_second_coming() -> None:
    windows = nights("01:00", "02:30")
    first_end = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert closes_at(windows, "", wall("2026-10-25T01:30")) == first_end
    assert next_opening(windows, "", first_end) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


ZONES = ["Europe/Amsterdam", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia", "UTC"]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Europe springs forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Europe falls back
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # Sao Paulo skips its midnight
    datetime(2018, 2, 18, 2, tzinfo=UTC),  # and doubles the hour before it
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe moves by half an hour
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia skips a whole day
]
moments = st.one_of(
    st.datetimes(datetime(2011, 12, 1), datetime(2027, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
    st.builds(lambda at, s: at + timedelta(seconds=s), st.sampled_from(CHANGES), st.integers(-180_000, 90_000)),
)
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
windows_strategy = st.builds(
    lambda begin, end, first, days: Windows(
        daily=Daily(begin=begin, end=end),
        freeze=(Freeze(first=first, last=first + timedelta(days=days)),),
    ),
    times,
    times,
    st.dates(date(2011, 12, 1), date(2027, 1, 1)),
    st.integers(0, 40),
)


@settings(max_examples=300, deadline=None)
@given(windows_strategy, st.sampled_from(ZONES), moments)
def test_the_next_opening_is_open_and_nothing_before_it_was(windows: Windows, zone: str, at: datetime) -> None:
    opening = next_opening(windows, zone, at)

    assert opening is not None
    assert opening >= at
    assert is_open(windows, zone, opening)
    for part in range(12):
        earlier = at + (opening - at) * part / 12
        assert earlier == opening or not is_open(windows, zone, earlier)


@settings(max_examples=300, deadline=None)
@given(windows_strategy, st.sampled_from(ZONES), moments)
def test_until_it_closes_a_window_stays_open(windows: Windows, zone: str, at: datetime) -> None:
    opening = next_opening(windows, zone, at)
    assert opening is not None

    closing = closes_at(windows, zone, opening)

    until = closing or opening + timedelta(days=60)
    assert closing is None or not is_open(windows, zone, closing)
    for part in range(12):
        assert is_open(windows, zone, opening + (until - opening) * part / 12)


@settings(max_examples=60, deadline=None)
@given(windows_strategy, st.sampled_from(ZONES), moments)
def test_no_opening_is_missed_minute_by_minute(windows: Windows, zone: str, at: datetime) -> None:
    at = at.replace(second=0, microsecond=0)
    opening = next_opening(windows, zone, at)
    assert opening is not None

    minutes = (at + timedelta(minutes=n) for n in range(2 * 24 * 60))
    first = next((m for m in minutes if is_open(windows, zone, m)), None)

    assert first is None or first == opening
