"""``migrate.visits/1``: the work orders of a campaign, and who waits for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.domain.record import Attempt
from migrate.domain.station import Station
from migrate.domain.visit import Ground, OrderState, WorkOrder
from reports.redaction import redact
from reports.times import stamp, stamp_or_none
from reports.words import STATES, display
from reports.work_order_words import ORDER_STATES, WHYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What the list is drawn from.

    ``waiting`` need hands and have no order yet; ``may_retry`` failed or came
    back and have tries left, ``left_alone`` are on hold or out of service by
    the inventory: to both a crew is sent only when a person names them.
    """

    campaign: str
    orders: Sequence[WorkOrder]
    attempts: Mapping[str, Attempt]
    stations: Mapping[str, Station]
    waiting: Sequence[tuple[str, Ground]] = field(default=())
    may_retry: Sequence[tuple[str, Ground]] = field(default=())
    left_alone: Sequence[tuple[str, Ground]] = field(default=())

    def site_of(self, identity: str) -> str:
        station = self.stations.get(identity)
        return (station.site_name or station.site_id) if station else ""


def visits_document(visits: Visits) -> dict[str, Any]:
    """The whole list."""
    counts = Counter(order.state for order in visits.orders)
    return {
        "schema": "migrate.visits/1",
        "campaign": visits.campaign,
        "totals": {state.value.replace(" ", "_"): counts[state] for state in OrderState}
        | {"waiting": len(visits.waiting), "may_retry": len(visits.may_retry), "left_alone": len(visits.left_alone)},
        "orders": [order_document(order, visits) for order in visits.orders],
        "waiting": [_need(identity, ground, visits) for identity, ground in visits.waiting],
        "may_retry": [_need(identity, ground, visits) for identity, ground in visits.may_retry],
        "left_alone": [_need(identity, ground, visits) for identity, ground in visits.left_alone],
    }


def order_document(order: WorkOrder, visits: Visits) -> dict[str, Any]:
    """One order as it stands; ``returned`` is the crew's claim, ``sighting`` the proof."""
    attempt = visits.attempts.get(order.identity)
    return {
        "order": order.name,
        "revision": order.revision,
        "state": order.state.value,
        "identity": order.identity,
        "site": visits.site_of(order.identity),
        "ground": order.ground.value,
        "direction": order.direction.value,
        "reason": redact(order.reason, keep=order.identity),
        "attempt": order.attempt,
        "station_state": attempt.state.value if attempt else None,
        "evidence": str(attempt.evidence) if attempt else None,
        "issued_at": stamp(order.issued_at),
        "issued_by": order.issued_by,
        "returned_at": stamp_or_none(order.returned_at),
        "returned": order.returned.to_json() if order.returned else None,
        "ended_at": stamp_or_none(order.ended_at),
        "sighting": order.sighting or None,
    }


def _need(identity: str, ground: Ground, visits: Visits) -> dict[str, Any]:
    attempt = visits.attempts[identity]
    reason = redact(attempt.reason, keep=identity)
    return {
        "identity": identity,
        "site": visits.site_of(identity),
        "ground": ground.value,
        "station_state": attempt.state.value,
        "reason": reason,
    }


def visits_lines(visits: Visits, *, whole: bool) -> Iterator[str]:
    """The list for a person, by site; ended orders only when the ``whole`` list is asked for."""
    shown = [o for o in visits.orders if whole or o.state not in (OrderState.CLOSED, OrderState.WITHDRAWN)]
    by_site: dict[str, list[WorkOrder]] = {}
    for order in shown:
        by_site.setdefault(visits.site_of(order.identity), []).append(order)
    for site in sorted(by_site):
        yield display(site, limit=80) or "without a site"
        yield from (f"  {_line(order, visits)}" for order in by_site[site])
    if visits.waiting:
        yield f"{len(visits.waiting):,} need hands and have no order yet: {_grounds(visits.waiting)}"
    if visits.may_retry:
        yield f"{len(visits.may_retry):,} failed or came back and have tries left: {_grounds(visits.may_retry)}"
    if visits.left_alone:
        yield f"{len(visits.left_alone):,} are on hold or out of service by the inventory: {_grounds(visits.left_alone)}"
    if not (shown or visits.waiting or visits.may_retry or visits.left_alone):
        yield "No station needs hands."


def _line(order: WorkOrder, visits: Visits) -> str:
    word, attempt = ORDER_STATES[order.state], visits.attempts.get(order.identity)
    crew = f", crew: {order.returned.result.value}" if order.returned else ""
    stands = f"; the station is {STATES[attempt.state].label} ({attempt.evidence})" if attempt else ""
    revision = f" rev {order.revision}" if order.revision > 1 else ""
    why = WHYS[order.ground].label.lower()
    return (
        f"{word.shape} {order.name}{revision}  {display(order.identity, limit=48)}  {word.label}{crew}: {why}{stands}"
    )


def _grounds(needs: Iterable[tuple[str, Ground]]) -> str:
    counts = Counter(ground for _, ground in needs)
    return ", ".join(f"{n:,} {ground.value}" for ground, n in counts.most_common())
