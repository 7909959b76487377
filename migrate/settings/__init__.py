"""What a campaign is told: campaign.toml, the environment, flags.

Precedence: flags, environment (``MIGRATE_GATE_SOAK`` for ``[gate] soak``),
file, defaults.  Every value knows where it came from, every problem is
reported at once, and an unknown key is an error with the nearest known one.
``reading`` opens the one file, ``keys`` and ``kinds`` understand it, ``judging``
says what does not go together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from migrate.domain.address import Backend
from migrate.domain.errors import SettingsProblem
from migrate.domain.evidence import Side
from migrate.domain.policy import Caps, GatePolicy, Policy, Retries, Timeouts, WavePolicy, Windows
from migrate.settings.checks import CheckSettings, check_settings
from migrate.settings.firmware import FirmwareSettings, firmware_settings, loading_caps
from migrate.settings.judging import cautions, contradictions
from migrate.settings.keys import KEYS, MISSING, SHOWN, TLS_FILES
from migrate.settings.kinds import Bad
from migrate.settings.reading import FILE_NAME, Given, gather

__all__ = ["FILE_NAME", "Drill", "RelaySettings", "Settings", "SideSettings", "load_settings"]

_TOLD = 50  # problems of one file; more of them help nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Where a relay listens and what it forwards to; ``upstream`` is ``None`` in lab mode.

    ``certificates`` and ``keys`` make its door a TLS door, ``takes_plain`` lets
    stations in the clear in by it as well; ``client_ca`` issued the
    certificates of stations with security profile 3, ``client_crl`` names
    those of them that count no more.
    """

    host: str
    port: int
    upstream: Backend | None
    certificates: tuple[Path, ...] = ()
    keys: tuple[Path, ...] = ()
    client_ca: Path | None = None
    client_crl: Path | None = None
    upstream_ca: Path | None = None
    upstream_certificate: Path | None = None
    upstream_key: Path | None = None
    takes_plain: bool = False

    @property
    def is_lab(self) -> bool:
        return self.upstream is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSettings:
    url: Backend
    relay: RelaySettings
    channel: str = "relay"
    witness: str = "relay"
    root: Path | None = None  # of the target: the certificate that stations are given before they move


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A campaign against a simulated fleet: its clock runs ``speed`` times faster, counted from ``since``."""

    speed: float = 1.0
    since: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self.since is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a campaign is told.  ``origins`` says of each key whether it is a default, the file's or the environment's."""

    folder: Path
    name: str
    store_url: str = field(repr=False)  # may hold a password
    source: SideSettings
    target: SideSettings
    policy: Policy
    drill: Drill
    firmware: FirmwareSettings
    checks: CheckSettings
    origins: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cautions: tuple[str, ...] = ()  # allowed, and to be known before stations are touched

    def side(self, side: Side) -> SideSettings:
        return self.source if side is Side.SOURCE else self.target

    @property
    def socket(self) -> Path:
        return self.folder / "listen.sock"

    @property
    def engine_store(self) -> Path:
        return self.folder / "engine.db"


# ── reading ────────────────────────────────────────────────────────────────


def load_settings(
    folder: Path, *, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings of a campaign folder.  Raises ``SettingsProblem`` that lists everything that is wrong."""
    surroundings = os.environ if environment is None else environment
    given = gather(folder / FILE_NAME, flags or {}, surroundings)
    problems = list(given.unknown())
    values = {key: _value(key, given, problems) for key in KEYS}
    problems += () if problems else contradictions(values, given, surroundings)
    if problems:
        more = f"\n… and {len(problems) - _TOLD} more." if len(problems) > _TOLD else ""
        raise SettingsProblem(
            f"{folder / FILE_NAME}: " + "\n".join(problems[:_TOLD]) + more,
            hint="See docs/settings.md for every key and its default.",
        )
    origins = {key: given.origins.get(key, "default") for key in KEYS}
    return _settled(folder, values, origins)


def _value(key: str, given: Given, problems: list[str]) -> Any:
    parse, default = KEYS[key]
    if key not in given.values:
        if default is MISSING:
            problems.append(f"{key} is missing.")
        return default
    try:
        return parse(given.values[key])
    except Bad as bad:
        problems.append(f"{key} ({given.place(key)}) {bad}.")
        return default


def _settled(folder: Path, values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    def section(kind: type[Any], name: str, **more: Any) -> Any:
        prefix = name + "."
        return kind(**{k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}, **more)

    drill = section(Drill, "drill")
    policy = Policy(
        waves=section(WavePolicy, "waves"),
        caps=section(Caps, "caps", **loading_caps(values)),
        gate=section(GatePolicy, "gate"),
        windows=section(Windows, "windows", timezone=values["timezone"]),
        timeouts=section(Timeouts, "timeouts"),
        retries=section(Retries, "retries"),
        legacy_switch_off=values["deadline.legacy_switch_off"],
        accepted=values["profiles.accepted"],
        requires_proof=not drill.is_on,
    )
    return Settings(
        folder=folder,
        name=values["name"],
        store_url=_store_url(folder, values["store.url"]),
        source=_side(folder, values, "source"),
        target=_side(folder, values, "target"),
        policy=policy,
        drill=drill,
        firmware=firmware_settings(folder, values),
        checks=check_settings(folder, values),
        origins=origins,
        values=values,
        cautions=tuple(cautions(values)),
    )


def _side(folder: Path, values: Mapping[str, Any], side: str) -> SideSettings:
    host, port = values[f"{side}.relay.listen"]
    files: dict[str, Any] = {name: _in(folder, values[f"{side}.relay.{name}"]) for name in TLS_FILES}
    files |= {f"{name}s": tuple(folder / path for path in values[f"{side}.relay.{name}"] or ()) for name in SHOWN}
    return SideSettings(
        url=values[f"{side}.url"],
        relay=RelaySettings(
            host=host,
            port=port,
            upstream=values[f"{side}.relay.upstream"],
            takes_plain=values[f"{side}.relay.takes_plain"],
            **files,
        ),
        channel=values[f"{side}.channel"],
        witness=values[f"{side}.witness"],
        root=_in(folder, values.get(f"{side}.root")),
    )


def _in(folder: Path, path: Path | None) -> Path | None:
    """A relative path lies in the campaign folder, wherever the command was called from."""
    return None if path is None else folder / path


def _store_url(folder: Path, url: str) -> str:
    """A relative SQLite path lies in the campaign folder, wherever the command was called from."""
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((folder / url.removeprefix(prefix)).resolve())
    return url
