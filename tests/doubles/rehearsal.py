"""A whole campaign in virtual time: plan, engine, conductor, drivers and watch over the world of ``world.py``.

What dbos does between the steps (dispatch, wait) is done here by tasks; a
process that is killed is one whose tasks are all cancelled, and the next one
begins on the same journal and the same world.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from batches.errand import Ports
from batches.ordered import Order, Reach, Wish, openings, reach
from batches.orders import laid, order
from batches.pace import Pacer
from migrate.domain.address import parse_backend
from migrate.domain.attempt import IN_FLIGHT
from migrate.domain.evidence import Side
from migrate.domain.policy import Caps, GatePolicy, Policy, Share
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Approval, Attempt, Change, Control, Event, EventKind
from migrate.domain.station import Station
from migrate.domain.wave import Mode, Plan, PlannedStation, Wave
from migrate.engine.campaign import Campaign
from migrate.engine.foresight import Foresight
from migrate.engine.outline import Outline
from tests.doubles.clock import EPOCH, LoadedDice, VirtualClock
from tests.doubles.journal import MemoryJournal
from tests.doubles.scene import ACME, NEW, OLD, a_station
from tests.doubles.world import World

FINGERPRINT = "f" * 16
GENEROUS = GatePolicy(
    min_confirmed=Share(0.0),
    max_failed=100,
    max_failed_share=Share(1.0),
    max_lost=100,
    max_without_effect=100,
    soak=timedelta(minutes=5),
)
POLICY = Policy(gate=GENEROUS, caps=Caps(stations=3, per_site_share=Share(1.0)), requires_proof=False)


def a_plan(sizes: Sequence[int], *, method: Method = Method.CHANGE_CONFIGURATION) -> Plan:
    """Waves of so many stations, AC1 first, two to a batch."""
    numbers = iter(range(1, sum(sizes) + 1))
    return Plan(
        fingerprint=FINGERPRINT,
        waves=tuple(
            Wave(number=wave, stations=tuple(_planned(f"AC{next(numbers)}", wave, n // 2, method) for n in range(size)))
            for wave, size in enumerate(sizes)
        ),
    )


def _planned(identity: str, wave: int, batch: int, method: Method) -> PlannedStation:
    return PlannedStation(
        identity=identity,
        wave=wave,
        batch=batch,
        profile="acme",
        method=method,
        rollback=Rollback.REMOTE,
        site=f"site of {identity}",
        kind="Acme|AC22|4.2",
    )


class Rehearsal:
    """A world, a journal and a plan, on which processes begin and end."""

    def __init__(self, plan: Plan, policy: Policy = POLICY) -> None:
        self.plan, self.policy = plan, policy
        self.clock = VirtualClock()
        self.journal = MemoryJournal()
        self.world = World(self.journal, self.clock)
        self.campaign: Campaign
        self._processes = 0
        self.foresight: Foresight | None = None  # what a process asks before it begins a wave
        self.worker: Campaign | None = None  # who does the batches that the process hands out, if not itself

    @classmethod
    @asynccontextmanager
    async def of(
        cls, *sizes: int, policy: Policy = POLICY, approved: Sequence[int | None] | None = None, **ways: Any
    ) -> AsyncIterator[Rehearsal]:
        """Stations that behave, unless a test changes their ways; approved in every wave unless it says which."""
        rehearsal = cls(a_plan(sizes), policy)
        for planned in rehearsal.plan.stations:
            await rehearsal.world.add(a_station(identity=planned.identity, **ways))
        for wave in (None, *range(len(sizes))) if approved is None else approved:
            await rehearsal.journal.approve(Approval(fingerprint=FINGERPRINT, wave=wave, by="ann", at=EPOCH))
        try:
            yield rehearsal
        finally:
            await rehearsal.world.close()

    async def run(self, *, within: timedelta = timedelta(hours=8), upto_wave: int | None = None) -> str:
        """One process from its beginning to the end of the campaign; how it ended."""
        async with self._process(upto_wave) as tasks, asyncio.timeout(within.total_seconds()):
            steps = self.campaign.steps
            for wave in await steps.waves("c"):
                batches = [asyncio.ensure_future(steps.run_batch(name)) for name in await steps.open_wave("c", wave)]
                tasks.extend(batches)
                verdict = await steps.judge("c", wave)
                await asyncio.gather(*batches)
                if verdict != "open":
                    break
            else:
                verdict = await steps.finish("c")
            await self.campaign.rest.until_brought_back()
            return verdict

    async def send_order(self, what: Order, *names: str, is_killed_half_way: bool = False) -> Reach:
        """A person orders another try, or the way back, of named stations; killed half way, nobody puts them off."""
        planned = {s.identity: s for s in self.plan.stations}
        found = reach(what, names, planned, await self.journal.attempts())
        wish = Wish(order=what, reason="bills twice", by="ann", at=self.clock.now(), token="t", fingerprint=FINGERPRINT)
        for change in openings(wish, found, found.stations)[: 1 if is_killed_half_way else 2]:
            await self.journal.commit(change)
        return found

    async def carry_out(self, *names: str, within: timedelta = timedelta(hours=8)) -> str:
        """One process that does what was ordered and nothing else; how it ended."""
        async with self._process(None), asyncio.timeout(within.total_seconds()):
            self.campaign.brake.only = frozenset(names)
            await self.campaign.foreseen.look_again(names)
            return await self.campaign.rest.until_at_rest(names)

    async def recover(self, *, within: timedelta = timedelta(hours=8)) -> None:
        """One process under a stale plan: what is in flight comes to rest, nothing is started."""
        under_way = await self.journal.attempts(states=IN_FLIGHT)
        async with self._process(None), asyncio.timeout(within.total_seconds()):
            self.campaign.brake.only = frozenset()
            await self.campaign.rest.until_landed({a.identity for a in under_way})

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Campaign]:
        """A process of which a test calls the steps itself."""
        async with self._process(None):
            yield self.campaign

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[tuple[Campaign, asyncio.Event]]:
        """A process whose steps are resumed before it has looked at anything; it looks once the event is set."""
        self._processes += 1
        self.campaign = Campaign(self.outline(), self.ports(), f"run-{self._processes}", self.foresight)
        tasks: list[asyncio.Task[Any]] = []
        starts_to_look = asyncio.Event()

        async def send_off(batch: str) -> None:
            tasks.append(asyncio.ensure_future(self.campaign.steps.run_batch(batch)))

        async def look() -> None:
            await starts_to_look.wait()
            await self.campaign.keep_watch(send_off)

        tasks.append(asyncio.ensure_future(look()))
        try:
            yield self.campaign, starts_to_look
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[Campaign]:
        """A worker beside the process: it does every batch that is handed out from now on."""
        self._processes += 1
        worker = Campaign(self.outline(None), self.ports(), f"worker-{self._processes}", self.foresight)
        worker.is_leader, worker.is_helper = False, True

        async def never(batch: str) -> None:
            raise AssertionError(f"{batch}: a worker dispatches nothing")

        watching = asyncio.ensure_future(worker.keep_watch(never))
        self.worker = worker
        try:
            yield worker
        finally:
            self.worker = None
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    @asynccontextmanager
    async def _process(self, upto_wave: int | None) -> AsyncIterator[list[asyncio.Task[Any]]]:
        self._processes += 1
        self.campaign = Campaign(self.outline(upto_wave), self.ports(), f"run-{self._processes}", self.foresight)
        tasks: list[asyncio.Task[Any]] = []

        async def send_off(batch: str) -> None:
            does_it = self.worker or self.campaign
            tasks.append(asyncio.ensure_future(does_it.steps.run_batch(batch)))

        tasks.append(asyncio.ensure_future(self.campaign.keep_watch(send_off)))
        await asyncio.sleep(0.001)
        for batch in await self.campaign.orphans():
            await send_off(batch)
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def outline(self, upto_wave: int | None = None) -> Outline:
        return Outline(
            plan=self.plan,
            stations={
                s.identity: Station(identity=s.identity, vendor="Acme", model="AC22", firmware="4.2", serial="S-1")
                for s in self.plan.stations
            },
            profiles=lambda name: ACME if name == "acme" else None,
            refit=lambda *_: "acme",
            address_of=lambda side, _: parse_backend(NEW if side is Side.TARGET else OLD),
            policy=self.policy,
            upto_wave=upto_wave,
        )

    def ports(self) -> Ports:
        return Ports(
            journal=self.journal,
            source=self.world.channel(Side.SOURCE),
            target=self.world.channel(Side.TARGET),
            witness=self.world,
            clock=self.clock,
            pacer=Pacer(self.world, self.clock),
            dice=LoadedDice(),
        )

    # ── judging ────────────────────────────────────────────────────────────

    async def states(self) -> dict[str, str]:
        return {a.identity: a.state.value for a in await self.journal.attempts()}

    async def attempt(self, identity: str) -> Attempt:
        return (await self.journal.attempts(identities=[identity]))[0]

    def moved(self, to: str, *identities: str) -> list[float]:
        """When stations came into a state, in seconds from the beginning."""
        return [
            (line.event.at - EPOCH).total_seconds()
            for line in self.journal.lines
            if line.event.kind is EventKind.MOVED
            and line.event.data["to"] == to
            and (not identities or line.event.identity in identities)
        ]

    def wave_states(self, wave: int) -> list[str]:
        return [
            line.event.data["state"]
            for line in self.journal.lines
            if line.event.kind is EventKind.WAVE and line.event.data["wave"] == wave
        ]

    async def lay(self, mode: Mode) -> None:
        """A person pauses or halts everything."""
        before = await self.journal.control()
        hold = order(mode, "", reason="storm", by="ann", at=self.clock.now())
        said = Event(kind=EventKind.CONTROL, at=self.clock.now(), data={"mode": mode.value})
        await self.journal.order(laid(before, hold), Change(events=(said,)))

    async def resume(self, acknowledged: dict[int, dict[str, int]]) -> None:
        """A person has looked and lets it go on."""
        before = await self.journal.control()
        control = Control(epoch=before.epoch + 1, acknowledged=acknowledged)
        await self.journal.order(control, Change(events=(Event(kind=EventKind.CONTROL, at=self.clock.now()),)))


def gate(**changes: Any) -> Policy:
    return replace(POLICY, gate=replace(GENEROUS, **changes))
