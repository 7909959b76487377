"""What a demonstration of every method needs beside two backends in the clear.

Stations with servers of their own, makers' clouds, a firmware store, four
security profiles: everything is set up as an operator would set it up, in the
campaign's folder, and the simulated fleet is told its half of it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.adapters.vault import FileVault
from migrate.simulator.authority import Authority
from migrate.simulator.behaviour import HTTP_FAMILIES, SCRIPT_FAMILIES
from migrate.simulator.commissioning import Commissioning, guard_json
from migrate.simulator.deal import StationSpec
from migrate.simulator.image import Image
from migrate.simulator.releases import Release, write_releases
from migrate.simulator.wirelog import Side

SIDES = (Side.SOURCE, Side.TARGET)
FIRST_ADDRESS = IPv4Address("127.64.0.1")
"""Stations with servers of their own get an address each, from here on: all of 127/8 is this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What is beside the two backends: for the simulated fleet, for the campaign's settings, and as files of its folder."""

    scheme: str = "ws"
    fleet: Mapping[str, Any] = field(default_factory=dict, repr=False)  # into the simulator's configuration
    csms: Mapping[Side, Mapping[str, Any]] = field(default_factory=lambda: {side: {} for side in SIDES}, repr=False)
    relays: Mapping[Side, Mapping[str, str | bool]] = field(default_factory=lambda: {side: {} for side in SIDES})
    target_root: str = ""
    sections: str = ""  # at the end of campaign.toml
    profiles: str = ""  # of the campaign's own, and those that it has to ask for
    releases: Sequence[Release] = ()  # what makers have released, for the firmware store
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh_port: int = 0

    def furnish(self, folder: Path) -> None:
        """The files that an operator would have put into the folder."""
        vault = FileVault(folder / "secrets")
        for name, secret in self.secrets.items():
            vault.put(name, secret)
        if self.profiles:
            (folder / "profiles").mkdir(exist_ok=True)
            (folder / "profiles" / "makers.yaml").write_text(self.profiles, encoding="utf-8")
        if self.releases:
            write_releases(folder / "firmware", self.releases)

    def trust(self, folder: Path, host_keys: Mapping[str, str]) -> None:
        """The host keys of addresses, as somebody read them off the stations' labels."""
        known = KnownHosts(folder / "known_hosts")
        for address, text in host_keys.items():
            kind, base64 = text.split()[:2]
            known.add(place_of(address, self.ssh_port), HostKey(kind, base64, ""))


def equipped(
    folder: Path, specs: Sequence[StationSpec], ports: Callable[[int], list[int]], *, target_port: int
) -> tuple[list[StationSpec], Equipment]:
    """Security profiles 0 to 3 in turn, and a server for every station that has one; keys and certificates are made."""
    store = folder / "certificates"
    store.mkdir(mode=0o700)
    authority = Commissioning(store)
    secured = [authority.station(spec, _profile(spec, turn)) for turn, spec in enumerate(_addressed(specs))]
    ssh, http, cloud, files, ftp = ports(5)
    passwords = {name: secrets.token_urlsafe(12) for name in (SSH_SECRET, CLOUD_SECRET)}
    chain, key, cloud_root = _cloud_certificate(store)
    return secured, Equipment(
        scheme="wss",
        fleet={
            "ssh": {"port": ssh, "password_sha256": _digest(passwords[SSH_SECRET])},
            "http": {
                "port": http,
                "cloud_port": cloud,
                "certificate": str(chain),
                "key": str(key),
                "user": CLOUD_USER,
                "password_sha256": _digest(passwords[CLOUD_SECRET]),
            },
        },
        csms={side: {"guard": guard_json(authority.guard(side))} for side in SIDES},
        relays={side: authority.relay(side) for side in SIDES},
        target_root=str(authority.root(Side.TARGET)),
        sections=SECTIONS.format(ssh=ssh, http=http, cloud=cloud, cloud_root=cloud_root, files=files, ftp=ftp),
        profiles=resources.files(__package__).joinpath("makers.yaml").read_text(encoding="utf-8"),
        releases=_releases(f"ws://127.0.0.1:{target_port}/ocpp"),
        secrets=passwords,
        ssh_port=ssh,
    )


SSH_SECRET, CLOUD_SECRET, CLOUD_USER = "bender_ssh", "easee_cloud", "operator"
SECTIONS = """
[ssh]
port = {ssh}

[http]
port = {http}
ca = "{cloud_root}"
[http.bases]
"https://api.easee.com" = "https://127.0.0.1:{cloud}"

[firmware]
listen = "127.0.0.1:{files}"
url = "http://127.0.0.1:{files}"
ftp_listen = "127.0.0.1:{ftp}"
ftp_url = "ftp://127.0.0.1:{ftp}"
rate = "1 MB/s"

[checks.accepted]
root-new = "every simulated station was commissioned with the roots of both operators"
"""


def _profile(spec: StationSpec, turn: int) -> int:
    """A security profile in turn; those whose image holds the address in the clear dial in the clear."""
    return turn % 2 if spec.family == "eastwind" else turn % 4


def _releases(target: str) -> list[Release]:
    """What the makers of these stations have released; one image holds the target's address."""
    first = Image(vendor="Northwind", version="2.6", needs=("2.4",))
    second = Image(vendor="Northwind", version="3.0", needs=("2.6",))
    return [
        Release(name="northwind-2.6.bin", image=first, over="2.0", below="2.6"),
        Release(name="northwind-3.0.bin", image=second, over="2.6", below="3.0"),
        Release(name="southwind-6.2.bin", image=Image(vendor="Southwind", version="6.2"), is_signed=True),
        Release(name="westwind-1.5.bin", image=Image(vendor="Westwind", version="1.5")),
        Release(name="eastwind-2.0.bin", image=Image(vendor="Eastwind", version="2.0", backend=target)),
        Release(name="keba-1.18.0.bin", image=Image(vendor="Keba AG", version="1.18.0"), models=("KC-P30-*",)),
    ]


def _addressed(specs: Sequence[StationSpec]) -> list[StationSpec]:
    own = {spec.identity: place for place, spec in enumerate(s for s in specs if s.family in WITH_SERVERS)}
    return [
        replace(spec, ip_address=str(FIRST_ADDRESS + own[spec.identity])) if spec.identity in own else spec
        for spec in specs
    ]


WITH_SERVERS = frozenset({*HTTP_FAMILIES, *SCRIPT_FAMILIES})


def _cloud_certificate(store: Path) -> tuple[Path, Path, Path]:
    root = Authority("Root of a maker's cloud")
    chain, key = root.for_backend().write(store, "cloud")
    return chain, key, root.write_root(store / "cloud-root.pem")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
