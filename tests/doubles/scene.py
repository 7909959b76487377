"""A scene for one station: a world, a journal, an errand, and a driver that may act.

Arrange with ``Scene.of`` and the station's ways, act with ``drive``, judge by
the attempt that comes back, the world's wire and the journal's lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from batches.driver import Driver
from batches.errand import Errand, Fence, Ports
from batches.lookout import Lookout
from batches.pace import Pacer
from migrate.domain.address import parse_backend
from migrate.domain.attempt import State
from migrate.domain.evidence import Side, Sighting
from migrate.domain.policy import Policy, Retries, Timeouts
from migrate.domain.profile import Method, Profile, Readback, Restart, Rollback, Write
from migrate.domain.record import Attempt, Change, Control, Event, EventKind, Hold, Permit
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import Mode, PlannedStation
from tests.adapters.channels.doubles import Device
from tests.doubles.catalogue import a_profile
from tests.doubles.clock import EPOCH, LoadedDice, VirtualClock
from tests.doubles.journal import MemoryJournal
from tests.doubles.world import SimpleStation, World

OLD, NEW = "ws://old.example/ocpp", "ws://new.example/ocpp"
BATCH = "w0.b0"

ACME = a_profile(writes=(Write(key="BackendUrl", value="${url}"),))
TWO_KEYS = replace(ACME, writes=(Write(key="BackendName", value="${host}"), *ACME.writes))
MASKED = replace(ACME, writes=(Write(key="BackendUrl", value="${url}", readback=Readback.MASKED),))
AT_ONCE = replace(ACME, restart=Restart.NONE)

POLICY = Policy(timeouts=Timeouts(), retries=Retries(attempts=3, backoff=timedelta(minutes=5)))
_HOLDS_THE_NEW = frozenset({State.WRITTEN, State.RESTARTING, State.UNDOING, State.DEPARTED, State.ARRIVED, State.LOST})
UNIT = (PreparedWrite(key="BackendUrl", new=NEW, old=OLD),)


def a_station(**ways: Any) -> SimpleStation:
    values = ways.pop("values", {"BackendUrl": OLD, "BackendName": "old.example"})
    return SimpleStation(identity=ways.pop("identity", "AC1"), device=Device(values=dict(values)), **ways)


def an_attempt(state: State = State.PLANNED, *, identity: str = "AC1", **changes: Any) -> Attempt:
    attempt = Attempt(
        id=f"{identity}#1",
        identity=identity,
        number=1,
        wave=0,
        batch=BATCH,
        profile="acme",
        method=Method.CHANGE_CONFIGURATION,
        state=state,
        opened_at=EPOCH,
        entered_at=EPOCH,
    )
    return replace(attempt, **changes)


def an_errand(profile: Profile | None = ACME, **changes: Any) -> Errand:
    identity = changes.pop("identity", "AC1")
    planned = PlannedStation(
        identity=identity,
        wave=0,
        batch=0,
        profile=profile.name if profile else "",
        method=profile.method if profile else Method.VISIT,
        rollback=Rollback.REMOTE,
        site="site-1",
        kind="Acme|AC22|4.2",
    )
    usual: dict[str, Any] = {
        "station": Station(identity=identity, vendor="Acme", model="AC22", firmware="4.2", serial="S-1"),
        "planned": planned,
        "profile": profile,
        "backend": parse_backend(NEW),
        "policy": POLICY,
        "permits": (Permit(scope="global", limit=10),),
        "refit": lambda said: "acme" if said.firmware in ("", "4.2") else "",
    }
    return Errand(**(usual | changes))


def ports_over(world: World, journal: MemoryJournal, clock: VirtualClock) -> Ports:
    """Everything the toolkit needs of this world."""
    return Ports(
        journal=journal,
        source=world.channel(Side.SOURCE),
        target=world.channel(Side.TARGET),
        witness=world,
        clock=clock,
        pacer=Pacer(world, clock),
        dice=LoadedDice(),
    )


def patient(**timeouts: timedelta) -> Policy:
    return replace(POLICY, timeouts=replace(POLICY.timeouts, **timeouts))


class Scene:
    """One station before the toolkit, in virtual time."""

    def __init__(self, errand: Errand, station: SimpleStation) -> None:
        self.clock = VirtualClock()
        self.journal = MemoryJournal()
        self.world = World(self.journal, self.clock)
        self.station = station
        self.errand = errand
        self.lookout = Lookout(self.world)
        self.ports = ports_over(self.world, self.journal, self.clock)
        self.attempt = an_attempt(identity=station.identity)
        self.fence = Fence(batch=BATCH, epoch=0)

    @classmethod
    @asynccontextmanager
    async def of(
        cls,
        profile: Profile | None = ACME,
        *,
        state: State = State.PLANNED,
        side: Side | None = Side.SOURCE,
        booted: bool = True,
        errand: dict[str, Any] | None = None,
        attempt: dict[str, Any] | None = None,
        **ways: Any,
    ) -> AsyncIterator[Scene]:
        """A station on the source that has booted there, and an attempt in a state."""
        held = {"BackendUrl": NEW} if state in _HOLDS_THE_NEW else {}
        values = {"BackendUrl": OLD, "BackendName": "old.example"} | held | ways.pop("values", {})
        scene = cls(an_errand(profile, **(errand or {})), a_station(values=values, **ways))
        await scene.world.add(scene.station, side=side, boots=booted)
        session = scene.station.sessions.get(Side.SOURCE)
        scene.attempt = an_attempt(
            state,
            **(
                {"identity": scene.station.identity, "source_session": session.id if session else "s0"}
                | _held_in(state)
                | (attempt or {})
            ),
        )
        await scene.open(scene.attempt)
        scene.fence = Fence(batch=BATCH, epoch=await scene.journal.take_batch(BATCH, "me", scene.clock.now()))
        looking = asyncio.ensure_future(scene.lookout.look_out(await scene.journal.newest_seq(), _nobody))
        try:
            yield scene
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await scene.world.close()

    async def open(self, attempt: Attempt) -> None:
        opened = Event(kind=EventKind.ATTEMPT_OPENED, at=EPOCH, identity=attempt.identity, attempt=attempt.id)
        await self.journal.commit(Change(events=(opened,), attempts=(replace(attempt, version=1),)))

    # ── acting ─────────────────────────────────────────────────────────────

    async def drive(self, *, resumed: bool = False, within: timedelta = timedelta(days=2)) -> Attempt:
        """Drive until the batch may let go."""
        driver = Driver(self.errand, self.ports, self.fence, resumed=resumed)
        with self.lookout.for_driver(self.attempt.identity, driver):
            missed = await self.journal.missed(self.attempt.identity) if resumed else ()
            async with asyncio.timeout(within.total_seconds()):
                return await driver.drive(self.attempt, missed)

    @asynccontextmanager
    async def driven(self, *, resumed: bool = False) -> AsyncIterator[asyncio.Task[Attempt]]:
        """Drive in the background, while the test lets things happen."""
        task = asyncio.ensure_future(self.drive(resumed=resumed))
        await asyncio.sleep(0.001)  # so that the lookout knows of the driver
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, state: State, *, within_s: float = 7200) -> Attempt:
        """Wait until the journal shows the attempt in a state."""
        async with asyncio.timeout(within_s):
            while (now := await self.newest()).state is not state:
                await asyncio.sleep(0.25)
        return now

    async def passes(self, **time: float) -> None:
        await self.clock.sleep(timedelta(**time))

    async def order(self, mode: Mode | None, scope: str = "") -> None:
        """Somebody pauses or halts; ``None`` lifts everything."""
        before = await self.journal.control()
        hold = () if mode is None else (Hold(scope=scope, mode=mode, reason="storm", by="ann", at=self.clock.now()),)
        said = Event(kind=EventKind.CONTROL, at=self.clock.now())
        await self.journal.order(Control(epoch=before.epoch + 1, holds=hold), Change(events=(said,)))

    # ── judging ────────────────────────────────────────────────────────────

    async def newest(self) -> Attempt:
        return (await self.journal.attempts(identities=[self.station.identity]))[0]

    @property
    def path(self) -> list[str]:
        """The states the attempt went through, as the journal tells it."""
        return [one.event.data["to"] for one in self.journal.lines if one.event.kind is EventKind.MOVED]

    @property
    def holds(self) -> dict[str, str | None]:
        return self.station.device.values

    def seconds_of(self, state: State) -> float:
        """When the attempt entered a state, in seconds from the beginning."""
        moved = [one.event for one in self.journal.lines if one.event.kind is EventKind.MOVED]
        return next((e.at - EPOCH).total_seconds() for e in moved if e.data["to"] == state.value)


def _held_in(state: State) -> dict[str, Any]:
    """What an attempt has learned by the time it is in a state."""
    if state in (State.PLANNED, State.DEFERRED, State.VISITING):
        return {}
    tries = 0 if state is State.CHECKED else 1
    return {"unit": UNIT, "tries": tries, "left": state in (State.DEPARTED, State.ARRIVED, State.LOST)}


async def _nobody(_: Sighting) -> None:
    return None
