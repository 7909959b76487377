"""Sets a simulated world up with security: authorities, doors of relays and backends, passwords and certificates.

Two operators with a root each, a third that issues the stations' certificates,
and a fourth for the relays.  Everything is written into one folder, keys for
their owner alone; no password is drawn from anything but the system's chance.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from migrate.simulator.armour import CERTIFICATE, Commissioned
from migrate.simulator.authority import Authority, Credential
from migrate.simulator.deal import StationSpec
from migrate.simulator.guarding import ASKS_NOTHING, Guard
from migrate.simulator.wirelog import Side

PASSWORD_BYTES = 15  # 20 characters, which every maker's key holds, in hex too
SIDES = (Side.SOURCE, Side.TARGET)


@dataclass
class Commissioning:
    """One folder's worth of security."""

    folder: Path
    roots: Mapping[Side, Authority] = field(
        default_factory=lambda: {
            side: Authority(f"{side.value.capitalize()} Operator Root", is_rsa=True) for side in SIDES
        }
    )
    stations: Authority = field(default_factory=lambda: Authority("Station Makers Root"))
    relays: Authority = field(default_factory=lambda: Authority("Relay Root"))
    passwords: dict[str, str | None] = field(default_factory=dict, repr=False)  # by identity, as a Guard wants them

    def station(self, spec: StationSpec, profile: int, *, knows: Iterable[Side] = SIDES) -> StationSpec:
        """A station of a security profile that trusts the roots of these sides."""
        password = secrets.token_urlsafe(PASSWORD_BYTES) if profile in (1, 2) else ASKS_NOTHING
        self.passwords[spec.identity] = None if profile == CERTIFICATE else password
        given = Commissioned(profile=profile, password=password, roots=tuple(self.roots[side].root for side in knows))
        if profile == CERTIFICATE:
            given = self.with_certificate(given, self.stations.for_station(spec.serial or spec.identity))
        return replace(spec, security=given)

    def with_certificate(self, given: Commissioned, own: Credential) -> Commissioned:
        """The same, with a certificate of its own, which lies in the folder under a number."""
        number = len(list(self.folder.glob("station-*.pem"))) + 1
        chain, key = own.write(self.folder, f"station-{number:05d}")
        return replace(given, certificate=str(chain), key=str(key))

    def renamed(self, identity: str, target_identity: str) -> None:
        """The target knows a station by another name, with the password that it has."""
        self.passwords[target_identity] = self.passwords[identity]

    def guard(self, side: Side, **otherwise: str | None) -> Guard:
        """The door of one backend: TLS, and every station's password but for those named ``otherwise``."""
        certificate, key = self.roots[side].for_backend().write(self.folder, f"{side.value}-csms")
        client_ca = self.relays.write_root(self.folder / "relay-root.pem")
        return Guard(
            certificate=str(certificate),
            key=str(key),
            client_ca=str(client_ca),
            passwords={**self.passwords, **otherwise},
        )

    def relay(self, side: Side, *, takes_plain: bool = True) -> dict[str, str | bool]:
        """The keys of ``[source.relay]`` or ``[target.relay]``: stations' door under the operator's own root."""
        certificate, key = self.roots[side].for_backend().write(self.folder, f"{side.value}-relay")
        vouching, vouching_key = self.relays.for_station("relay").write(self.folder, f"{side.value}-vouching")
        return {
            "certificate": str(certificate),
            "key": str(key),
            "client_ca": str(self.stations.write_root(self.folder / "station-makers-root.pem")),
            "takes_plain": takes_plain,
            "upstream_ca": str(self.root(side)),
            "upstream_certificate": str(vouching),
            "upstream_key": str(vouching_key),
        }

    def root(self, side: Side) -> Path:
        """The root certificate of one side, as a file."""
        return self.roots[side].write_root(self.folder / f"{side.value}-root.pem")


def guard_json(guard: Guard) -> dict[str, Any]:
    """A guard as the simulator's configuration wants it under ``csms.SIDE.guard``; the file is for its owner alone."""
    return asdict(guard)
