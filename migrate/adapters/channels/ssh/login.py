"""Where and as whom to log in: what a profile, an inventory and a vault say together about one station's SSH.

Secrets come from the vault at the last moment and live in values that do not
print them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from migrate.domain.errors import Mismatch, NotAllowed
from migrate.domain.station import Station
from migrate.domain.ways import Script
from migrate.ports import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The host behind which stations are reached, often the SIM router of their APN."""

    user: str
    host: str
    port: int = 22
    secret: str = ""  # names of the vault, as in a profile's script
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """``[ssh]`` of a campaign.  ``known_hosts`` and ``scripts`` are whole paths; ``scripts`` are the folders of scripts, the campaign's own first."""

    known_hosts: Path
    scripts: tuple[Path, ...]
    port: int = 22
    threads: int = 16
    jump: Jump | None = None

    @classmethod
    def of(cls, folder: Path, values: Mapping[str, Any], *packaged: Path) -> SshSettings:
        """Out of the flat keys of a campaign's settings; ``packaged`` are folders of scripts that come with the program."""
        jump = None
        if (account := values["ssh.jump"]) is not None:
            user, host, port = account
            names = {"secret": values["ssh.jump_secret"] or "", "key": values["ssh.jump_key"] or ""}
            jump = Jump(user=user, host=host, port=port, **names)
        return cls(
            known_hosts=folder / values["ssh.known_hosts"],
            scripts=(folder / "profiles", *packaged),
            port=values["ssh.port"],
            threads=values["ssh.threads"],
            jump=jump,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One account on one host."""

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    key: str = field(
        default="", repr=False
    )  # a private key in PEM or OpenSSH form; the password is its passphrase then
    jump: Login | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no text that is kept."""
        mine = (self.password, self.key)
        return (*filter(None, mine), *(self.jump.secrets if self.jump else ()))


def login_of(station: Station, script: Script, settings: SshSettings, vault: Vault) -> Login:
    """How to log in to one station.  Raises ``Mismatch`` where the inventory, the campaign or the vault lacks something."""
    identity = station.identity
    jump = jump_of(settings, vault, identity) if script.by_jump else None
    return Login(
        host=host_of(station),
        port=script.port or settings.port,
        user=script.user,
        password=_secret(vault, script.secret, identity),
        key=_secret(vault, script.key, identity),
        jump=jump,
    )


def host_of(station: Station) -> str:
    """The address of a station; a name is refused, because it may lead elsewhere tomorrow."""
    try:
        return str(ip_address(station.ip_address.strip()))
    except ValueError as error:
        has = f"has {station.ip_address!r:.60} for" if station.ip_address.strip() else "has no"
        raise Mismatch(
            f"{station.identity} {has} ip_address, and is to be reached over SSH.",
            identity=station.identity,
            hint="Fill in the column ip_address of the inventory.",
        ) from error


def jump_of(settings: SshSettings, vault: Vault, identity: str) -> Login:
    """How to log in to the jump host of the campaign."""
    jump = settings.jump
    if jump is None:
        raise Mismatch(
            f"{identity} is reached through a jump host, and this campaign names none.",
            identity=identity,
            hint='Set [ssh] jump = "user@host:port" in campaign.toml.',
        )
    return Login(
        host=jump.host,
        port=jump.port,
        user=jump.user,
        password=_secret(vault, jump.secret, identity),
        key=_secret(vault, jump.key, identity),
    )


def _secret(vault: Vault, name: str, identity: str) -> str:
    if not name:
        return ""
    try:
        return vault.secret(name).decode()
    except NotAllowed as error:
        raise Mismatch(error.message, identity=identity, hint=error.hint) from error
    except UnicodeDecodeError as error:
        raise Mismatch(f"The secret {name} is no UTF-8 text.", identity=identity, hint="Store it anew.") from error
