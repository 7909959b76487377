"""What the wire has shown of a kind changes how the next of its stations is treated, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrate.domain.flavour import ENOUGH
from migrate.domain.policy import Timeouts
from migrate.domain.station import Station
from migrate.engine.lore import Lore
from migrate.engine.outline import Outline
from tests.doubles.rehearsal import POLICY, Rehearsal
from tests.doubles.scene import ACME

KIND = "Acme|AC22|4.2"
CAREFUL = replace(POLICY, caps=replace(POLICY.caps, stations=ENOUGH))


class Learning(Rehearsal):
    """A rehearsal whose errands go by what was seen so far."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        stations = {
            s.identity: Station(identity=s.identity, vendor="Acme", model="AC22", firmware="4.2", serial="S-1")
            for s in self.plan.stations
        }
        self.lore = Lore(self.journal, stations)

    def outline(self, upto_wave: int | None = None) -> Outline:
        return replace(super().outline(upto_wave), as_measured=self.lore.as_measured)

    def asked(self, *identities: str) -> set[str]:
        return {line[0] for line in self.world.sent("Trigger") if not identities or line[0] in identities}


@pytest.fixture
async def rehearsal() -> AsyncIterator[Learning]:
    """Three stations to learn from and three to use it on; none boots by itself when it arrives."""
    async with Learning.of(ENOUGH, ENOUGH, policy=CAREFUL, boots=False) as learning:
        assert isinstance(learning, Learning)
        yield learning


async def test_a_kind_that_refused_every_trigger_is_not_asked_again(rehearsal: Learning) -> None:
    for station in rehearsal.world.stations.values():
        station.device.verdicts["TriggerMessage"] = "Rejected"
    await rehearsal.run(upto_wave=0)
    first = rehearsal.asked()

    await rehearsal.lore.read()
    await rehearsal.run()

    assert first == {"AC1", "AC2", "AC3"}
    assert rehearsal.asked("AC4", "AC5", "AC6") == set()


async def test_a_kind_that_answers_triggers_is_asked_and_moved_as_before(rehearsal: Learning) -> None:
    await rehearsal.run(upto_wave=0)

    await rehearsal.lore.read()
    ended = await rehearsal.run()

    assert ended == "done"
    assert rehearsal.asked("AC4", "AC5", "AC6") == {"AC4", "AC5", "AC6"}
    assert set((await rehearsal.states()).values()) == {"settled"}


async def test_one_that_refused_among_others_that_did_not_changes_nothing(rehearsal: Learning) -> None:
    rehearsal.world.stations["AC1"].device.verdicts["TriggerMessage"] = "Rejected"
    await rehearsal.run(upto_wave=0)

    await rehearsal.lore.read()
    profile = rehearsal.lore.as_measured(ACME, KIND, Timeouts())

    assert profile == ACME


async def test_a_kind_that_stays_away_for_long_is_waited_for_longer_and_not_called_lost() -> None:
    short = replace(CAREFUL, timeouts=Timeouts(appear=timedelta(seconds=110)))
    async with Learning.of(ENOUGH, policy=short, away_s=100.0) as rehearsal:
        assert isinstance(rehearsal, Learning)
        await rehearsal.run()
        await rehearsal.lore.read()

        profile = rehearsal.lore.as_measured(ACME, KIND, short.timeouts)

        assert profile.timing.appear is not None
        assert profile.timing.appear >= timedelta(seconds=150)
        assert replace(profile, timing=ACME.timing) == ACME


async def test_what_was_seen_in_an_earlier_process_is_known_to_the_next_one(rehearsal: Learning) -> None:
    for station in rehearsal.world.stations.values():
        station.device.verdicts["TriggerMessage"] = "Rejected"
    await rehearsal.run(upto_wave=0)
    later = Lore(rehearsal.journal, {})
    before = later.as_measured(ACME, KIND, Timeouts())

    await later.read()

    assert before == ACME
    assert not later.as_measured(ACME, KIND, Timeouts()).quirks.triggers_boot
    assert later.as_measured(ACME, "Other|X|1", Timeouts()) == ACME
