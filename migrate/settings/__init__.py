"""What a campaign is told: campaign.toml, the environment, flags.

Precedence: flags, environment (``MIGRATE_GATE_SOAK`` for ``[gate] soak``),
file, defaults.  Every value knows where it came from, every problem is
reported at once, and an unknown key is an error with the nearest known one.
This module reads one file and opens nothing else.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from migrate.domain.address import Backend
from migrate.domain.errors import SettingsProblem
from migrate.domain.evidence import Side
from migrate.domain.policy import Caps, GatePolicy, Policy, Retries, Timeouts, WavePolicy, Windows
from migrate.settings.keys import KEYS, MISSING
from migrate.settings.kinds import Bad

FILE_NAME = "campaign.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Where a relay listens and what it forwards to; ``upstream`` is ``None`` in lab mode."""

    host: str
    port: int
    upstream: Backend | None

    @property
    def is_lab(self) -> bool:
        return self.upstream is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSettings:
    url: Backend
    relay: RelaySettings
    channel: str = "relay"
    witness: str = "relay"


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
    store_url: str
    source: SideSettings
    target: SideSettings
    policy: Policy
    drill: Drill
    origins: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

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
    path = folder / FILE_NAME
    given = dict(_flat(_read(path)))
    origins = dict.fromkeys(given, str(path))
    for source, values in (("environment", _from_environment(environment or os.environ)), ("flag", dict(flags or {}))):
        given |= values
        origins |= dict.fromkeys(values, source)
    problems = [_unknown(key, origins[key]) for key in given if key not in KEYS]
    values = {key: _value(key, given, problems, origins) for key in KEYS}
    problems += () if problems else _contradictions(values)
    if problems:
        raise SettingsProblem(
            f"{path}: " + "\n".join(problems), hint="See docs/settings.md for every key and its default."
        )
    return _settled(folder, values, {key: origins.get(key, "default") for key in KEYS})


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsProblem(
            f"{path.parent} is no campaign folder: it has no {FILE_NAME}.",
            hint="Make one with `migrate init DIR`, or name it with --campaign.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsProblem(f"{path} cannot be read: {error}.", hint="Mend that place and try again.") from error


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``MIGRATE_GATE_MAX_LOST=2`` for ``[gate] max_lost``; what is set but empty counts as not set."""
    names = {"MIGRATE_" + key.replace(".", "_").upper(): key for key in KEYS}
    return {names[name]: _toml_value(text) for name, text in environment.items() if name in names and text.strip()}


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _unknown(key: str, origin: str) -> str:
    near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.6)
    return f"{key} ({origin}) is no key" + (f"; did you mean {near[0]}?" if near else ".")


def _value(key: str, given: Mapping[str, Any], problems: list[str], origins: Mapping[str, str]) -> Any:
    parse, default = KEYS[key]
    if key not in given:
        if default is MISSING:
            problems.append(f"{key} is missing.")
        return default
    try:
        return parse(given[key])
    except Bad as bad:
        problems.append(f"{key} ({origins[key]}) {bad}.")
        return default


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    if values["source.url"] == values["target.url"]:
        yield "source.url and target.url are the same address."
    if values["source.relay.listen"] == values["target.relay.listen"] and values["source.relay.listen"][1] != 0:
        yield "source.relay.listen and target.relay.listen are the same port."
    for side in ("source", "target"):
        upstream, (host, port) = values[f"{side}.relay.upstream"], values[f"{side}.relay.listen"]
        if upstream is not None and (upstream.host, upstream.effective_port) == (host, port):
            yield f"{side}.relay.upstream is the relay itself: frames would run in a circle."


def _settled(folder: Path, values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    def section(kind: type[Any], name: str, **more: Any) -> Any:
        prefix = name + "."
        return kind(**{k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}, **more)

    policy = Policy(
        waves=section(WavePolicy, "waves"),
        caps=section(Caps, "caps"),
        gate=section(GatePolicy, "gate"),
        windows=section(Windows, "windows", timezone=values["timezone"]),
        timeouts=section(Timeouts, "timeouts"),
        retries=section(Retries, "retries"),
        legacy_switch_off=values["deadline.legacy_switch_off"],
    )
    return Settings(
        folder=folder,
        name=values["name"],
        store_url=_store_url(folder, values["store.url"]),
        source=_side(values, "source"),
        target=_side(values, "target"),
        policy=policy,
        drill=section(Drill, "drill"),
        origins=origins,
        values=values,
    )


def _side(values: Mapping[str, Any], side: str) -> SideSettings:
    host, port = values[f"{side}.relay.listen"]
    return SideSettings(
        url=values[f"{side}.url"],
        relay=RelaySettings(host=host, port=port, upstream=values[f"{side}.relay.upstream"]),
        channel=values[f"{side}.channel"],
        witness=values[f"{side}.witness"],
    )


def _store_url(folder: Path, url: str) -> str:
    """A relative SQLite path lies in the campaign folder, wherever the command was called from."""
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((folder / url.removeprefix(prefix)).resolve())
    return url
