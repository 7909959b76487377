"""The brake: one place that says why a station may not start now.

Persons' orders, shut gates, blind witnesses, stopped models and the end of
the run come together here.  The engine refreshes what the brake knows; the
conductor asks it before each start.
"""

from __future__ import annotations

from collections.abc import Mapping

from batches.conductor import Stopped
from batches.errand import Errand, Fence
from migrate.domain.evidence import Side
from migrate.domain.record import Control
from migrate.domain.wave import Deferral
from migrate.ports import Witness


class CampaignBrake:
    """Implements ``batches.conductor.Brake``."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self.control = Control()
        self.shut_waves: frozenset[int] = frozenset()
        self.stopped_kinds: Mapping[str, int] = {}
        self.is_ending = False

    def stops(self, errand: Errand) -> Stopped | None:
        if self.is_ending:
            return Stopped(reason="the run is coming to an end", leave=True)
        for wave in sorted(n for n in self.shut_waves if n <= errand.planned.wave):
            return Stopped(reason=f"the gate of wave {wave} is shut", leave=True)
        if hold := Fence(batch="", epoch=0, control=self.control).forbids_start(errand):
            return Stopped(reason=f"{hold.mode.value} by {hold.by}: {hold.reason}")
        for side in Side:
            if not self._witness.sees(side):
                return Stopped(reason=f"nobody can see the {side.value} CSMS")
        if failures := self.stopped_kinds.get(errand.planned.kind):
            return Stopped(reason=f"model stopped: {failures} of its kind failed", deferral=Deferral.MODEL_STOPPED)
        return None
