"""The conductor and its turnstile: who may start beside whom, and when a batch is at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from batches.conductor import BatchReport, Conductor, Stopped
from batches.errand import Errand
from batches.lookout import Lookout
from batches.schedule import Admission, permits, site_limits
from batches.turnstile import Turnstile
from migrate.domain.attempt import State
from migrate.domain.errors import JournalError
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.policy import Caps, Share
from migrate.domain.record import Attempt, EventKind
from migrate.domain.wave import Deferral, Mode
from migrate.domain.ways import Way
from tests.batches.test_flashing import STEPS, THEN_A_KEY
from tests.doubles.clock import VirtualClock
from tests.doubles.doors import FirmwareHost
from tests.doubles.scene import BATCH, EPOCH, NEW, TWO_KEYS, UNIT, Scene, a_station, an_attempt, an_errand
from tests.doubles.world import Return


class Hand:
    """A brake that a test holds: what it says of each station."""

    def __init__(self) -> None:
        self.says: Callable[[Errand], Stopped | None] = lambda _: None

    def stops(self, errand: Errand) -> Stopped | None:
        return self.says(errand)


class Yard:
    """Many stations, one conductor."""

    def __init__(self, scene: Scene, caps: Caps) -> None:
        self.scene, self.caps = scene, caps
        self.brake = Hand()
        self.errands: dict[str, Errand] = {}
        self.attempts: list[Attempt] = []
        self.let_go: list[Attempt] = []
        self._turnstile: Turnstile | None = None
        self.conductor: Conductor

    async def station(self, identity: str, *, batch: str = BATCH, site: str = "", **ways: Any) -> None:
        await self.scene.world.add(a_station(identity=identity, **ways))
        attempt = an_attempt(identity=identity, batch=batch, entered_at=self.scene.clock.now())
        await self.scene.open(attempt)
        self.attempts.append(attempt)
        errand = an_errand(identity=identity)
        self.errands[identity] = replace(errand, planned=replace(errand.planned, site=site or identity))

    def ready(self) -> None:
        limits = site_limits([e.planned for e in self.errands.values()], self.caps)
        for identity, errand in self.errands.items():
            self.errands[identity] = replace(errand, permits=permits(errand.planned, self.caps, limits))
        self.conductor = Conductor(
            self.scene.ports,
            self.scene.lookout,
            Turnstile(Admission(self.caps, limits)),
            self.brake,
            executor="me",
            let_go=self.let_go.append,
        )

    async def run(self, batch: str = BATCH) -> BatchReport:
        members = [a for a in self.attempts if a.batch == batch]
        return await self.conductor.run(batch, members, lambda attempt: self.errands[attempt.identity])

    def most_at_once(self, *identities: str) -> int:
        """How many were between their first write and their confirmation at the same time, by the journal."""
        most, away = 0, set[str]()
        for line in self.scene.journal.lines:
            event = line.event
            if event.kind is EventKind.MOVED and (not identities or event.identity in identities):
                (away.add if event.data["to"] in ("writing", "restarting") else away.discard)(event.identity)
                if event.data["to"] == "arrived":
                    away.add(event.identity)
                most = max(most, len(away))
        return most


@asynccontextmanager
async def a_yard(count: int = 0, caps: Caps | None = None, **ways: Any) -> AsyncIterator[Yard]:
    async with Scene.of(identity="unused") as scene:
        yard = Yard(scene, caps or Caps(per_site_share=Share(1.0)))
        for number in range(count):
            await yard.station(f"AC{number}", **ways)
        yard.ready()
        yield yard


async def test_a_batch_ends_with_every_station_let_go_and_counts_their_states() -> None:
    async with a_yard(3) as yard:
        yard.scene.world.stations["AC1"].returns = Return.NOWHERE
        yard.scene.world.stations["AC2"].device.verdicts["BackendUrl"] = "Rejected"

        report = await yard.run()

    assert report.states == {State.CONFIRMED: 1, State.LOST: 1, State.FAILED: 1}
    assert {attempt.identity for attempt in yard.let_go} == {"AC0", "AC1", "AC2"}


async def test_the_cap_on_stations_is_never_passed() -> None:
    async with a_yard(6, Caps(stations=2, per_site_share=Share(1.0))) as yard:
        report = await yard.run()

    assert report.states == {State.CONFIRMED: 6}
    assert yard.most_at_once() == 2


async def test_a_halt_that_a_neighbour_has_seen_stops_a_unit_in_its_middle() -> None:
    async with a_yard(2) as yard:
        world, slow = yard.scene.world, yard.scene.world.stations["AC0"]
        slow.answers_after_s, world.stations["AC1"].answers_after_s = 60, 4
        yard.errands["AC0"] = replace(yard.errands["AC0"], profile=TWO_KEYS)
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(seconds=3)
        await world.charge(world.stations["AC1"])  # it is written, waits for its driver, and looks for orders meanwhile
        await yard.scene.passes(seconds=5)
        await yard.scene.order(Mode.HALTED)
        await yard.scene.passes(minutes=10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert [line[2:] for line in world.sent("Write") if line[0] == "AC0"] == [
        ("BackendName", "new.example"),
        ("BackendName", "old.example"),
    ]


async def test_a_slow_station_is_no_barrier_to_those_behind_it() -> None:
    async with a_yard(6, Caps(stations=2, per_site_share=Share(1.0))) as yard:
        yard.scene.world.stations["AC0"].away_s = 280

        await yard.run()

    confirmed = [e.event.identity for e in yard.scene.journal.lines if e.event.data.get("to") == "confirmed"]
    assert confirmed[-1] == "AC0"


async def test_batches_overlap_and_pass_the_same_turnstile() -> None:
    async with a_yard(caps=Caps(stations=2, per_site_share=Share(1.0))) as yard:
        for number in range(4):
            await yard.station(f"AC{number}", batch=f"w0.b{number % 2}")
        yard.ready()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(yard.run(f"w0.b{n}")) for n in (0, 1)]

    assert [task.result().states[State.CONFIRMED] for task in tasks] == [2, 2]
    assert yard.most_at_once() == 2


async def test_of_a_site_one_station_may_always_be_in_flight_and_never_more_than_its_share() -> None:
    async with a_yard(caps=Caps(per_site_share=Share(0.5))) as yard:
        for number in range(3):
            await yard.station(f"AC{number}", site="hall")
        await yard.station("AC9", site="elsewhere")
        yard.ready()

        report = await yard.run()

    assert report.states == {State.CONFIRMED: 4}
    assert yard.most_at_once("AC0", "AC1", "AC2") == 1


async def test_a_brake_without_more_words_makes_stations_wait_until_it_is_released() -> None:
    async with a_yard(2) as yard:
        yard.brake.says = lambda _: Stopped(reason="nobody can see the target CSMS")
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(hours=1)
        assert yard.scene.world.sent() == []

        yard.brake.says = lambda _: None
        report = await running

    assert report.states == {State.CONFIRMED: 2}


async def test_a_stopped_model_is_put_off_with_its_reason_and_others_go_on() -> None:
    async with a_yard(2) as yard:
        stopped = Stopped(reason="model stopped: 4 of its kind failed", deferral=Deferral.MODEL_STOPPED)
        yard.brake.says = lambda errand: stopped if errand.station.identity == "AC0" else None

        report = await yard.run()

    assert report.states == {State.DEFERRED: 1, State.CONFIRMED: 1}
    put_off = next(a for a in yard.let_go if a.identity == "AC0")
    assert (put_off.deferral, put_off.reason) == (Deferral.MODEL_STOPPED, stopped.reason)
    assert put_off.due_at is not None


async def test_a_gate_that_shuts_leaves_the_rest_planned_and_lets_go_on_what_has_begun() -> None:
    async with a_yard(3, Caps(stations=1, per_site_share=Share(1.0))) as yard:
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(seconds=10)
        yard.brake.says = lambda _: Stopped(reason="the gate of wave 0 is shut", leave=True)

        report = await running

    assert report.states == {State.CONFIRMED: 1, State.PLANNED: 2}


async def test_a_shut_gate_orders_no_further_firmware_of_what_has_begun() -> None:
    steps = replace(THEN_A_KEY, firmware=replace(STEPS, keeps_address=True))
    async with a_yard(1) as yard:
        host = FirmwareHost(yard.scene.world)
        yard.scene.ports = replace(yard.scene.ports, doors={Way.FIRMWARE: host})
        yard.errands["AC0"] = replace(yard.errands["AC0"], profile=steps)
        yard.ready()
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(seconds=90)
        yard.brake.says = lambda _: Stopped(reason="the gate of wave 0 is shut", leave=True, is_harm=True)

        report = await running

    assert [version for _, version in host.orders] == ["4.5"]
    assert State.CONFIRMED not in report.states


async def test_a_visit_takes_no_place() -> None:
    async with a_yard(2, Caps(stations=1, per_site_share=Share(1.0))) as yard:
        yard.scene.world.stations["AC0"].away_s = 280
        yard.errands["AC1"] = replace(yard.errands["AC1"], profile=None)
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(seconds=1)

        assert [a.state for a in yard.let_go] == [State.VISITING]
        await running


async def test_what_a_crash_left_under_way_goes_on_before_anybody_waits_for_a_place() -> None:
    async with a_yard(2, Caps(stations=1, per_site_share=Share(1.0))) as yard:
        yard.attempts[1] = an_attempt(State.WRITTEN, identity="AC1", tries=1, unit=UNIT)
        yard.scene.journal._attempts["AC1#1"] = yard.attempts[1]
        yard.scene.world.stations["AC1"].device.values["BackendUrl"] = NEW
        yard.brake.says = lambda _: Stopped(reason="paused")
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(minutes=5)

        assert [a.identity for a in yard.let_go] == ["AC1"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_batch_that_was_taken_over_reports_so_and_raises_nothing() -> None:
    async with a_yard(2) as yard:
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(milliseconds=1)
        await yard.scene.journal.take_batch(BATCH, "another", yard.scene.clock.now())

        report = await running

    assert report.fenced


async def test_a_batch_dispatched_twice_in_one_process_is_not_fenced_by_itself() -> None:
    async with a_yard(2) as yard:
        first = asyncio.ensure_future(yard.run())
        await yard.scene.passes(milliseconds=1)

        await yard.run()
        report = await first

    assert not report.fenced
    assert {a.state for a in yard.let_go} == {State.CONFIRMED}


async def test_a_journal_that_cannot_record_stops_the_batch_and_says_so() -> None:
    async with a_yard(2) as yard:
        running = asyncio.ensure_future(yard.run())
        await yard.scene.passes(milliseconds=1)
        yard.scene.journal.fails = True
        with pytest.raises(BaseExceptionGroup) as caught:
            await running

    assert caught.group_contains(JournalError)


async def test_whoever_leaves_the_line_before_the_turnstile_takes_no_place() -> None:
    planned = [an_errand(identity=f"AC{n}").planned for n in range(3)]
    turnstile = Turnstile(Admission(Caps(stations=1, per_site_share=Share(1.0)), {}))
    through: list[str] = []

    async def pass_through(number: int) -> None:
        async with turnstile.place(planned[number]):
            through.append(planned[number].identity)
            await asyncio.sleep(10)

    tasks = [asyncio.ensure_future(pass_through(n)) for n in range(3)]
    await asyncio.sleep(1)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert through == ["AC0", "AC2"]
    assert VirtualClock().now() == EPOCH.replace(second=20)


# ── the lookout ────────────────────────────────────────────────────────────


async def test_a_sighting_goes_to_the_driver_of_its_station_and_all_others_elsewhere() -> None:
    async with Scene.of(side=None) as scene:
        elsewhere: list[Sighting] = []

        async def take(sighting: Sighting) -> None:
            elsewhere.append(sighting)

        lookout, seen = Lookout(scene.world), Recorder()
        looking = asyncio.ensure_future(lookout.look_out(await scene.journal.newest_seq(), take))
        with lookout.for_driver("AC1", seen):  # type: ignore[arg-type]
            await scene.world.tell("AC1", Side.TARGET, Kind.CONNECTED)
            await scene.world.tell("AC2", Side.TARGET, Kind.CONNECTED)
            await asyncio.sleep(1)
        await scene.world.tell("AC1", Side.TARGET, Kind.HEARTBEAT)
        await asyncio.sleep(1)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    assert [s.identity for s in seen.seen] == ["AC1"]
    assert lookout.unheeded() == seen.seen
    assert lookout.unheeded() == []
    assert [(s.identity, s.kind) for s in elsewhere] == [("AC2", Kind.CONNECTED), ("AC1", Kind.HEARTBEAT)]


async def test_the_lookout_is_at_rest_once_its_last_driver_is_gone() -> None:
    async with Scene.of(side=None) as scene:
        lookout = Lookout(scene.world)
        with lookout.for_driver("AC1", Recorder()):  # type: ignore[arg-type]
            resting = asyncio.ensure_future(lookout.at_rest())
            await asyncio.sleep(1)
            assert not resting.done()
            assert (lookout.has("AC1"), lookout.driven) == (True, 1)
        await asyncio.wait_for(resting, 1)

    assert lookout.driven == 0


class Recorder:
    """Takes what a driver would be told."""

    def __init__(self) -> None:
        self.seen: list[Sighting] = []

    def see(self, sighting: Sighting) -> None:
        self.seen.append(sighting)

    def unheeded(self) -> list[Sighting]:
        return self.seen
