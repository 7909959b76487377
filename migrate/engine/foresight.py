"""What is ahead of a wave before anybody of it is begun, and what the journal keeps of it.

Somebody else looks, ``batches.outlook`` judges; here it is recorded, so that
every process and whoever takes over from a dead one keeps to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from batches.errand import Ports
from batches.forecast import Forecast, forecasts, told
from batches.incidents import incidents
from batches.outlook import Outlook
from migrate.domain.record import Change, Direction, Event, EventKind
from migrate.engine.outline import Outline

_STOPS = "checks stop wave "


class Foresight(Protocol):
    """Looks at backends, certificates, secrets, this host and the stations of a wave."""

    async def ahead(self, wave: int) -> Outlook:
        """The outlook of one wave; a wave in which nobody is left to be moved is sound.

        Raises ``MigrateError`` where what it needs cannot be read.
        """
        ...


class Foreseen:
    """The forecasts of a campaign's waves, as far as this process has read them."""

    def __init__(self, outline: Outline, ports: Ports, foresight: Foresight | None) -> None:
        self._outline = outline
        self._ports = ports
        self._foresight = foresight
        self._read_up_to = 0
        self._newest: dict[int, Forecast] = {}

    @property
    def by_wave(self) -> Mapping[int, Forecast]:
        return self._newest

    def of(self, wave: int) -> Forecast:
        return self._newest.get(wave) or Forecast(wave=wave)

    async def refresh(self) -> None:
        """Read what this process or another has recorded since the last reading."""
        newest = await self._ports.journal.newest_seq()
        lines = await self._ports.journal.events(after=self._read_up_to, kinds=[EventKind.OUTLOOK.value])
        self._newest |= forecasts(lines, self._outline.plan.fingerprint)
        self._read_up_to = newest

    async def look(self, wave: int) -> None:
        """Look at what is ahead of a wave, and record it.  Raises ``MigrateError``."""
        if self._foresight is None:
            return
        await self.refresh()
        seen = await self._foresight.ahead(wave)
        now = self._ports.clock.now()
        stopped = " ".join(f"{found.text}. {found.hint}" for found in seen.stops)
        events = [
            told(seen, wave, self._outline.plan.fingerprint, now),
            *[_incident(title, now, detail) async for title, detail in self._changes(wave, stopped)],
        ]
        await self._ports.journal.commit(Change(events=tuple(events)))
        await self.refresh()

    async def _changes(self, wave: int, stopped: str) -> AsyncIterator[tuple[str, str]]:
        """What ends, without a detail, and what begins: an incident of an older plan that this one does not meet is over."""
        title, lines = _STOPS + str(wave), await self._ports.journal.events(kinds=[EventKind.INCIDENT.value])
        lasting = {i.title: i.detail for i in incidents(lines) if i.ended_at is None and i.title.startswith(_STOPS)}
        others = {_STOPS + str(number) for number, known in self._newest.items() if known.stops and number != wave}
        for one, detail in lasting.items():
            if one not in others and (one, detail) != (title, stopped):
                yield one, ""
        if stopped and lasting.get(title) != stopped:
            yield title, stopped

    async def look_again(self, ordered: Iterable[str]) -> None:
        """Before an order: what stopped or left out these stations may be mended since."""
        names = set(ordered) & self._outline.planned.keys()
        newest = await self._ports.journal.attempts(identities=names)
        await self.refresh()
        waves = {self._outline.planned[a.identity].wave for a in newest if a.direction is Direction.FORWARD}
        for wave in sorted(waves):
            if self.of(wave).stops or self.of(wave).excluded:
                await self.look(wave)


def _incident(title: str, at: datetime, detail: str) -> Event:
    return Event(kind=EventKind.INCIDENT, at=at, data={"title": title, "detail": detail, "over": not detail})
