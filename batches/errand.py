"""What a batch works with: its ports, the errand at one station, and the fence around its intents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from batches.checks import inventory_facts
from batches.pace import Pacer
from batches.transfers import Transfers
from batches.words import Words
from migrate.domain.address import Backend
from migrate.domain.errors import Stale
from migrate.domain.evidence import IdentityFacts, Side, Terms
from migrate.domain.filling import Goal
from migrate.domain.policy import Policy
from migrate.domain.profile import Profile
from migrate.domain.record import Control, Direction, Guard, Hold, Permit
from migrate.domain.station import Station
from migrate.domain.wave import Deferral, Mode, PlannedStation
from migrate.domain.ways import Way
from migrate.ports import Channel, Clock, Dice, Doors, Journal, Vaults, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as far as a batch may touch it."""

    journal: Journal
    source: Channel
    target: Channel
    witness: Witness
    clock: Clock
    dice: Dice
    pacer: Pacer
    doors: Mapping[Way, Doors] = field(default_factory=dict)
    vault: Vaults | None = None
    transfers: Transfers = field(default_factory=lambda: Transfers(at_once=4))
    words: Words = field(default_factory=Words)

    def channel(self, side: Side) -> Channel:
        """The way to stations through the CSMS of one side."""
        return self.source if side is Side.SOURCE else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One station, where it is to go, and what it is allowed to cost.

    ``backend`` is the address that it is to dial: the target's, or the source's
    where ``direction`` is back.  ``root`` is the fingerprint of the target's root certificate, where stations have
    to be given it.  ``refit`` names the profile that fits what the station says of itself;
    ``lab_counts`` is true only in demonstrations and benches.
    """

    station: Station
    planned: PlannedStation
    profile: Profile | None
    backend: Backend
    policy: Policy
    permits: tuple[Permit, ...]
    refit: Callable[[IdentityFacts], str]
    direction: Direction = Direction.FORWARD
    lab_counts: bool = False
    root: str = ""

    @property
    def goal(self) -> Goal:
        """Where it is to go, and what it is called there."""
        station, origin, goal = self.station, self.direction.origin, self.direction.goal
        return Goal(
            backend=self.backend,
            identity=station.identity_on(goal),
            was=station.identity_on(origin),
            apn=station.apn,
            root=self.root if goal is Side.TARGET else "",
            security_profile=station.security_profile,
        )

    @property
    def inventory(self) -> IdentityFacts:
        return inventory_facts(self.station)

    @property
    def terms(self) -> Terms:
        """How it has to arrive where it is sent: under its name there, and no less secure than it was planned."""
        station = self.station
        return Terms(name=station.identity_on(self.direction.goal), security=station.security_profile)


def not_stopped(_: Errand) -> None:
    """No kind and no profile is stopped, as far as anybody knows."""


def not_harmed(_: Errand) -> str:
    """Nobody has come to harm by its way, as far as anybody knows."""
    return ""


@dataclass(slots=True)
class Fence:
    """What must still hold when an intent is stored: this batch is ours, and no order was given that we have not seen.

    ``quarantine`` says why an errand's kind or profile is stopped: who was
    being checked when it was, is not written to any more.  ``harm`` says what
    others have come to by the same way: no further firmware is ordered then.
    """

    batch: str
    epoch: int
    control: Control = field(default_factory=Control)
    quarantine: Callable[[Errand], tuple[Deferral, str] | None] = not_stopped
    harm: Callable[[Errand], str] = not_harmed

    def for_intent(self, errand: Errand, permits: tuple[Permit, ...] = ()) -> Guard:
        """For an intent at one station, by the orders as they are known at this moment.

        Raises ``Stale`` under a halt: the fence is its whole batch's, and a
        neighbour may have seen an order since this station was last looked at.
        """
        if hold := self.forbids_intent(errand):
            raise Stale(f"{hold.mode.value} by {hold.by}: {hold.reason}", guard="control")
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
        """Any order, pause or halt, forbids a new attempt; one that takes a station back passes a pause."""
        return self.order_over(errand) if errand.direction is Direction.FORWARD else self.forbids_intent(errand)

    def forbids_intent(self, errand: Errand) -> Hold | None:
        """Only a halt forbids going on with an attempt under way."""
        hold = self.order_over(errand)
        return hold if hold is not None and hold.mode is Mode.HALTED else None
