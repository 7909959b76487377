"""A campaign over TLS: stations of the security profiles, both relays under certificates, backends that ask who is there."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migrate.cli.demo.equipment import Equipment
from migrate.cli.demo.stage import Stage, free_ports, stations_of
from migrate.domain.station import Station
from migrate.simulator.commissioning import SIDES, Commissioning, guard_json
from migrate.simulator.deal import StationSpec
from migrate.simulator.wirelog import Side
from tests.stories.conftest import Field, a_field_on
from tests.stories.stations import a_station

SPEED = 60.0

ACME = """\
schema: migrate.profile-file/1
family: Acme
profiles:
  - name: acme_secure
    title: Acme with the security extension
    selector: {vendors: [Acme], ocpp_versions: ["1.6"]}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: CSMSRootCertificate, via: certificate, value: "${root}"}
      - {key: CentralSystemURI, value: "${url}"}
    restart: soft
    slash: forbid
    finish:
      raise_security: [{key: SecurityProfile, value: "2"}]
      password: [{key: AuthorizationKey, secret: acme_password, encoding: hex, readback: masked}]
    visit: ["Enter ${url}."]
    sources: ["tests/stories/secured.py"]
    notes: ["Value: a base URL without identity.", "A higher security profile is one-way."]
  - name: acme_named
    title: Acme with a name that can be changed
    selector: {vendors: [Acme Named], ocpp_versions: ["1.6"]}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: Cst_ChargeBoxId, value: "${identity}", only_if_renamed: true}
      - {key: Cst_BackendUrl, value: "${url}"}
    restart: soft
    slash: forbid
    visit: ["Enter ${url}."]
    sources: ["tests/stories/secured.py"]
    notes: ["Value: a base URL without identity."]
  - name: acme_slots
    title: Acme with a password for each slot
    selector: {vendors: [Acme Slots], ocpp_versions: ["2.1"]}
    method: network_profile
    rollback: automatic
    turning_point: restart
    proof: {level: documented}
    max_value_length: 1000
    slots:
      keys: ["NetworkProfile[1]", "NetworkProfile[2]"]
      names: ["1", "2"]
      priority_key: OCPPCommCtrlr.NetworkConfigurationPriority
      active_key: OCPPCommCtrlr.ActiveNetworkProfile
    writes:
      - key: "${free_slot}"
        stays: true
        readback: masked
        secret: acme_slot
        fields: {ocppTransport: JSON, ocppCsmsUrl: "${url}", messageTimeout: "30", ocppInterface: Wired0,
                 securityProfile: "${security_profile}", basicAuthPassword: "${secret}"}
      - {key: OCPPCommCtrlr.NetworkConfigurationPriority, value: "${free_slot},${active_slot}"}
    restart: soft
    slash: forbid
    quirks: {falls_back: true}
    visit: ["Enter ${url}."]
    sources: ["tests/stories/secured.py"]
    notes: ["Value: a base URL without identity."]
"""


LEFT_ALONE = ("wire.jsonl", "certificates", "fleet.json")  # the stations' own, not the toolkit's

ACCEPTED = """
[checks.accepted]
root-new = "the stations of these stories were given both roots at the factory, or are to fail"
"""


def spec_of(identity: str, family: str = "everest", vendor: str = "Acme", **facts: Any) -> StationSpec:
    own = {"identity": identity, "vendor": vendor, "serial": f"SN-{identity}", "site_id": f"SITE-{identity}"}
    return a_station(family, **{**own, **facts})


@dataclass
class Secured:
    """What a story sets up before anything is started."""

    folder: Path
    keys: Commissioning
    specs: list[StationSpec] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    otherwise: dict[str, str | None] = field(default_factory=dict)  # passwords that the target believes in
    secrets: dict[str, str] = field(default_factory=dict)
    installs_root: bool = False

    def station(self, spec: StationSpec, profile: int, *, knows: Sequence[Side] = SIDES) -> StationSpec:
        self.specs.append(self.keys.station(spec, profile, knows=knows))
        return self.specs[-1]

    def rename(self, identity: str, target_identity: str) -> None:
        self.renamed[identity] = target_identity
        self.keys.renamed(identity, target_identity)

    def equipment(self) -> Equipment:
        guards = {
            Side.SOURCE: self.keys.guard(Side.SOURCE),
            Side.TARGET: self.keys.guard(Side.TARGET, **self.otherwise),
        }
        return Equipment(
            scheme="wss",
            csms={side: {"guard": guard_json(guard)} for side, guard in guards.items()},
            relays={side: self.keys.relay(side) for side in SIDES},
            target_root=str(self.keys.root(Side.TARGET)) if self.installs_root else "",
            secrets=self.secrets,
            sections=ACCEPTED,
        )

    def inventory(self) -> list[Station]:
        profiles = {spec.identity: spec.security.profile for spec in self.specs if spec.security}
        return [
            replace(s, security_profile=profiles[s.identity], target_identity=self.renamed.get(s.identity, ""))
            for s in stations_of(self.specs)
        ]


@asynccontextmanager
async def a_secured_field(
    prepare: Callable[[Secured], None], *, policy: Sequence[tuple[str, str]] = (), speed: float = SPEED
) -> AsyncIterator[Field]:
    """A fleet on line on the source over TLS, a plan that is approved, a listening process, and nothing begun."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="story-")))
        secured = Secured(folder, Commissioning(folder / "certificates"))
        prepare(secured)
        source, target = free_ports(2)
        stage = Stage(
            folder=folder,
            seed=3,
            speed=speed,
            specs=secured.specs,
            equipment=secured.equipment(),
            stations=secured.inventory(),
            source_port=source,
            target_port=target,
        )
        (folder / "profiles").mkdir()
        (folder / "profiles" / "acme.yaml").write_text(ACME)
        yield await stack.enter_async_context(a_field_on(stage, policy=policy))


def spellings(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), b64encode(raw).rstrip(b"=")]


def leaks(folder: Path, secrets: list[str]) -> list[str]:
    """Files of the campaign in which a password stands, in any of its spellings."""
    files = [
        p for p in folder.rglob("*") if p.is_file() and not set(p.relative_to(folder).parts) & {*LEFT_ALONE, "secrets"}
    ]
    return [p.name for p in files if any(one in p.read_bytes() for secret in secrets for one in spellings(secret))]
