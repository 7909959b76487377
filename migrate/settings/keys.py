"""Every key of campaign.toml, with its kind and its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrate.domain.policy import Caps, GatePolicy, Retries, Timeouts, WavePolicy
from migrate.settings import kinds as k
from migrate.settings.checks import CHECK_KEYS
from migrate.settings.firmware import FIRMWARE_KEYS
from migrate.settings.http import HTTP_KEYS

CHANNELS = {"relay"}
WITNESSES = {"relay"}

MISSING: Any = object()
_T, _W, _C, _G, _R = Timeouts(), WavePolicy(), Caps(), GatePolicy(), Retries()

SHOWN = ("certificate", "key")
"""Of each relay: what it shows stations; one file, or one for each kind of key."""

TLS_FILES = ("client_ca", "client_crl", "upstream_ca", "upstream_certificate", "upstream_key")
"""Of each relay: whose certificates of stations it takes and which no more, whom it believes and what it shows the CSMS."""

TABLES = frozenset({"profiles.accepted", "checks.accepted", "http.bases", "http.users"})
"""Keys whose value is a table of the operator's own names."""

KEYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "name": (k.parse_text, MISSING),
    "timezone": (k.parse_zone, "UTC"),
    "store.url": (k.parse_text, "sqlite:///campaign.db"),
    "source.url": (k.parse_backend, MISSING),
    "source.channel": (k.one_of(CHANNELS), "relay"),
    "source.witness": (k.one_of(WITNESSES), "relay"),
    "source.relay.listen": (k.parse_listen, ("127.0.0.1", 9016)),
    "source.relay.upstream": (k.parse_upstream, MISSING),
    **{f"source.relay.{name}": (k.parse_paths, None) for name in SHOWN},
    **{f"source.relay.{name}": (k.parse_path, None) for name in TLS_FILES},
    "source.relay.takes_plain": (k.parse_flag, False),
    "target.url": (k.parse_backend, MISSING),
    "target.channel": (k.one_of(CHANNELS), "relay"),
    "target.witness": (k.one_of(WITNESSES), "relay"),
    "target.relay.listen": (k.parse_listen, ("127.0.0.1", 9017)),
    "target.relay.upstream": (k.parse_upstream, MISSING),
    **{f"target.relay.{name}": (k.parse_paths, None) for name in SHOWN},
    **{f"target.relay.{name}": (k.parse_path, None) for name in TLS_FILES},
    "target.relay.takes_plain": (k.parse_flag, False),
    "target.root": (k.parse_path, None),
    "waves.canary_per_profile": (k.count(1), _W.canary_per_profile),
    "waves.sizes": (k.parse_sizes, _W.sizes),
    "waves.batch_size": (k.count(1), _W.batch_size),
    "caps.stations": (k.count(1), _C.stations),
    "caps.per_site_share": (k.parse_share, _C.per_site_share),
    "caps.per_model": (k.count(1), _C.per_model),
    "caps.per_apn": (k.count(1), _C.per_apn),
    "gate.min_confirmed": (k.parse_share, _G.min_confirmed),
    "gate.max_failed": (k.count(0), _G.max_failed),
    "gate.max_failed_share": (k.parse_share, _G.max_failed_share),
    "gate.max_without_effect": (k.count(0), _G.max_without_effect),
    "gate.max_lost": (k.count(0), _G.max_lost),
    "gate.min_sample": (k.count(1), _G.min_sample),
    "gate.soak": (k.parse_duration, _G.soak),
    "gate.approval_from_wave": (k.count(0), _G.approval_from_wave),
    "windows.daily": (k.parse_daily, None),
    "windows.freeze": (k.parse_freezes, ()),
    **{f"timeouts.{name}": (k.parse_duration, getattr(_T, name)) for name in Timeouts.__slots__},
    "retries.attempts": (k.count(1), _R.attempts),
    "retries.backoff": (k.parse_duration, _R.backoff),
    "deadline.legacy_switch_off": (k.parse_day, None),
    "profiles.accepted": (k.parse_reasons, {}),
    **FIRMWARE_KEYS,
    "ssh.port": (k.parse_port, 22),
    "ssh.threads": (k.count(1), 16),
    "ssh.known_hosts": (k.parse_text, "known_hosts"),
    "ssh.jump": (k.parse_account, None),
    "ssh.jump_secret": (k.parse_secret_name, None),
    "ssh.jump_key": (k.parse_secret_name, None),
    **HTTP_KEYS,
    **CHECK_KEYS,
    "drill.speed": (k.parse_speed, 1.0),
    "drill.since": (k.parse_moment, None),
}
