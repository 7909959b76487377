"""What a batch works with: its ports, the errand at one station, and the fence around its intents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from batches.checks import inventory_facts
from migrate.domain.address import Backend
from migrate.domain.evidence import IdentityFacts
from migrate.domain.policy import Policy
from migrate.domain.profile import Profile
from migrate.domain.record import Control, Guard, Hold, Permit
from migrate.domain.station import Station
from migrate.domain.wave import Mode, PlannedStation
from migrate.ports import Channel, Clock, Dice, Journal, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as far as a batch may touch it."""

    journal: Journal
    source: Channel
    target: Channel
    witness: Witness
    clock: Clock
    dice: Dice


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One station, where it is to go, and what it is allowed to cost.

    ``refit`` names the profile that fits what the station says of itself;
    ``lab_counts`` is true only in demonstrations and benches.
    """

    station: Station
    planned: PlannedStation
    profile: Profile | None
    backend: Backend
    policy: Policy
    permits: tuple[Permit, ...]
    refit: Callable[[IdentityFacts], str]
    lab_counts: bool = False

    @property
    def inventory(self) -> IdentityFacts:
        return inventory_facts(self.station)


@dataclass(slots=True)
class Fence:
    """What must still hold when an intent is stored: this batch is ours, and no order was given that we have not seen."""

    batch: str
    epoch: int
    control: Control = field(default_factory=Control)

    def for_intent(self, permits: tuple[Permit, ...] = ()) -> Guard:
        return Guard(batch=self.batch, epoch=self.epoch, control_epoch=self.control.epoch, permits=permits)

    def for_undoing(self) -> Guard:
        """Undoing passes a halt: leaving a station half changed is the greater harm."""
        return Guard(batch=self.batch, epoch=self.epoch)

    def order_over(self, errand: Errand) -> Hold | None:
        return self.over(errand.station, errand.planned.profile)

    def over(self, station: Station, profile: str) -> Hold | None:
        """The strictest order over a station; a model may be named with or without its vendor."""
        names = (station.model, f"{station.vendor} {station.model}".strip())
        holds = [self.control.over(model=name, profile=profile, site=station.site) for name in names]
        return max((h for h in holds if h is not None), key=lambda h: h.mode is Mode.HALTED, default=None)

    def forbids_start(self, errand: Errand) -> Hold | None:
        """Any order, pause or halt, forbids a new attempt."""
        return self.order_over(errand)

    def forbids_intent(self, errand: Errand) -> Hold | None:
        """Only a halt forbids going on with an attempt under way."""
        hold = self.order_over(errand)
        return hold if hold is not None and hold.mode is Mode.HALTED else None
