"""A campaign of stations that are moved with new firmware: their makers' releases, profiles of the campaign's own, servers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from migrate.cli.demo.stage import free_ports
from migrate.simulator.deal import StationSpec
from migrate.simulator.image import Image
from migrate.simulator.releases import Release, write_releases
from tests.stories.conftest import LENIENT_POLICY, Field, a_field
from tests.stories.patience import PUT_OFF_ALL_NIGHT
from tests.stories.stations import a_station

SPEED = 60.0
FACTORY = "ws://127.0.0.1:9/factory"

PROFILES = """\
schema: migrate.profile-file/1
use: [keba_p30x_old]
profiles:
  - name: northwind
    title: Northwind, two steps by FTP, then the key
    selector: {vendors: ["Northwind"], models: ["NW-7"]}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "3.0"}
      - {key: BackendUrl, value: "${url}"}
    firmware: {steps: ["2.6", "3.0"], protocols: [ftp], within: 20m}
    sources: ["a story"]
  - name: northwind_reset
    title: Northwind, a step that resets the address
    selector: {vendors: ["Northwind"], models: ["NW-8"]}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    restart: hard
    writes:
      - {key: firmware, via: firmware, value: "3.0"}
      - {key: BackendUrl, value: "${url}"}
    firmware: {steps: ["2.6", "3.0"], protocols: [ftp], within: 20m}
    sources: ["a story"]
  - name: northwind_keyless
    title: Northwind, whose key is there with the last step only
    selector: {vendors: ["Northwind"], models: ["NW-9"]}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "3.0"}
      - {key: BackendUrl, value: "${url}"}
    firmware: {steps: ["2.6", "3.0"], protocols: [ftp], brings_keys: true, within: 20m}
    sources: ["a story"]
  - name: southwind
    title: Southwind, signed
    selector: {vendors: ["Southwind"]}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "6.2"}
      - {key: BackendUrl, value: "${url}"}
    firmware: {steps: ["6.2"], protocols: [http], is_signed: true, within: 20m}
    sources: ["a story"]
  - name: eastwind
    title: Eastwind, the image holds the address
    selector: {vendors: ["Eastwind"]}
    method: firmware
    rollback: visit
    turning_point: write
    restart: none
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "2.0"}
    firmware: {steps: ["2.0"], protocols: [http], carries_address: true, within: 20m}
    notes: ["Nothing takes the image out again."]
    visit: ["Set the backend back in the maker's app to ${full_url}."]
    sources: ["a story"]
"""


def releases(target: str) -> list[Release]:
    """What the makers of these stations have released; one image holds the target's address."""
    north = [
        Image(vendor="Northwind", version="2.6", needs=("2.4",)),
        Image(vendor="Northwind", version="3.0", needs=("2.6",)),
    ]
    reset = Image(vendor="Northwind", version="2.6", needs=("2.4",), factory=FACTORY)
    return [
        Release(name="nw7-2.6.bin", image=north[0], models=("NW-7",), over="2.0", below="2.6"),
        Release(name="nw8-2.6.bin", image=reset, models=("NW-8",), over="2.0", below="2.6"),
        Release(name="nw-3.0.bin", image=north[1], models=("NW-7", "NW-8"), over="2.6", below="3.0"),
        Release(name="nw9-2.6.bin", image=north[0], models=("NW-9",), over="2.0", below="2.6"),
        Release(
            name="nw9-3.0.bin", image=replace(north[1], brings_keys=True), models=("NW-9",), over="2.6", below="3.0"
        ),
        Release(name="sw-6.2.bin", image=Image(vendor="Southwind", version="6.2"), is_signed=True),
        Release(name="ew-2.0.bin", image=Image(vendor="Eastwind", version="2.0", backend=target), models=("EW-1",)),
        Release(name="ew-plain.bin", image=Image(vendor="Eastwind", version="2.0"), models=("EW-9",)),
        Release(name="keba-1.18.0.bin", image=Image(vendor="Keba AG", version="1.18.0"), models=("KC-P30-*",)),
    ]


def furnish(rate: str = "1 MB/s", releases_of: Callable[[str], Sequence[Release]] = releases) -> Callable[[Path], None]:
    """What an operator puts into the folder: files, profiles, and where firmware is served."""

    def put(folder: Path) -> None:
        campaign = folder / "campaign.toml"
        text = campaign.read_text(encoding="utf-8")
        target = re.findall(r'^url = "(.+)"$', text, re.MULTILINE)[1]
        web, ftp = free_ports(2)
        campaign.write_text(
            f'{text}\n[firmware]\nrate = "{rate}"\n'
            f'listen = "127.0.0.1:{web}"\nurl = "http://127.0.0.1:{web}"\n'
            f'ftp_listen = "127.0.0.1:{ftp}"\nftp_url = "ftp://127.0.0.1:{ftp}"\n',
            encoding="utf-8",
        )
        (folder / "profiles").mkdir()
        (folder / "profiles" / "story.yaml").write_text(PROFILES, encoding="utf-8")
        write_releases(folder / "firmware", releases_of(target))

    return put


def spec(family: str, name: str, number: int, **facts: Any) -> StationSpec:
    own = {"identity": f"{family}.{name}", "serial": f"S-{family}-{number}", "site_id": f"SITE-{family}-{number}"}
    return a_station(family, **{**own, "reboot_s": 45.0, "visit_s": 1e9, **facts})


def dealt(fleet: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[StationSpec]:
    named = [(family, name, facts) for family, lots in fleet.items() for name, facts in lots.items()]
    return [spec(family, name, number, **facts) for number, (family, name, facts) in enumerate(named)]


@asynccontextmanager
async def a_firmware_field(specs: Sequence[StationSpec], **ways: Any) -> AsyncIterator[Field]:
    policy = [*LENIENT_POLICY, PUT_OFF_ALL_NIGHT, *ways.pop("policy", ())]
    furnished = ways.pop("furnish", None) or furnish()
    async with a_field(specs=specs, speed=SPEED, policy=policy, furnish=furnished, **ways) as site:
        yield site
