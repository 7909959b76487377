"""X.509 certificates as files of a campaign: what they say, until when they hold, and how a station names one.

Reads PEM and computes; it opens no connection, trusts nobody, and never reads
a private key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from migrate.domain.counted import counted
from migrate.domain.errors import SettingsProblem

ALGORITHMS = ("SHA256", "SHA384", "SHA512")
"""What OCPP lets a station hash the parts of a certificate with (HashAlgorithmEnumType)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """One certificate of a file, and when it holds."""

    subject: str
    begins_at: datetime
    ends_at: datetime

    def is_valid(self, at: datetime) -> bool:
        return self.begins_at <= at <= self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class HashData:
    """How a station names a certificate that it holds (OCPP CertificateHashDataType, after RFC 6960)."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str

    def is_same(self, other: HashData) -> bool:
        """Whether both name one certificate; stations differ in capitals, in zeros and in a 0x before the serial."""
        return (
            self.algorithm.upper() == other.algorithm.upper()
            and self.issuer_name_hash.lower() == other.issuer_name_hash.lower()
            and self.issuer_key_hash.lower() == other.issuer_key_hash.lower()
            and _plain(self.serial_number) == _plain(other.serial_number)
        )


def _plain(serial: str) -> str:
    return serial.strip().lower().removeprefix("0x").lstrip("0")


def read_chain(path: Path, *, where: str) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM file, in its order.  Raises ``SettingsProblem``, which names the setting ``where``."""
    try:
        found = tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise SettingsProblem(f"{where}: {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SettingsProblem(
            f"{where}: {path} holds no certificate that can be read.", hint="It has to be PEM: BEGIN CERTIFICATE."
        ) from error
    return found


def read_root(path: Path, *, where: str = "target.root") -> x509.Certificate:
    """The one root certificate of a file, as stations are to be given it.  Raises ``SettingsProblem`` for anything else."""
    found = read_chain(path, where=where)
    if len(found) != 1:
        raise SettingsProblem(
            f"{where}: {path} holds {counted(len(found), 'certificate')}.",
            hint="Stations are given one: leave the root alone.",
        )
    if found[0].subject != found[0].issuer:
        raise SettingsProblem(
            f"{where}: {path} was issued by another: it is no root.",
            hint="Give the certificate at the top of the chain; its subject and its issuer are the same.",
        )
    if not _may_issue(found[0]):
        raise SettingsProblem(
            f"{where}: {path} is a backend's own certificate: it may issue none (RFC 5280, 4.2.1.9).",
            hint="Give the authority that signed the backend's certificate; stations trust nothing below another kind.",
        )
    return found[0]


def _may_issue(certificate: x509.Certificate) -> bool:
    """Whether it is an authority's: since version 3 it has to say so; roots of version 1 could not."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.version is x509.Version.v1


def fingerprint(path: Path) -> str:
    """The SHA-256 of the root certificate of a file, in hex: what stands for it in plans, profiles and the journal."""
    return print_of(read_root(path))


def print_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem_of(certificate: x509.Certificate) -> str:
    """The text that a station is sent."""
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def hash_data_of_root(root: x509.Certificate, algorithm: str) -> HashData:
    """How a station names this root: of a root, issuer and subject are one, therefore so are their keys."""
    hashed = getattr(hashlib, algorithm.lower())
    return HashData(
        algorithm=algorithm.upper(),
        issuer_name_hash=hashed(root.issuer.public_bytes()).hexdigest(),
        issuer_key_hash=hashed(_key_bits(root)).hexdigest(),
        serial_number=f"{root.serial_number:x}",
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The value of subjectPublicKey without tag, length and the count of unused bits (RFC 6960, 4.1.1)."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _bit_string(spki)


def _bit_string(spki: bytes) -> bytes:
    """The BIT STRING at the end of a SubjectPublicKeyInfo: SEQUENCE { SEQUENCE algorithm, BIT STRING key }."""
    _, inside, _ = _element(spki)
    _, _, after_algorithm = _element(inside)
    _, bits, _ = _element(after_algorithm)
    return bits[1:]


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """The first element of some DER: its tag, its value, and what follows."""
    length, start = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[2 : 2 + count]), 2 + count
    return der[0], der[start : start + length], der[start + length :]


def dates(path: Path, *, where: str) -> tuple[Dated, ...]:
    """When each certificate of a file holds."""
    return tuple(
        Dated(subject=subject_of(one), begins_at=one.not_valid_before_utc, ends_at=one.not_valid_after_utc)
        for one in read_chain(path, where=where)
    )


def subject_of(certificate: x509.Certificate) -> str:
    return called(certificate.subject)


def called(name: x509.Name) -> str:
    """The common name, or the whole of it where there is none."""
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else name.rfc4514_string()


def key_kind(path: Path, *, where: str) -> str:
    """What kind of key the first certificate of a file has, such as ``rsa``: a handshake shows one of each kind."""
    return type(read_chain(path, where=where)[0].public_key()).__name__.removesuffix("PublicKey").lower()


def first_to_end(certificates: Iterable[Dated]) -> Dated | None:
    """The one that ends before all the others: a chain holds no longer than it."""
    return min(certificates, key=lambda one: one.ends_at, default=None)


def days_left(dated: Dated, now: datetime) -> int:
    """Whole days until it ends; below 0 once it has."""
    return (dated.ends_at - now.astimezone(UTC)).days
