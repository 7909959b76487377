"""What an activity of the driver came to: a fact, and what is stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.domain.attempt import Fact
from migrate.domain.record import Event, Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One fact, the fields of the attempt that change with it, and the events that tell of it.

    ``guard`` is set for intents only; a fact that was seen is stored under
    the batch's own fence.
    """

    fact: Fact
    changes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    note: Mapping[str, Any] = field(default_factory=dict)
    guard: Guard | None = None


def outcome(fact: Fact, reason: str = "", **changes: Any) -> Outcome:
    return Outcome(fact=fact, changes={"reason": reason, **changes})
