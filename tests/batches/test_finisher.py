"""A step after the move at one station, in a world in which drivers and orders come between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from batches.errand import Fence
from batches.finisher import Boots, Finisher, Ordered
from batches.finishing import Ended, Finished, ways_lost
from migrate.domain.attempt import State
from migrate.domain.errors import Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Write
from migrate.domain.wave import Mode
from migrate.domain.ways import Finish
from tests.doubles.scene import ACME, Scene
from tests.doubles.world import World, WorldChannel

RAISES = replace(ACME, finish={Finish.RAISE_SECURITY: (Write(key="SecurityProfile", value="2"),)})
HOLDS = {"BackendUrl": "ws://new.example/ocpp", "SecurityProfile": "1"}


class Eventful(WorldChannel):
    """The target's way to stations, on which something happens after a read or a write; values wait for a restart."""

    def __init__(
        self,
        world: World,
        *,
        after_read: Callable[[], Awaitable[None]] | None = None,
        after_write: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(world, Side.TARGET)
        self._after_read, self._after_write = after_read, after_write

    async def read(self, identity: str, keys: object, *, max_keys: int | None = None) -> dict[str, str | None]:
        held = await super().read(identity, keys, max_keys=max_keys)  # type: ignore[arg-type]
        if self._after_read:
            await self._after_read()
        return dict(held)

    async def write(self, identity: str, key: str, value: str) -> str:
        await super().write(identity, key, value)
        if self._after_write:
            await self._after_write()
        return "RebootRequired"


async def finished(scene: Scene, channel: Eventful) -> Finished:
    ordered = Ordered(step=Finish.RAISE_SECURITY, by="ann", reason="change 4711")
    fence = Fence(batch="", epoch=0, control=await scene.journal.control())
    finisher = Finisher(ordered, scene.errand, replace(scene.ports, target=channel), fence, Boots())
    return await finisher.finish(scene.attempt)


async def test_a_driver_who_plugs_in_after_the_write_is_not_cut_off_by_the_restart() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:

        async def plugs_in() -> None:
            scene.station.charging.add(1)

        ended = await finished(scene, Eventful(scene.world, after_write=plugs_in))

        assert scene.world.sent("Reset") == []
        assert ended.ended is Ended.UNKNOWN
        assert "charges" in ended.detail


async def test_the_restart_that_a_driver_has_put_off_is_made_up_for_by_the_next_order() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:

        async def plugs_in() -> None:
            scene.station.charging.add(1)

        await finished(scene, Eventful(scene.world, after_write=plugs_in))
        scene.station.charging.clear()
        await finished(scene, Eventful(scene.world))

        assert len(scene.world.sent("Write")) == 1
        assert len(scene.world.sent("Reset")) == 1


@pytest.mark.parametrize(
    "death", [asyncio.CancelledError(), Unreachable("It did not answer.", identity="AC1", sent=True)]
)
async def test_a_write_whose_answer_nobody_kept_is_followed_by_its_restart_with_the_next_order(
    death: BaseException,
) -> None:
    """It shows its new value and has not restarted: whether it uses it nobody knows, so it is not said to be done."""
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:

        async def dies() -> None:
            raise death

        with suppress(asyncio.CancelledError):
            await finished(scene, Eventful(scene.world, after_write=dies))
        again = await finished(scene, Eventful(scene.world))

        assert len(scene.world.sent("Write")) == 1
        assert len(scene.world.sent("Reset")) == 1
        assert again.ended is not Ended.ALREADY


async def test_a_one_way_step_is_in_the_journal_before_its_first_write() -> None:
    """Killed between the two, it would be taken back to a source that does not know its password."""
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:

        async def dies() -> None:
            raise asyncio.CancelledError

        with suppress(asyncio.CancelledError):
            await finished(scene, Eventful(scene.world, after_write=dies))

        assert list(ways_lost(line.event for line in scene.journal.lines)) == ["AC1"]


async def test_a_step_that_writes_nothing_takes_no_way_back() -> None:
    raised = HOLDS | {"SecurityProfile": "2"}
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=raised) as scene:
        await finished(scene, Eventful(scene.world))

        assert ways_lost(line.event for line in scene.journal.lines) == {}


async def test_a_driver_who_plugs_in_during_the_look_is_not_disturbed_by_a_write() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:

        async def plugs_in() -> None:
            scene.station.charging.add(1)

        ended = await finished(scene, Eventful(scene.world, after_read=plugs_in))

        assert scene.world.sent() == []
        assert ended.ended is Ended.NOT_NOW


async def test_a_halt_between_the_write_and_the_restart_stops_the_restart() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:
        ended = await finished(scene, Eventful(scene.world, after_write=lambda: scene.order(Mode.HALTED)))

        assert scene.world.sent("Reset") == []
        assert ended.ended is Ended.UNKNOWN


async def test_a_station_that_leaves_during_the_look_is_told_nothing() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:
        ended = await finished(scene, Eventful(scene.world, after_read=lambda: scene.world.leave(scene.station)))
        await scene.passes(seconds=timedelta(minutes=1).total_seconds())

        assert scene.world.sent() == []
        assert ended.ended is Ended.NOT_NOW


async def test_a_restart_that_is_refused_after_the_write_leaves_the_way_back_in_doubt() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:
        scene.station.device.verdicts["Reset"] = "Rejected"

        ended = await finished(scene, Eventful(scene.world))

        assert ended.ended is Ended.UNKNOWN
        assert "Rejected" in ended.detail
        assert list(ways_lost(line.event for line in scene.journal.lines)) == ["AC1"]


async def test_a_step_whose_first_write_is_refused_has_taken_nothing() -> None:
    async with Scene.of(RAISES, state=State.SETTLED, side=Side.TARGET, values=HOLDS) as scene:
        scene.station.device.verdicts["SecurityProfile"] = "Rejected"

        ended = await finished(scene, Eventful(scene.world))

        assert ended.ended is Ended.REFUSED
        assert ways_lost(line.event for line in scene.journal.lines) == {}
