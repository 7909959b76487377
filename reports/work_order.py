"""Work orders as data: what the page and the workbook are both drawn from.

One order says where to go, why nobody could do it from here, what to do and
what to bring back, and nothing that is secret: every string has passed the
redactor, and an address that holds a token is printed without it.  It
decides nothing; who needs hands is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.record import Direction, StoredEvent
from migrate.domain.station import Station
from migrate.domain.visit import Task, Telling, WorkOrder
from migrate.domain.visit_form import LOCKED
from reports.redaction import MASK, redact
from reports.times import local, stamp
from reports.words import STATES, display
from reports.work_order_words import ORDER_STATES, PRIORITIES, WHYS, Step, side_words, steps_for, told_plainly

MOST_EVENTS = 5
_LONGEST = 300  # what a place on a page holds; the inventory and the journal have it whole
_LONGEST_STEP = 1200  # an address may have 512
_LONGEST_ON_PLATE = 80  # no type plate says more


@dataclass(frozen=True, slots=True, kw_only=True)
class Outing:
    """What all orders of one printing share."""

    campaign: str
    campaign_key: str
    at: datetime
    timezone: str
    switch_off: date | None = None
    freezes: tuple[tuple[date, date], ...] = ()
    lab: bool = False  # a drill, or a relay that answers in place of a CSMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One order with all that is known of its station.  ``url`` is the address that the crew enters."""

    order: WorkOrder
    task: Task
    url: str
    events: Sequence[StoredEvent] = ()
    heard: Mapping[Side, datetime] = field(default_factory=dict)  # when it last spoke, per side
    said: IdentityFacts = field(default_factory=IdentityFacts)  # what it said of itself


def work_orders_document(outing: Outing, printed: Sequence[Printed]) -> dict[str, Any]:
    """``migrate.work_orders/1``: sites in the order of their postcodes, in each the most pressing order first."""
    by_site: dict[str, list[Printed]] = {}
    for one in printed:
        by_site.setdefault(one.task.station.site, []).append(one)
    sites = [_site(orders, outing) for orders in sorted(by_site.values(), key=_on_the_way)]
    document = {
        "schema": "migrate.work_orders/1",
        "campaign": _shown(outing.campaign),
        "campaign_key": outing.campaign_key,
        "timezone": outing.timezone,
        "lab": outing.lab,
        "before": outing.switch_off.isoformat() if outing.switch_off else None,
        "freezes": [f"{first} to {last}" if first != last else f"{first}" for first, last in outing.freezes],
        "totals": _totals(printed, sites),
        "sites": sites,
    }
    whole = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return {**document, "at": stamp(outing.at), "data_hash": hashlib.sha256(whole.encode()).hexdigest()}


def _on_the_way(orders: Sequence[Printed]) -> tuple[str, ...]:
    station = orders[0].task.station
    return (station.country, station.postcode, station.city, station.site_name, station.site)


def _totals(printed: Sequence[Printed], sites: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    grounds = Counter(one.order.ground for one in printed)
    return {
        "orders": len(printed),
        "sites": len(sites),
        "by_why": [{"label": WHYS[ground].label, "orders": n} for ground, n in grounds.most_common()],
    }


def _site(orders: list[Printed], outing: Outing) -> dict[str, Any]:
    orders.sort(key=lambda one: (WHYS[one.order.ground].priority, one.order.number))
    station = orders[0].task.station
    return {
        "site": _shown(station.site_id),
        "title": _title(station),
        "address": _address(station),
        "coordinates": coordinates(station),
        "orders": [_order(one, outing) for one in orders],
    }


def _title(station: Station) -> str:
    """What a site is called on the road; a station without one is its own."""
    return _plated(station.site_name or station.site_id or station.identity)


def _address(station: Station) -> str:
    town = " ".join(filter(None, (station.postcode, station.city)))
    return _shown(", ".join(filter(None, (station.address, town, station.country.upper()))))


def coordinates(station: Station) -> str:
    """Decimal degrees as a map understands them, or nothing."""
    if station.latitude is None or station.longitude is None:
        return ""
    return f"{station.latitude:.6f},{station.longitude:.6f}"


def _order(one: Printed, outing: Outing) -> dict[str, Any]:
    order, task, zone = one.order, one.task, ZoneInfo(outing.timezone)
    why, goal = WHYS[order.ground], side_words(order.direction)[0]
    label, sentence = PRIORITIES[why.priority]
    steps = [_step(number, step, order) for number, step in enumerate(_steps(one), start=1)]
    return {
        "order": order.name,
        "number": order.number,
        "revision": order.revision,
        "digest": order.digest,
        "state": ORDER_STATES[order.state].label,
        "identity": _shown(order.identity),
        "direction": order.direction.value,
        "goal": goal,
        "is_back": order.direction is Direction.BACK,
        "issued": f"{order.issued_at.astimezone(zone):%Y-%m-%d}",
        "priority": {"label": label, "sentence": sentence},
        "ground": order.ground.value,
        "why": {"label": why.label, "sentence": why.sentence, "record": _on_record(task), "heard": _heard(one, zone)},
        "stands": f"{STATES[task.attempt.state].label}, {task.attempt.evidence}",
        "events": _events(one, zone),
        "place": _place(task.station),
        "plate": _plate(one),
        "synthetic": task.station.synthetic,
        "steps": steps,
        "has_masked": any(MASK in step["text"] for step in steps),
    }


def _steps(one: Printed) -> tuple[Step, ...]:
    return steps_for(one.order.ground, one.task.steps, one.url, display(one.order.identity))


def _step(number: int, step: Step, order: WorkOrder) -> dict[str, Any]:
    text = display(redact(step.text, keep=order.identity), limit=_LONGEST_STEP)
    return {"number": number, "text": text, "parts": _parts(text, order), "expected": step.expected}


def _parts(text: str, order: WorkOrder) -> list[dict[str, Any]]:
    """A step cut so that what has to be typed letter by letter can be set apart: addresses and the identity."""
    names = (r"\b[a-z]+://[^\s\"'<>]*[^\s\"'<>.,;:)]", rf"(?<!\w){re.escape(_shown(order.identity))}(?!\w)")
    cut = re.split(f"({'|'.join(names)})", text)
    return [{"text": part, "typed": index % 2 == 1} for index, part in enumerate(cut) if part]


def _on_record(task: Task) -> str:
    return _shown(redact(task.attempt.reason, keep=task.identity)).removesuffix(".")


def _heard(one: Printed, zone: ZoneInfo) -> list[str]:
    told = []
    for side, name in ((Side.SOURCE, "old"), (Side.TARGET, "new")):
        at = one.heard.get(side)
        told.append(f"Last heard by the {name} backend: {local(at, zone) if at else 'never on record'}.")
    return told


def _events(one: Printed, zone: ZoneInfo) -> list[dict[str, str]]:
    """The last things that happened, the newest first, each once."""
    told: list[dict[str, str]] = []
    for stored in reversed(one.events):
        if stored.event.data.get("step") in (Telling.ISSUED, Telling.REVISED):
            continue  # the order itself says so
        text = _shown(told_plainly(stored.event, one.order.direction, known=one.task.attempt.reason))
        if text and (not told or told[-1]["text"] != text):
            told.append({"at": f"{stored.event.at.astimezone(zone):%Y-%m-%d %H:%M}", "text": text})
        if len(told) == MOST_EVENTS:
            break
    return told


def _place(station: Station) -> dict[str, str]:
    contact = ", ".join(filter(None, (station.contact_name, station.contact_phone, station.contact_email)))
    return {
        "name": _title(station),
        "address": _address(station),
        "coordinates": coordinates(station),
        "contact": _shown(redact(contact)),
        "access": _shown(redact(station.access)),
        "notes": _shown(redact(station.notes)),
    }


def _plate(one: Printed) -> list[dict[str, str]]:
    """What should stand on the equipment: the list's word, and the station's own where the list is silent."""
    station, said = one.task.station, one.said
    pairs = (
        ("Vendor", station.vendor, said.vendor),
        ("Model", station.model, said.model),
        ("Serial", station.serial, said.serial or said.box_serial),
        ("Firmware", station.firmware, said.firmware),
    )
    plate = [
        {"name": name, "value": _plated(listed or own), "own": "yes" if own and not listed else ""}
        for name, listed, own in pairs
    ]
    return [*plate, {"name": "Connectors", "value": str(station.connectors), "own": ""}]


def _plated(text: str) -> str:
    return display(text, limit=_LONGEST_ON_PLATE)


def _shown(text: str) -> str:
    return display(text, limit=_LONGEST)


def locked_cells(site: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, str]:
    """The cells of an order's line in the returned sheet that are ours."""
    plate = {fact["name"]: fact["value"] for fact in order["plate"]}
    values = (
        order["order"],
        str(order["revision"]),
        display(", ".join(filter(None, (site["title"], site["address"])))),
        order["identity"],
        display(" ".join(filter(None, (plate["Vendor"], plate["Model"])))),
        order["why"]["label"],
    )
    return dict(zip(LOCKED, values, strict=True))
