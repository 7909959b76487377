"""The byte-rate of a group: never above it over any ten seconds, nobody starves, pauses are made up for within it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from migrate.adapters.files.budget import SPARE, WINDOW_S, Budget

RATE = 10_000


class Hourglass:
    """Time that passes only where somebody sleeps, and a little more than asked for."""

    def __init__(self, late: random.Random | None = None) -> None:
        self.now_s = 100.0
        self._late = late

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self._late:
            self.now_s += self._late.choice([0.0, 0.001, 0.02, 0.3, 3.0])


def worst_window(given: list[tuple[float, int]]) -> int:
    """The most bytes in any stretch of ten seconds, both ends included."""
    return max(sum(n for at, n in given if began <= at <= began + WINDOW_S) for began, _ in given)


@pytest.mark.parametrize("seed", range(5))
async def test_no_ten_seconds_hold_more_than_ten_seconds_are_worth_however_late_the_loop_is(seed: int) -> None:
    dice = random.Random(seed)
    clock = Hourglass(dice)
    budget, given = Budget(RATE, clock, clock.sleep), []

    for _ in range(600):
        await budget.take(count := dice.randint(1, budget.chunk))
        given.append((clock.now_s, count))

    assert worst_window(given) <= RATE * WINDOW_S


async def test_what_is_made_up_for_after_a_pause_counts_in_its_ten_seconds() -> None:
    clock = Hourglass()
    budget, given = Budget(RATE, clock, clock.sleep), []
    clock.now_s += 60  # nobody loads anything

    while clock.now_s < 200:
        await budget.take(budget.chunk)
        given.append((clock.now_s, budget.chunk))

    assert worst_window(given) <= RATE * WINDOW_S


async def test_all_of_it_is_given_out_within_a_tenth_of_bytes_by_rate() -> None:
    clock = Hourglass()
    budget, began = Budget(RATE, clock, clock.sleep), clock.now_s

    for _ in range(1000):
        await budget.take(budget.chunk)

    assert clock.now_s - began <= 1000 * budget.chunk / RATE * 1.1


async def test_a_pause_of_ours_is_made_up_for_a_second_at_most() -> None:
    clock = Hourglass()
    budget = Budget(RATE, clock, clock.sleep)
    await budget.take(1)
    clock.now_s += 3600
    began, taken = clock.now_s, 0

    while clock.now_s == began:
        await budget.take(100)
        taken += 100

    assert taken <= RATE * SPARE + 200


async def test_who_waits_longest_is_next_so_that_no_station_starves() -> None:
    budget = Budget(2_000_000, asyncio.get_running_loop().time)
    served = Counter[int]()

    async def load(station: int) -> None:
        for _ in range(20):
            await budget.take(1000)
            served[station] += 1
            assert max(served.values()) - min((served[i] for i in range(5)), default=0) <= 2

    await asyncio.gather(*(load(i) for i in range(5)))

    assert set(served.values()) == {20}


async def test_a_station_that_gives_up_waiting_takes_nothing_and_holds_nobody_up() -> None:
    budget = Budget(1_000, asyncio.get_running_loop().time)
    waiting = asyncio.create_task(budget.take(1_000))
    await asyncio.sleep(0)

    waiting.cancel()
    ended: Any = await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(20):
        await budget.take(10)

    assert isinstance(ended[0], asyncio.CancelledError)
