"""Certificates as values, and the path from a backend's own to a root that is known here.

It reads what was sent and what lies in files.  Whether a station would be
content with it is judged elsewhere.
"""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtensionOID, NameOID

from migrate.domain.survey import Certificate, TlsSight

LONGEST_PATH = 8
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Anchors:
    """Roots that are known here: those of the operating system, and those a campaign names."""

    public: tuple[x509.Certificate, ...] = ()
    named: tuple[x509.Certificate, ...] = ()

    def issuer_of(self, one: x509.Certificate) -> x509.Certificate | None:
        return _issuer(one, (*self.named, *self.public))

    def knows(self, one: x509.Certificate) -> bool:
        return one in self.named or one in self.public


@lru_cache(maxsize=1)
def public_roots() -> tuple[x509.Certificate, ...]:
    """The roots of the operating system, as far as they can be read; none where it keeps none."""
    paths = ssl.get_default_verify_paths()
    candidates = [paths.cafile, f"{paths.capath}/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"]
    for name in filter(None, candidates):
        if (path := Path(name)).is_file():
            return tuple(_readable(path.read_bytes()))
    return ()


def _readable(bundle: bytes) -> Iterator[x509.Certificate]:
    """One by one: a root that cannot be read vouches for nobody, and keeps no other from it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # some have a serial number of 0
        for pem in _PEM.findall(bundle):
            try:
                yield x509.load_pem_x509_certificate(pem)
            except ValueError:
                continue


def sight(sent: Sequence[x509.Certificate], anchors: Anchors) -> TlsSight:
    """The path that a station can follow through what was sent, and where it ends."""
    path, anchor = _path(sent, anchors)
    return TlsSight(
        chain=tuple(map(as_value, path)),
        anchor=as_value(anchor) if anchor else None,
        missing="" if anchor else path[-1].issuer.rfc4514_string(),
        is_public=anchor is not None and anchor in anchors.public,
        is_ordered=list(sent[: len(path)]) == path,
    )


def sight_of_files(chains: Sequence[Sequence[x509.Certificate]], anchors: Anchors) -> TlsSight:
    """What a relay that is not up yet is going to show, one chain for each kind of key."""
    first, *others = (sight(chain, anchors) for chain in chains)
    takes_rsa = any(seen.chain[0].key == "RSA" for seen in (first, *others))
    return replace(first, takes_rsa=takes_rsa, beside=others[0] if others else None)


def _path(sent: Sequence[x509.Certificate], anchors: Anchors) -> tuple[list[x509.Certificate], x509.Certificate | None]:
    """From the first that was sent upwards; a known root is preferred to one that was sent along."""
    path = [sent[0]]
    while len(path) < LONGEST_PATH:
        top = path[-1]
        if anchors.knows(top):
            return path, top
        if (anchor := anchors.issuer_of(top)) is not None:
            return path, anchor
        above = _issuer(top, [one for one in sent if one not in path])
        if above is None:
            return path, None
        path.append(above)
    return path, None


def _issuer(one: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    return next((other for other in candidates if other.subject == one.issuer and _has_signed(other, one)), None)


def _has_signed(issuer: x509.Certificate, one: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def as_value(one: x509.Certificate) -> Certificate:
    """A certificate as the rooms know it."""
    key, bits = _key(one)
    called = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        subject=one.subject.rfc4514_string(),
        issuer=one.issuer.rfc4514_string(),
        common_name=str(called[0].value) if called else "",
        names=_names(one),
        not_before=one.not_valid_before_utc,
        not_after=one.not_valid_after_utc,
        key=key,
        key_bits=bits,
        hash=_hash(one),
        fingerprint=one.fingerprint(hashes.SHA256()).hex(),
    )


def _hash(one: x509.Certificate) -> str:
    try:
        return one.signature_hash_algorithm.name if one.signature_hash_algorithm else ""
    except UnsupportedAlgorithm:
        return one.signature_algorithm_oid.dotted_string


def _key(one: x509.Certificate) -> tuple[str, int]:
    try:
        key = one.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "unknown", 0
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", key.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256
        case _:
            return type(key).__name__.removesuffix("PublicKey").lstrip("_"), 0


def _names(one: x509.Certificate) -> tuple[str, ...]:
    try:
        found = one.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    assert isinstance(found, x509.SubjectAlternativeName)
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)
