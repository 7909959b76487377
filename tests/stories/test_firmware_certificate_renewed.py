"""The certificate of the firmware server is renewed while stations hold on: SIGHUP ends nothing, and who asks next sees the new one."""

from __future__ import annotations

import asyncio
import signal
import ssl
from pathlib import Path

import aiohttp
import pytest

from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import open_journal
from migrate.cli.demo.stage import free_ports
from migrate.domain.station import Station
from migrate.simulator.authority import Authority
from tests.stories.conftest import Program, program

pytestmark = pytest.mark.story

WITHIN_S = 90.0  # a slow machine
CAMPAIGN = """
name = "cutover"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
listen = "127.0.0.1:{source}"
upstream = "lab"
[target]
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


async def says(listening: Program, words: str) -> None:
    assert listening.process.stderr is not None
    said = ""
    async with asyncio.timeout(WITHIN_S):
        while words not in said:
            line = (await listening.process.stderr.readline()).decode()
            assert line, said
            said += line


async def test_a_renewed_certificate_is_taken_up_and_no_station_is_let_go_for_it(tmp_path: Path) -> None:
    source, target, files = free_ports(3)
    folder = tmp_path / "campaign"
    (folder / "firmware").mkdir(parents=True)
    (folder / "firmware" / "firmware.toml").write_text("")
    (folder / "campaign.toml").write_text(CAMPAIGN.format(source=source, target=target, files=files))
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets" / "idtag_key").write_text("0" * 64)
    (folder / "secrets" / "idtag_key").chmod(0o600)
    journal = open_journal(f"sqlite:///{folder / 'campaign.db'}", "test", CampaignClock())
    await journal.store_stations([Station(identity="AC1")])
    await journal.close()
    Authority("Last year's root").for_backend().write(folder / "tls", "files")
    renewed = Authority("This year's root")
    trust = ssl.create_default_context(cafile=renewed.write_root(tmp_path / "root.pem"))
    listening = await program("listen", "--campaign", str(folder))
    try:
        await says(listening, "Serving firmware")

        renewed.for_backend().write(folder / "tls", "files")
        listening.send(signal.SIGHUP)
        await says(listening, "firmware server was read anew")
        async with aiohttp.ClientSession() as client, client.get(f"https://localhost:{files}/", ssl=trust) as answer:
            status = answer.status
    finally:
        listening.send(signal.SIGTERM)
        ended = await listening.ended(WITHIN_S)

    assert status == 404
    assert ended.code == 0
