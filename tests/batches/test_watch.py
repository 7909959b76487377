"""The watch: what happens to stations that no batch holds, from a soak to a find after days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batches.watch import Watch
from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side
from migrate.domain.record import Attempt, EventKind, move
from migrate.domain.wave import Deferral
from tests.doubles.clock import EPOCH
from tests.doubles.scene import NEW, UNIT, Scene, an_attempt


class Post:
    """A watch over one station, fed by the world as the engine feeds it."""

    def __init__(self, scene: Scene, *, planned: bool = True) -> None:
        self.scene, self.world = scene, scene.world
        self.dispatched: list[Attempt] = []
        self.may_start = True
        self.is_planned = planned
        self.watch = Watch(
            scene.ports,
            lambda attempt: scene.errand if self.is_planned else None,
            lambda identity: an_attempt(identity=identity) if self.is_planned else None,
            lambda _: self.may_start,
            self._dispatch,
        )

    async def _dispatch(self, attempts: Sequence[Attempt]) -> None:
        self.dispatched += attempts

    async def passes(self, **time: float) -> None:
        """Let time pass, with a look every ten seconds."""
        end = self.scene.clock.now() + timedelta(**time)
        while self.scene.clock.now() < end:
            await self.scene.passes(seconds=min(10.0, (end - self.scene.clock.now()).total_seconds()))
            await self.watch.tick()

    async def newest(self) -> Attempt:
        return await self.scene.newest()

    @property
    def path(self) -> list[str]:
        return self.scene.path


@asynccontextmanager
async def a_post(state: State, *, side: Side | None = Side.TARGET, **more: Any) -> AsyncIterator[Post]:
    attempt = {"confirmed_at": EPOCH if state in (State.CONFIRMED, State.SETTLED) else None} | more.pop("attempt", {})
    async with Scene.of(state=state, side=side, booted=more.pop("booted", False), attempt=attempt, **more) as scene:
        post = Post(scene)
        after = await post.watch.catch_up()
        looking = asyncio.ensure_future(look_out(scene, post, after))
        await asyncio.sleep(0.001)
        try:
            yield post
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


async def look_out(scene: Scene, post: Post, after: int) -> None:
    """What the engine does with a sighting that no driver takes."""
    async for sighting in scene.world.sightings(after=after):
        await post.watch.see(sighting)


# ── soak ───────────────────────────────────────────────────────────────────


async def test_a_confirmed_station_settles_when_its_soak_has_passed_and_not_before() -> None:
    async with a_post(State.CONFIRMED) as post:
        await post.passes(minutes=29, seconds=50)
        assert post.path == []

        await post.passes(seconds=20)

        assert post.path == ["settled"]
        assert (await post.newest()).evidence is Grade.E4


async def test_a_soak_that_nobody_watched_is_none() -> None:
    """A laptop that slept, or a clock set forward: the station may have come and gone ten times meanwhile."""
    async with a_post(State.CONFIRMED) as post:
        await post.passes(minutes=5)
        await post.scene.passes(hours=3)
        await post.passes(minutes=1)
        assert post.path == []

        await post.passes(minutes=25)

        assert post.path == ["settled"]


async def test_the_time_for_which_the_goal_could_not_be_seen_is_no_soak() -> None:
    async with a_post(State.CONFIRMED) as post:
        post.world.seeing.discard(Side.TARGET)
        await post.passes(hours=2)
        post.world.seeing.add(Side.TARGET)
        await post.passes(minutes=5)
        assert post.path == []

        await post.passes(minutes=27)

        assert post.path == ["settled"]


async def test_a_source_that_was_switched_off_holds_up_no_soak() -> None:
    async with a_post(State.CONFIRMED) as post:
        post.world.seeing.discard(Side.SOURCE)
        await post.passes(minutes=31)

        assert post.path == ["settled"]


async def test_a_station_with_a_rival_session_does_not_settle() -> None:
    async with a_post(State.CONFIRMED) as post:
        post.world.rivals["AC1"] = 1
        await post.passes(hours=2)
        assert post.path == []

        post.world.rivals["AC1"] = 0
        await post.passes(seconds=20)

        assert post.path == ["settled"]


@pytest.mark.parametrize("state", [State.CONFIRMED, State.SETTLED])
async def test_a_station_gone_beyond_the_grace_time_departs_into_a_catch_up_batch(state: State) -> None:
    async with a_post(state) as post:
        await post.world.leave(post.scene.station)
        await post.passes(minutes=4, seconds=40)
        assert post.path == []

        await post.passes(minutes=1)

        assert post.path == ["departed"]
        assert [a.batch.split(".")[0] for a in post.dispatched] == ["catch-up"]
        assert (await post.newest()).batch == post.dispatched[0].batch


async def test_a_blip_on_the_target_shorter_than_the_grace_time_is_no_departure() -> None:
    async with a_post(State.SETTLED) as post:
        await post.world.leave(post.scene.station)
        await post.passes(minutes=4)
        await post.world.connect(post.scene.station, Side.TARGET)
        await post.passes(hours=1)

        assert post.path == []


async def test_an_absence_that_nobody_can_see_is_no_departure() -> None:
    async with a_post(State.CONFIRMED) as post:
        post.world.seeing.discard(Side.TARGET)
        await post.world.leave(post.scene.station)
        await post.passes(hours=3)

        assert post.path == []


async def test_a_station_that_was_gone_before_anybody_looked_is_missed_at_its_soak() -> None:
    async with a_post(State.CONFIRMED, side=None) as post:
        await post.passes(hours=1)

        assert post.path == ["departed"]


@pytest.mark.parametrize("state", [State.CONFIRMED, State.SETTLED])
async def test_a_station_back_on_the_source_is_undone_by_a_catch_up_batch(state: State) -> None:
    async with a_post(state) as post:
        await post.passes(minutes=1)
        await post.world.move(post.scene.station, Side.SOURCE)
        await post.passes(seconds=10)

        assert post.path == ["undoing"]
        assert [a.state for a in post.dispatched] == [State.UNDOING]
        assert "returned to the source" in (await post.newest()).reason


# ── deferrals ──────────────────────────────────────────────────────────────


def put_off(why: Deferral, **due: float) -> dict[str, Any]:
    return {"deferral": why, "due_at": EPOCH + timedelta(**due), "reason": why.value}


async def test_a_deferral_that_is_due_is_dispatched_in_a_batch_of_its_own() -> None:
    async with a_post(State.DEFERRED, side=Side.SOURCE, attempt=put_off(Deferral.WINDOW, hours=2)) as post:
        await post.passes(hours=1, minutes=59)
        assert post.dispatched == []
        assert post.watch.next_due_at() == EPOCH + timedelta(hours=2)

        await post.passes(minutes=2)

        assert post.path == ["planned"]
        assert [a.wave for a in post.dispatched] == [0]
        assert post.watch.next_due_at() is None


async def test_a_due_station_waits_while_nobody_may_start() -> None:
    async with a_post(State.DEFERRED, side=Side.SOURCE, attempt=put_off(Deferral.BACKOFF, minutes=1)) as post:
        post.may_start = False
        await post.passes(hours=1)
        assert post.path == []

        post.may_start = True
        await post.passes(seconds=10)

        assert post.path == ["planned"]


async def test_a_busy_station_is_woken_when_its_driver_has_finished() -> None:
    async with a_post(State.DEFERRED, side=Side.SOURCE, attempt=put_off(Deferral.BUSY, hours=9)) as post:
        await post.world.stop_charging(post.scene.station)
        await post.passes(seconds=10)

        assert post.path == ["planned"]


async def test_an_offline_station_is_woken_when_it_connects() -> None:
    async with a_post(State.DEFERRED, side=None, attempt=put_off(Deferral.OFFLINE, hours=9)) as post:
        await post.world.connect(post.scene.station, Side.SOURCE)
        await post.passes(seconds=10)

        assert post.path == ["planned"]


@pytest.mark.parametrize("why", [Deferral.WINDOW, Deferral.BACKOFF, Deferral.MODEL_STOPPED])
async def test_nothing_that_a_station_does_opens_its_window_or_ends_its_back_off(why: Deferral) -> None:
    async with a_post(State.DEFERRED, side=None, attempt=put_off(why, hours=9)) as post:
        await post.world.connect(post.scene.station, Side.SOURCE)
        await post.world.stop_charging(post.scene.station)
        await post.passes(hours=1)

        assert post.path == []


async def test_a_station_put_off_for_fourteen_days_is_skipped_with_its_last_reason() -> None:
    late = {"opened_at": EPOCH - timedelta(days=14, minutes=1)}
    async with a_post(State.DEFERRED, side=None, attempt=put_off(Deferral.OFFLINE, minutes=1) | late) as post:
        await post.passes(minutes=2)

        assert post.path == ["skipped"]
        assert "offline" in (await post.newest()).reason
        assert post.dispatched == []


async def test_what_a_person_or_another_process_moved_is_learned_from_the_journal() -> None:
    async with a_post(State.DEFERRED, side=Side.SOURCE, attempt=put_off(Deferral.BUSY, minutes=5)) as post:
        change = move(await post.newest(), Fact.DUE, post.scene.clock.now())
        await post.scene.journal.commit(change)
        await post.passes(minutes=10)

        assert post.path == ["planned"]
        assert post.dispatched == []


# ── finds ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [State.VISITING, State.LOST, State.STUCK, State.DEFERRED])
async def test_a_proven_boot_on_the_target_confirms_whatever_was_thought_of_the_station(state: State) -> None:
    async with a_post(state, side=None) as post:
        await post.passes(hours=6)
        await post.world.connect(post.scene.station, Side.TARGET)
        await post.passes(seconds=1)
        await post.world.boot(post.scene.station, Side.TARGET)
        await post.passes(seconds=1)

        assert post.path[-1] == "confirmed" or post.dispatched[-1].state is State.ARRIVED


async def test_a_visit_is_closed_by_the_boot_and_by_nothing_less() -> None:
    async with a_post(State.VISITING, side=None) as post:
        await post.passes(hours=6)
        assert post.path == []

        await post.world.tell(
            "AC1", Side.TARGET, Kind.BOOT, answer="Accepted", facts=post.scene.station.facts, session="s9"
        )
        await post.passes(seconds=10)

        assert post.path == ["confirmed"]


async def test_a_lost_station_that_turns_up_on_the_source_is_undone_by_a_catch_up_batch() -> None:
    async with a_post(State.LOST, side=None) as post:
        await post.passes(hours=6)
        await post.world.connect(post.scene.station, Side.SOURCE)
        await post.passes(seconds=10)

        assert post.path == ["undoing"]
        assert post.dispatched[0].left


@pytest.mark.parametrize("state", [State.FAILED, State.REVERTED, State.SKIPPED])
async def test_a_station_that_had_ended_and_is_found_on_the_target_opens_a_new_attempt(state: State) -> None:
    async with a_post(state, side=None, attempt={"unit": UNIT, "tries": 2, "left": True}) as post:
        await post.passes(minutes=5)
        await post.world.connect(post.scene.station, Side.TARGET)
        await post.world.boot(post.scene.station, Side.TARGET)
        await post.passes(seconds=1)

        found = await post.newest()
        assert (found.number, found.id) == (2, "AC1#2")
        assert found.unit == ()
        opened = [e.event for e in post.scene.journal.lines if e.event.kind is EventKind.ATTEMPT_OPENED]
        assert opened[-1].data["reason"] == "found there"
        assert post.dispatched[0].identity == "AC1"


async def test_what_an_ended_station_did_before_its_end_opens_nothing() -> None:
    async with a_post(State.FAILED, side=None, attempt={"entered_at": EPOCH + timedelta(hours=1)}) as post:
        await post.world.connect(post.scene.station, Side.TARGET)
        await post.passes(minutes=1)

        assert (await post.newest()).number == 1


async def test_a_station_of_the_plan_that_is_there_before_any_command_opens_an_attempt() -> None:
    async with a_post(State.CONFIRMED) as post:
        await post.world.add(replace(post.scene.station, identity="AC2", sessions={}), side=Side.TARGET)
        await post.passes(seconds=10)

        (found,) = await post.scene.journal.attempts(identities=["AC2"])
        assert found.id == "AC2#1"


async def test_a_stranger_on_the_target_opens_nothing() -> None:
    async with a_post(State.CONFIRMED) as post:
        post.is_planned = False
        await post.world.add(replace(post.scene.station, identity="XX9", sessions={}), side=Side.TARGET)
        await post.passes(seconds=10)

        assert await post.scene.journal.attempts(identities=["XX9"]) == []


async def test_another_device_under_a_visited_identity_confirms_nothing() -> None:
    async with a_post(State.VISITING, side=None) as post:
        other = IdentityFacts(vendor="Acme", model="AC22", serial="S-666")
        await post.world.tell("AC1", Side.TARGET, Kind.BOOT, answer="Accepted", facts=other, session="s9")
        await post.passes(seconds=10)

        assert post.path == ["arrived"]
        assert "serial" in (await post.newest()).reason


async def test_what_happened_while_no_process_lived_is_applied_when_one_begins() -> None:
    async with Scene.of(state=State.VISITING, side=None) as scene:
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        post = Post(scene)

        await post.watch.catch_up()

        assert scene.path[-1] in ("arrived", "confirmed")


async def test_a_station_that_ended_and_turned_up_while_no_process_lived_is_found_when_one_begins() -> None:
    async with Scene.of(state=State.REVERTED, side=None, values={"BackendUrl": NEW}) as scene:
        await scene.passes(minutes=5)
        await scene.world.connect(scene.station, Side.TARGET)
        await scene.world.boot(scene.station, Side.TARGET)
        post = Post(scene)

        await post.watch.catch_up()

        assert (await scene.newest()).number == 2


async def test_a_station_in_a_drivers_hands_is_not_the_watchs_business() -> None:
    async with a_post(State.DEPARTED, side=None) as post:
        await post.world.connect(post.scene.station, Side.TARGET)
        await post.passes(minutes=1)

        assert post.path == []


async def test_a_station_that_leaves_in_the_moment_of_its_confirmation_is_missed_from_then_on() -> None:
    async with a_post(State.DEPARTED, side=None) as post:
        attempt = await post.newest()
        confirmed = move(attempt, Fact.CONFIRMED_ON_TARGET, post.scene.clock.now())
        await post.scene.journal.commit(confirmed)

        await post.passes(minutes=6)

        assert post.path[-1] == "departed"


async def test_a_station_that_is_seen_elsewhere_while_its_soak_is_judged_stays_where_it_was_seen() -> None:
    async with a_post(State.CONFIRMED) as post:
        await post.scene.passes(hours=1)
        presence = post.world.presence

        async def asked_meanwhile(identity: str) -> Any:
            post.world.presence = presence  # type: ignore[method-assign]
            found = await presence(identity)
            await post.scene.world.connect(post.scene.station, Side.SOURCE)
            await post.watch.see(post.world.told[-1])
            return found

        post.world.presence = asked_meanwhile  # type: ignore[method-assign]
        await post.watch.tick()

        assert post.path == ["undoing"]
