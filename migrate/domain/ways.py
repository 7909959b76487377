"""By which way a value reaches a station, and what each way has to know of a family.

Most values are written over OCPP, through the CSMS that a station still dials.
Where a family has no key for its backend, the same unit of writes goes by
another way: a script over SSH, a request to the station's own HTTP interface
or to its maker's cloud, a firmware, a certificate.  These values say how, as
data; they hold names of secrets, never secrets, and send nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

FIRMWARE_KEY = "firmware"
"""The name under which a unit holds the firmware version; read from the station's own boots, on no wire."""


class Way(StrEnum):
    """How one value travels."""

    OCPP = "ocpp"
    FIRMWARE = "firmware"
    CERTIFICATE = "certificate"
    HTTP = "http"
    SSH = "ssh"

    @property
    def action(self) -> str:
        """What a command by this way is called in the journal."""
        return _ACTIONS[self]


_ACTIONS = {
    Way.OCPP: "ChangeConfiguration",
    Way.FIRMWARE: "UpdateFirmware",
    Way.CERTIFICATE: "InstallCertificate",
    Way.HTTP: "HTTP",
    Way.SSH: "Script",
}


class Encoding(StrEnum):
    """How a secret is spelled where it is written: OCPP 1.6 wants a password in hex, many vendors want it plain."""

    PLAIN = "plain"
    HEX = "hex"


# ── a request to an HTTP interface ─────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Ask again until a value that was picked from the reply reads as wanted; ``failed`` values end it as refused."""

    pick: str
    is_one_of: tuple[str, ...]
    failed: tuple[str, ...] = ()
    every: timedelta = timedelta(seconds=5)
    within: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request.  Texts are templates; what is filled in is encoded for the place it stands in.

    ``picks`` takes values out of a JSON reply: ``{name: "data.items[0].id"}``.
    Later calls of the same errand may name them.  ``busy`` statuses mean *not
    now* (somebody charges), any other unexpected one is a refusal.
    """

    path: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict, hash=False)
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    json: Any = field(default=None, hash=False)  # a tree of mappings, lists, texts, numbers and booleans
    form: Mapping[str, str] | None = field(default=None, hash=False)
    expect: tuple[int, ...] = (200,)
    busy: tuple[int, ...] = ()
    picks: Mapping[str, str] = field(default_factory=dict, hash=False)
    until: Until | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpKey:
    """How one key of the unit is read and written.

    ``read`` ends with the pick ``value``; ``write`` fills in ``${value}``, the
    value of this key, and may be several requests (store, then apply).  A
    write may name what ``read`` has picked: then that is asked anew first.
    ``appends`` is what the interface shows behind the value that it was given,
    such as ``/${identity}``, and what is taken off again when it is read.
    """

    read: tuple[Call, ...]
    write: tuple[Call, ...]
    appends: str = ""


class HttpAuth(StrEnum):
    NONE = "none"
    BASIC = "basic"
    DIGEST = "digest"
    BEARER = "bearer"  # the secret itself, or the pick ``token`` of ``login``


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """A station's own interface (``http://${ip}``) or its maker's cloud.

    ``secret`` is the name of a password or token in the vault, ``user`` the
    name that goes with it.  ``login`` runs once per errand; what it picks is
    never journaled.
    """

    base: str
    keys: Mapping[str, HttpKey] = field(hash=False)
    auth: HttpAuth = HttpAuth.NONE
    user: str = ""
    secret: str = ""
    login: tuple[Call, ...] = ()
    restart: tuple[Call, ...] = ()
    timeout: timedelta = timedelta(seconds=15)


HTTP_NAMES = frozenset({"identity", "serial", "ip"})
"""What every request may name, and what earlier ones have picked; a write also ``value`` and ``value_json``."""

ITS_IDENTITY, ITS_SERIAL = "its_identity", "its_serial"
ITS_NAMES = frozenset({ITS_IDENTITY, ITS_SERIAL})
"""Picks of ``read`` that say which device answers; one that is not the station in the inventory is told nothing."""

LOGIN_NAMES = frozenset({"user", "secret"})
"""What only the login may name: the secret is filled in as it is sent."""


# ── a script over SSH ──────────────────────────────────────────────────────


class Exit(StrEnum):
    """What an exit code of a station's script means."""

    DONE = "done"
    BUSY = "busy"  # not now: somebody charges, another run holds the lock
    REFUSED = "refused"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is run on the station over SSH.

    Each command is a list of arguments, filled in one by one and never split
    again; ``${key}`` and ``${value}`` stand for the write at hand.  ``read``
    prints the value of one key and nothing else.  ``file`` is a script of the
    campaign's ``profiles/`` folder that is copied to ``${script}`` first.
    ``shell`` is true for stations whose SSH server hands every command to a
    shell: then each argument is quoted for it.  ``exits`` maps exit codes to
    what they mean; any other code than 0 is a refusal.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    restart: tuple[str, ...] = ()
    file: str = ""
    user: str = "root"
    secret: str = ""  # a password, or the key's passphrase
    key: str = ""  # the name of a private key in the vault
    port: int = 0  # 0: the campaign's, see [ssh] in docs/settings.md
    by_jump: bool = False  # reached through the campaign's jump host
    shell: bool = True
    exits: Mapping[int, Exit] = field(default_factory=dict, hash=False)
    timeout: timedelta = timedelta(seconds=30)


SCRIPT_NAMES = frozenset({"key", "value", "script", "identity", "serial"})
"""What a command may name: ``${key}`` and ``${script}`` also inside an argument, everything else as one of its own."""


# ── a firmware ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """Which versions lead to the one that is wanted, and how a station takes them.

    ``steps`` are in order, the last is the version wanted; a station takes the
    first that is newer than its own, boots, and is looked at again.
    ``carries_address``: the image itself holds the new backend.  Without
    ``keeps_address`` the address is read again after every step.
    ``brings_keys``: the keys of the unit are there with the last step and not
    before it, so that it is installed alone and the rest prepared afterwards.
    """

    steps: tuple[str, ...]
    protocols: tuple[str, ...] = ("http",)  # http, https, ftp: the first that the campaign serves
    carries_address: bool = False
    brings_keys: bool = False
    keeps_address: bool = False
    allows_downgrade: bool = False
    is_signed: bool = False  # SignedUpdateFirmware of the 1.6 security extension
    retries: int = 1
    retry_interval: timedelta = timedelta(minutes=3)
    within: timedelta = timedelta(minutes=45)  # from the command to the boot with the new version


# ── what may be done once a station has settled ────────────────────────────


class Finish(StrEnum):
    """A step after the move, ordered by a person and never taken by itself."""

    CLEAN_UP = "clean_up"  # the slot of the source is emptied: it returns there no more
    RAISE_SECURITY = "raise_security"  # one-way: a station never goes back to a lower security profile
    PASSWORD = "password"  # noqa: S105 - the name of a step
