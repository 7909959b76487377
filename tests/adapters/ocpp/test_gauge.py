"""How quickly a CSMS answers its stations: what is timed, what is not, and what one that stopped answering looks like."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.gauge import EVERY_S, FEW, FRESH_S, GIVE_UP_S, KEPT, MAX_OPEN, Gauge, timed_id
from migrate.domain.evidence import Side
from tests.adapters.ocpp.wire import PATIENCE_S, Field

AT = datetime(2026, 11, 20, 1, tzinfo=UTC)


class Clock:
    """Loop time and campaign time, side by side."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.s)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gauge(clock: Clock) -> Gauge:
    return Gauge(clock.now)


def answer(gauge: Gauge, clock: Clock, *took_s: float) -> None:
    for number, took in enumerate(took_s):
        gauge.asked(number, clock.s)
        clock.s += took
        gauge.answered(number, clock.s)


def test_the_figure_is_of_the_answers_that_were_timed(gauge: Gauge, clock: Clock) -> None:
    answer(gauge, clock, 0.1, 0.3, 0.2)

    latency = gauge.latency(clock.s)

    assert latency is not None
    assert (latency.median_s, latency.slowest_s, latency.samples, latency.at) == (0.2, 0.3, 3, clock.now())


def test_of_a_backend_that_nobody_has_asked_lately_nothing_is_known(gauge: Gauge, clock: Clock) -> None:
    never = gauge.latency(clock.s)
    answer(gauge, clock, 5.0)
    clock.s += FRESH_S + 1

    assert never is None
    assert gauge.latency(clock.s) is None


def test_a_backend_that_stopped_answering_does_not_look_quick(gauge: Gauge, clock: Clock) -> None:
    answer(gauge, clock, *[0.01] * 4)
    for caller in range(10, 20):
        gauge.asked(caller, clock.s)
    clock.s += 12

    latency = gauge.latency(clock.s)

    assert latency is not None
    assert latency.median_s == 12
    assert latency.at == clock.now()


def test_a_call_that_is_never_answered_is_given_up(gauge: Gauge, clock: Clock) -> None:
    for caller in range(MAX_OPEN):
        gauge.asked(caller, clock.s)
    full = gauge.asked("one too many", clock.s)
    clock.s += GIVE_UP_S + 1

    assert not full
    assert gauge.asked("later", clock.s)
    assert gauge.latency(clock.s) is None


def test_a_session_is_timed_again_once_its_unanswered_call_was_given_up(gauge: Gauge, clock: Clock) -> None:
    gauge.asked("s1", clock.s)
    while_open = gauge.asked("s1", clock.s + 5)
    clock.s += GIVE_UP_S + 1
    gauge.latency(clock.s)

    assert not while_open
    assert gauge.asked("s1", clock.s)


def test_the_end_of_a_session_is_no_slow_answer(gauge: Gauge, clock: Clock) -> None:
    gauge.asked("s1", clock.s)
    gauge.forget("s1")
    clock.s += 30

    assert gauge.latency(clock.s) is None


def test_slow_welcomes_count_as_much_as_slow_answers_and_a_single_one_does_not(gauge: Gauge, clock: Clock) -> None:
    answer(gauge, clock, *[0.02] * 5)
    gauge.welcomed(8.0, clock.s)
    one = gauge.latency(clock.s)
    for _ in range(FEW - 1):
        gauge.welcomed(8.0, clock.s)
    several = gauge.latency(clock.s)

    assert one is not None
    assert several is not None
    assert (one.median_s, one.slowest_s, several.median_s) == (0.02, 8.0, 8.0)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=200))
def test_however_many_are_timed_only_the_last_are_kept(times: list[float]) -> None:
    clock = Clock()
    gauge = Gauge(clock.now)
    for took in times:
        gauge.asked("s", 0.0)
        gauge.answered("s", took)

    latency = gauge.latency(0.0)

    assert latency is not None
    assert latency.samples == min(len(times), KEPT)
    assert latency.slowest_s == pytest.approx(max(times[-KEPT:]), abs=0.001)


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        (b'[2,"17","Heartbeat",{}]', "17"),
        (b' [ 2 , "a b" , "StatusNotification" , {}]', "a b"),
        (b'[2,"17","StartTransaction",{}]', ""),
        (b'[3,"17","Heartbeat"]', ""),
        (b'[2,"","Heartbeat",{}]', ""),
        (b"\xff\x00", ""),
    ],
)
def test_only_calls_that_a_csms_answers_by_itself_are_timed(text: bytes, id_: str) -> None:
    assert timed_id(text) == id_


# ── in the relay ───────────────────────────────────────────────────────────


async def measured(field: Field, samples: int) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while (latency := field.relay.latency()) is None or latency.samples < samples:
            await asyncio.sleep(0.001)
    return latency


async def test_the_relay_times_what_the_csms_takes_and_passes_every_byte(field: Field) -> None:
    answers, thought_s, waited_s = [], [], []
    now_s = asyncio.get_running_loop().time
    for number in range(4):
        began_s = now_s()
        station, csms = await field.pair(f"AC{number}")
        station.say(2, "7", "Heartbeat", {})
        await csms.hear()
        heard_s = now_s()
        await asyncio.sleep(0.1)  # the CSMS thinks
        thought_s.append(now_s() - heard_s)
        csms.say(3, "7", {"currentTime": "2026-11-20T01:00:00.000Z"})
        answers.append(await station.hear())
        waited_s.append(now_s() - began_s)

    latency = await measured(field, FEW)

    least_s, most_s = round(min(thought_s), 3), round(max(waited_s), 3)  # as the figures are, to the millisecond
    assert least_s <= latency.median_s <= latency.slowest_s <= most_s  # however slow the machine
    assert answers == [[3, "7", {"currentTime": "2026-11-20T01:00:00.000Z"}]] * 4


async def test_an_answer_with_another_id_or_of_a_station_ends_no_timing(field: Field) -> None:
    station, csms = await field.pair()
    station.say(2, "7", "Heartbeat", {})
    await csms.hear()
    csms.say(3, "8", {})
    await station.hear()
    before = field.relay.latency()

    station.leave()
    await csms.is_gone()

    assert before is not None
    assert before.samples == 1  # the welcome
    assert field.relay.latency() == before


async def test_a_storm_is_timed_a_few_times_a_second(field: Field) -> None:
    station, csms = await field.pair()
    began_s = asyncio.get_running_loop().time()
    for number in range(200):
        station.say(2, str(number), "Heartbeat", {})
        csms.say(3, str((await csms.hear())[1]), {})
        await station.hear()
    lasted_s = asyncio.get_running_loop().time() - began_s

    latency = field.relay.latency()

    assert latency is not None
    assert 1 <= latency.samples <= lasted_s / EVERY_S + 2


async def test_a_lab_is_no_backend_and_has_no_latency(field_with: Any) -> None:
    field = await field_with(upstream="lab", side=Side.TARGET)
    station = await field.station()
    station.say(2, "7", "Heartbeat", {})
    await station.hear()

    assert field.relay.latency() is None
