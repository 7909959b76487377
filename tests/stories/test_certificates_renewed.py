"""A listening process whose certificates are renewed under it: SIGHUP, and stations that dial before and after."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from migrate.adapters.journal.audit import verify
from migrate.cli.demo.stage import free_ports
from migrate.domain.evidence import Kind, Side
from migrate.simulator.authority import Authority, Credential
from migrate.wiring import open_campaign
from tests.stories.listening import HEAD, WITHIN_S, Listening, a_listening_process

pytestmark = pytest.mark.story

RSA, ECDSA, MAKER = Authority("RSA root", is_rsa=True), Authority("ECDSA root"), Authority("Maker's root")
AC1, AC2 = MAKER.for_station("AC1"), MAKER.for_station("AC2")

CAMPAIGN = (
    HEAD
    + """[target]
url = "wss://new.example/ocpp"
[target.relay]
listen = "127.0.0.1:{target}"
upstream = "lab"
certificate = ["tls/rsa.pem", "tls/ecdsa.pem"]
key = ["tls/rsa.key", "tls/ecdsa.key"]
client_ca = "tls/makers.pem"
client_crl = "tls/revoked.pem"
"""
)


@dataclass(frozen=True, slots=True)
class Site:
    """The process, and the port of its target."""

    listening: Listening
    port: int

    async def answers(self, identity: str, context: ssl.SSLContext) -> str:
        """The status with which a station is answered; empty where its handshake fails."""
        try:
            async with asyncio.timeout(WITHIN_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
                writer.write(
                    f"GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
                )
                head = await reader.readuntil(b"\r\n\r\n")
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            return ""
        writer.close()
        return head.split()[1].decode()


@asynccontextmanager
async def a_site(folder: Path, *, lists_last: timedelta = timedelta(days=7)) -> AsyncIterator[Site]:
    source, target = free_ports(2)
    RSA.for_backend().write(folder / "tls", "rsa")
    ECDSA.for_backend().write(folder / "tls", "ecdsa")
    MAKER.write_root(folder / "tls" / "makers.pem")
    (folder / "tls" / "revoked.pem").write_text(MAKER.revoking(AC2, lasts=lists_last))
    told = CAMPAIGN.format(source=source, target=target)
    async with a_listening_process(folder, told, ["AC1", "AC2"]) as listening:
        yield Site(listening, target)


def station(folder: Path, root: Authority, own: Credential | None = None, *, suites: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=root.root)
    if suites:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
    if own is not None:
        context.load_cert_chain(*own.write(folder, "station"))
    return context


async def test_renewed_certificates_and_lists_count_from_the_next_connection_on_and_a_bad_file_changes_nothing(
    tmp_path: Path,
) -> None:
    async with a_site(tmp_path / "cutover") as site:
        await site.listening.says("Listening for cutover")
        before = [
            await site.answers("AC1", station(tmp_path, ECDSA, AC1)),
            await site.answers("AC1", station(tmp_path, RSA, AC1, suites="ECDHE-RSA-AES128-GCM-SHA256")),
            await site.answers("AC2", station(tmp_path, ECDSA, AC2)),
        ]
        later = Authority("Next year's root")
        later.for_backend().write(site.listening.tls, "ecdsa")
        (site.listening.tls / "revoked.pem").write_text(MAKER.revoking(AC1))

        renewed = await site.listening.reads_anew("The certificates of the target relay were read anew.")
        after = [
            await site.answers("AC1", station(tmp_path, later, AC1)),
            await site.answers("AC2", station(tmp_path, later, AC2)),
            await site.answers("AC2", station(tmp_path, ECDSA, AC2)),
        ]
        (site.listening.tls / "makers.pem").write_text("spoilt")
        kept = await site.listening.reads_anew("The target relay goes on with the old ones.")
        still = await site.answers("AC2", station(tmp_path, later, AC2))

    assert before == ["101", "101", "403"]
    assert "source.relay has no certificates" in renewed
    assert after == ["403", "101", ""]
    assert "makers.pem" in kept
    assert still == "101"
    assert await _refused(site.listening.folder) == {("AC2", "403"), ("AC1", "403")}


async def test_a_list_that_should_be_newer_is_said_when_it_is_read(tmp_path: Path) -> None:
    async with a_site(tmp_path / "cutover", lists_last=-timedelta(hours=1)) as site:
        said = await site.listening.says("It goes on counting; whoever was revoked since gets in.")

        assert "target.relay.client_crl: the list of Maker's root should have been renewed by" in said
        assert await site.answers("AC1", station(tmp_path, ECDSA, AC1)) == "101"
        assert await site.answers("AC2", station(tmp_path, ECDSA, AC2)) == "403"


async def _refused(folder: Path) -> set[tuple[str, str]]:
    """Whom the target's relay turned away, as the journal has it."""
    async with open_campaign(folder) as wired:
        assert not verify(wired.journal.store)
        sightings = await wired.journal.tail_sightings(0)
    return {(s.identity, s.answer) for s in sightings if s.kind is Kind.REFUSED and s.side is Side.TARGET}
