"""What a campaign is made of, and the errand it gives for each of its stations.

Read once when a process starts; nothing here asks the journal or a station.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from batches.errand import Errand
from batches.schedule import permits, site_limits
from migrate.domain.address import Backend
from migrate.domain.attempt import State
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.policy import Policy, Timeouts
from migrate.domain.profile import Profile
from migrate.domain.record import Attempt, Direction, attempt_id
from migrate.domain.station import Station
from migrate.domain.wave import Plan, PlannedStation, Wave

CATCH_UP = "catch-up."

AsMeasured = Callable[[Profile, str, Timeouts], Profile]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Everything a campaign is made of.  ``waits_for_visits`` is true where crews are simulated."""

    plan: Plan
    stations: Mapping[str, Station]
    profiles: Callable[[str], Profile | None]
    refit: Callable[[IdentityFacts, str], str]  # the profile that fits a station's own words and its OCPP version
    address_of: Callable[[Side, Station], Backend]  # what a station dials on a side
    policy: Policy
    root: str = ""  # the fingerprint of the target's root certificate, where stations have to be given it
    as_measured: AsMeasured | None = None  # a profile as it holds for one kind, by what the wire has shown
    upto_wave: int | None = None
    lab_counts: bool = False
    waits_for_visits: bool = False

    @cached_property
    def planned(self) -> dict[str, PlannedStation]:
        """Every station of the plan, in plan order."""
        return {s.identity: s for s in self.plan.stations}

    @cached_property
    def kinds(self) -> dict[str, str]:
        return {s.identity: s.kind for s in self.plan.stations}

    @cached_property
    def limits(self) -> dict[str, int]:
        """How many stations of each site may be in flight at once."""
        return site_limits(self.plan.stations, self.policy.caps)

    @property
    def waves(self) -> list[int]:
        """The waves that this run may open."""
        return [w.number for w in self.plan.waves if self.upto_wave is None or w.number <= self.upto_wave]

    def wave(self, number: int) -> Wave:
        return next(w for w in self.plan.waves if w.number == number)

    def batches(self, number: int) -> list[str]:
        """The batches of a wave by name, in plan order."""
        return list(dict.fromkeys(batch_name(number, s.batch) for s in self.wave(number).stations))

    def errand(self, attempt: Attempt) -> Errand:
        planned, station = self.planned[attempt.identity], self.stations[attempt.identity]
        return Errand(
            station=station,
            planned=planned,
            profile=self._profile(planned),
            backend=self.address_of(attempt.direction.goal, station),
            policy=self.policy,
            permits=permits(planned, self.policy.caps, self.limits),
            refit=lambda said: self.refit(said, station.ocpp_version),
            direction=attempt.direction,
            lab_counts=self.lab_counts,
            root=self.root,
        )

    def _profile(self, planned: PlannedStation) -> Profile | None:
        profile = self.profiles(planned.profile)
        if profile is None or self.as_measured is None:
            return profile
        return self.as_measured(profile, planned.kind, self.policy.timeouts)

    def errand_or_none(self, attempt: Attempt) -> Errand | None:
        """The errand, unless the plan knows the station no more."""
        return self.errand(attempt) if attempt.identity in self.planned else None

    def needs_attempt(self, newest: Attempt | None) -> bool:
        """None yet, or one of an earlier plan that ended or was taken back: what this plan says is tried anew."""
        if newest is None:
            return True
        is_over = newest.is_ended or (newest.direction is Direction.BACK and newest.state is State.SETTLED)
        return is_over and newest.fingerprint != self.plan.fingerprint

    def opened(self, planned: PlannedStation, before: Attempt | None, at: datetime) -> Attempt:
        """A fresh attempt at a station, numbered after the one before."""
        number = before.next_number if before else 1
        return Attempt(
            id=attempt_id(planned.identity, number),
            identity=planned.identity,
            number=number,
            wave=planned.wave,
            batch=batch_name(planned.wave, planned.batch),
            profile=planned.profile,
            method=planned.method,
            opened_at=at,
            entered_at=at,
            fingerprint=self.plan.fingerprint,
        )


def batch_name(wave: int, batch: int) -> str:
    return f"w{wave}.b{batch}"


def is_catch_up(batch: str) -> bool:
    """Whether a batch is of no wave, but of stations that came back."""
    return batch.startswith(CATCH_UP)
