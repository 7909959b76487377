"""Certificates as tests plant them: sound ones, and every way in which one can be wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key_of(whose: str, kind: str = "RSA", bits: int = 2048) -> Key:
    """One key per name and kind, drawn once: an RSA key takes its time."""
    assert whose
    return rsa.generate_private_key(65537, bits) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate with its key, and those above it as they are to be sent."""

    certificate: x509.Certificate
    key: Key
    above: tuple[x509.Certificate, ...] = ()

    def write(self, folder: Path, name: str = "backend") -> tuple[Path, Path]:
        """As PEM: the chain, and the key for its owner alone."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.above)))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key.chmod(0o600)
        return chain, key


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a backend's certificate is to be like; as it stands, it is sound."""

    name: str = "localhost"  # the CN
    names: Sequence[str] = ("localhost", "127.0.0.1")
    begins: timedelta = -timedelta(days=10)
    lasts: timedelta = timedelta(days=800)
    kind: str = "RSA"
    bits: int = 2048
    digest: Any = field(default_factory=hashes.SHA256)
    sends_intermediate: bool = True


class Issuer:
    """A root with one intermediate below it, which issues."""

    def __init__(self, name: str) -> None:
        self.name = name
        root_key, below_key = key_of(f"{name} root"), key_of(f"{name} below")
        self.root = signed(f"{name} root", root_key, f"{name} root", root_key, is_authority=True)
        self.below = signed(f"{name} issuing", below_key, f"{name} root", root_key, is_authority=True)
        self._below_key = below_key

    def issue(self, wish: Wish | None = None) -> Issued:
        wish = wish or Wish()
        key = key_of("backend", wish.kind, wish.bits)
        certificate = signed(wish.name, key, f"{self.name} issuing", self._below_key, wish=wish)
        return Issued(certificate=certificate, key=key, above=(self.below,) if wish.sends_intermediate else ())

    def write_root(self, path: Path) -> Path:
        path.write_bytes(self.root.public_bytes(Encoding.PEM))
        return path


def signed(
    name: str, key: Key, issuer: str, issuer_key: Key, *, wish: Wish | None = None, is_authority: bool = False
) -> x509.Certificate:
    wish = wish or Wish(names=())
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + wish.begins)
        .not_valid_after(now + wish.lasts)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if wish.names:
        built = built.add_extension(x509.SubjectAlternativeName([_general(one) for one in wish.names]), critical=False)
    return built.sign(issuer_key, wish.digest)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
