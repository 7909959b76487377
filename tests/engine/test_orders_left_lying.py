"""An order whose giver dies between opening its attempts and putting them off, while a run is up."""

from __future__ import annotations

from datetime import timedelta

from batches.ordered import Order
from tests.doubles.rehearsal import Rehearsal

A_LOOK = timedelta(minutes=1)


async def test_a_run_that_is_up_sees_the_batch_of_an_order_that_was_left_half_given() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()

        async with rehearsal.process() as campaign:
            await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2", is_killed_half_way=True)
            await rehearsal.clock.sleep(A_LOOK)
            lying = campaign.lying()

        batches = {a.batch for a in await rehearsal.journal.attempts(identities={"AC1", "AC2"})}
        assert lying == batches


async def test_an_order_that_was_given_whole_lies_nowhere() -> None:
    async with Rehearsal.of(2) as rehearsal:
        await rehearsal.run()

        async with rehearsal.process() as campaign:
            await rehearsal.send_order(Order.ROLLBACK, "AC1", "AC2")
            await rehearsal.clock.sleep(timedelta(hours=4))
            lying = campaign.lying()

        assert lying == set()


async def test_stations_of_a_wave_that_wait_for_their_start_lie_nowhere() -> None:
    async with Rehearsal.of(2) as rehearsal, rehearsal.process() as campaign:
        await campaign.steps.open_wave("c", 0)

        assert campaign.lying() == set()
