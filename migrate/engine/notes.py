"""What the journal has to say beside attempts: backends that are down or slow, and profiles that go further than they are proven.

Others decide what is so; here it is told once when it begins and once when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batches.errand import Ports
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.policy import Policy
from migrate.domain.record import Attempt, Change, Event, EventKind


class Notes:
    """What this process has told of its campaign."""

    def __init__(self, policy: Policy, ports: Ports) -> None:
        self._policy = policy
        self._ports = ports
        self._slowed: dict[Side, str] = {}

    async def contact(self, sighting: Sighting) -> None:
        """An incident for as long as a backend is down."""
        is_over = sighting.kind is Kind.CSMS_UP
        await self._incident("CSMS down", sighting.detail, side=sighting.side.value, over=is_over)

    async def pace(self, is_leader: bool) -> None:
        """An incident for as long as a backend is worked on more slowly than it could be asked to; who leads no more ends it."""
        slowed = self._ports.pacer.slowed if is_leader else {}
        for side in Side:
            if (side in slowed) != (side in self._slowed):
                told = slowed.get(side) or self._slowed[side]
                await self._incident("CSMS slow", told, side=side.value, over=side not in slowed)
        self._slowed = dict(slowed)

    async def accepted(self, fresh: Sequence[Attempt]) -> None:
        """Who reads the journal finds why profiles that were proven on no bench went beyond the canary."""
        accepted, now = self._policy.accepted, self._ports.clock.now()
        told = [
            Event(kind=EventKind.CONTROL, at=now, data={"order": "accept", "scope": f"profile:{name}", "reason": why})
            for name in sorted({a.profile for a in fresh})
            if (why := accepted.get(name))
        ]
        if told:
            await self._ports.journal.commit(Change(events=tuple(told)))

    async def _incident(self, title: str, detail: str, **more: Any) -> None:
        data = {"title": title, "detail": detail, **more}
        event = Event(kind=EventKind.INCIDENT, at=self._ports.clock.now(), data=data)
        await self._ports.journal.commit(Change(events=(event,)))
