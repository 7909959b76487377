"""What persons order: pause, resume, halt.

An order lies on the whole campaign or on a model, a profile or a site until
it is lifted.  Each makes the control epoch grow, so that an intent computed
before it is refused by the journal, everywhere, at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from batches.gate import acknowledge
from migrate.domain.record import Attempt, Control, Hold
from migrate.domain.station import Station
from migrate.domain.wave import Mode


def laid(control: Control, hold: Hold) -> Control:
    """Lay a pause or a halt; it replaces an earlier order over the same scope."""
    others = tuple(h for h in control.holds if h.scope != hold.scope)
    return replace(control, epoch=control.epoch + 1, holds=(*others, hold))


def lifted(control: Control, scope: str, attempts: Iterable[Attempt]) -> Control:
    """Lift the orders over a scope, the empty scope lifts all.

    Resuming takes note of the failures and losses there are: only new ones
    can shut a gate or stop a model again.  ``attempts`` are those in scope.
    """
    rest = tuple(h for h in control.holds if scope and h.scope != scope)
    return replace(control, epoch=control.epoch + 1, holds=rest, acknowledged=_noted(control, attempts))


def _noted(control: Control, attempts: Iterable[Attempt]) -> Mapping[int, Mapping[str, int]]:
    by_wave: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_wave.setdefault(attempt.wave, []).append(attempt)
    noted = {wave: dict(seen) for wave, seen in control.acknowledged.items()}
    for wave, members in by_wave.items():
        noted[wave] = noted.get(wave, {}) | acknowledge(members)
    return noted


def lies_on(scope: str, station: Station, profile: str) -> bool:
    """Whether an order over this scope lies on a station; a model may be named with or without its vendor."""
    return scope in ("", *names_of(station, profile))


def names_of(station: Station, profile: str) -> tuple[str, ...]:
    """The scopes by which an order reaches a station, the empty one aside."""
    vendor_and_model = f"{station.vendor} {station.model}".strip()
    return (f"model:{station.model}", f"model:{vendor_and_model}", f"profile:{profile}", f"site:{station.site}")


def order(mode: Mode, scope: str, *, reason: str, by: str, at: datetime) -> Hold:
    return Hold(scope=scope, mode=mode, reason=reason, by=by, at=at)
