"""What each family of stations does, as data of the simulator's own.

One TOML file per family in ``behaviours/``, read with the package.  It is
deliberately not the catalogue of profiles: the simulated fleet is a witness
from outside and must be able to contradict it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from migrate.simulator.address import Layout, Slash

FAMILIES = ("microocpp", "everest", "openocpp", "eviq", "keba", "alfen5", "alfen6", "amina", "growatt")
VISIT_ONLY = "visit_only"


class Apply(StrEnum):
    """When a written backend comes into use."""

    RESTART = "restart"
    AT_ONCE = "at_once"  # leaves the old backend at once, and does not boot on the new one


class Fallback(StrEnum):
    """How a station saves itself from a backend that does not answer."""

    NONE = "none"
    TRANSACTION = "transaction"  # old values and a restart, unless a boot was accepted in time
    SLOTS = "slots"  # the next slot after some failed dials


class Trigger(StrEnum):
    """Whether a station follows TriggerMessage."""

    ANSWERS = "answers"
    UNTIL_RECONNECT = "until_reconnect"  # Rejected after a reconnect until the next restart
    NEVER = "never"


class Drop(StrEnum):
    """How a station leaves before a restart."""

    CLEAN = "clean"
    ABRUPT = "abrupt"  # no close frame: the far side sees 1006


class OverLimit(StrEnum):
    """What a station does when asked for more keys than it can list."""

    TRUNCATE = "truncate"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key as it leaves the factory; a secret never reaches a log."""

    value: str = field(default="", repr=False)
    readonly: bool = False
    secret: bool = False
    masked: str | None = None  # what GetConfiguration shows instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    vendor: str
    model: str
    firmwares: tuple[str, ...]
    connectors: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One family's ways.  Times are campaign seconds."""

    family: str
    layout: Layout
    backend_keys: tuple[str, ...]
    slash: Slash
    write_answer: str
    hardware: tuple[Hardware, ...]
    keys: Mapping[str, Key]
    apply: Apply = Apply.RESTART
    fallback: Fallback = Fallback.NONE
    trigger: Trigger = Trigger.ANSWERS
    trigger_first: bool = False
    reset_applies: str = "any"  # "hard": a Soft reset restarts the station without reading its address anew
    reset_drop_s: float = 1.0
    drop: Drop = Drop.CLEAN
    boots_on_reconnect: bool = False
    reconnect_s: float = 10.0
    max_keys: int = 60
    over_limit: OverLimit = OverLimit.TRUNCATE


@cache
def behaviour(family: str) -> Behaviour:
    """The ways of one family; KeyError when there is no such family."""
    if family not in (*FAMILIES, VISIT_ONLY, "live"):
        raise KeyError(f"no simulated family {family!r}")
    facts = _read(family)
    keys = {**_read("common")["keys"], **facts.pop("keys")}
    return Behaviour(
        family=family,
        keys={name: Key(**key) for name, key in keys.items()},
        hardware=tuple(Hardware(**{**one, "firmwares": tuple(one["firmwares"])}) for one in facts.pop("hardware")),
        **{name: _typed(name, value) for name, value in facts.items()},
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("migrate.simulator") / "behaviours" / f"{name}.toml").read_text("utf-8"))


def _typed(name: str, value: Any) -> Any:
    return TYPES[name](value) if name in TYPES else value


TYPES: Mapping[str, Any] = {
    "layout": Layout,
    "slash": Slash,
    "apply": Apply,
    "fallback": Fallback,
    "trigger": Trigger,
    "drop": Drop,
    "over_limit": OverLimit,
    "backend_keys": tuple,
}
