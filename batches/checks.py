"""The checks that precede an attempt: may this station be touched now?

Everything is looked up before by the driver; here the findings are judged,
in an order in which the cheapest and most certain grounds come first.  The
answer is one of four: go on, not now, never, or it needs hands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from migrate.domain.attempt import Fact
from migrate.domain.evidence import BINDING, IdentityFacts, Side, disagreements
from migrate.domain.policy import Policy
from migrate.domain.profile import Method, Profile, Proof, Restart, Rollback
from migrate.domain.station import Station
from migrate.domain.wave import Deferral
from migrate.domain.ways import Way
from migrate.ports import Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A ground for not going on; ``deferral`` and ``due_at`` belong to *not now*."""

    fact: Fact
    reason: str
    deferral: Deferral | None = None
    due_at: datetime | None = None


def unproven(profile: Profile | None, policy: Policy) -> str:
    """Why stations of a profile may go with the canary and no further; empty when they may.

    Below bench level nobody has seen a real station do it.  A person may accept
    a profile with a reason; a crew sees for itself, and simulated stations
    prove nothing and need no proof.
    """
    if profile is None or profile.method is Method.VISIT or not policy.requires_proof:
        return ""
    if profile.proof in (Proof.BENCH, Proof.FIELD) or policy.accepted.get(profile.name, "").strip():
        return ""
    return f"profile {profile.name} is only {profile.proof.value}: wave 0 and no further, until it is accepted"


def before_taking_back(profile: Profile | None, method: Method) -> Judgement | None:
    """What can be judged of a rollback without the station.  No window is asked: it is ordered when something is wrong."""
    if method is Method.VISIT:
        return Judgement(fact=Fact.NEEDS_HANDS, reason="it was moved by hand, and by hand it goes back")
    if profile is None:
        return Judgement(fact=Fact.NEEDS_HANDS, reason="its profile is in the catalogue no more: by hand it goes back")
    if profile.rollback is Rollback.IMPOSSIBLE:
        return _never(f"nothing brings it back: {profile.name} has no way")
    if profile.rollback in (Rollback.VISIT, Rollback.BEFORE_RESTART):
        return Judgement(fact=Fact.NEEDS_HANDS, reason=f"its way back is a {Rollback.VISIT.value}")
    return None


def before_asking(
    profile: Profile | None, method: Method, *, window_opens_at: datetime | None, is_window_open: bool
) -> Judgement | None:
    """What can be judged without the station."""
    if profile is None or method is Method.VISIT:
        return Judgement(
            fact=Fact.NEEDS_HANDS, reason="its profile has no remote way" if profile else "no profile fits"
        )
    if is_window_open:
        return None
    if window_opens_at is None:
        return Judgement(fact=Fact.NEVER, reason="no window ever opens before the freeze ends")
    return Judgement(fact=Fact.NOT_NOW, reason="outside its window", deferral=Deferral.WINDOW, due_at=window_opens_at)


def presence_allows(presence: Presence, origin: Side, *, again_at: datetime) -> Judgement | None:
    """Is it on the side it is to leave, and free?  Drivers are never cut off."""
    session = presence.on(origin)
    if session is None:
        reason = f"not connected to the {origin.value}"
        return Judgement(fact=Fact.NOT_NOW, reason=reason, deferral=Deferral.OFFLINE, due_at=again_at)
    if session.charging:
        connectors = ", ".join(str(c) for c in session.charging)
        return Judgement(
            fact=Fact.NOT_NOW, reason=f"charging on connector {connectors}", deferral=Deferral.BUSY, due_at=again_at
        )
    return None


def dialect_allows(presence: Presence, origin: Side, profile: Profile) -> Judgement | None:
    """Does it speak, where it is now, a version of OCPP that its profile is written in?  Other ways need none."""
    session, versions = presence.on(origin), profile.selector.ocpp_versions
    ways = {write.via for write in profile.writes}
    ways |= set() if profile.restart is Restart.NONE else {profile.restart_via}
    if session is None or "*" in versions or not {Way.OCPP, Way.FIRMWARE, Way.CERTIFICATE} & ways:
        return None
    spoken = session.protocol.removeprefix("ocpp")
    if spoken in versions:
        return None
    told = f"it speaks OCPP {spoken} to the {origin.value}, and {profile.name} is for {' and '.join(versions)}"
    return _never(f"{told}; mend its ocpp_version and plan again")


def identity_allows(
    station: Station,
    profile: Profile,
    inventory: IdentityFacts,
    said: IdentityFacts,
    refit: Callable[[IdentityFacts], str],
) -> Judgement | None:
    """Is it the device the plan was made for?

    Serial and SIM must agree exactly.  Vendor and model may be spelled
    otherwise than the inventory has them, as long as the same profile fits
    what the station itself says, its present firmware included.
    """
    for name, (expected, shown) in disagreements(inventory, said).items():
        if name in BINDING:
            return _never(f"another device answers as {station.identity}: {name} {shown} instead of {expected}")
    if not inventory.over(said).known:
        return _never("no identity fact is known, so that its arrival could never be proven")
    is_on_its_way = profile.firmware is not None and said.firmware in profile.firmware.steps  # by an attempt before
    if said.known and said.vendor and not is_on_its_way and (fits := refit(said)) != profile.name:
        told = " ".join(filter(None, (said.vendor, said.model, said.firmware)))
        return _never(
            f"it reports {told}, which fits {fits or 'no profile'} and not the planned {profile.name}; plan again"
        )
    return None


def _never(reason: str) -> Judgement:
    return Judgement(fact=Fact.NEVER, reason=reason)


def inventory_facts(station: Station) -> IdentityFacts:
    """What the inventory says binds the device."""
    return IdentityFacts(
        vendor=station.vendor,
        model=station.model,
        firmware=station.firmware,
        serial=station.serial,
        iccid=station.iccid,
        imsi=station.imsi,
    )
