"""A certificate authority of the simulated world: roots, certificates of backends and of stations.

Its roots vouch for names on loopback and for nothing else; what it issues ends
within days.  It also makes the certificates that go wrong in the field: one
that has ended, one for another name, one of a root that nobody knows.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LASTS = timedelta(days=90)
EARLIER = timedelta(days=1)  # a station's clock may be behind


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate chain and its key, as PEM; the key never reaches a log."""

    chain: bytes
    key: bytes = field(repr=False)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Put both into a folder, the key for its owner alone; where they are."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_bytes(self.chain)
        handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self.key)
        return chain, key


class Authority:
    """One root.  ``is_rsa`` makes its keys, and those it issues, RSA of 2048 bits; otherwise P-256."""

    def __init__(self, name: str, *, is_rsa: bool = False, lasts: timedelta = LASTS) -> None:
        self._is_rsa = is_rsa
        self._key = self._new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self._root = (
            self._begun(self._name, self._key, now - EARLIER, now + lasts)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNS, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def root(self) -> str:
        """The root certificate as PEM."""
        return self._root.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def write_root(self, path: Path) -> Path:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(self.root, encoding="ascii")
        return path

    def for_backend(
        self,
        hosts: Sequence[str] = LOOPBACK,
        *,
        lasts: timedelta = LASTS,
        begins: timedelta = -EARLIER,
        common_name: str = "",
    ) -> Credential:
        """A backend's certificate; by a negative ``lasts`` it has ended already, by ``begins`` it has not begun."""
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name or hosts[0])]
        return self._issued(names, hosts, ExtendedKeyUsageOID.SERVER_AUTH, begins, lasts)

    def for_station(self, common_name: str, *, serial: str = "", operator: str = "Simulated CPO") -> Credential:
        """A station's certificate: the operator's name, and its own (OCPP 2.0.1, A00.FR.404 and 405)."""
        names = [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, operator),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
        if serial:
            names.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
        return self._issued(names, (), ExtendedKeyUsageOID.CLIENT_AUTH, -EARLIER, LASTS)

    def revoking(self, *credentials: Credential, lasts: timedelta = LASTS) -> str:
        """Its list of those that it has taken back, as PEM; by a negative ``lasts`` there should be a newer one."""
        now = datetime.now(UTC)
        built = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(min(now, now + lasts) - EARLIER)
            .next_update(now + lasts)
        )
        for one in credentials:
            serial = x509.load_pem_x509_certificate(one.chain).serial_number
            taken_back = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - EARLIER).build()
            built = built.add_revoked_certificate(taken_back)
        return built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode("ascii")

    def _issued(
        self,
        names: list[x509.NameAttribute[str]],
        hosts: Sequence[str],
        purpose: x509.ObjectIdentifier,
        begins: timedelta,
        lasts: timedelta,
    ) -> Credential:
        key, now = self._new_key(), datetime.now(UTC)
        ends = now + lasts
        begun = self._begun(x509.Name(names), key, min(now + begins, ends - EARLIER), ends)
        begun = begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        begun = begun.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if hosts:
            begun = begun.add_extension(x509.SubjectAlternativeName([_named(host) for host in hosts]), critical=False)
        certificate = begun.sign(self._key, hashes.SHA256())
        return Credential(
            certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    def _begun(self, subject: x509.Name, key: Key, begins: datetime, ends: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _new_key(self) -> Key:
        if self._is_rsa:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return ec.generate_private_key(ec.SECP256R1())


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _named(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
