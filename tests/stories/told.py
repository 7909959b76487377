"""What is known of the stations of a story: how they stand in the campaign, and what they wrote down themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from migrate.domain.wave import Standing, StationStanding
from migrate.simulator.wirelog import Kind, Side, WireEvent, last_side
from tests.stories.conftest import Field

WITHIN_S = 600.0


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
    def stored(self) -> list[str]:
        """Every address that its configuration has spelled, in their order."""
        return [e.value for e in self.of(Kind.STORED)]

    @property
    def held(self) -> tuple[str, str]:
        """The first and the last of them."""
        return self.stored[0], self.stored[-1]

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

    @classmethod
    async def of_a_field(cls, site: Field, moved: Collection[str], ends: Collection[int] = (1, 5)) -> Self:
        """Run a campaign in which some are made to fail, and take back these that moved; `ends` is how the run may end."""
        ended = await (await site.run()).ended(WITHIN_S)
        assert ended.code in ends, (ended.code, ended.err)
        standing, log = await site.standing(), site.log()
        words = ("rollback", "--stations", ",".join(moved), "--reason", "drivers are billed twice")
        back = await (await site.migrate(*words, "--yes", "--no-input")).ended(WITHIN_S)
        assert back.code == 0, back.err
        return cls(standing=standing, log=log, morning=await site.standing(), long_log=site.log())

    def in_the_evening(self, identity: str) -> tuple[StationStanding, Sequence[WireEvent]]:
        """One station, before anybody was taken back."""
        return _of(identity, self.standing, self.log)

    def since(self, identity: str) -> tuple[StationStanding, Sequence[WireEvent]]:
        """One that was taken back; its log from then on."""
        return _of(identity, self.morning, self.long_log[len(self.log) :])


def written_in(campaign: Path) -> dict[str, bytes]:
    """Every file of the campaign's folder but the secrets themselves."""
    files = (path for path in campaign.rglob("*") if path.is_file() and "secrets" not in path.parts)
    return {str(path.relative_to(campaign)): path.read_bytes() for path in files}


def _of(identity: str, standing: Standing, log: Sequence[WireEvent]) -> tuple[StationStanding, Sequence[WireEvent]]:
    (station,) = (s for s in standing.stations if s.identity == identity)
    return station, [event for event in log if event.identity == identity]
