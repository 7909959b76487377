"""What the brake calls harm: what others have come to, and not an order, a pause or the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batches.rollback import RollbackBook
from migrate.domain.record import Control, Hold
from migrate.domain.wave import Mode
from migrate.engine.brake import CampaignBrake
from tests.doubles.clock import EPOCH
from tests.doubles.scene import Scene, an_errand


def shuts(brake: CampaignBrake) -> None:
    brake.shut_waves = frozenset({0})


def stops_the_model(brake: CampaignBrake) -> None:
    brake.stopped_kinds = {"Acme|AC22|4.2": 4}


def stops_the_profile(brake: CampaignBrake) -> None:
    brake.stopped_profiles = {"acme": 1}


def pauses(brake: CampaignBrake) -> None:
    hold = Hold(scope="", mode=Mode.PAUSED, reason="lunch", by="ann", at=EPOCH)
    brake.control = Control(epoch=1, holds=(hold,))


def ends(brake: CampaignBrake) -> None:
    brake.is_ending = True


@pytest.mark.parametrize(
    ("happens", "is_harm"),
    [(shuts, True), (stops_the_model, True), (stops_the_profile, True), (pauses, False), (ends, False)],
)
async def test_a_shut_gate_and_a_stopped_model_are_harm(
    happens: Callable[[CampaignBrake], None], is_harm: bool
) -> None:
    async with Scene.of() as scene:
        brake = CampaignBrake(scene.world, scene.ports.pacer, RollbackBook({}, scene.errand.policy.gate))
        happens(brake)
        stopped = brake.stops(an_errand())

    assert stopped is not None
    assert stopped.is_harm is is_harm
