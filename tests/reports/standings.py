"""How stations stand in a campaign that is too small to be anything but looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from migrate.domain.attempt import State
from migrate.domain.profile import Method
from migrate.domain.wave import Mode, Standing, StationStanding

AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def a_station(identity: str = "AC-1", state: State = State.SETTLED, **given: Any) -> StationStanding:
    """One station after its only attempt."""
    facts: dict[str, Any] = {
        "identity": identity,
        "wave": 0,
        "profile": "acme",
        "method": Method.CHANGE_CONFIGURATION,
        "state": state,
        "evidence": "E0",
        "attempts": 1,
        "reason": "",
        "updated_at": AT,
    }
    return StationStanding(**{**facts, **given})


def a_standing(*stations: StationStanding, **given: Any) -> Standing:
    """A campaign that runs, with these stations and without waves."""
    facts: dict[str, Any] = {
        "campaign": "cutover",
        "fingerprint": "a3f9",
        "mode": Mode.RUNNING,
        "at": AT,
        "totals": {state: sum(s.state is state for s in stations) for state in State},
        "waves": (),
        "stations": stations,
    }
    return Standing(**{**facts, **given})
