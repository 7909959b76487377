"""What each family of stations does, as data of the simulator's own.

One TOML file per family in ``behaviours/``, read with the package.  It is
deliberately not the catalogue of profiles: the simulated fleet is a witness
from outside and must be able to contradict it.  Every way can be switched for
a single station: by its supplier's flavour, by its fault, or by its spec.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from migrate.simulator.address import Layout, Slash
from migrate.simulator.habits import (
    Apply,
    Drop,
    Fallback,
    Flashing,
    OverLimit,
    Reporting,
    Resetting,
    Shelling,
    SlotWriting,
    Storing,
    Trigger,
    Webbing,
    Writing,
)

FAMILIES = ("microocpp", "everest", "openocpp", "eviq", "keba", "alfen5", "alfen6", "amina", "growatt")
"""What is dealt where nothing else is asked for: the nine spellings of a backend, one family each."""

KEYED_FAMILIES = (
    *FAMILIES,
    *("microocpp_ao", "openevse", "open_ocpp", "alfen5_gsm", "amina3"),
    *("vestel_ac", "webasto_unite", "vestel_dc", "evlink", "grizzl_e", "evnex"),
)
"""Every family whose backend is a key of OCPP 1.6 that somebody has seen."""

VISIT_FAMILIES = (
    *("abb", "wallbox", "autel", "evbox", "mennekes", "zaptec", "bender"),
    *("charx", "cfos", "teison", "orbis", "ocular", "enplus", "evlink_pro", "abl"),
    *("ctek", "etrel", "spelsberg", "ensto", "scame", "evlink_32"),
)
"""Families without such a key: only a person changes their backend."""

FAMILIES_201 = ("everest201", "everest21", "openocpp201", "microocpp201", "alfen201")
"""Families that speak OCPP 2.0.1 or 2.1: three with network profiles, two with a variable of their maker's."""

HTTP_FAMILIES = ("warp", "go_e", "easee", "smartevse")
"""Families whose backend is set by HTTP: at two by their own interface, at the third in its maker's cloud."""

SCRIPT_FAMILIES = ("bender_ssh",)
"""Families whose backend is set over SSH."""

FIRMWARE_FAMILIES = ("keba_old", "northwind", "southwind", "westwind", "eastwind")
"""Families that are moved with new firmware: before their key, by FTP only, signed, over 2.0.1, and with the address in the image."""

BESIDE_KEYS = (*FAMILIES_201, *HTTP_FAMILIES, *SCRIPT_FAMILIES, *FIRMWARE_FAMILIES)
"""Families that are moved from afar, and not by a key of OCPP 1.6 alone."""

VISIT_ONLY = "visit_only"
"""Three of the latter in one, for small fleets."""

EVERY_FAMILY = (*KEYED_FAMILIES, *VISIT_FAMILIES)
SUPPLIERS = ("A", "B", "C", "D", "E", "F", "G")


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key as it leaves the factory; a secret never reaches a log."""

    value: str = field(default="", repr=False)
    readonly: bool = False
    secret: bool = False
    masked: str | None = None  # what GetConfiguration shows instead
    null: bool = False  # listed without a value
    accepts: str = ""  # the whole of a value its maker takes, as a regular expression; blank takes all


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    vendor: str
    model: str
    firmwares: tuple[str, ...]
    connectors: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One family's ways.  Times are campaign seconds."""

    family: str
    layout: Layout
    backend_keys: tuple[str, ...]
    slash: Slash
    write_answer: str
    hardware: tuple[Hardware, ...]
    keys: Mapping[str, Key]
    # how it stores and shows
    storing: Storing = Storing.STORES
    writing: Writing = Writing.ANSWERS
    speaks: tuple[str, ...] = ("ocpp1.6",)  # the subprotocols that it offers, the one it likes best first
    max_value: int = 500  # OCPP 1.6, ChangeConfiguration.req
    slot_writing: SlotWriting = SlotWriting.STORES
    interface: str = ""  # the only one that its network profiles may name; blank for any
    shows_slots: bool = False  # its network profiles are variables of the component NetworkConfiguration
    appends_slots: bool = False  # a network profile that is written goes to the end of the order by itself
    pins: bool = False  # when all slots have failed it stays with the one that took it last
    max_keys: int = 60
    over_limit: OverLimit = OverLimit.TRUNCATE
    reporting: Reporting = Reporting.WELL
    report_items: int = 10  # variables in one part of a report
    lists_all: bool = True  # false: a GetConfiguration that names no key is never answered
    has_backend_keys: bool = True  # false: the maker's build leaves them out
    mute_until_restart: bool = False  # refuses everything but Reset once a new backend is written
    shows_old_until_restart: bool = False
    # how it moves
    apply: Apply = Apply.RESTART
    fallback: Fallback = Fallback.NONE
    resetting: Resetting = Resetting.ANSWERS
    reset_applies: str = "any"  # "hard": a Soft reset restarts the station without reading its address anew
    reset_needs_boot: bool = False  # CALLERROR as long as its own boot is not accepted
    reset_drop_s: float = 1.0
    ready_s: float = 120.0  # how long a restart that was only scheduled is put off
    drop: Drop = Drop.CLEAN
    reconnect_s: float = 10.0
    doublings: int = 2  # how often it doubles that while nobody answers
    redials: bool = True  # false: after a lost connection it waits for somebody to switch it off and on
    # what it says
    boots_on_target: bool = True  # false: there it boots when it is told to, and never by itself
    boots_on_reconnect: bool = False
    reports_on_reconnect: bool = True
    reports_start: bool = True
    reports_stop: bool = True
    reports_after_firmware: bool = True
    stays_faulted: bool = False  # after a failure of the power meter, until it is restarted
    trigger: Trigger = Trigger.ANSWERS
    trigger_first: bool = False
    flashing: Flashing = Flashing.NOT_IMPLEMENTED
    fetches: tuple[str, ...] = ("http", "https", "ftp")  # the protocols by which it loads files
    download_tries: int = 2
    resumes: bool = True  # it asks for the rest of a file; false: it begins anew
    line_breaks_after: int = 0  # bytes after which the line of its first download breaks
    says_firmware: bool = True  # false: not a word while it loads and installs
    says_installed: bool = True  # false: that word never comes
    ssh_user: str = ""  # who may log in over SSH; blank where there is no SSH
    inside: tuple[str, ...] = ()  # what its own files hold, the backend's address first
    shelling: Shelling = Shelling.WELL
    web: str = ""  # whose interface it serves, or which cloud speaks for it; blank for neither
    webbing: Webbing = Webbing.WELL
    # how it protects itself
    identity_key: str = ""  # by which its name can be changed; blank: it cannot, or by its address alone
    authorization_key: str = "AuthorizationKey"
    authorization_form: str = "hex"  # how that key is read: "hex", "plain", or "either"
    profile_sets_scheme: bool = False  # it dials ws or wss by its security profile, whatever its address says
    security_extension: bool = False  # certificates and security events of the 1.6 whitepaper
    counts_ids: bool = False  # message ids are 1, 2, 3 … anew in every session
    answers_twice: str = ""  # the action that it answers with a result and an error, and then crashes

    def but(self, ways: Mapping[str, Any]) -> Behaviour:
        """The same family with some of its ways switched; ValueError or TypeError for what no station does."""
        if FIXED & ways.keys():
            raise ValueError(f"{', '.join(sorted(FIXED & ways.keys()))} belong to the family and cannot be switched")
        return replace(self, **{name: _typed(name, value) for name, value in ways.items()})

    @property
    def ocpp_version(self) -> str:
        """The version of OCPP that it likes best."""
        return self.speaks[0].removeprefix("ocpp")

    @property
    def is_visit_only(self) -> bool:
        is_loading = self.flashing is Flashing.LOADS
        return self.layout is Layout.HIDDEN and not (self.ssh_user or self.web or is_loading)


FIXED = frozenset({"family", "layout", "backend_keys", "slash", "hardware", "keys"})


@cache
def behaviour(family: str) -> Behaviour:
    """The ways of one family; KeyError when there is no such family."""
    if family not in (*EVERY_FAMILY, *BESIDE_KEYS, VISIT_ONLY, "live"):
        raise KeyError(f"no simulated family {family!r}")
    facts = _read(family)
    common = "common" if "ocpp1.6" in facts.get("speaks", ["ocpp1.6"]) else "common201"
    keys = {**_read(common)["keys"], **facts.pop("keys")}
    return Behaviour(
        family=family,
        keys={name: Key(**key) for name, key in keys.items()},
        hardware=tuple(Hardware(**{**one, "firmwares": tuple(one["firmwares"])}) for one in facts.pop("hardware")),
        **{name: _typed(name, value) for name, value in facts.items()},
    )


@cache
def flavour(supplier: str) -> Mapping[str, bool]:
    """What a supplier's stations do besides what their family does; nothing for no supplier, KeyError for a strange one."""
    return _read("flavours")[supplier] if supplier else {}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("migrate.simulator") / "behaviours" / f"{name}.toml").read_text("utf-8"))


def _typed(name: str, value: Any) -> Any:
    return TYPES[name](value) if name in TYPES else value


TYPES: Mapping[str, Any] = {
    "layout": Layout,
    "slash": Slash,
    "storing": Storing,
    "writing": Writing,
    "apply": Apply,
    "fallback": Fallback,
    "resetting": Resetting,
    "trigger": Trigger,
    "flashing": Flashing,
    "shelling": Shelling,
    "webbing": Webbing,
    "inside": tuple,
    "drop": Drop,
    "over_limit": OverLimit,
    "reporting": Reporting,
    "fetches": tuple,
    "slot_writing": SlotWriting,
    "backend_keys": tuple,
    "speaks": tuple,
}
