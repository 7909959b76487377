"""What a campaign is told: campaign.toml, the environment, flags.

Precedence: flags, environment (``MIGRATE_GATE_SOAK`` for ``[gate] soak``),
file, defaults.  Every value knows where it came from, every problem is
reported at once, and an unknown key is an error with the nearest known one.
This module reads one file and opens nothing else.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrate.domain.address import Backend, parse_backend
from migrate.domain.errors import SettingsProblem
from migrate.domain.evidence import Side
from migrate.domain.policy import (
    Caps,
    Daily,
    Freeze,
    GatePolicy,
    Policy,
    Retries,
    Share,
    Size,
    Timeouts,
    WavePolicy,
    Windows,
)

FILE_NAME = "campaign.toml"
CHANNELS = {"relay"}
WITNESSES = {"relay"}
LATER = {"steve", "citrineos", "http", "sql", "webhook", "amqp"}
"""Named by the contract, built by a later release: choosing one is a clear refusal, not a surprise at night."""


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


class _Bad(ValueError):
    """What is wrong with one value, in words."""


# ── kinds of value ─────────────────────────────────────────────────────────

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: Any) -> timedelta:
    """``90s``, ``30m``, ``4h``, ``14d``.

    >>> parse_duration("30m")
    datetime.timedelta(seconds=1800)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise _Bad("wants a duration such as 90s, 30m, 4h or 14d")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def parse_share(value: Any) -> Share:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        share = float(match[1]) / 100
    elif isinstance(value, float) and not isinstance(value, bool):
        share = value
    else:
        raise _Bad('wants a share such as "98%" or 0.5')
    if not 0 <= share <= 1:
        raise _Bad("lies outside 0 % to 100 %")
    return Share(share)


def _count(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise _Bad(f"wants a whole number from {least}")
        return value

    return parse


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Bad("wants a text that is not empty")
    return value


def _sizes(value: Any) -> tuple[Size, ...]:
    if not isinstance(value, list) or not value:
        raise _Bad('wants a list such as [10, 50, "10%", "rest"]')
    return tuple(
        None if one == "rest" else parse_share(one) if isinstance(one, str) else _count(1)(one) for one in value
    )


def _daily(value: Any) -> Daily:
    match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", value) if isinstance(value, str) else None
    try:
        begin, end = (time.fromisoformat(part) for part in match.groups()) if match else (None, None)
    except ValueError as error:
        raise _Bad("names an hour that no day has") from error
    if begin is None or end is None:
        raise _Bad('wants hours in quotes, such as "01:00-05:00"')
    return Daily(begin=begin, end=end)


def _freezes(value: Any) -> tuple[Freeze, ...]:
    def one(text: Any) -> Freeze:
        first, _, last = text.partition("/") if isinstance(text, str) else ("", "", "")
        try:
            freeze = Freeze(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
        except ValueError as error:
            raise _Bad('wants days such as "2026-12-24/2026-12-27"') from error
        if freeze.last < freeze.first:
            raise _Bad(f"ends before it begins: {text}")
        return freeze

    if not isinstance(value, list):
        raise _Bad('wants a list such as ["2026-12-24/2026-12-27"]')
    return tuple(one(text) for text in value)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _Bad('wants a day such as "2026-12-31"') from error


def _moment(value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _Bad("wants a time such as 2026-11-20T01:00:00Z") from error
    if moment.tzinfo is None:
        raise _Bad("wants a time with its zone, such as 2026-11-20T01:00:00Z")
    return moment


def _zone(value: Any) -> str:
    try:
        ZoneInfo(_text(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _Bad("is no IANA time zone such as Europe/Amsterdam") from error
    return str(value)


def _backend(value: Any) -> Backend:
    try:
        return parse_backend(_text(value))
    except SettingsProblem as problem:
        raise _Bad(problem.message.removeprefix("url ")) from problem


def _upstream(value: Any) -> Backend | None:
    return None if value == "lab" else _backend(value)


def _listen(value: Any) -> tuple[str, int]:
    host, _, port = _text(value).rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise _Bad('wants host:port, such as "127.0.0.1:9016"')
    return host.strip("[]"), int(port)


def _speed(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1000:
        raise _Bad("wants a number above 0 and up to 1000")
    return float(value)


def _one_of(known: set[str]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise _Bad(f"wants one of {', '.join(sorted(known))}")
        if value in LATER - known:
            raise _Bad(f'is "{value}", which this release does not have yet; it has {", ".join(sorted(known))}')
        if value not in known:
            raise _Bad(f"is {value!r}; known here: {', '.join(sorted(known))}")
        return str(value)

    return parse


_MISSING: Any = object()
_T, _W, _C, _G, _R = Timeouts(), WavePolicy(), Caps(), GatePolicy(), Retries()

_KEYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "name": (_text, _MISSING),
    "timezone": (_zone, "UTC"),
    "store.url": (_text, "sqlite:///campaign.db"),
    "source.url": (_backend, _MISSING),
    "source.channel": (_one_of(CHANNELS), "relay"),
    "source.witness": (_one_of(WITNESSES), "relay"),
    "source.relay.listen": (_listen, ("127.0.0.1", 9016)),
    "source.relay.upstream": (_upstream, _MISSING),
    "target.url": (_backend, _MISSING),
    "target.channel": (_one_of(CHANNELS), "relay"),
    "target.witness": (_one_of(WITNESSES), "relay"),
    "target.relay.listen": (_listen, ("127.0.0.1", 9017)),
    "target.relay.upstream": (_upstream, _MISSING),
    "waves.canary_per_profile": (_count(1), _W.canary_per_profile),
    "waves.sizes": (_sizes, _W.sizes),
    "waves.batch_size": (_count(1), _W.batch_size),
    "caps.stations": (_count(1), _C.stations),
    "caps.per_site_share": (parse_share, _C.per_site_share),
    "caps.per_model": (_count(1), _C.per_model),
    "caps.per_apn": (_count(1), _C.per_apn),
    "gate.min_confirmed": (parse_share, _G.min_confirmed),
    "gate.max_failed": (_count(0), _G.max_failed),
    "gate.max_failed_share": (parse_share, _G.max_failed_share),
    "gate.max_lost": (_count(0), _G.max_lost),
    "gate.min_sample": (_count(1), _G.min_sample),
    "gate.soak": (parse_duration, _G.soak),
    "gate.approval_from_wave": (_count(0), _G.approval_from_wave),
    "windows.daily": (_daily, None),
    "windows.freeze": (_freezes, ()),
    **{f"timeouts.{name}": (parse_duration, getattr(_T, name)) for name in Timeouts.__slots__},
    "retries.attempts": (_count(1), _R.attempts),
    "retries.backoff": (parse_duration, _R.backoff),
    "deadline.legacy_switch_off": (_day, None),
    "drill.speed": (_speed, 1.0),
    "drill.since": (_moment, None),
}


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
    problems = [_unknown(key, origins[key]) for key in given if key not in _KEYS]
    values = {key: _value(key, given, problems, origins) for key in _KEYS}
    problems += () if problems else _contradictions(values)
    if problems:
        raise SettingsProblem(
            f"{path}: " + "\n".join(problems), hint="See docs/settings.md for every key and its default."
        )
    return _settled(folder, values, {key: origins.get(key, "default") for key in _KEYS})


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
    names = {"MIGRATE_" + key.replace(".", "_").upper(): key for key in _KEYS}
    return {names[name]: _toml_value(text) for name, text in environment.items() if name in names and text.strip()}


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _unknown(key: str, origin: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.6)
    return f"{key} ({origin}) is no key" + (f"; did you mean {near[0]}?" if near else ".")


def _value(key: str, given: Mapping[str, Any], problems: list[str], origins: Mapping[str, str]) -> Any:
    parse, default = _KEYS[key]
    if key not in given:
        if default is _MISSING:
            problems.append(f"{key} is missing.")
        return default
    try:
        return parse(given[key])
    except _Bad as bad:
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
