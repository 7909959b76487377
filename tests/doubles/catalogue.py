"""A profile of a vendor that does not exist: one key, one restart, nothing unusual."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint, Write

PLAIN_ACME = Profile(
    name="acme",
    title="Acme",
    selector=Selector(vendors=("Acme",)),
    method=Method.CHANGE_CONFIGURATION,
    rollback=Rollback.REMOTE,
    turning_point=TurningPoint.RESTART,
    proof=Proof.SIMULATED,
    writes=(Write(key="Url", value="${url}"),),
)


def a_profile(**changes: Any) -> Profile:
    """That profile, but for what a test is about."""
    return replace(PLAIN_ACME, **changes)
