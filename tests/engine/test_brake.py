"""What the brake calls harm, and whom the checks before a wave keep back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batches.forecast import Forecast
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


@pytest.mark.parametrize(("wave", "starts"), [(0, False), (1, True)], ids=["of its own wave", "of another wave"])
async def test_a_check_that_stops_a_wave_keeps_back_who_was_opened_before_it_looked(wave: int, starts: bool) -> None:
    """Put off in an earlier run and due in this one: no wave is opened for them, and still they are not begun."""
    async with Scene.of() as scene:
        brake = CampaignBrake(scene.world, scene.ports.pacer, RollbackBook({}, scene.errand.policy.gate))
        brake.forecasts = {wave: Forecast(wave=wave, stops=("target-away: nobody answers",))}
        stopped = brake.stops(an_errand())

    assert (stopped is None) is starts
    assert stopped is None or (stopped.leave and "target-away" in stopped.reason)
