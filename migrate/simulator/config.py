"""The simulator's configuration file: JSON, read strictly, every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from migrate.simulator.csms import STRONG, Strength
from migrate.simulator.csms201 import SPOKEN
from migrate.simulator.deal import StationSpec
from migrate.simulator.guarding import OPEN, Guard
from migrate.simulator.http_host import HttpConfig
from migrate.simulator.ssh_host import SshConfig
from migrate.simulator.wirelog import Side


class ConfigProblem(ValueError):
    """The configuration cannot be used; the message lists every problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsmsConfig:
    """Where a simulated CSMS listens; port 0 takes a free one."""

    port: int = 0
    path: str = "/ocpp"
    register: tuple[str, ...] | None = None  # None: everybody is welcome
    strength: Strength = STRONG
    speaks: tuple[str, ...] = SPOKEN
    guard: Guard = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`source_url` and `target_url` are what stations dial: the relays where there are any, else the CSMSes."""

    seed: int = 0
    speed: float = 1.0
    heartbeat_s: float = 30.0
    stations: tuple[StationSpec, ...] = ()
    source_url: str = ""  # blank: the simulated CSMS itself
    target_url: str = ""
    http: HttpConfig = field(default_factory=HttpConfig)  # where stations serve HTTP, and their makers a cloud
    ssh: SshConfig = field(default_factory=SshConfig)  # how stations with an SSH server let somebody in
    firmware_ca: Path | None = None  # whose certificates stations believe when they load files over HTTPS
    wire: Path = Path("wire.jsonl")
    control: Path | None = None
    csms: Mapping[Side, CsmsConfig] = field(default_factory=dict)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Read a parsed file; ConfigProblem names all that is wrong with it."""
        problems = [f"unknown key {name!r}" for name in facts.keys() - {one.name for one in fields(cls)}]
        known = {name: fact for name, fact in facts.items() if f"unknown key {name!r}" not in problems}
        for name, read in READERS.items():
            if name in known:
                try:
                    known[name] = read(known[name])
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    problems.append(f"{name}: {error}")
        problems += _judge(known)
        if problems:
            raise ConfigProblem("; ".join(sorted(problems)))
        return cls(**known)


def _judge(known: Mapping[str, Any]) -> list[str]:
    problems = []
    for name in ("speed", "heartbeat_s"):
        value = known.get(name, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            problems.append(f"{name} must be a number above 0")
    specs = known.get("stations", ())
    identities = {spec.identity for spec in specs if isinstance(spec, StationSpec)}
    if len(identities) != len(specs):
        problems.append("two stations have the same identity")
    return problems


def _stations(facts: Any) -> tuple[StationSpec, ...]:
    return tuple(StationSpec.from_json(one) for one in facts)


def _csms(facts: Any) -> dict[Side, CsmsConfig]:
    return {Side(side): _one_csms(one) for side, one in facts.items()}


def _one_csms(one: Mapping[str, Any]) -> CsmsConfig:
    register = one.get("register")
    read = {
        "register": None if register is None else tuple(register),
        "strength": Strength(**one.get("strength", {})),
        "speaks": tuple(one.get("speaks", SPOKEN)),
        "guard": Guard(**one.get("guard", {})),
    }
    return CsmsConfig(**{**one, **read})


def _path(fact: Any) -> Path | None:
    return None if fact is None else Path(fact)


def _ssh(facts: Any) -> SshConfig:
    return SshConfig(**{**facts, "keys": tuple(facts.get("keys", ()))})


READERS: Mapping[str, Callable[[Any], Any]] = {
    "stations": _stations,
    "csms": _csms,
    "http": lambda facts: HttpConfig(**facts),
    "ssh": _ssh,
    "wire": Path,
    "control": _path,
    "firmware_ca": _path,
}
