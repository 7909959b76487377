"""A channel and a witness in memory, for those who test without a wire.

They pass the same contract as the real ones (``test_channel_contract``,
``test_witness_contract``), so that they cannot lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.evidence import Side, Sighting
from migrate.domain.profile import Restart
from migrate.ports import Latency, Presence, Session


@dataclass
class Device:
    """What a station holds and how it takes commands."""

    values: dict[str, str | None] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)  # by key, or by Reset and TriggerMessage
    max_keys: int = 4
    is_mute: bool = False
    calls: list[str] = field(default_factory=list)


class MemoryChannel:
    """Stations that answer at once.  One that is not in ``devices`` is not there."""

    def __init__(self, devices: dict[str, Device]) -> None:
        self.devices = devices

    def _device(self, identity: str, action: str) -> Device:
        device = self.devices.get(identity)
        if device is None:
            raise Unreachable(f"{identity} has no session.", identity=identity, sent=False)
        device.calls.append(action)
        if device.is_mute:
            raise Unreachable(f"{identity} did not answer.", identity=identity, sent=True)
        return device

    def _judge(self, device: Device, identity: str, what: str) -> str:
        verdict = device.verdicts.get(what, "Accepted")
        if not verdict:
            raise Mismatch(f"{identity} answered {what} without a status.", identity=identity)
        if verdict == "InternalError":
            raise Unreachable(f"{identity} failed at {what}.", identity=identity, sent=True)
        if verdict not in ("Accepted", "RebootRequired"):
            raise Refused(f"{identity} refused {what} ({verdict}).", identity=identity, status=verdict)
        return verdict

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        device = self._device(identity, "GetConfiguration")
        if not keys:
            return dict(device.values)
        held = {key.lower(): value for key, value in device.values.items()}
        return {key: held[key.lower()] for key in keys if key.lower() in held}

    async def write(self, identity: str, key: str, value: str) -> str:
        device = self._device(identity, "ChangeConfiguration")
        verdict = self._judge(device, identity, key)
        device.values[key] = value
        return verdict

    async def restart(self, identity: str, kind: Restart) -> None:
        self._judge(self._device(identity, "Reset"), identity, "Reset")

    async def trigger_boot(self, identity: str) -> None:
        self._judge(self._device(identity, "TriggerMessage"), identity, "TriggerMessage")


class MemoryWitness:
    """Sees what it is told to see."""

    def __init__(self) -> None:
        self.told: list[Sighting] = []
        self.seeing: set[Side] = {Side.SOURCE, Side.TARGET}
        self.latencies: dict[Side, Latency] = {}
        self.sessions: dict[str, dict[Side, Session | None]] = {}
        self._news = asyncio.Condition()

    async def tell(self, sighting: Sighting) -> None:
        async with self._news:
            self.told.append(replace(sighting, seq=len(self.told) + 1))
            self._news.notify_all()

    async def sightings(self, *, after: int = 0) -> AsyncIterator[Sighting]:
        last = after
        while True:
            async with self._news:
                while len(self.told) <= last:
                    await self._news.wait()
            for sighting in self.told[last:]:
                last = sighting.seq
                yield sighting

    async def presence(self, identity: str) -> Presence:
        sessions = {Side.SOURCE: None, Side.TARGET: None, **self.sessions.get(identity, {})}
        answering = sum(session is not None for session in sessions.values())
        return Presence(identity=identity, sessions=sessions, seen=frozenset(self.seeing), answering=answering)

    def sees(self, side: Side) -> bool:
        return side in self.seeing

    def latency(self, side: Side) -> Latency | None:
        return self.latencies.get(side)
