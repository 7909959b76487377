"""What one vendor family can do, as data.

A profile says how a station of that family is told to leave: which keys are
written, in which order (the URL goes last), what restarts it, what cannot be
undone after which step, and how well all of that is proven.  Profiles are
read from YAML by ``vendor_profiles``; ``unit`` fills one in for a station.  This
module holds the values alone and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from migrate.domain.address import Slash
from migrate.domain.version import FirmwareRange
from migrate.domain.ways import Encoding, Finish, Firmware, HttpApi, Script, Way


class Method(StrEnum):
    """How a station is told to move."""

    CHANGE_CONFIGURATION = "change_configuration"
    FIRMWARE = "firmware"
    SCRIPT = "script"
    HTTP = "http"
    NETWORK_PROFILE = "network_profile"
    VISIT = "visit"


class Rollback(StrEnum):
    """What brings a station back once it has passed its turning point."""

    AUTOMATIC = "automatic"  # the station returns by itself
    REMOTE = "remote"  # the reverse change through the new CSMS
    BEFORE_RESTART = "before_restart"  # only until the restart
    VISIT = "visit"
    IMPOSSIBLE = "impossible"

    @property
    def is_one_way(self) -> bool:
        return self in (Rollback.VISIT, Rollback.IMPOSSIBLE)


class Proof(StrEnum):
    """How well a profile is proven, weakest first."""

    DOCUMENTED = "documented"
    SIMULATED = "simulated"
    BENCH = "bench"
    FIELD = "field"


class Readback(StrEnum):
    """What reading a key back after a write can prove."""

    EXACT = "exact"
    MASKED = "masked"  # the station hides or fakes the value: only the acknowledgement is known


class Restart(StrEnum):
    """What puts written values into use."""

    SOFT = "soft"
    HARD = "hard"
    NONE = "none"  # applied at once


class TurningPoint(StrEnum):
    """The step after which the source can no longer undo."""

    WRITE = "write"
    RESTART = "restart"
    VISIT = "visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One key of the unit.  ``value`` is a template over ``TEMPLATE_NAMES``; so is ``key`` where a vendor has slots.

    ``via`` is the way it travels.  Instead of ``value``, ``fields`` fills a
    JSON object, and ``secret`` names what the vault holds: the journal then
    holds that name and nothing else.  A write that ``stays`` is left as it is
    when the rest is undone: a slot that nothing refers to any more, a newer
    firmware, a root certificate.  ``only_if_renamed`` is made only at stations
    that get another identity with the move.

    ``within`` names the one field that is replaced in a packed value such as
    ``ocppCsmsUrl{…}messageTimeout{…}``: what else the station keeps there
    (interface, security profile) stays as it was found.  ``only_with`` names a
    key that decides whether this write is made: only where the station holds
    something in it, as with a second pair of keys for stations on a SIM.
    ``keeps_form`` refuses a station that holds its identity in the value where
    the new value has none, or the other way round: it finds its backend in
    another form than the profile believes.
    """

    key: str
    value: str = ""
    via: Way = Way.OCPP
    fields: Mapping[str, str] | None = field(default=None, hash=False)
    secret: str = ""
    encoding: Encoding = Encoding.PLAIN
    stays: bool = False
    only_if_renamed: bool = False
    readback: Readback = Readback.EXACT
    also_named: tuple[str, ...] = ()  # the same key under other names, by build; the station has exactly one of them
    within: str = ""
    only_with: str = ""
    keeps_form: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.key, *self.also_named)

    @property
    def is_left(self) -> bool:
        """Whether it is left as it is when the rest is undone; nobody downgrades a station or takes a root from it."""
        return self.stays or self.via in (Way.FIRMWARE, Way.CERTIFICATE)


TEMPLATE_NAMES = frozenset(
    {
        *("url", "full_url", "origin", "scheme", "host", "port", "path", "tls", "identity"),
        *("free_slot", "active_slot", "security_profile", "apn", "root", "secret"),
    }
)
"""Everything a template may name: ``${url}`` obeys the slash rule, ``${full_url}`` ends with the identity.

``${identity}`` is the one that it has where it goes.  ``${security_profile}``
is the one that it has now, ``${root}`` the fingerprint of the root certificate
of the CSMS it goes to, ``${apn}`` the inventory's.
"""


SECURITY_PROFILE_KEYS = ("SecurityProfile", "SecurityCtrlr.SecurityProfile")
"""Under which a station says its security profile: OCPP 1.6 security whitepaper, OCPP 2.0.1 device model."""

SECURITY_PROFILES = ("0", "1", "2", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A station with several stored backends and an order among them: the only form with a way back built in.

    ``names`` is what the order calls each of ``keys``, where it does not call
    them by their keys.  ``active_key``, where a family has one, says which slot
    is in use; otherwise the first in the order is.
    """

    keys: tuple[str, ...]
    priority_key: str
    separator: str = ","
    names: tuple[str, ...] = ()
    active_key: str = ""

    def name_of(self, key: str) -> str:
        """What the order calls a slot."""
        return dict(zip(self.keys, self.names or self.keys, strict=True))[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A family's own patience; ``None`` leaves the campaign's."""

    restart: timedelta | None = None
    appear: timedelta | None = None
    settle: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Where a family departs from what the protocol leads one to expect."""

    triggers_boot: bool = True  # answers TriggerMessage(BootNotification)
    boots_on_reconnect: bool = False
    max_keys: int | None = None  # per GetConfiguration; None asks the station
    refuses_after_write: bool = False  # answers nothing but Reset once a write needs a restart
    falls_back: bool = False  # returns to the old backend when the new one does not answer
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which stations a profile is for: vendor and model as globs (case-insensitive), firmware as versions."""

    vendors: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    firmware: FirmwareRange = field(default_factory=FirmwareRange)
    ocpp_versions: tuple[str, ...] = ("1.6",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one vendor family can do."""

    name: str
    title: str
    selector: Selector
    method: Method
    rollback: Rollback
    turning_point: TurningPoint
    proof: Proof
    writes: tuple[Write, ...] = ()
    restart: Restart = Restart.SOFT
    slash: Slash = Slash.FORBID
    max_value_length: int = 500  # OCPP 1.6 ChangeConfiguration value
    slots: Slots | None = None
    restart_via: Way = Way.OCPP
    http: HttpApi | None = None
    script: Script | None = None
    firmware: Firmware | None = None
    finish: Mapping[Finish, tuple[Write, ...]] = field(default_factory=dict, hash=False)  # after it, on order only
    timing: Timing = field(default_factory=Timing)
    quirks: Quirks = field(default_factory=Quirks)
    visit: tuple[str, ...] = ()  # what the crew does, step by step
    evidence: tuple[str, ...] = ()  # what earned the proof level: transcripts, bench and field reports
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what no source says is said here: unknown

    @property
    def reads(self) -> tuple[str, ...]:
        """The keys to ask for before anything is written.

        A station need not hold every one of them (a key may go by another
        name); ``prepare`` judges what is missing.
        """
        slots = self.slots
        slot_keys = (*slots.keys, slots.priority_key, *filter(None, [slots.active_key])) if slots else ()
        fixed = tuple(name for write in self.writes for name in write.names if "$" not in name)
        return tuple(dict.fromkeys((*slot_keys, *fixed, *(SECURITY_PROFILE_KEYS if self._names_security else ()))))

    @property
    def _names_security(self) -> bool:
        texts = [text for write in self.writes for text in (write.value, *(write.fields or {}).values())]
        return any("${security_profile}" in text for text in texts)

    def way_of(self, key: str) -> Way:
        """The way on which a key is read and written; a slot is written by the way of whatever fills it."""
        afterwards = (write for writes in self.finish.values() for write in writes)
        by_key = {name: write.via for write in (*afterwards, *self.writes) for name in write.names}
        return by_key.get(key, Way.OCPP)
