"""How an order is carried out at many stations: a few first, and nobody else once stations do not come back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from batches.finish_order import FinishOrder
from batches.finishing import Ended, Finished, Within
from migrate.domain.policy import GatePolicy
from migrate.domain.record import Attempt
from tests.batches.test_finishing import PLANNED, SETTLED


def reached(*names: str, sites: int = 0, profile: str = "acme") -> Within:
    planned = tuple(
        replace(PLANNED, identity=name, site=f"S{number % sites if sites else number}", profile=profile)
        for number, name in enumerate(names)
    )
    return Within(stations=planned, attempts=tuple(replace(SETTLED, identity=name) for name in names))


class Yard:
    """Stations that end as a test says; the others are done."""

    def __init__(self, **ends: Ended) -> None:
        self.ends, self.touched = ends, list[str]()
        self.at_work, self.most_at_work = set[str](), 0

    async def at(self, attempt: Attempt) -> Finished:
        self.touched.append(attempt.identity)
        self.at_work.add(attempt.identity)
        self.most_at_work = max(self.most_at_work, len(self.at_work))
        await asyncio.sleep(0)
        self.at_work.discard(attempt.identity)
        return Finished(identity=attempt.identity, ended=self.ends.get(attempt.identity, Ended.DONE))


async def carried_out(yard: Yard, found: Within, gate: GatePolicy | None = None) -> dict[str, Finished]:
    order = FinishOrder(gate or GatePolicy(), yard.at, lambda _: None)
    done = await order.carry_out(found)
    assert [one.identity for one in done] == [station.identity for station in found.stations]
    return {one.identity: one for one in done}


async def test_every_station_of_a_sound_order_is_reached_once() -> None:
    yard = Yard()

    done = await carried_out(yard, reached("A", "B", "C", "D", sites=2))

    assert sorted(yard.touched) == ["A", "B", "C", "D"]
    assert {one.ended for one in done.values()} == {Ended.DONE}


async def test_the_first_of_a_profile_goes_alone_and_one_that_does_not_come_back_stops_the_order() -> None:
    yard = Yard(A=Ended.MISSING)

    done = await carried_out(yard, reached("A", "B", "C"))

    assert yard.touched == ["A"]
    assert done["B"].ended is Ended.NOT_NOW
    assert "1 not back" in done["B"].detail


async def test_one_that_comes_back_in_another_way_than_it_was_told_stops_the_order_too() -> None:
    yard = Yard(A=Ended.UNPROVEN)

    await carried_out(yard, reached("A", "B"))

    assert yard.touched == ["A"]


async def test_more_refusals_than_are_allowed_stop_the_order_on_a_site_and_beside_it() -> None:
    yard = Yard(A=Ended.REFUSED, B=Ended.UNKNOWN)

    done = await carried_out(yard, reached("A", "B", "C", "D", sites=1), GatePolicy(max_failed=1))

    assert yard.touched == ["A", "B"]
    assert {done["C"].ended, done["D"].ended} == {Ended.NOT_NOW}


async def test_what_was_not_there_says_nothing_against_the_step() -> None:
    yard = Yard(A=Ended.NOT_NOW, B=Ended.NOT_NOW, C=Ended.NOT_NOW)

    await carried_out(yard, reached("A", "B", "C", "D", sites=1), GatePolicy(max_failed=0))

    assert yard.touched == ["A", "B", "C", "D"]


async def test_who_was_not_there_is_no_first_one() -> None:
    """The next in line goes first in its place, and it alone."""
    yard = Yard(A=Ended.NOT_NOW, B=Ended.MISSING)

    await carried_out(yard, reached("A", "B", "C", "D"))

    assert yard.touched == ["A", "B"]


async def test_nobody_goes_beside_another_before_one_of_its_profile_has_ended_well() -> None:
    """A password that the first one did not answer to is not sent to twenty others at once."""
    yard = Yard(A=Ended.UNKNOWN, B=Ended.REFUSED, **dict.fromkeys("CDEFGH", Ended.UNKNOWN))

    done = await carried_out(yard, reached(*"ABCDEFGH"), GatePolicy(max_failed=1))

    assert yard.touched == ["A", "B"]
    assert {done[name].ended for name in "CDEFGH"} == {Ended.NOT_NOW}


async def test_the_first_ones_of_several_profiles_are_never_away_from_one_site_together() -> None:
    yard = Yard()
    both = (reached("A", "B", sites=1), reached("X", "Y", sites=1, profile="other"))
    stations = tuple(station for found in both for station in found.stations)
    attempts = tuple(attempt for found in both for attempt in found.attempts)

    await carried_out(yard, Within(stations=stations, attempts=attempts))

    assert yard.most_at_work == 1


async def test_stations_of_one_site_are_never_away_together() -> None:
    yard = Yard()

    await carried_out(yard, reached("A", "B", "C", sites=1))

    assert yard.most_at_work == 1
