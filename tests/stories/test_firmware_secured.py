"""Firmware for stations of OCPP 2.0.1, over HTTPS and signed: nothing of it but the words is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.cli.demo.stage import free_ports
from migrate.domain.attempt import State
from migrate.simulator.authority import Authority
from migrate.simulator.image import Image
from migrate.simulator.releases import Release, write_releases
from migrate.simulator.wirelog import Kind, Side, commands_repeated_without_read, last_side
from tests.stories.firmware import a_firmware_field, spec

pytestmark = pytest.mark.story

PROFILES = """\
schema: migrate.profile-file/1
profiles:
  - name: westwind
    title: Westwind, OCPP 2.0.1
    selector: {vendors: ["Westwind"], ocpp_versions: ["2.0.1"]}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "2.2"}
      - {key: SecurityCtrlr.CsmsUrl, value: "${url}"}
    firmware: {steps: ["2.1", "2.2"], protocols: [https], is_signed: true, within: 20m}
    sources: ["a story"]
"""


async def test_a_station_of_2_0_1_loads_signed_steps_over_https_and_one_that_knows_another_root_loads_nothing(
    tmp_path: Path,
) -> None:
    ours, strange = Authority("Root of the file server"), Authority("Another root")
    chain, key = ours.for_backend().write(tmp_path, "files")
    root = ours.write_root(tmp_path / "root.pem")
    strange_chain, strange_key = strange.for_backend().write(tmp_path, "strange")
    ways = {"flashing": "loads", "fetches": ["https"]}
    specs = [spec("microocpp201", name, n, vendor="Westwind", firmware="2.0", ways=ways) for n, name in enumerate("ab")]

    def furnish(certificate: Path, private: Path) -> object:
        def put(folder: Path) -> None:
            (port,) = free_ports(1)
            with (folder / "campaign.toml").open("a") as campaign:
                campaign.write(
                    f'\n[firmware]\nrate = "1 MB/s"\nlisten = "127.0.0.1:{port}"\nurl = "https://127.0.0.1:{port}"\n'
                    f'certificate = "{certificate}"\nkey = "{private}"\n'
                )
            (folder / "profiles").mkdir()
            (folder / "profiles" / "story.yaml").write_text(PROFILES)
            steps = [("2.1", "2.0"), ("2.2", "2.1")]
            images = [Image(vendor="Westwind", version=version, needs=(over,)) for version, over in steps]
            write_releases(
                folder / "firmware",
                [Release(name=f"ww-{one.version}.bin", image=one, over=one.needs[0], is_signed=True) for one in images],
            )

        return put

    beside = {"firmware_ca": str(root)}
    async with a_firmware_field(specs, furnish=furnish(chain, key), beside=beside) as site:
        ended = await (await site.run()).ended(240)
        good, log = await site.standing(), site.log()
    async with a_firmware_field(specs[:1], furnish=furnish(strange_chain, strange_key), beside=beside) as site:
        await (await site.run()).ended(240)
        bad, bad_log = await site.standing(), site.log()

    loaded = [(e.identity, e.action, e.key) for e in log if e.kind is Kind.DOWNLOAD]
    assert [s.state for s in good.stations] == [State.SETTLED] * 2, ended.err
    assert sorted(loaded) == [(one.identity, "https", f"ww-{v}.bin") for one in specs for v in ("2.1", "2.2")]
    assert set(last_side(log).values()) == {Side.TARGET}
    assert commands_repeated_without_read(log) == 0
    assert [s.state for s in bad.stations] == [State.FAILED]
    assert "DownloadFailed" in bad.stations[0].reason
    assert not [e for e in bad_log if e.kind is Kind.DOWNLOAD and e.status == "whole"]
