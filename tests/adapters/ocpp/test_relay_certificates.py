"""What a relay shows of itself and whom it believes: two kinds of key on one port, files that were renewed, stations whose certificates were revoked."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate.adapters.ocpp.tls import Files
from migrate.domain.errors import SettingsProblem
from migrate.domain.evidence import Kind
from migrate.simulator.authority import Authority, Credential
from tests.adapters.ocpp.wire import PATIENCE_S, Csms, Field

Build = Callable[..., Awaitable[Field]]

RSA, ECDSA = Authority("Root with RSA", is_rsa=True), Authority("Root with ECDSA")
STATIONS, OTHERS = Authority("Root of the stations"), Authority("Root of other stations")
AC1, AC2 = STATIONS.for_station("AC1"), STATIONS.for_station("AC2")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A relay with a certificate of either kind, which takes certificates of stations."""
    rsa, rsa_key = RSA.for_backend().write(tmp_path, "rsa")
    ecdsa, ecdsa_key = ECDSA.for_backend().write(tmp_path, "ecdsa")
    return Files(
        side="target",
        certificates=(rsa, ecdsa),
        keys=(rsa_key, ecdsa_key),
        client_ca=STATIONS.write_root(tmp_path / "stations.pem"),
    )


def trusting(root: Authority = ECDSA, *, suites: str = "", own: Credential | None = None, at: Path) -> ssl.SSLContext:
    """A station that knows one root; with ``suites`` of TLS 1.2 it knows those alone."""
    context = ssl.create_default_context(cadata=root.root)
    if suites:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
    if own is not None:
        context.load_cert_chain(*own.write(at, "station"))
    return context


def revoking(files: Files, lists: str) -> Files:
    """The same relay, which reads ``lists`` of revoked certificates."""
    assert files.client_ca is not None
    path = files.client_ca.with_name("revoked.pem")
    path.write_text(lists, encoding="ascii")
    return replace(files, client_crl=path)


@pytest.mark.parametrize(
    ("suites", "root"),
    [
        pytest.param("ECDHE-RSA-AES128-GCM-SHA256", RSA, id="RSA alone"),
        pytest.param("AES128-GCM-SHA256", RSA, id="RSA without forward secrecy"),
        pytest.param("ECDHE-ECDSA-AES128-GCM-SHA256", ECDSA, id="ECDSA alone"),
        pytest.param("", ECDSA, id="TLS 1.3"),
    ],
)
async def test_a_station_is_shown_the_certificate_whose_key_it_can_verify(
    field_with: Build, files: Files, tmp_path: Path, suites: str, root: Authority
) -> None:
    """OCPP 2.0.1, A00.FR.317: both kinds, on one port."""
    field = await field_with(tls=files)

    _, peer = await field.knock("/any/AC1", tls=trusting(root, suites=suites, at=tmp_path))

    assert peer is not None


async def test_a_relay_with_one_kind_of_key_keeps_out_stations_that_know_the_other_alone(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=replace(files, certificates=files.certificates[1:], keys=files.keys[1:]))

    with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
        await field.knock("/any/AC1", tls=trusting(RSA, suites="ECDHE-RSA-AES128-GCM-SHA256", at=tmp_path))


async def test_two_certificates_with_the_same_kind_of_key_are_refused_because_one_would_never_be_shown(
    csms: Csms, files: Files, tmp_path: Path
) -> None:
    second, key = ECDSA.for_backend().write(tmp_path, "second")
    both = replace(files, certificates=(files.certificates[1], second), keys=(files.keys[1], key))

    with pytest.raises(SettingsProblem, match="same kind of key"):
        await Field(csms).start(tls=both)


async def test_both_certificates_are_shown_as_renewed(field_with: Build, files: Files, tmp_path: Path) -> None:
    field = await field_with(tls=files)
    later = {"rsa": Authority("Next RSA root", is_rsa=True), "ecdsa": Authority("Next ECDSA root")}
    for name, root in later.items():
        root.for_backend().write(tmp_path, name)

    field.relay.contexts.read_anew()

    for name, suites in (("rsa", "ECDHE-RSA-AES128-GCM-SHA256"), ("ecdsa", "")):
        _, peer = await field.knock("/any/AC1", tls=trusting(later[name], suites=suites, at=tmp_path))
        assert peer is not None


async def test_a_maker_whose_root_was_added_gets_its_stations_in_without_a_restart(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=files)
    own = trusting(own=OTHERS.for_station("AC9"), at=tmp_path)
    with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
        await field.knock("/any/AC9", tls=own)
    assert files.client_ca is not None
    files.client_ca.write_text(STATIONS.root + OTHERS.root, encoding="ascii")

    field.relay.contexts.read_anew()
    _, peer = await field.knock("/any/AC9", tls=own)

    assert peer is not None


async def test_a_maker_whose_root_was_taken_out_gets_nobody_in_any_more(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=files)
    own = trusting(own=AC1, at=tmp_path)
    await field.knock("/any/AC1", tls=own)
    OTHERS.write_root(tmp_path / "stations.pem")

    field.relay.contexts.read_anew()

    with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
        await field.knock("/any/AC1", tls=own)


async def test_what_vouches_for_the_csms_is_read_anew_as_well(csms: Csms, field_with: Build, tmp_path: Path) -> None:
    await csms.down()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*ECDSA.for_backend().write(tmp_path, "csms"))
    csms.port, csms.tls = 0, context
    await csms.up()
    known = RSA.write_root(tmp_path / "root.pem")
    tls = Files(side="target", upstream_ca=known)
    field = await field_with(upstream=f"wss://127.0.0.1:{csms.port}/ocpp", tls=tls)
    before, _ = await field.knock("/any/AC1")
    ECDSA.write_root(known)

    field.relay.contexts.read_anew()
    after, _ = await field.knock("/any/AC1")

    assert field.relay.contexts.has_files
    assert (before.split()[1], after.split()[1]) == ("503", "101")


@pytest.mark.parametrize("spoilt", ["stations.pem", "rsa.pem", "ecdsa.key", "revoked.pem"])
async def test_one_file_that_cannot_be_read_leaves_everything_as_it_was(
    field_with: Build, files: Files, tmp_path: Path, spoilt: str
) -> None:
    field = await field_with(tls=revoking(files, STATIONS.revoking(AC2)))
    OTHERS.for_backend().write(tmp_path, "ecdsa")  # renewed, and sound in itself
    (tmp_path / spoilt).write_text("no longer PEM", encoding="ascii")

    with pytest.raises(SettingsProblem, match=spoilt.replace(".", r"\.")):
        field.relay.contexts.read_anew()

    _, peer = await field.knock("/any/AC1", tls=trusting(own=AC1, at=tmp_path))
    refused, _ = await field.knock("/any/AC2", tls=trusting(own=AC2, at=tmp_path))
    assert peer is not None
    assert refused.startswith("HTTP/1.1 403 ")


async def test_a_station_whose_certificate_was_revoked_is_turned_away_and_the_journal_hears_why(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=revoking(files, STATIONS.revoking(AC1)))

    head, peer = await field.knock("/any/AC1", tls=trusting(own=AC1, at=tmp_path))
    _, other = await field.knock("/any/AC2", tls=trusting(own=AC2, at=tmp_path))

    assert peer is None
    assert head.startswith("HTTP/1.1 403 ")
    refused = await field.sees(Kind.REFUSED)
    assert (refused.identity, refused.detail) == ("AC1", "its certificate was revoked")
    assert other is not None
    assert len(field.csms.heads) == 1


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("is_taken_out", [False, True], ids=["its issuer stays", "its issuer was taken out"])
async def test_no_session_is_resumed_under_an_issuer_that_was_taken_out_since(
    field_with: Build, files: Files, tmp_path: Path, highest: ssl.TLSVersion, is_taken_out: bool
) -> None:
    field = await field_with(tls=files)
    own = trusting(own=AC1, at=tmp_path)
    own.maximum_version = highest
    _, held = await asyncio.to_thread(dial, field.relay.port, own)
    if is_taken_out:
        OTHERS.write_root(tmp_path / "stations.pem")
        field.relay.contexts.read_anew()

    try:
        again, _ = await asyncio.to_thread(dial, field.relay.port, own, held)
    except (ssl.SSLError, ConnectionError):
        again = ""

    assert again.startswith("HTTP/1.1 101 ") is not is_taken_out


def dial(port: int, context: ssl.SSLContext, held: ssl.SSLSession | None = None) -> tuple[str, ssl.SSLSession]:
    """The answer to a handshake as AC1, and the TLS session that may be resumed."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", session=held) as tls,
    ):
        tls.sendall(
            b"GET /any/AC1 HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = tls.recv(4096).decode("latin-1")  # tickets of TLS 1.3 come before it
        assert tls.session is not None
        return head, tls.session


async def test_a_list_that_should_have_been_renewed_goes_on_counting_and_locks_nobody_else_out(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    field = await field_with(tls=revoking(files, STATIONS.revoking(AC1, lasts=-timedelta(days=1))))

    refused, _ = await field.knock("/any/AC1", tls=trusting(own=AC1, at=tmp_path))
    _, other = await field.knock("/any/AC2", tls=trusting(own=AC2, at=tmp_path))

    assert refused.startswith("HTTP/1.1 403 ")
    assert other is not None
    assert "Root of the stations" in field.relay.contexts.revocations.stale_in_words(datetime.now(UTC))


async def test_a_list_counts_for_the_certificates_of_its_own_issuer_alone(
    field_with: Build, files: Files, tmp_path: Path
) -> None:
    assert files.client_ca is not None
    files.client_ca.write_text(STATIONS.root + OTHERS.root, encoding="ascii")
    field = await field_with(tls=revoking(files, STATIONS.revoking(OTHERS.for_station("AC9"))))

    _, peer = await field.knock("/any/AC1", tls=trusting(own=OTHERS.for_station("AC1"), at=tmp_path))

    assert peer is not None
    assert field.relay.contexts.revocations.unlisted == ("Root of other stations",)


async def test_a_list_that_no_trusted_issuer_has_signed_is_refused(csms: Csms, files: Files) -> None:
    forged = Authority("Root of the stations")

    with pytest.raises(SettingsProblem, match="signed by nobody in client_ca"):
        await Field(csms).start(tls=revoking(files, forged.revoking()))
