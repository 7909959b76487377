"""A TLS port as an old station meets it: what it sends, and what it takes.

Three handshakes, none of them goes on to say anything: one with all that this
host has, one with the suites for RSA certificates that OCPP demands, one with
those for ECDSA: a backend may show each its own chain.  Nothing is trusted here, so nothing is verified
here: the chain comes back as values and is judged elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography import x509
from OpenSSL import SSL

from migrate.adapters.probing.certificates import Anchors, sight
from migrate.domain.address import is_ip_address
from migrate.domain.survey import TlsSight

RSA_SUITES = b"AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
ECDSA_SUITES = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
"""What a CSMS has to offer (OCPP 2.0.1 A00.FR.317 to 319), and the RSA suites with forward secrecy beside them."""

_CHUNK = 1 << 16


class NoTls(Exception):
    """The port takes connections, and no handshake with it comes so far that it shows a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """What one handshake offers."""

    suites: bytes = b""
    highest: int = 0


async def look(host: str, port: int, anchors: Anchors, *, within_s: float) -> TlsSight:
    """What a TLS port shows.  Raises ``OSError`` or ``TimeoutError`` when nobody is there, ``NoTls`` when it is no TLS."""
    sent = await _sent(host, port, _Offer(), within_s)
    if not sent:
        raise NoTls(f"{host}:{port} takes connections and shows no certificate")
    rsa = await _sent(host, port, _Offer(suites=RSA_SUITES, highest=SSL.TLS1_2_VERSION), within_s)
    ecdsa = await _sent(host, port, _Offer(suites=ECDSA_SUITES, highest=SSL.TLS1_2_VERSION), within_s)
    other = next((chain for chain in (rsa, ecdsa) if chain and chain[0] != sent[0]), None)
    return replace(
        sight(sent, anchors),
        takes_rsa=bool(rsa),
        takes_12=bool(rsa or ecdsa),
        beside=sight(other, anchors) if other else None,
    )


async def _sent(host: str, port: int, offer: _Offer, within_s: float) -> Sequence[x509.Certificate]:
    """The certificates that one handshake brings; none where it is refused before.

    A backend that wants a certificate of ours refuses later, when it has shown
    its own: that is enough here.
    """
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            return await _shake(_connection(host, offer), reader, writer)
        finally:
            writer.transport.abort()


def _connection(host: str, offer: _Offer) -> SSL.Connection:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    if offer.highest:
        context.set_max_proto_version(offer.highest)
    if offer.suites:
        context.set_cipher_list(offer.suites)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    if not is_ip_address(host):
        connection.set_tlsext_host_name(host.encode("ascii"))
    return connection


async def _shake(
    connection: SSL.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Sequence[x509.Certificate]:
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            await _pass_on(connection, writer)
            if not (data := await reader.read(_CHUNK)):
                return connection.get_peer_cert_chain(as_cryptography=True) or ()
            connection.bio_write(data)
        except SSL.Error:
            return connection.get_peer_cert_chain(as_cryptography=True) or ()
        else:
            return connection.get_peer_cert_chain(as_cryptography=True) or ()


async def _pass_on(connection: SSL.Connection, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(connection.bio_read(_CHUNK))
    except SSL.WantReadError:
        return
    await writer.drain()
