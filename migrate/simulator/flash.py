"""What a station keeps through a restart: its configuration, and how it answers for it.

Decides what a ChangeConfiguration does and what a GetConfiguration shows, with
the planted faults that concern keys.  It opens no socket and reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from migrate.simulator.address import (
    HIDDEN_KEY,
    SECURE_KEY,
    Layout,
    addresses,
    csms_url,
    profile_in,
    spelling,
    with_profile,
)
from migrate.simulator.behaviour import Behaviour, Key
from migrate.simulator.faults import Fault
from migrate.simulator.habits import OverLimit, Storing

ACCEPTED, REJECTED, NOT_SUPPORTED = "Accepted", "Rejected", "NotSupported"
PAGING_KEYS = 3
MASK = "********"
MAX_KEYS_KEY = "GetConfigurationMaxKeys"
SECURITY_PROFILE = "SecurityCtrlr.SecurityProfile"
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
MAX_VARIABLES_KEY = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"


class TooManyKeys(Exception):
    """The station cannot list so many keys at once (a CALLERROR on the wire)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry of a GetConfiguration answer; value None when the station gives none."""

    key: str
    readonly: bool
    value: str | None


class Flash:
    """The configuration of one station.

    Writes land at once and survive a restart; whether they are *used* is the
    station's matter.  Keys are compared without regard to case, as vendors do.
    """

    def __init__(self, behaviour: Behaviour, identity: str, source_url: str, fault: Fault) -> None:
        self._behaviour = behaviour
        self._fault = fault
        self._identity = identity
        self._keys = {**behaviour.keys, **{name: Key() for name in behaviour.backend_keys}}
        self.max_keys = PAGING_KEYS if fault is Fault.PAGING else behaviour.max_keys
        name = MAX_KEYS_KEY if behaviour.ocpp_version == "1.6" else MAX_VARIABLES_KEY
        self._keys[name] = Key(str(self.max_keys), readonly=True)
        self._names = {name.lower(): name for name in self._keys}
        self._values = {name: key.value.replace("{identity}", identity) for name, key in self._keys.items()}
        self.judges: Callable[[str, str], bool] = lambda _name, _value: True  # of what concerns security
        self._vital = {behaviour.identity_key} - {""}  # keys that are used from the next start on
        self._saved: dict[str, str] | None = None
        self._is_in_use = True
        self._touched: set[str] = set()
        self.set_by_hand(source_url)

    def commission(self, name: str, value: str) -> None:
        """This very station was set up with a value, under a key that its family need not have."""
        self._keys.setdefault(name, Key(secret=True) if name == self._behaviour.authorization_key else Key())
        self._names[name.lower()] = name
        self._values[name] = value
        self._vital.add(name)
        if name == SECURITY_PROFILE:
            self._values |= {slot: with_profile(self._values[slot], int(value)) for slot in self._slots}

    @property
    def called(self) -> str:
        """The name under which it dials."""
        return self._values.get(self._behaviour.identity_key, "") or self._identity

    @property
    def backend(self) -> tuple[str, ...]:
        """The addresses this configuration spells, in the order of trial."""
        return addresses(self._behaviour.layout, self._behaviour.backend_keys, self._values)

    @property
    def is_pending(self) -> bool:
        """A change of the backend waits for its first accepted boot."""
        return self._saved is not None

    @property
    def waits_for_restart(self) -> bool:
        """What it holds is not what it lives by."""
        return not self._is_in_use

    def value(self, name: str) -> str:
        """What it holds under a name in its own spelling; blank for nothing."""
        return self._values.get(name, "")

    @property
    def _slots(self) -> list[str]:
        """Its network profiles that hold something (2.0.1)."""
        return [
            name for name in self._behaviour.backend_keys if name.startswith("NetworkProfile[") and self._values[name]
        ]

    def dials(self, address: str) -> None:
        """A network profile brings the security profile that it is dialled with."""
        for slot in self._slots:
            if csms_url(self._values[slot]) == address and SECURITY_PROFILE in self._keys:
                self._values[SECURITY_PROFILE] = str(profile_in(self._values[slot]))

    def prune(self) -> None:
        """The backend took it: network profiles below the security profile that it has now are gone (A05.FR.06)."""
        lower = [slot for slot in self._slots if profile_in(self._values[slot]) < self.number(SECURITY_PROFILE, 0)]
        order = self._values.get(PRIORITY, "").split(",")
        kept = [number for number in order if f"NetworkProfile[{number.strip()}]" not in lower]
        if lower and kept:
            self._values |= dict.fromkeys(lower, "") | {PRIORITY: ",".join(kept)}

    def append(self, slot: int) -> None:
        """A network profile that was just written goes to the end of the order, if it is not in it."""
        order = [number.strip() for number in self._values[PRIORITY].split(",")]
        if str(slot) not in order:
            self._values[PRIORITY] = ",".join([*order, str(slot)])

    def note_active(self, place: int) -> None:
        """The station lives by this place in its order: so it shows, where it has the variable for it (2.0.1)."""
        order = self._values.get(PRIORITY, "").split(",")
        if "OCPPCommCtrlr.ActiveNetworkProfile" in self._keys and place < len(order):
            self._values["OCPPCommCtrlr.ActiveNetworkProfile"] = order[place].strip()

    def knows_component(self, component: str) -> bool:
        """Whether any key belongs to a component of the device model (2.0.1)."""
        return any(name.startswith(f"{component.lower()}.") for name in self._names)

    def number(self, name: str, default: float) -> float:
        try:
            return float(self._values.get(name, ""))
        except ValueError:
            return default

    def is_backend_key(self, key: str) -> bool:
        return self._names.get(key.lower()) in self._behaviour.backend_keys

    def write(self, key: str, value: str) -> str:
        """Answer a ChangeConfiguration; an address that cannot work is accepted, as real stations do."""
        if self._behaviour.storing is Storing.NOTHING:
            return ACCEPTED
        name = self._name_of(key)
        if name is None:
            return NOT_SUPPORTED
        if self._keys[name].readonly or not self._takes(name, value) or self._refuses(name):
            return REJECTED
        if not self.judges(name, value):
            return REJECTED
        if name in self._vital:
            return self._write_vital(name, value)
        if name not in self._behaviour.backend_keys:
            self._values[name] = value
            return ACCEPTED
        self._stage()
        self._touched.add(name)
        self._values[name] = value
        return self._behaviour.write_answer

    def _write_vital(self, name: str, value: str) -> str:
        """A new name goes with a new backend, and is taken back with it; security is never taken back."""
        if name == self._behaviour.identity_key:
            self._stage()
            self._touched.add(name)
        self._values[name] = value
        return self._behaviour.write_answer

    def _name_of(self, key: str) -> str | None:
        """The key's own spelling; None for one that this build does not have."""
        name = self._names.get(key.lower())
        is_left_out = name in self._behaviour.backend_keys and not self._behaviour.has_backend_keys
        return None if is_left_out else name

    def _takes(self, name: str, value: str) -> bool:
        """What a maker judges is seldom the address: that one is dialled in vain instead."""
        wanted = self._keys[name].accepts
        return len(value) <= self._behaviour.max_value and (not wanted or re.fullmatch(wanted, value) is not None)

    def _refuses(self, name: str) -> bool:
        if name not in self._behaviour.backend_keys:
            return False
        if self._fault is Fault.HALF_WAY_REFUSAL:
            return bool(self._touched) and name not in self._touched
        return self._fault is Fault.READ_ONLY_KEY

    def _stage(self) -> None:
        self._is_in_use = False
        if self._saved is None:
            self._saved = dict(self._values)

    def use(self) -> None:
        """The station has read its configuration anew: what it holds and what it lives by are one again."""
        self._is_in_use = True

    def commit(self) -> None:
        """A boot was accepted: this backend is home now."""
        self._saved = None
        self._touched.clear()

    def restore(self) -> None:
        """Take back a staged change of the backend: the station's own way home."""
        if self._saved is not None:
            self._values = self._saved
        self.commit()

    @property
    def touched(self) -> frozenset[str]:
        """The keys of the backend that were written since it was last home."""
        return frozenset(self._touched)

    def holds_inside(self, name: str) -> bool:
        """Whether its maker keeps a value of this name in a file of its own."""
        return name in self._behaviour.inside

    def look_inside(self, name: str) -> str:
        return self._values.get(self._place_inside(name), "")

    def set_inside(self, name: str, value: str) -> None:
        """A value of the backend is written by the maker's own way, not over OCPP."""
        self._stage()
        self._touched.add(name)
        self._values[self._place_inside(name)] = value

    def _place_inside(self, name: str) -> str:
        return HIDDEN_KEY if name == self._behaviour.inside[0] else f"\x00{name}"

    def set_by_hand(self, url: str) -> None:
        """A person at the station enters this backend; what was wrong before is mended."""
        self._values |= self._spelt(url)
        self.commit()

    def bring(self, url: str) -> None:
        """New firmware holds this backend; it is home only once a boot was accepted there."""
        self._stage()
        self._values |= self._spelt(url)

    def _spelt(self, url: str) -> dict[str, str]:
        """The keys that spell this backend; one maker has the scheme in a key of its own."""
        behaviour = self._behaviour
        spelt = spelling(behaviour.layout, behaviour.backend_keys, url, behaviour.slash, self._identity)
        if behaviour.layout is Layout.HOST_PORT_PATH:
            spelt[SECURE_KEY] = "true" if url.startswith("wss://") else "false"
        return spelt

    def mend(self, healthy: Behaviour) -> None:
        self.turn(Fault.NONE, healthy)

    def turn(self, fault: Fault, behaviour: Behaviour) -> None:
        """From now on it takes and shows what it holds in another way; what it holds stays."""
        self._fault, self._behaviour = fault, behaviour

    def read(self, keys: Iterable[str]) -> tuple[list[Shown], list[str]]:
        """Answer a GetConfiguration: what is known, and the names that are not; no names means all."""
        asked = list(keys)
        if len(asked or self._keys) > self.max_keys and self._behaviour.over_limit is OverLimit.REFUSE and asked:
            raise TooManyKeys
        names = (asked or self._listed())[: self.max_keys]
        found = {name: self._name_of(name) for name in names}
        known = [self._show(own) for own in (found[name] for name in names) if own is not None]
        return known, [name for name in names if found[name] is None]

    def shown(self) -> list[Shown]:
        """Everything that it has, as it shows it; for a report, which no number of keys limits."""
        return [self._show(name) for name in self._listed()]

    def is_secret(self, name: str) -> bool:
        """Whether it takes a value there and never shows one."""
        return self._keys[name].secret and self._keys[name].masked == ""

    def _listed(self) -> list[str]:
        return sorted(name for name in self._keys if self._name_of(name) is not None)

    def _show(self, name: str) -> Shown:
        key = self._keys[name]
        readonly = key.readonly or (self._fault is Fault.READ_ONLY_KEY and name in self._behaviour.backend_keys)
        return Shown(name, readonly, self._visible(name, key))

    def _visible(self, name: str, key: Key) -> str | None:
        if self._fault is Fault.MASKED_READBACK and name in self._behaviour.backend_keys:
            return MASK
        if key.secret and key.masked is not None:
            return key.masked or None
        if self._behaviour.shows_old_until_restart and self._saved is not None and not self._is_in_use:
            return self._saved[name]
        return None if key.null and not self._values[name] else self._values[name]
