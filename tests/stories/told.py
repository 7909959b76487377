"""What is known of the stations of a story: how they stand in the campaign, and what they wrote down themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.domain.wave import Standing, StationStanding
from migrate.simulator.wirelog import Kind, Side, WireEvent, last_side


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One station: what the journal says of it and what it wrote down itself."""

    station: StationStanding
    log: Sequence[WireEvent]

    def of(self, kind: Kind, *actions: str) -> list[WireEvent]:
        return [e for e in self.log if e.kind is kind and (not actions or e.action in actions)]

    @property
    def resets(self) -> int:
        return len(self.of(Kind.COMMAND, "Reset"))

    @property
    def held(self) -> tuple[str, str]:
        """The address that its configuration spells, at first and at last."""
        stored = [e.value for e in self.of(Kind.STORED)]
        return stored[0], stored[-1]

    @property
    def lives_on(self) -> Side:
        return last_side(self.log)[self.station.identity]

    @property
    def stays_as_it_was(self) -> bool:
        return self.lives_on is Side.SOURCE and self.held[0] == self.held[1]


@dataclass(frozen=True, slots=True)
class ThereAndBack:
    """How a campaign went, and how it stands when those that moved have been taken back."""

    standing: Standing
    log: Sequence[WireEvent]
    morning: Standing
    long_log: Sequence[WireEvent]

    def in_the_evening(self, identity: str) -> tuple[StationStanding, Sequence[WireEvent]]:
        """One station, before anybody was taken back."""
        return _of(identity, self.standing, self.log)

    def since(self, identity: str) -> tuple[StationStanding, Sequence[WireEvent]]:
        """One that was taken back; its log from then on."""
        return _of(identity, self.morning, self.long_log[len(self.log) :])


def _of(identity: str, standing: Standing, log: Sequence[WireEvent]) -> tuple[StationStanding, Sequence[WireEvent]]:
    (station,) = (s for s in standing.stations if s.identity == identity)
    return station, [event for event in log if event.identity == identity]
