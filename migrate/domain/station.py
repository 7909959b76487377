"""A charging station as the inventory knows it.

One frozen value per station, keyed by its *identity*: the last segment of the
URL it dials, exact and case-sensitive.  Text that the inventory does not give
is the empty string; a number that it does not give is ``None``.  Nothing here
guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migrate.domain.evidence import Side


class Lifecycle(StrEnum):
    """Where a station is in its life.  Only the first three are ever planned."""

    IN_SERVICE = "in_service"
    OFFLINE = "offline"
    FAULTED = "faulted"
    WAREHOUSE = "warehouse"
    DECOMMISSIONED = "decommissioned"

    @property
    def is_plannable(self) -> bool:
        return self in (Lifecycle.IN_SERVICE, Lifecycle.OFFLINE, Lifecycle.FAULTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One charging station of the fleet, in the canonical columns of the inventory.

    ``timezone`` is an IANA name, or empty for the campaign's own.  ``hold``
    is the reason a person gave for leaving the station alone, or empty.
    ``target_identity`` is what it is called on the target, empty where its
    identity stays; everything that is recorded goes by ``identity``.
    ``wave`` pins the station to a wave; ``None`` leaves the choice to the plan.
    The contact and ``access`` (how to get in: gate, key, hours) are for crews;
    ``access`` may hold a code, so it is printed on work orders and nowhere else.
    """

    identity: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    iccid: str = ""
    imsi: str = ""
    apn: str = ""
    ocpp_version: str = "1.6"
    security_profile: int | None = None
    target_identity: str = ""
    connection: str = ""
    ip_address: str = ""
    site_id: str = ""
    site_name: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = ""
    connectors: int = 1
    lifecycle: Lifecycle = Lifecycle.IN_SERVICE
    last_seen_at: str = ""
    notes: str = ""
    hold: str = ""
    wave: int | None = None
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    access: str = ""
    synthetic: bool = False  # vendor, model and firmware were dealt by a demonstration, not published

    def identity_on(self, side: Side) -> str:
        """What it is called on one side: the last segment of the URL that it dials there."""
        return self.target_identity or self.identity if side is Side.TARGET else self.identity

    @property
    def site(self) -> str:
        """The site for caps and shares; a station without one is its own site."""
        return self.site_id or f"station:{self.identity}"

    @property
    def kind(self) -> str:
        """Vendor, model and firmware in one word: the scope in which failures are counted."""
        return f"{self.vendor}|{self.model}|{self.firmware}"
