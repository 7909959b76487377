"""The brake: one place that says why a station may not start now.

Persons' orders, shut gates, blind witnesses, stopped models and the end of
the run come together here.  The engine refreshes what the brake knows; the
conductor asks it before each start.  A station that is taken back passes a
pause and a shut gate: it has a gate of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from batches.checks import unproven
from batches.conductor import Stopped
from batches.errand import Errand, Fence
from batches.forecast import Forecast
from batches.pace import Pacer
from batches.rollback import RollbackBook
from migrate.domain.evidence import Side
from migrate.domain.record import Control, Direction
from migrate.domain.wave import Deferral
from migrate.ports import Witness


class CampaignBrake:
    """Implements ``batches.conductor.Brake``."""

    def __init__(self, witness: Witness, pacer: Pacer, rollbacks: RollbackBook) -> None:
        self._witness = witness
        self._pacer = pacer
        self._rollbacks = rollbacks
        self.control = Control()
        self.shut_waves: frozenset[int] = frozenset()
        self.forecasts: Mapping[int, Forecast] = {}
        self.stopped_kinds: Mapping[str, int] = {}
        self.stopped_profiles: Mapping[str, int] = {}
        self.only: Collection[str] | None = None  # the stations of one order; all others are left as they are
        self.is_ending = False

    def stops(self, errand: Errand) -> Stopped | None:
        if self.is_ending:
            return Stopped(reason="the run is coming to an end", leave=True)
        if self.only is not None and errand.station.identity not in self.only:
            return Stopped(reason="only what was ordered is carried out", leave=True)
        return self._stops_back(errand) if errand.direction is Direction.BACK else self._stops_forward(errand)

    def _forbidden_by_checks(self, errand: Errand) -> Stopped | None:
        """What was looked at before its wave: a wave that is stopped begins nobody, a station that is left out waits."""
        forecast = self.forecasts.get(errand.planned.wave)
        if forecast is None:
            return None
        if forecast.stops:
            return Stopped(reason=forecast.stops[0], leave=True)
        why = forecast.excluded.get(errand.station.identity)
        return Stopped(reason=why, deferral=Deferral.CHECKS) if why else None

    def _stops_back(self, errand: Errand) -> Stopped | None:
        if hold := Fence(batch="", epoch=0, control=self.control).forbids_intent(errand):
            return Stopped(reason=f"{hold.mode.value} by {hold.by}: {hold.reason}")
        if blind := self._is_blind():
            return blind
        if why := self._pacer.stops(Side.SOURCE):
            return Stopped(reason=why)
        if why := self._rollbacks.ruling.stops(errand.planned.kind):
            return Stopped(reason=why, deferral=Deferral.MODEL_STOPPED)
        return self._waits_for_the_first(errand)

    def _waits_for_the_first(self, errand: Errand) -> Stopped | None:
        """Of every profile a few go first, until one of them was proven on the source."""
        profile, at_most = errand.planned.profile, max(1, errand.policy.waves.canary_per_profile)
        if self._rollbacks.may_go_first(profile, errand.station.identity, at_most):
            return None
        return Stopped(reason=f"the first of {profile or 'its kind'} have to be seen on the source before it")

    def _is_blind(self) -> Stopped | None:
        blind = next((side for side in Side if not self._witness.sees(side)), None)
        return Stopped(reason=f"nobody can see the {blind.value} CSMS") if blind else None

    def _stops_forward(self, errand: Errand) -> Stopped | None:
        for wave in sorted(n for n in self.shut_waves if n <= errand.planned.wave):
            return Stopped(reason=f"the gate of wave {wave} is shut", leave=True, is_harm=True)
        if ahead := self._forbidden_by_checks(errand):
            return ahead
        if hold := Fence(batch="", epoch=0, control=self.control).forbids_start(errand):
            return Stopped(reason=f"{hold.mode.value} by {hold.by}: {hold.reason}")
        if blind := self._is_blind():
            return blind
        if why := self._pacer.stops():
            return Stopped(reason=why)
        if errand.planned.wave > 0 and (why := unproven(errand.profile, errand.policy)):
            return Stopped(reason=why, deferral=Deferral.UNPROVEN)
        if idle := self.stopped_profiles.get(errand.planned.profile):
            reason = f"profile {errand.planned.profile} stopped: {idle} stored its setting and did not use it"
            return Stopped(reason=reason, deferral=Deferral.MODEL_STOPPED, is_harm=True)
        if failures := self.stopped_kinds.get(errand.planned.kind):
            reason = f"model stopped: {failures} of its kind failed"
            return Stopped(reason=reason, deferral=Deferral.MODEL_STOPPED, is_harm=True)
        return None
