"""A world in memory: stations that are commanded, leave, come back and boot, and a witness who sees it.

``World`` gives the channels of both sides and the witness; they pass the same
contract suites as the relay's (``tests/doubles/test_world_contract.py``).
What was sent to whom is kept in ``wire``, so that a test can judge by the
station's own list.  Devices are those of the channel suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from migrate.adapters.journal.rows import sighting_change
from migrate.domain.errors import CsmsUnavailable, JournalError, Unreachable
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.profile import Restart
from migrate.ports import Clock, Latency, Presence, Session
from tests.adapters.channels.doubles import Device, MemoryChannel
from tests.doubles.journal import MemoryJournal

FACTS = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2", serial="S-1")


class Reset(StrEnum):
    """How a station takes a Reset."""

    OBEYED = "obeyed"
    IGNORED = "ignored"  # says Accepted and does nothing
    UNANSWERED = "unanswered"  # restarts without a word
    DEAF = "deaf"  # neither answers nor restarts


class Return(StrEnum):
    """Where a station appears after a restart."""

    CONFIGURED = "configured"  # where its configuration says
    NOWHERE = "nowhere"
    FALLS_BACK = "falls back"  # where its configuration says, and a minute later on the source


@dataclass(kw_only=True)
class SimpleStation:
    """One station and its ways."""

    identity: str
    device: Device
    facts: IdentityFacts = FACTS
    target_value: str = "ws://new.example/ocpp"
    url_key: str = "BackendUrl"
    takes_reset: Reset = Reset.OBEYED
    returns: Return = Return.CONFIGURED
    away_s: float = 45.0
    boots_after_s: float = 0.0  # on the wire again, before it says that it booted
    boots: bool = True  # by itself after a reconnect; otherwise only when asked
    boot_answers: dict[Side, str] = field(default_factory=dict)
    unanswered_writes: int = 0  # so many writes get no answer ...
    applies_unanswered: bool = True  # ... and this says whether they are carried out
    keeps: dict[str, str] = field(default_factory=dict)  # accepted, but these keys stay as they are
    leaves_on_write: bool = False  # applies at once: gone with the last write, no restart
    unsent_writes: int = 0  # so many do not go out
    answers_after_s: float = 0.0  # how long a write is under way
    sessions: dict[Side, Session] = field(default_factory=dict)
    charging: set[int] = field(default_factory=set)

    @property
    def dials(self) -> Side:
        return Side.TARGET if self.device.values.get(self.url_key) == self.target_value else Side.SOURCE


class World:
    """Everything outside of the toolkit.  Sightings go into the journal first, as the listening process does it."""

    def __init__(self, journal: MemoryJournal, clock: Clock) -> None:
        self.journal, self.clock = journal, clock
        self.stations: dict[str, SimpleStation] = {}
        self.seeing: set[Side] = {Side.SOURCE, Side.TARGET}
        self.latencies: dict[Side, Latency] = {}
        self.rivals: dict[str, int] = {}  # further answering sessions under an identity
        self.can_be_asked = True
        self.is_deaf = False  # the question is not answered in time, as the relay's witness tells it
        self.wire: list[tuple[str, ...]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._news = asyncio.Condition()
        self.told: list[Sighting] = []

    # ── what happens ───────────────────────────────────────────────────────

    async def add(
        self, station: SimpleStation, *, side: Side | None = Side.SOURCE, boots: bool = True
    ) -> SimpleStation:
        self.stations[station.identity] = station
        if side is not None:
            await self.connect(station, side)
        if side is not None and boots:
            await self.boot(station, side)
        return station

    async def connect(self, station: SimpleStation, side: Side) -> None:
        self._numbers += 1
        now = self.clock.now()
        station.sessions[side] = Session(id=f"s{self._numbers}", connected_at=now, heard_at=now)
        await self.tell(station.identity, side, Kind.CONNECTED)

    async def boot(
        self, station: SimpleStation, side: Side, *, solicited: bool = False, facts: IdentityFacts | None = None
    ) -> None:
        if side not in station.sessions:
            return  # it was asked and left before it could answer
        answer = station.boot_answers.get(side, "Accepted")
        station.sessions[side] = replace(station.sessions[side], boot_answer=answer)
        await self.tell(
            station.identity, side, Kind.BOOT, answer=answer, facts=facts or station.facts, solicited=solicited
        )

    async def leave(self, station: SimpleStation, side: Side | None = None) -> None:
        for gone in [side] if side else list(station.sessions):
            session = station.sessions.pop(gone)
            await self.tell(station.identity, gone, Kind.DISCONNECTED, session=session.id)

    async def move(self, station: SimpleStation, side: Side, *, boots: bool = True) -> None:
        """Away from wherever it is, and there at once."""
        await self.leave(station)
        await self.connect(station, side)
        if boots:
            await self.boot(station, side)

    async def charge(self, station: SimpleStation, connector: int = 1) -> None:
        station.charging.add(connector)
        await self.tell(station.identity, Side.SOURCE, Kind.TRANSACTION_STARTED, connector=connector)

    async def stop_charging(self, station: SimpleStation) -> None:
        station.charging.clear()
        await self.tell(station.identity, Side.SOURCE, Kind.TRANSACTION_STOPPED, connector=1)

    async def tell(self, identity: str, side: Side, kind: Kind, **more: object) -> Sighting:
        """A sighting: into the journal, then to everybody who reads the witness."""
        station = self.stations.get(identity)
        here = station.sessions.get(side) if station else None
        said: dict[str, object] = {"session": here.id if here else "", **more}
        sighting = Sighting(side=side, kind=kind, at=self.clock.now(), identity=identity, **said)  # type: ignore[arg-type]
        seq = await self.journal.commit(sighting_change([sighting]))
        async with self._news:
            self.told.append(replace(sighting, seq=seq))
            self._news.notify_all()
        return self.told[-1]

    def later(self, seconds: float, happening: Callable[[], Awaitable[None]]) -> None:
        """Let something happen after a while of campaign time."""

        async def happen() -> None:
            await asyncio.sleep(seconds)
            with suppress(JournalError):  # on a full disk the listening process records nothing either
                await happening()

        self._tasks.add(asyncio.ensure_future(happen()))

    def restart(self, station: SimpleStation) -> None:
        self.later(1.0, lambda: self._go_and_come_back(station))

    async def _go_and_come_back(self, station: SimpleStation) -> None:
        await self.leave(station)
        if station.returns is Return.NOWHERE:
            return
        await asyncio.sleep(station.away_s)
        await self._arrive(station, station.dials)
        if station.returns is Return.FALLS_BACK and station.dials is Side.TARGET:
            await asyncio.sleep(1.0 if station.boots else 60.0)
            await self.leave(station)
            await asyncio.sleep(5.0)
            await self._arrive(station, Side.SOURCE)

    async def _arrive(self, station: SimpleStation, side: Side) -> None:
        await self.connect(station, side)
        if station.boots or side is Side.SOURCE:
            await asyncio.sleep(station.boots_after_s)
            await self.boot(station, side)

    async def close(self) -> None:
        """End what still happens; raises what broke in the world itself, which is a defect of the test."""
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    # ── the ports ──────────────────────────────────────────────────────────

    def channel(self, side: Side) -> WorldChannel:
        return WorldChannel(self, side)

    async def sightings(self, *, after: int = 0) -> AsyncIterator[Sighting]:
        last = after
        while True:
            async with self._news:
                while not self.told or self.told[-1].seq <= last:
                    await self._news.wait()
            for sighting in [one for one in self.told if one.seq > last]:
                last = sighting.seq
                yield sighting

    async def presence(self, identity: str) -> Presence:
        if not self.can_be_asked:
            raise CsmsUnavailable("Nobody listens.", side="both")
        if self.is_deaf:
            return Presence(identity=identity)
        station = self.stations.get(identity)
        sessions: dict[Side, Session | None] = dict.fromkeys(Side)
        if station is not None:
            charging = tuple(sorted(station.charging))
            sessions |= {side: replace(one, charging=charging) for side, one in station.sessions.items()}
        answering = sum(one is not None for one in sessions.values()) + self.rivals.get(identity, 0)
        return Presence(identity=identity, sessions=sessions, seen=frozenset(self.seeing), answering=answering)

    def sees(self, side: Side) -> bool:
        return side in self.seeing

    def latency(self, side: Side) -> Latency | None:
        return self.latencies.get(side)

    # ── what the tests judge by ────────────────────────────────────────────

    def sent(self, action: str = "") -> list[tuple[str, ...]]:
        """What stations were sent, reads left out."""
        return [line for line in self.wire if line[1] != "Read" and action in ("", line[1])]


class WorldChannel:
    """One side's way to the stations: the channel suite's, with a session asked for first and the ways obeyed."""

    def __init__(self, world: World, side: Side) -> None:
        self._world, self._side = world, side

    def _reach(self, identity: str, *line: str) -> tuple[SimpleStation, MemoryChannel]:
        station = self._world.stations.get(identity)
        if station is None or self._side not in station.sessions:
            raise Unreachable(f"{identity} has no session.", identity=identity, sent=False)
        self._world.wire.append((identity, *line))
        return station, MemoryChannel({identity: station.device})

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        _, channel = self._reach(identity, "Read")
        return await channel.read(identity, keys, max_keys=max_keys)

    async def write(self, identity: str, key: str, value: str) -> str:
        if (there := self._world.stations.get(identity)) is not None and there.unsent_writes:
            there.unsent_writes -= 1
            raise Unreachable(f"{identity}: not now.", identity=identity, sent=False)
        station, channel = self._reach(identity, "Write", key, value)
        kept = dict(station.device.values)
        await asyncio.sleep(station.answers_after_s)
        answer = await channel.write(identity, key, value)
        if key in station.keeps:
            station.device.values[key] = station.keeps[key]
        if station.unanswered_writes:
            station.unanswered_writes -= 1
            if not station.applies_unanswered:
                station.device.values = kept
            raise Unreachable(f"{identity} did not answer.", identity=identity, sent=True)
        if station.leaves_on_write and key == station.url_key:
            self._world.restart(station)
        return answer

    async def restart(self, identity: str, kind: Restart) -> None:
        station, channel = self._reach(identity, "Reset", kind.value)
        if station.takes_reset is not Reset.DEAF:
            await channel.restart(identity, kind)
        if station.takes_reset in (Reset.OBEYED, Reset.UNANSWERED):
            self._world.restart(station)
        if station.takes_reset in (Reset.UNANSWERED, Reset.DEAF):
            raise Unreachable(f"{identity} did not answer.", identity=identity, sent=True)

    async def trigger_boot(self, identity: str) -> None:
        station, channel = self._reach(identity, "Trigger", self._side.value)
        await channel.trigger_boot(identity)
        self._world.later(0.5, lambda: self._world.boot(station, self._side, solicited=True))
