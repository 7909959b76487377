"""Lists of revoked certificates as files of a campaign: whom they name, and until when they were made for.

Reads PEM (RFC 5280, 5) and fetches nothing.  A list counts only if one of the
issuers that are trusted anyway has signed it.  One that should have been
renewed goes on counting: whom it names stays out, and it locks nobody else out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from migrate.adapters.certificates import called, read_chain, subject_of
from migrate.domain.errors import SettingsProblem

_PEM = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """One issuer's word on which of its certificates count no more."""

    issuer: str
    next_at: datetime | None  # when its issuer wanted it renewed; few leave that open
    revoked: frozenset[int] = field(repr=False)  # serial numbers
    name: bytes = field(repr=False)  # the issuer's, as certificates carry it

    def is_stale(self, at: datetime) -> bool:
        """Whether there should be a newer one by now, which may name more."""
        return self.next_at is not None and self.next_at < at


@dataclass(frozen=True, slots=True)
class Revocations:
    """All the lists of one relay.  ``unlisted`` are trusted issuers of whom there is none."""

    lists: tuple[RevocationList, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(len(one.revoked) for one in self.lists)

    def stale(self, at: datetime) -> tuple[RevocationList, ...]:
        return tuple(one for one in self.lists if one.is_stale(at))

    def stale_in_words(self, at: datetime) -> str:
        """Which lists there should be newer ones of; empty where there are none."""
        return "; ".join(
            f"the list of {one.issuer} should have been renewed by {one.next_at:%Y-%m-%d %H:%M} UTC"
            for one in self.stale(at)
        )

    def names(self, certificate: bytes | None) -> bool:
        """Whether a certificate (DER) was revoked; an issuer without a list has revoked nobody."""
        if not self.lists or certificate is None:
            return False
        shown = x509.load_der_x509_certificate(certificate)
        issuer = shown.issuer.public_bytes()
        return any(one.name == issuer and shown.serial_number in one.revoked for one in self.lists)


NOBODY = Revocations()


def read_revocations(path: Path, issuers: Path, *, where: str) -> Revocations:
    """The lists of ``path``, each signed by one of ``issuers``.

    Raises ``SettingsProblem``: a list that nobody vouches for, or that says
    only what changed, would let in whom it does not name.
    """
    trusted = read_chain(issuers, where=f"{where.rpartition('.')[0]}.client_ca")
    found = tuple(_read(pem, trusted, path, where) for pem in _texts(path, where))
    named = {one.name for one in found}
    return Revocations(found, tuple(subject_of(one) for one in trusted if one.subject.public_bytes() not in named))


def _texts(path: Path, where: str) -> Sequence[bytes]:
    try:
        texts = _PEM.findall(path.read_bytes())
    except OSError as error:
        raise SettingsProblem(f"{where}: {path} cannot be read: {error.strerror or error}.") from error
    if not texts:
        raise SettingsProblem(
            f"{where}: {path} holds no list of revoked certificates.",
            hint="It has to be PEM (BEGIN X509 CRL): `openssl crl -inform DER -in LIST -out LIST.pem`.",
        )
    return texts


def _read(pem: bytes, trusted: Iterable[x509.Certificate], path: Path, where: str) -> RevocationList:
    try:
        found = x509.load_pem_x509_crl(pem)
        is_whole = not any(map(_is_partial, found.extensions))
        revoked = frozenset(one.serial_number for one in found)
    except ValueError as error:
        raise SettingsProblem(f"{where}: {path} holds a list that cannot be read.") from error
    issuer = called(found.issuer)
    if not is_whole:
        raise SettingsProblem(
            f"{where}: the list of {issuer} in {path} is no whole list of its own certificates.",
            hint="Give the complete one: a delta or an indirect list alone does not say who is revoked.",
        )
    if not any(one.subject == found.issuer and _has_signed(one, found) for one in trusted):
        raise SettingsProblem(
            f"{where}: the list of {issuer} in {path} is signed by nobody in client_ca.",
            hint="Put the certificate that signed it into client_ca, also where it is no root.",
        )
    return RevocationList(
        issuer=issuer, next_at=found.next_update_utc, revoked=revoked, name=found.issuer.public_bytes()
    )


def _is_partial(extension: x509.Extension[x509.ExtensionType]) -> bool:
    match extension.value:
        case x509.DeltaCRLIndicator():
            return True
        case x509.IssuingDistributionPoint() as point:
            return point.indirect_crl
        case _:
            return False


def _has_signed(issuer: x509.Certificate, found: x509.CertificateRevocationList) -> bool:
    try:
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
