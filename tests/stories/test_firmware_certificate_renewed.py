"""The certificate of the firmware server is renewed while stations hold on: SIGHUP ends nothing, and who asks next sees the new one."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest

from migrate.cli.demo.stage import free_ports
from migrate.simulator.authority import Authority
from tests.stories.listening import HEAD, a_listening_process

pytestmark = pytest.mark.story

CAMPAIGN = (
    HEAD
    + """[target]
url = "ws://new.example/ocpp"
[target.relay]
listen = "127.0.0.1:{target}"
upstream = "lab"
[firmware]
listen = "127.0.0.1:{files}"
url = "https://localhost:{files}"
rate = "1 MB/s"
certificate = "tls/files.pem"
key = "tls/files.key"
"""
)


async def test_a_renewed_certificate_is_taken_up_and_no_station_is_let_go_for_it(tmp_path: Path) -> None:
    source, target, files = free_ports(3)
    folder = tmp_path / "campaign"
    (folder / "firmware").mkdir(parents=True)
    (folder / "firmware" / "firmware.toml").write_text("")
    Authority("Last year's root").for_backend().write(folder / "tls", "files")
    renewed = Authority("This year's root")
    trust = ssl.create_default_context(cafile=renewed.write_root(tmp_path / "root.pem"))
    told = CAMPAIGN.format(source=source, target=target, files=files)
    async with a_listening_process(folder, told, ["AC1"]) as listening:
        await listening.says("Serving firmware")

        renewed.for_backend().write(folder / "tls", "files")
        await listening.reads_anew("firmware server was read anew")
        async with aiohttp.ClientSession() as client, client.get(f"https://localhost:{files}/", ssl=trust) as answer:
            status = answer.status

    assert status == 404
