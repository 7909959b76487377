"""What the visit verbs read before they do anything: the campaign's orders, and who needs one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from batches.visits import Need, needs, newest_orders, past_of, wants_order
from migrate.adapters.journal.presence import LastSeen
from migrate.domain.address import Backend
from migrate.domain.destination import address_for
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.filling import visit_steps
from migrate.domain.order_book import TELLING_KINDS, fold_orders
from migrate.domain.record import Attempt, EventKind, StoredEvent
from migrate.domain.station import Station
from migrate.domain.visit import Ground, Task, WorkOrder
from migrate.wiring import Wired
from reports.work_order import Outing, Printed
from reports.work_order_list import Visits

_KINDS = (*TELLING_KINDS, EventKind.ANSWER, EventKind.RESOLVED)
"""Orders are folded from the first of them; the others tell the crew what was tried."""

_ALL = 10_000_000


@dataclass(frozen=True)
class Office:
    """Everything at one moment."""

    wired: Wired
    campaign_key: str
    events: Sequence[StoredEvent]
    attempts: Mapping[str, Attempt]
    stations: Mapping[str, Station]
    orders: tuple[WorkOrder, ...]
    needs: Mapping[str, Need]

    @cached_property
    def standing(self) -> dict[str, WorkOrder]:
        """The newest order of each station that ever had one."""
        return newest_orders(self.orders)

    def wanted(self, among: Iterable[str], *, is_named: bool = False) -> list[str]:
        """Those who need a new order.  What the inventory holds back gets one only by name."""
        found = [i for i in among if i in self.needs and self._wants(i, is_named=is_named)]
        return found if is_named else [i for i in found if not self._is_left_alone(i)]

    def _wants(self, identity: str, *, is_named: bool = False) -> bool:
        return wants_order(self.needs[identity], self.standing.get(identity), is_named=is_named)

    def _is_left_alone(self, identity: str) -> bool:
        station = self.stations.get(identity)
        return station is not None and (bool(station.hold) or not station.lifecycle.is_plannable)

    def visits(self) -> Visits:
        """The list, as people and programs read it."""
        uncovered = [i for i in self.needs if i not in self.standing or not self.standing[i].is_in_force]
        return Visits(
            campaign=self.wired.settings.name,
            orders=self.orders,
            attempts=self.attempts,
            stations=self.stations,
            waiting=self._grounds(self.wanted(uncovered)),
            may_retry=self._grounds(i for i in uncovered if self.needs[i].may_retry),
            left_alone=self._grounds(i for i in uncovered if self._wants(i) and self._is_left_alone(i)),
        )

    def _grounds(self, identities: Iterable[str]) -> list[tuple[str, Ground]]:
        return [(identity, self.needs[identity].ground) for identity in identities]

    def task(self, identity: str) -> Task:
        """What a crew has to do at a station that needs hands."""
        need = self.needs[identity]
        profile = self.wired.catalogue.get(need.attempt.profile)
        station = self.stations.get(identity) or Station(identity=identity)
        goal = need.attempt.direction.goal
        steps: tuple[str, ...] = ()
        if profile and profile.visit:
            steps = visit_steps(profile, self._address(goal, station), station.identity_on(goal))
        return Task(attempt=need.attempt, ground=need.ground, station=station, steps=steps)

    def _address(self, side: Side, station: Station) -> Backend:
        """What the station dials there, once somebody has entered it."""
        told = self.wired.settings.side(side)
        return address_for(station, told.url, takes_both=told.relay.takes_plain)

    async def printed(self, tasks: Collection[Task]) -> list[Printed]:
        """Each task with its order and the last that is known of its station."""
        told: dict[str, list[StoredEvent]] = {task.identity: [] for task in tasks}
        for stored in self.events:
            if stored.event.identity in told and stored.event.kind is not EventKind.ATTEMPT_OPENED:
                told[stored.event.identity].append(stored)
        seen: dict[str, dict[Side, LastSeen]] = {task.identity: {} for task in tasks}
        for last in await self.wired.journal.presence_rows(told):
            seen[last.identity][last.side] = last
        return [
            Printed(
                order=self.standing[task.identity],
                task=task,
                url=self._url(task),
                events=told[task.identity],
                heard={side: last.heard_at for side, last in seen[task.identity].items() if last.heard_at},
                said=_said(seen[task.identity]),
            )
            for task in tasks
        ]

    def _url(self, task: Task) -> str:
        profile = self.wired.catalogue.get(task.attempt.profile)
        goal = self._address(task.attempt.direction.goal, task.station)
        return goal.url(profile.slash) if profile else goal.url()

    def outing(self) -> Outing:
        settings = self.wired.settings
        relays = (settings.source.relay, settings.target.relay)
        return Outing(
            campaign=settings.name,
            campaign_key=self.campaign_key,
            at=self.wired.clock.now(),
            timezone=settings.policy.windows.timezone,
            switch_off=settings.policy.legacy_switch_off,
            freezes=tuple((freeze.first, freeze.last) for freeze in settings.policy.windows.freeze),
            lab=settings.drill.is_on or any(relay.is_lab for relay in relays),
        )


def _said(by_side: Mapping[Side, LastSeen]) -> IdentityFacts:
    """What the station said of itself, on the target if it was ever there, else on the source."""
    source, target = (
        by_side[side].facts if side in by_side else IdentityFacts() for side in (Side.SOURCE, Side.TARGET)
    )
    return target.over(source)


async def open_office(wired: Wired) -> Office:
    """Read it all, once."""
    journal = wired.journal
    events = await journal.events(kinds=[kind.value for kind in _KINDS], limit=_ALL)
    newest = await journal.attempts()
    first = await journal.events(limit=1)
    return Office(
        wired=wired,
        campaign_key=first[0].hash[:32] if first else "",
        events=events,
        attempts={attempt.identity: attempt for attempt in newest},
        stations={station.identity: station for station in await journal.stations()},
        orders=fold_orders(events, newest),
        needs=needs(newest, past_of(events), wired.settings.policy),
    )
