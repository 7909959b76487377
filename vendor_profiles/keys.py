"""Every key of a profile file, with its kind and its meaning.

One table for those who read a file and for the schema that is published: a key
that is added here is read, checked and described at once.
"""

from __future__ import annotations

from typing import Any

from migrate.domain.address import Slash
from migrate.domain.profile import (
    Method,
    Proof,
    Quirks,
    Restart,
    Rollback,
    Selector,
    Slots,
    Timing,
    TurningPoint,
)
from migrate.domain.version import FirmwareRange
from vendor_profiles.laws.breach import MAX_LONG_VALUE, MAX_VALUE
from vendor_profiles.readers import BOOLEAN, COUNT, DURATION, TEXT, TEXTS, Kind, choice, group, shape
from vendor_profiles.way_keys import SECTIONS, WRITES

SCHEMA = "migrate.profile-file/1"
SCHEMA_ID = "urn:fleet-migrate:profile-file:1"


def _proof(level: Proof, evidence: tuple[str, ...] = ()) -> tuple[Proof, tuple[str, ...]]:
    return level, evidence


QUIRKS: dict[str, Kind] = {
    "triggers_boot": BOOLEAN.meaning("false: TriggerMessage(BootNotification) is not answered"),
    "boots_on_reconnect": BOOLEAN.meaning("true: it boots after every reconnect"),
    "max_keys": COUNT.meaning("keys that one GetConfiguration may name"),
    "refuses_after_write": BOOLEAN.meaning("true: answers nothing but Reset once a write waits for its restart"),
    "falls_back": BOOLEAN.meaning("true: returns to the old backend when the new one does not answer"),
    "notes": TEXTS.meaning("what else surprises"),
}
SELECTOR: dict[str, Kind] = {
    "vendors": TEXTS.meaning("globs over chargePointVendor, whatever the case; * and ? only"),
    "models": TEXTS.meaning("globs over chargePointModel; left out: any"),
    "firmware": group(
        FirmwareRange, {"at_least": TEXT.meaning("this version is in"), "below": TEXT.meaning("this version is out")}
    ).meaning("a half-open range of versions, in quotes"),
    "ocpp_versions": TEXTS.meaning('by name, or "*"; left out: 1.6'),
}
SLOTS: dict[str, Kind] = {
    "keys": TEXTS.meaning("the keys that hold a backend each"),
    "priority_key": TEXT.meaning("the key that holds their order"),
    "separator": TEXT.meaning("what stands between two of them; left out: a comma"),
    "names": TEXTS.meaning("what the order calls each of them, where it does not call them by their keys"),
    "active_key": TEXT.meaning("the key that says which of them is in use, where there is one"),
}
PROFILE: dict[str, Kind] = {
    "name": TEXT.meaning("a-z, digits and _; stands in commands and reports"),
    "title": TEXT.meaning("for people"),
    "selector": group(Selector, SELECTOR, {"vendors"}).meaning("which stations it is for"),
    "method": choice(Method).meaning("how a station is told to move"),
    "rollback": choice(Rollback).meaning("what brings a station back once it has passed its turning point"),
    "turning_point": choice(TurningPoint).meaning("the step after which the source cannot undo"),
    "proof": group(
        _proof,
        {
            "level": choice(Proof).meaning("weakest first; below bench it moves stations in wave 0 only"),
            "evidence": TEXTS.meaning("transcript, bench note or report that earned the level"),
        },
        {"level"},
    ).meaning("how well it is proven"),
    "writes": WRITES.meaning("in order; what carries the URL goes last"),
    "restart": choice(Restart).meaning("what puts written values into use; left out: soft"),
    "slash": choice(Slash).meaning("at the end of the URL; left out: forbid"),
    "max_value_length": COUNT.meaning(
        f"what the station stores; at most {MAX_VALUE}, over OCPP 2.0.1 {MAX_LONG_VALUE}"
    ),
    "slots": group(Slots, SLOTS, {"keys", "priority_key"}).meaning("several stored backends and an order among them"),
    **SECTIONS,
    "timing": group(Timing, dict.fromkeys(("restart", "appear", "settle"), DURATION)).meaning(
        "where the family needs more patience than the campaign has"
    ),
    "quirks": group(Quirks, QUIRKS).meaning("where the family departs from the protocol"),
    "visit": TEXTS.meaning("what the crew does, step by step; a step that begins with Optional: may be left out"),
    "sources": TEXTS.meaning("where each fact is from"),
    "notes": TEXTS.meaning("what is not known, and why the rollback class is what it is"),
}
REQUIRED = frozenset({"name", "title", "selector", "method", "rollback", "turning_point", "proof"})


def profile_schema() -> dict[str, Any]:
    """The form of a profile file as JSON Schema, for editors and for tools of other makes.

    It says what the keys are and which belong together.  The laws (the URL
    goes last, the slot in use is never written) need ``migrate profiles check``.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A profile file of fleet-migrate",
        "description": "How families of charging stations are told to leave their backend. The laws beyond the form: "
        "`migrate profiles check FILE`.",
        "type": "object",
        "required": ["schema"],
        "anyOf": [{"required": ["profiles"]}, {"required": ["use"]}],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": SCHEMA},
            "family": dict(TEXT.schema),
            "use": dict(TEXTS.meaning("packaged profiles that are there on request only, by their names").schema),
            "profiles": {"type": "array", "minItems": 1, "items": {**shape(PROFILE, REQUIRED), **_BY_METHOD}},
        },
    }


_BY_METHOD: dict[str, Any] = {
    "if": {"properties": {"method": {"const": Method.VISIT.value}}},
    "then": {
        "required": ["visit"],
        "properties": {
            "rollback": {"enum": [rollback.value for rollback in Rollback if rollback.is_one_way]},
            "turning_point": {"const": TurningPoint.VISIT.value},
            "writes": {"maxItems": 0},
            "slots": False,
            **dict.fromkeys(SECTIONS, False),
        },
    },
    "else": {
        "required": ["writes"],
        "properties": {
            "turning_point": {"enum": [TurningPoint.WRITE.value, TurningPoint.RESTART.value]},
            "writes": {"minItems": 1},
        },
    },
}
"""What a visit may not have, and what every other method must."""
