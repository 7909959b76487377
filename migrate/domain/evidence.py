"""What was seen of a station, and how much it proves.

A *sighting* is what a witness saw on one side of the move: a connection, a
boot with the CSMS's answer, a heartbeat.  A *grade* says how much a row of
sightings proves.  Grades are shown everywhere; only E3 confirms, only E4 is
done, and an acknowledgement of a command proves nothing (E0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from migrate.domain.counted import counted


class Side(StrEnum):
    """The two ends of a move."""

    SOURCE = "source"
    TARGET = "target"


class Grade(IntEnum):
    """How much is proven of an arrival, weakest first."""

    E0 = 0  # commanded: nothing is proven
    E1 = 1  # a session on the target
    E2 = 2  # a boot was seen there
    E3 = 3  # the boot was accepted and every known identity fact agrees: confirmed
    E4 = 4  # the soak passed: settled
    E5 = 5  # a test transaction ran

    def __str__(self) -> str:
        return self.name


class Kind(StrEnum):
    """What a witness can see."""

    CONNECTED = "connected"
    REFUSED = "refused"  # at the door: the CSMS refused the handshake
    BOOT = "boot"  # a BootNotification together with its answer
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    TRANSACTION_STARTED = "transaction_started"
    TRANSACTION_STOPPED = "transaction_stopped"
    FIRMWARE = "firmware"
    SECURITY = "security"  # an event of the security log that it reported, by the event's name
    KEYS = "keys"  # how many keys it takes at a time, as it said when we asked
    DISCONNECTED = "disconnected"
    CSMS_DOWN = "csms_down"  # no station: the backend itself cannot be dialled
    CSMS_UP = "csms_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFacts:
    """What a station says of itself in BootNotification, and what the inventory says of it.

    An empty string is *unknown*, never a value.
    """

    vendor: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""  # chargePointSerialNumber
    box_serial: str = ""  # chargeBoxSerialNumber
    iccid: str = ""
    imsi: str = ""

    @property
    def known(self) -> dict[str, str]:
        """The facts that bind a device to its identity.  Firmware may change and does not bind."""
        return {f.name: v for f in fields(self) if f.name != "firmware" and (v := getattr(self, f.name).strip())}

    def over(self, other: IdentityFacts) -> IdentityFacts:
        """These facts, filled up with the other's where these are silent."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(other, **{name: value for name, value in mine.items() if value.strip()})


def disagreements(expected: IdentityFacts, seen: IdentityFacts) -> dict[str, tuple[str, str]]:
    """The identity facts on which both speak and differ, as ``{name: (expected, seen)}``.

    A serial number counts as agreeing when the inventory's single serial
    equals either of the two that a station may report.
    """
    wanted, shown = expected.known, seen.known
    different = {n: (wanted[n], shown[n]) for n in wanted if n in shown and wanted[n] != shown[n]}
    if "serial" in different and "box_serial" not in wanted and shown.get("box_serial") == wanted["serial"]:
        del different["serial"]
    return different


def agreements(expected: IdentityFacts, seen: IdentityFacts) -> int:
    """How many identity facts are known on both sides and agree."""
    wanted, shown = expected.known, seen.known
    same = {n for n in wanted if shown.get(n) == wanted[n]}
    if "serial" in wanted and shown.get("box_serial") == wanted["serial"]:
        same.add("serial")
    return len(same)


BINDING = ("serial", "box_serial", "iccid", "imsi")
"""Facts that two devices never share; vendor and model may be spelt otherwise than a list has them."""


def expected_of(inventory: IdentityFacts, said: IdentityFacts) -> IdentityFacts:
    """What a station has to show on arrival: its own words on the source, filled up from the inventory.

    A device that contradicts the inventory where it binds is another device,
    whatever it said on the source: then the inventory alone counts.
    """
    return inventory if disagreements(inventory, said).keys() & set(BINDING) else said.over(inventory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One thing that a witness saw.

    ``session`` is the UUID of the socket it was seen on; a late close of an
    old socket carries the old session and so never touches the new one.
    ``solicited`` marks a boot that the toolkit itself asked for: it proves
    where the station is, and is never read as a restart.
    ``answer`` is the CSMS's registration status for a boot, the HTTP status
    for a refusal.  ``lab`` marks a relay that answered as a minimal CSMS.
    ``called`` is the name under which it dialled, where that is not its
    identity.  ``security`` is the OCPP security profile of the session,
    ``None`` where the witness cannot tell.
    """

    side: Side
    kind: Kind
    at: datetime
    identity: str = ""
    session: str = ""
    answer: str = ""
    facts: IdentityFacts = field(default_factory=IdentityFacts)
    solicited: bool = False
    connector: int = 0
    detail: str = ""
    witness: str = "relay"
    lab: bool = False
    called: str = ""
    security: int | None = None
    seq: int = 0  # place in the journal; 0 before it is recorded

    @property
    def is_accepted_boot(self) -> bool:
        return self.kind is Kind.BOOT and self.answer == "Accepted"

    @property
    def name(self) -> str:
        """The name under which it dialled."""
        return self.called or self.identity


CHARGING = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
"""What a connector says of itself (OCPP 1.6 StatusNotification) while somebody charges at it."""

NOT_CHARGING = frozenset({"Available", "Preparing", "Finishing", "Reserved", "Unavailable"})
"""And while nobody does.  *Faulted* may be either."""


def status_detail(status: str, error: str = "", vendor_error: str = "") -> str:
    """What a StatusNotification leaves in a sighting: the status, then its error codes if it names any.

    >>> status_detail("Available", "NoError"), status_detail("Faulted", "PowerMeterFailure", "E-17")
    ('Available', 'Faulted; PowerMeterFailure; E-17')
    """
    error = "" if error == "NoError" else error
    parts = (status, error, vendor_error) if vendor_error else (status, error) if error else (status,)
    return "; ".join(part.replace(";", ",") for part in parts)


def status_of(sighting: Sighting) -> str:
    """The status that a connector reported; empty for a sighting of another kind."""
    return sighting.detail.partition("; ")[0] if sighting.kind is Kind.STATUS else ""


def error_of(sighting: Sighting) -> str:
    """The error code (OCPP 1.6 errorCode) that came with a status; empty for none."""
    return sighting.detail.split("; ")[1] if sighting.kind is Kind.STATUS and "; " in sighting.detail else ""


def still_charging(charging: Iterable[int], sighting: Sighting) -> tuple[int, ...]:
    """The connectors at which somebody charges, after one more sighting of the same station on the same side.

    A car does not notice that a line was lost, so neither a disconnect nor a
    boot ends anything: only the station's own word on that connector does.
    """
    connectors, status = set(charging), status_of(sighting) if sighting.connector else ""
    if sighting.kind is Kind.TRANSACTION_STARTED or status in CHARGING:
        connectors.add(sighting.connector)
    elif sighting.kind is Kind.TRANSACTION_STOPPED or status in NOT_CHARGING:
        connectors.discard(sighting.connector)
    return tuple(sorted(connectors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A grade together with the reason it is not higher."""

    grade: Grade
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a station has to arrive, besides being the right device.

    ``name`` is what it is called on the side it goes to, ``security`` the
    lowest security profile it may have there: a station that dials in the
    clear where TLS was planned has lost something on the way.  Empty and
    ``None`` ask for nothing.
    """

    name: str = ""
    security: int | None = None


ANY_TERMS = Terms()


def assess_arrival(
    sighting: Sighting,
    expected: IdentityFacts,
    *,
    terms: Terms = ANY_TERMS,
    rivals: int = 0,
    lab_counts: bool = False,
) -> Assessment:
    """Grade one target sighting.

    ``rivals`` counts *answering* sessions of the same identity beside the
    sighting's own, on either side.  E3 needs an accepted boot, agreement of
    every identity fact known on both sides with at least one such fact, the
    planned name and no lower security profile than planned, and no rival
    (``docs/architecture.md``, Evidence).
    """
    if sighting.kind in (Kind.REFUSED, Kind.DISCONNECTED):
        return Assessment(grade=Grade.E0, reason=f"{sighting.kind.value} {sighting.answer}".strip())
    if sighting.kind is not Kind.BOOT:
        return Assessment(grade=Grade.E1, reason="a session, no boot yet")
    for why in (*_against_e3(sighting, expected, rivals, lab_counts), *_against_terms(sighting, terms)):
        return Assessment(grade=Grade.E2, reason=why)
    return Assessment(grade=Grade.E3)


def _against_terms(sighting: Sighting, terms: Terms) -> Iterable[str]:
    if terms.name and sighting.name != terms.name:
        yield f"it dialled as {sighting.name!r}, not as {terms.name!r}"
    if terms.security is not None and sighting.security is not None and sighting.security < terms.security:
        yield f"security profile {sighting.security} is below the {terms.security} that was planned"


def _against_e3(sighting: Sighting, expected: IdentityFacts, rivals: int, lab_counts: bool) -> Iterable[str]:
    if sighting.answer != "Accepted":
        yield f"boot answered {sighting.answer or 'nothing'}, not Accepted"
    for name, (wanted, shown) in disagreements(expected, sighting.facts).items():
        yield f"{name} {shown!r} differs from {wanted!r}"
    if not agreements(expected, sighting.facts):
        yield "no identity fact is known on both sides"
    if rivals:
        yield f"{counted(rivals, 'other answering session')} under the same identity"
    if sighting.lab and not lab_counts:
        yield "the relay answered for the CSMS (lab)"


def facts_from_boot(payload: Mapping[str, object]) -> IdentityFacts:
    """Identity facts of a 1.6 BootNotification payload; what is not text is unknown."""

    def text(key: str) -> str:
        value = payload.get(key)
        return value if isinstance(value, str) else ""

    return IdentityFacts(
        vendor=text("chargePointVendor"),
        model=text("chargePointModel"),
        firmware=text("firmwareVersion"),
        serial=text("chargePointSerialNumber"),
        box_serial=text("chargeBoxSerialNumber"),
        iccid=text("iccid"),
        imsi=text("imsi"),
    )


def facts_from_boot201(payload: Mapping[str, object]) -> IdentityFacts:
    """Identity facts of a BootNotification payload of OCPP 2.0.1 or 2.1; what is not text is unknown."""
    station = payload.get("chargingStation")
    said = station if isinstance(station, Mapping) else {}
    modem = said.get("modem")
    sim = modem if isinstance(modem, Mapping) else {}

    def text(value: object) -> str:
        return value if isinstance(value, str) else ""

    return IdentityFacts(
        vendor=text(said.get("vendorName")),
        model=text(said.get("model")),
        firmware=text(said.get("firmwareVersion")),
        serial=text(said.get("serialNumber")),
        iccid=text(sim.get("iccid")),
        imsi=text(sim.get("imsi")),
    )
