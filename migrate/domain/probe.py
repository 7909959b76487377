"""What one live station showed when it was asked what it can do, and the picture that makes.

Answers go in as they came; out comes what a person wants to know: which keys
exist and may be written, where the backend's address stands and in what form,
how many keys it takes at a time, which profiles of the catalogue it could
follow.  Nothing here is a guess: what the station did not show is *unknown*,
and what is secret is masked before anybody sees the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from migrate.domain.address import Backend
from migrate.domain.answered import Entry, Outage, Reported, Taken, Triggered
from migrate.domain.evidence import IdentityFacts
from migrate.domain.profile import SECURITY_PROFILE_KEYS, Profile, Slots
from migrate.domain.secrecy import MASK, is_secret_name, looks_like_a_token, redact_value
from migrate.domain.spelling import Form, Spelt, is_identity, spelt
from migrate.domain.unit import is_mask
from migrate.domain.ways import Way

MAX_KEYS, MAX_VARIABLES = "GetConfigurationMaxKeys", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
FEATURES = "SupportedFeatureProfiles"
STANDARD_VARIABLES = (
    *(MAX_VARIABLES, "InternalCtrlr.ChargePointId"),
    *("OCPPCommCtrlr.NetworkConfigurationPriority", "OCPPCommCtrlr.ActiveNetworkProfile"),
    *("OCPPCommCtrlr.NetworkProfileConnectionAttempts", "OCPPCommCtrlr.FileTransferProtocols"),
    *("OCPPCommCtrlr.HeartbeatInterval", "OCPPCommCtrlr.WebSocketPingInterval"),
    *("SecurityCtrlr.Identity", "SecurityCtrlr.OrganizationName", "SecurityCtrlr.SecurityProfile"),
    *("NetworkConfiguration[1].OcppCsmsUrl", "NetworkConfiguration[2].OcppCsmsUrl", "SecurityCtrlr.CsmsUrl"),
)
"""OCPP 2.0.1 and 2.1, referenced components and variables: what says where a station dials, and how it is secured."""

TRANSFERS = ("SupportedFileTransferProtocols", "OCPPCommCtrlr.FileTransferProtocols")

STANDARD_KEYS = (
    *("AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "AuthorizationKey", "AuthorizeRemoteTxRequests"),
    *("CertificateSignedMaxChainSize", "CertificateStoreMaxLength", "ChargeProfileMaxStackLevel"),
    *("ChargingScheduleMaxPeriods", "ConnectionTimeOut", "CpoName", FEATURES, "SupportedFileTransferProtocols"),
    *("HeartbeatInterval", "LocalAuthListEnabled", "LocalAuthorizeOffline", "LocalPreAuthorize"),
    *("MeterValueSampleInterval", "NumberOfConnectors", "ResetRetries", "SecurityProfile"),
    *("StopTransactionOnEVSideDisconnect", "TransactionMessageAttempts", "TransactionMessageRetryInterval"),
    *("UnlockConnectorOnEVSideDisconnect", "WebSocketPingInterval"),
)
"""OCPP 1.6 edition 2, chapter 9, and the keys of its security whitepaper: asked for by name where a station lists nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Everything that one probe heard, as it came."""

    identity: str
    at: datetime
    protocol: str
    facts: IdentityFacts
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = ()  # asked for by name, and not known to the station
    all_at_once: Taken = Taken.NOT_ASKED  # a request that names no key
    report: Reported | None = None  # of its whole device model (OCPP 2)
    kept_to: int | None = None  # it passed over the rest of a page in silence
    triggers: tuple[Triggered, ...] = ()
    link_loss: Outage | None = None
    restart: Outage | None = None
    cut_short: str = ""  # why it was not disturbed, or not to the end, though that was ordered

    def value(self, key: str) -> str | None:
        """What it holds in a key, whatever the case of its name."""
        return _value_of(self.entries, key)

    def trigger(self, message: str) -> Triggered | None:
        return next((one for one in self.triggers if one.message == message), None)

    @property
    def max_keys(self) -> int | None:
        """How many keys it takes at a time: its own word, or less where it kept to less."""
        return min((n for n in (page_size(self.entries), self.kept_to) if n), default=None)


def page_size(entries: Iterable[Entry]) -> int | None:
    """How many keys a station says that it takes at a time; nothing where it does not say, or says nonsense."""
    entries = tuple(entries)
    text = _value_of(entries, MAX_KEYS) or _value_of(entries, MAX_VARIABLES) or ""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 5 else None


def _value_of(entries: Iterable[Entry], key: str) -> str | None:
    return next((e.value for e in entries if e.key.casefold() == key.casefold()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key in which the station holds the address of its backend."""

    key: str
    spelt: Spelt
    readonly: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """How far the station has the keys that a profile of the catalogue writes."""

    profile: str
    writable: tuple[str, ...] = ()  # or not said to be read-only
    readonly: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return bool(self.writable) and not self.readonly and not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a person is shown.  Secrets are masked in ``entries``; nothing else of the picture can hold one."""

    heard: Heard
    entries: tuple[Entry, ...]
    places: tuple[Place, ...]
    identity_keys: tuple[str, ...]
    slots: Slots | None
    features: tuple[str, ...]
    transfers: tuple[str, ...]
    security_profile: str
    follows: tuple[Follows, ...]

    @property
    def known_places(self) -> tuple[Place, ...]:
        """Those whose form is known: a profile can say how they are written."""
        return tuple(place for place in self.places if place.spelt.form is not Form.UNKNOWN)


def picture(heard: Heard, source: Backend, profiles: Iterable[Profile]) -> Picture:
    """The picture of one station that dials ``source`` today."""
    names = {entry.key.casefold(): entry for entry in heard.entries}
    return Picture(
        heard=heard,
        entries=masked(heard.entries, heard.identity, source),
        places=tuple(_places(heard.entries, source, heard.identity)),
        identity_keys=tuple(e.key for e in heard.entries if e.value and is_identity(e.value, heard.identity)),
        slots=_slots(heard.entries),
        features=_listed(heard.value(FEATURES)) or _available(heard.entries),
        transfers=next(filter(None, (_listed(heard.value(key)) for key in TRANSFERS)), ()),
        security_profile=next(filter(None, (heard.value(key) for key in SECURITY_PROFILE_KEYS)), ""),
        follows=tuple(f for profile in profiles if (f := _follows(profile, names)) is not None),
    )


def _places(entries: Iterable[Entry], source: Backend, identity: str) -> Iterable[Place]:
    for entry in entries:
        if entry.value and (found := spelt(entry.value, source, identity)):
            yield Place(key=entry.key, spelt=found, readonly=entry.readonly)


def _available(entries: Iterable[Entry]) -> tuple[str, ...]:
    """What of OCPP 2 it says that it can do: controllers that are available, which 1.6 calls feature profiles."""
    return tuple(
        sorted(e.key.removesuffix(".Available") for e in entries if _AVAILABLE.fullmatch(e.key) and e.value == "true")
    )


_AVAILABLE = re.compile(r"[A-Za-z0-9]+Ctrlr\.Available")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _follows(profile: Profile, held: Mapping[str, Entry]) -> Follows | None:
    """Nothing for a profile of which the station has no key at all, or that writes by another way."""
    keys = [write.names for write in profile.writes if write.via is Way.OCPP and "$" not in write.key]
    keys += [(key,) for key in (profile.slots.keys if profile.slots else ())]
    found = [next((held[name.casefold()] for name in names if name.casefold() in held), None) for names in keys]
    if not any(found):
        return None
    present = [entry for entry in found if entry is not None]
    return Follows(
        profile=profile.name,
        writable=tuple(dict.fromkeys(e.key for e in present if not e.readonly)),
        readonly=tuple(dict.fromkeys(e.key for e in present if e.readonly)),
        missing=tuple(" or ".join(names) for names, entry in zip(keys, found, strict=True) if entry is None),
    )


def _slots(entries: Sequence[Entry]) -> Slots | None:
    """Several stored backends and an order among them, where the order names them by their keys or by their numbers."""
    orders = [e for e in entries if e.value and "priority" in e.key.casefold()]
    for order in orders:
        named = [part.strip() for part in (order.value or "").split(",")]
        keys = [next((e.key for e in entries if _is_slot(e.key, name)), "") for name in named]
        if len(set(keys)) == len(keys) >= 2 and all(keys):
            names = () if named == keys else tuple(named)
            return Slots(keys=tuple(keys), priority_key=order.key, names=names)
    return None


def _is_slot(key: str, name: str) -> bool:
    """Whether an order means this key: by its name, or by the number at its end or in its brackets."""
    if not name.isdigit() or key == f"NetworkProfile[{name}]":
        return key == name or name.isdigit()
    stem = key.removesuffix(name)
    return stem != key and stem.casefold().endswith("profile")


def masked(entries: Iterable[Entry], identity: str, source: Backend) -> tuple[Entry, ...]:
    """The entries as they may be shown: what is named after a secret, looks like one, or repeats one, is masked.

    So is the rest of an address that is not written as ours is: a path that
    nobody here knows may be a token.
    """
    entries = tuple(entries)
    secrets = {e.value for e in entries if e.value and is_secret_name(e.key) and len(e.value) >= 6}
    return tuple(
        Entry(key=e.key, value=_shown(e, identity, source, secrets) if e.value else e.value, readonly=e.readonly)
        for e in entries
    )


def _shown(entry: Entry, identity: str, source: Backend, secrets: Iterable[str]) -> str:
    value = entry.value or ""
    if is_secret_name(entry.key):
        return value if is_mask(value) else MASK
    if looks_like_a_token(value) and not is_identity(value, identity):
        return MASK
    found = spelt(value, source, identity)
    if found is not None and found.form is Form.UNKNOWN:
        return f"{MASK}{source.host}{MASK}"
    for secret in secrets:
        value = value.replace(secret, MASK)
    return value if found is not None and not found.field else redact_value(value, keep=identity)
