"""What one vendor family can do, as data.

A profile says how a station of that family is told to leave: which keys are
written, in which order (the URL goes last), what restarts it, what cannot be
undone after which step, and how well all of that is proven.  Profiles are
read from YAML by ``vendor_profiles``; this module holds the values and the
rendering of a profile into concrete writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from string import Template

from migrate.domain.address import Backend, Slash
from migrate.domain.errors import Mismatch, ProfileProblem
from migrate.domain.version import FirmwareRange


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

    ``within`` names the one field that is replaced in a packed value such as
    ``ocppCsmsUrl{…}messageTimeout{…}``: what else the station keeps there
    (interface, security profile) stays as it was found.
    """

    key: str
    value: str
    readback: Readback = Readback.EXACT
    also_named: tuple[str, ...] = ()  # the same key under other names, by build; the station has exactly one of them
    within: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.key, *self.also_named)


TEMPLATE_NAMES = frozenset(
    {"url", "full_url", "origin", "scheme", "host", "port", "path", "tls", "identity", "free_slot", "active_slot"}
)
"""Everything a template may name: ``${url}`` obeys the slash rule, ``${full_url}`` ends with the identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A station with several stored backends and an order among them: the only form with a way back built in."""

    keys: tuple[str, ...]
    priority_key: str
    separator: str = ","


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
        slot_keys = (*self.slots.keys, self.slots.priority_key) if self.slots else ()
        fixed = tuple(name for write in self.writes for name in write.names if "$" not in name)
        return tuple(dict.fromkeys((*slot_keys, *fixed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedWrite:
    """One write with its value filled in, and the value it replaces (``None``: the station hides or lacks it)."""

    key: str
    new: str
    old: str | None
    readback: Readback = Readback.EXACT


def prepare(
    profile: Profile, backend: Backend, identity: str, snapshot: Mapping[str, str | None]
) -> tuple[PreparedWrite, ...]:
    """The unit of writes that moves one station, in order, the URL last.

    ``snapshot`` is what the station holds now.  Raises ``Mismatch`` when the
    station lacks a key the profile needs, names its slots differently, or
    shows that it finds its backend by some other setting; ``ProfileProblem``
    when a value does not fit the protocol.  An identity that cannot be
    printed is never put into a value.
    """
    if not identity.isprintable():
        raise Mismatch(
            f"{identity!r} holds control characters: it is put into no value.",
            identity=identity,
            hint="Mend the identity in the inventory.",
        )
    names = _names(profile, backend, identity, snapshot)
    unit = tuple(_filled(profile, write, names, snapshot) for write in profile.writes)
    if unit and unit[-1].old == "":
        raise Mismatch(
            f"{identity} holds nothing in {unit[-1].key}: it finds its backend by another setting.",
            identity=identity,
            hint=f"Profile {profile.name} would change nothing; probe the station before planning it again.",
        )
    return unit


def visit_steps(profile: Profile, backend: Backend, identity: str) -> tuple[str, ...]:
    """What the crew does at one station, with the address and identity to enter written out."""
    shown = identity if identity.isprintable() else repr(identity)
    names = _named(profile, backend, shown)
    return tuple(Template(step).safe_substitute(names) for step in profile.visit)


_MASK = re.compile(r"[*•●xX#]{3,}|Dummy\w*")


def is_mask(value: str | None) -> bool:
    """Whether a value read is a stand-in for one that the station does not show.

    Seen: rows of asterisks, and libocpp's literal ``DummyAuthorizationKey``.
    """
    return value is not None and _MASK.fullmatch(value.strip()) is not None


def _filled(
    profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]
) -> PreparedWrite:
    key = _known_key(profile, write, names, snapshot)
    value = Template(write.value).substitute(names)
    if write.within:
        value = _replaced(key, write.within, value, snapshot[key], identity=names["identity"])
    if len(value) > profile.max_value_length:
        raise ProfileProblem(
            f"The value for {key} is {len(value)} characters, {profile.name} allows {profile.max_value_length}.",
            hint="Shorten the target URL.",
        )
    if write.readback is Readback.EXACT and is_mask(snapshot[key]):
        raise Mismatch(
            f"{names['identity']} hides the value of {key}: what it holds could be neither proven nor put back.",
            identity=names["identity"],
            hint="Move it by a visit, or by a profile of its own whose read-back is declared masked.",
        )
    old = snapshot[key] if write.readback is Readback.EXACT else None  # a mask is no value to put back
    return PreparedWrite(key=key, new=value, old=old, readback=write.readback)


def _known_key(profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]) -> str:
    candidates = [Template(name).substitute(names) for name in write.names]
    known = [key for key in candidates if key in snapshot]
    if len(known) != 1:
        said = "does not know the key" if not known else "knows more than one of"
        raise Mismatch(
            f"{names['identity']} {said} {' or '.join(candidates)} of profile {profile.name}.",
            identity=names["identity"],
            hint="Its firmware or build differs; probe it before planning.",
        )
    return known[0]


def _replaced(key: str, within: str, value: str, held_now: str | None, *, identity: str) -> str:
    """A packed value with one of its fields replaced, everything else as the station holds it."""
    pattern = rf"(?<!\w){re.escape(within)}{{[^{{}}]*}}"
    packed, fields = re.subn(pattern, lambda _: f"{within}{{{value}}}", held_now or "")
    if fields != 1 or "{" in value or "}" in value:
        raise Mismatch(
            f"{identity} holds {key} in a form in which {within}{{…}} cannot be replaced.",
            identity=identity,
            hint="Read the key on the station and compare it with the profile.",
        )
    return packed


def _names(profile: Profile, backend: Backend, identity: str, snapshot: Mapping[str, str | None]) -> dict[str, str]:
    active, free = _slots(profile, identity, snapshot)
    return {**_named(profile, backend, identity), "free_slot": free, "active_slot": active}


def _named(profile: Profile, backend: Backend, identity: str) -> dict[str, str]:
    return {
        "url": backend.url(profile.slash),
        "full_url": backend.url_of(identity),
        "origin": backend.origin,
        "scheme": backend.scheme,
        "host": backend.host,
        "port": str(backend.effective_port),
        "path": backend.path_with(profile.slash),
        "tls": "true" if backend.is_tls else "false",
        "identity": identity,
    }


def _slots(profile: Profile, identity: str, snapshot: Mapping[str, str | None]) -> tuple[str, str]:
    if profile.slots is None:
        return "", ""
    order = [part.strip() for part in (snapshot.get(profile.slots.priority_key) or "").split(profile.slots.separator)]
    active = order[0] if order else ""
    if active not in profile.slots.keys:
        raise Mismatch(
            f"{identity} reports {profile.slots.priority_key} = {order!r}, which names none of its slots.",
            identity=identity,
            hint="Look at the station before it is planned again.",
        )
    return active, next(key for key in profile.slots.keys if key != active)


class Held(StrEnum):
    """What a station holds of a unit of writes."""

    NEW = "new"  # every value is the new one
    OLD = "old"  # every value is the one before
    PARTLY = "partly"
    UNKNOWN = "unknown"  # a key could not be read


def held(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> Held:
    """Judge a read-back.  Keys that mask their value say nothing; a unit of only such keys is unknown.

    Comparison is exact: a truncated or normalised value is not the value that was sent.
    """
    telling = [write for write in unit if write.readback is Readback.EXACT]
    if not telling or any(now.get(write.key) is None for write in telling):
        return Held.UNKNOWN
    if all(now[write.key] == write.new for write in telling):
        return Held.NEW
    if all(now[write.key] == write.old for write in telling):
        return Held.OLD
    return Held.PARTLY


def undo(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> tuple[PreparedWrite, ...]:
    """The writes that put the old values back: only what differs, last written first.

    A key whose old value is unknown cannot be put back and is left out; the
    caller sees it as a read-back that stays wrong.
    """
    differing = [w for w in unit if w.old is not None and w.old != w.new and now.get(w.key) != w.old]
    return tuple(PreparedWrite(key=w.key, new=w.old or "", old=w.new, readback=w.readback) for w in reversed(differing))
