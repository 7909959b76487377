"""How fast a backend is worked on: full speed while it is well, slower while it is slow, not at all while it is stalled or unseen."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.pace import FULL, LOOK_EVERY_S, Hold, Pace, Pacer, next_pace
from migrate.domain.evidence import Side
from migrate.ports import Latency
from tests.doubles.clock import VirtualClock
from tests.doubles.journal import MemoryJournal
from tests.doubles.world import World

AT = datetime(2026, 11, 20, 1, tzinfo=UTC)
UNSLOWED = Pace(per_s=FULL.per_s)


def answers_in(median_s: float, *, at_s: float = 0.0, samples: int = 20) -> Latency:
    slowest_s = median_s * 3
    return Latency(median_s=median_s, slowest_s=slowest_s, samples=samples, at=AT + timedelta(seconds=at_s))


def after(*latencies: Latency | None, begin: Pace = UNSLOWED, used_per_s: float = 0.0, restarting: int = 0) -> Pace:
    pace = begin
    for latency in latencies:
        pace = next_pace(pace, latency, sees=True, used_per_s=used_per_s, restarting=restarting)
    return pace


# ── the decision ───────────────────────────────────────────────────────────


def test_a_slow_backend_halves_what_was_really_sent() -> None:
    pace = after(answers_in(4.1), used_per_s=8.0, restarting=30)

    assert (pace.per_s, pace.restarts, pace.hold) == (4.0, 15, None)
    assert pace.sentence(Side.TARGET) == "target answers in 4.1 s: 4 commands a second"


def test_nothing_is_held_against_a_backend_twice() -> None:
    once = after(answers_in(4.1))

    assert after(answers_in(4.1), begin=once) == once
    assert after(answers_in(4.1, at_s=2), begin=once).per_s == once.per_s / 2


def test_a_stalled_backend_is_left_alone_until_it_answers_again() -> None:
    stalled = after(answers_in(30.0))
    recovered = after(answers_in(0.1, at_s=2), begin=stalled)

    assert stalled.hold is Hold.STALLED
    assert stalled.sentence(Side.SOURCE) == "source answers in 30.0 s: nothing is sent until it recovers"
    assert recovered.hold is None
    assert stalled.per_s < recovered.per_s < FULL.per_s


def test_a_backend_that_nobody_can_see_is_left_alone_whatever_it_answered_last() -> None:
    pace = next_pace(UNSLOWED, answers_in(0.01), sees=False)

    assert pace.hold is Hold.BLIND
    assert "cannot be seen" in pace.sentence(Side.TARGET)


def test_one_slow_answer_says_nothing() -> None:
    assert after(answers_in(60.0, samples=FULL.few - 1)).per_s == FULL.per_s


def test_a_backend_between_calm_and_slow_keeps_its_pace() -> None:
    slowed = after(answers_in(4.0))

    assert after(answers_in((FULL.calm_s + FULL.slow_s) / 2, at_s=2), begin=slowed).per_s == slowed.per_s


LOOKS = st.none() | st.builds(answers_in, st.floats(0.0, 120.0), at_s=st.floats(0, 10_000), samples=st.integers(0, 64))


@given(st.lists(st.tuples(LOOKS, st.booleans(), st.floats(0, 500), st.integers(0, 500)), max_size=80))
def test_whatever_is_measured_the_pace_stays_between_its_bounds_and_the_same_looks_give_the_same_pace(
    looks: list[tuple[Latency | None, bool, float, int]],
) -> None:
    def walk() -> list[Pace]:
        paces = [UNSLOWED]
        for latency, sees, used, restarting in looks:
            paces.append(next_pace(paces[-1], latency, sees=sees, used_per_s=used, restarting=restarting))
        return paces

    paces = walk()

    assert paces == walk()
    assert all(FULL.least_per_s <= pace.per_s <= FULL.per_s for pace in paces)
    assert all(pace.restarts is None or pace.restarts >= 1 for pace in paces)
    assert all((pace.hold is Hold.BLIND) is not sees for pace, (_, sees, _, _) in zip(paces[1:], looks, strict=True))


@given(st.lists(LOOKS, max_size=30), st.none() | st.builds(answers_in, st.floats(0.0, 0.99)))
def test_a_backend_that_is_well_again_is_soon_worked_on_at_full_pace(
    looks: list[Latency | None], calm: Latency | None
) -> None:
    worst = after(*looks, used_per_s=3.0, restarting=9)

    pace = after(*[calm] * 20, begin=worst)

    assert (pace.per_s, pace.restarts, pace.hold) == (FULL.per_s, None, None)


@given(st.lists(st.none() | st.builds(answers_in, st.floats(0.0, 0.99), at_s=st.floats(0, 9999)), max_size=50))
def test_a_healthy_backend_is_never_slowed(looks: list[Latency | None]) -> None:
    pace = after(*looks, used_per_s=99.0, restarting=500)

    assert (pace.per_s, pace.restarts, pace.hold) == (FULL.per_s, None, None)


@given(st.floats(FULL.slow_s, 9.9), st.integers(1, 30))
def test_a_pace_never_grows_while_a_backend_is_slow(median_s: float, looks: int) -> None:
    paces = [UNSLOWED]
    for number in range(looks):
        paces.append(next_pace(paces[-1], answers_in(median_s, at_s=2 * number), sees=True, restarting=50))

    assert all(later.per_s <= earlier.per_s for earlier, later in itertools.pairwise(paces))


# ── the gate ───────────────────────────────────────────────────────────────


@pytest.fixture
async def world() -> World:
    return World(MemoryJournal(), VirtualClock())


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def turns(pacer: Pacer, count: int, *sides: Side, **more: bool) -> list[float]:
    """When each of so many commands, all wanted at once, was let through."""
    went: list[float] = []

    async def one() -> None:
        await pacer.turn(*sides, **more)
        went.append(now_s())

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
    return went


def answers(world: World, side: Side, median_s: float) -> None:
    """From now on this backend answers so quickly, and each look finds a fresh measurement."""

    class Fresh(dict[Side, Latency]):
        def get(self, asked: Side, default: Latency | None = None) -> Latency | None:  # type: ignore[override]
            return answers_in(median_s, at_s=now_s()) if asked is side else default

    world.latencies = Fresh()


async def test_two_hundred_commands_to_healthy_backends_go_out_within_a_second(world: World) -> None:
    went = await turns(Pacer(world, VirtualClock()), 200)

    assert max(went) <= 1.0


async def test_a_hundred_stations_are_never_restarted_at_once(world: World) -> None:
    went = await turns(Pacer(world, VirtualClock()), 100, restart=True)

    in_any_second = [sum(at <= other < at + 1 for other in went) for at in went]
    assert max(in_any_second[1:]) <= 2 * FULL.restarts_per_s
    assert 3 <= max(went) <= 5


async def test_commands_go_out_more_slowly_while_a_backend_is_slow(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    answers(world, Side.TARGET, 4.1)

    went = await turns(pacer, 300, Side.TARGET)

    lately = [second - first for first, second in itertools.pairwise(went[-5:])]
    assert min(lately) >= 1.0 / (FULL.per_s / 16)
    assert went == sorted(went)


async def test_the_other_backend_is_worked_on_at_full_pace_meanwhile(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    answers(world, Side.TARGET, 4.1)

    went = await turns(pacer, 50, Side.SOURCE)

    assert max(went) <= 1.0


async def test_restarts_wait_for_those_under_way_while_a_backend_is_slow(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    await turns(pacer, 8, restart=True)
    answers(world, Side.TARGET, 4.1)
    await asyncio.sleep(LOOK_EVERY_S)

    went = await turns(pacer, 1, restart=True)

    assert went[0] >= 60.0


async def test_nothing_is_begun_on_a_stalled_backend_and_the_sentence_says_why(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    answers(world, Side.TARGET, 30.0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(600):
            await pacer.turn(Side.TARGET)

    assert pacer.slowed == {Side.TARGET: "target answers in 30.0 s: nothing is sent until it recovers"}
    assert pacer.stops() == pacer.slowed[Side.TARGET]
    assert pacer.stops(Side.SOURCE) == ""


async def test_one_that_waited_goes_on_when_the_backend_can_be_seen_again(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    world.seeing.discard(Side.TARGET)
    asyncio.get_running_loop().call_later(100, world.seeing.add, Side.TARGET)

    went = await turns(pacer, 1)

    assert 100 <= went[0] <= 100 + LOOK_EVERY_S


async def test_undoing_is_paced_and_never_held(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    world.seeing.clear()
    waiting = asyncio.create_task(pacer.turn())

    went = await turns(pacer, 10, Side.SOURCE, undoing=True)

    assert max(went) <= 1.0
    assert not waiting.done()
    waiting.cancel()


async def test_who_waits_for_one_backend_holds_up_nobody_at_the_other(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    world.seeing.discard(Side.TARGET)
    waiting = asyncio.create_task(pacer.turn(restart=True))
    await asyncio.sleep(1)

    went = await turns(pacer, 10, Side.SOURCE, restart=True)

    assert max(went) <= 2
    assert not waiting.done()
    waiting.cancel()


async def test_one_that_gives_up_waiting_leaves_the_line(world: World) -> None:
    pacer = Pacer(world, VirtualClock())
    world.seeing.discard(Side.TARGET)
    first = asyncio.create_task(pacer.turn(Side.TARGET))
    await asyncio.sleep(1)

    first.cancel()
    world.seeing.add(Side.TARGET)
    went = await turns(pacer, 1, Side.TARGET)

    assert went[0] <= 10
    assert not pacer.slowed


async def test_a_drill_hurries_its_backends_as_much_as_its_stations(world: World) -> None:
    class Hurried(VirtualClock):
        def real_s(self, duration: timedelta) -> float:
            return super().real_s(duration) / 30

    slow = replace(FULL, per_s=1.0, least_per_s=1.0)

    went = await turns(Pacer(world, Hurried(), limits=slow), 31)

    assert max(went) == pytest.approx(29 / 30)
