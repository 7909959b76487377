"""The device model of a simulated station as NotifyReport sends it, and the manners in which reports were seen to come or not to come.

It makes parts; whoever owns the session sends them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migrate.simulator.behaviour import Behaviour
from migrate.simulator.flash import ACCEPTED, NOT_SUPPORTED, Flash, Shown
from migrate.simulator.habits import Reporting

SUMMARY = "SummaryInventory"
ENDLESS_PARTS = 2_000  # as good as no end, for whoever listens
_PART = re.compile(r"([^.\[\]]+)(?:\[([^\[\]]*)\])?")
_SLOT = re.compile(r"NetworkProfile\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Part:
    """One NotifyReport."""

    number: int
    entries: tuple[dict[str, Any], ...]
    continues: bool


def answer(reporting: Reporting, base: str) -> str:
    """The status of a GetBaseReport; a station without any knowledge of it answers an error instead."""
    if reporting is Reporting.NOT_SUPPORTED or (reporting is Reporting.SUMMARY_ONLY and base != SUMMARY):
        return NOT_SUPPORTED
    return "EmptyResultSet" if reporting is Reporting.EMPTY else ACCEPTED


def parts(flash: Flash, ways: Behaviour, connectors: int) -> Iterator[Part]:
    """The parts in the order in which this station sends them."""
    if ways.reporting is Reporting.SILENT:
        return
    entries = [*_variables(flash, ways), *_connectors(connectors)]
    pages = [tuple(entries[at : at + ways.report_items]) for at in range(0, len(entries), ways.report_items)]
    if ways.reporting is Reporting.ENDLESS:
        yield from (Part(number, pages[number % len(pages)], True) for number in range(ENDLESS_PARTS))
        return
    whole = [Part(number, page, number < len(pages) - 1) for number, page in enumerate(pages)]
    match ways.reporting:
        case Reporting.SHUFFLED:
            whole.reverse()
        case Reporting.REPEATED:
            whole = [part for one in whole for part in (one, one)]
        case Reporting.LOSES_ONE:
            del whole[1:2]
    yield from whole


def _variables(flash: Flash, ways: Behaviour) -> Iterator[dict[str, Any]]:
    for one in flash.shown():
        if slot := _SLOT.fullmatch(one.key):
            yield from _slot(slot[1], one) if ways.shows_slots else ()
            continue
        mutability = "WriteOnly" if flash.is_secret(one.key) else "ReadOnly" if one.readonly else "ReadWrite"
        yield _entry(one.key, one.value, mutability)


def _slot(number: str, one: Shown) -> Iterator[dict[str, Any]]:
    """A network profile as its stack shows it: variables that only SetNetworkProfile changes."""
    for name, value in json.loads(one.value or "{}").items():
        secret = name == "basicAuthPassword"
        key = f"NetworkConfiguration[{number}].{name[0].upper()}{name[1:]}"
        yield _entry(key, None if secret else str(value), "WriteOnly" if secret else "ReadOnly")


def _connectors(connectors: int) -> Iterator[dict[str, Any]]:
    for number in range(1, connectors + 1):
        entry = _entry("Connector.AvailabilityState", "Available", "ReadOnly")
        yield entry | {"component": {"name": "Connector", "evse": {"id": number, "connectorId": 1}}}


def _entry(key: str, value: str | None, mutability: str) -> dict[str, Any]:
    component, variable = _PART.findall(key)[:2]
    shown = {} if value is None else {"value": value}
    return {
        "component": _named(*component),
        "variable": _named(*variable),
        "variableAttribute": [{"mutability": mutability, **shown}],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
    }


def _named(name: str, instance: str) -> dict[str, str]:
    return {"name": name, "instance": instance} if instance else {"name": name}
