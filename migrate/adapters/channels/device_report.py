"""A report of a station's device model (OCPP 2.0.1 and 2.1, NotifyReport), as entries that a probe can read.

Every value comes from a station: sizes are bounded, what has no name is left
out.  Variables of an EVSE or connector are counted and not kept: the keys by
which a move writes name the station itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.adapters.ocpp.messages import clean, held_value, list_of
from migrate.domain.answered import Entry, Reported, Taken

MAX_NAME = 50
READONLY = {"ReadOnly": True, "ReadWrite": False, "WriteOnly": False}


def reported(base: str, payload: Mapping[str, Any]) -> Reported:
    """What came of one question.  A yes to which nothing came is no answer."""
    status, parts = clean(payload.get("status"), 64), payload.get("parts")
    if status != "Accepted":
        taken = Taken.ANSWERED if status == "EmptyResultSet" else Taken.REFUSED
        return Reported(base=base, taken=taken, status=status or "no status")
    listed = [one for one in list_of(payload.get("entries")) if isinstance(one, dict)]
    beside = sum(_of(one, "component").get("evse") is not None for one in listed)
    return Reported(
        base=base,
        taken=Taken.ANSWERED if parts else Taken.UNANSWERED,
        status=status,
        entries=tuple(_entries(listed)),
        beside=beside,
        parts=int(parts or 0),
        missing=tuple(at for at in list_of(payload.get("missing")) if isinstance(at, int)),
        is_whole=payload.get("whole") is True,
        is_cut_off=payload.get("more") is True,
    )


def _entries(listed: Iterable[Mapping[str, Any]]) -> Iterable[Entry]:
    for one in listed:
        component, variable = _named(_of(one, "component")), _named(_of(one, "variable"))
        if component and variable and _of(one, "component").get("evse") is None:
            actual = _actual(one)
            yield Entry(
                key=f"{component}.{variable}",
                value=held_value(actual.get("value")),
                readonly=READONLY.get(
                    clean(actual.get("mutability", "ReadWrite"), 16)
                ),  # what the standard means by saying nothing
            )


def _actual(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of target, minimum and maximum nothing is kept; an attribute without a type is the actual one."""
    attributes = [one for one in list_of(entry.get("variableAttribute")) if isinstance(one, dict)]
    return next((one for one in attributes if one.get("type", "Actual") == "Actual"), {})


def _named(part: Mapping[str, Any]) -> str:
    name, instance = clean(part.get("name"), MAX_NAME), clean(part.get("instance"), MAX_NAME)
    return f"{name}[{instance}]" if name and instance else name


def _of(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entry.get(name)
    return found if isinstance(found, dict) else {}
