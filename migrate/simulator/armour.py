"""How a station protects its line and judges its backend: OCPP's security profiles, from the station's side.

What it was given when it was commissioned, what it makes of the keys that
concern security, which roots it trusts, and what it says when a backend's
certificate does not hold.  It opens no socket.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.ocsp import OCSPRequestBuilder

if TYPE_CHECKING:
    from migrate.simulator.behaviour import Behaviour
    from migrate.simulator.flash import Flash

PROFILE_KEYS = {
    "1.6": "SecurityProfile",
    "2.0.1": "SecurityCtrlr.SecurityProfile",
    "2.1": "SecurityCtrlr.SecurityProfile",
}
TLS_FROM, CERTIFICATE = 2, 3
INSECURE = "InsecureUrl"

REASONS = {
    9: "CertificateNotYetValid",
    10: "CertificateExpired",
    18: "UnknownRoot",
    19: "UnknownRoot",
    20: "UnknownRoot",
    62: "WrongName",
    64: "WrongName",
}
"""OpenSSL's verify codes in a word; any other is BadCertificate."""

EVENTS = {
    "401": "FailedToAuthenticateAtCentralSystem",
    **dict.fromkeys(REASONS.values(), "InvalidCentralSystemCertificate"),
}
"""What a station with the security extension of 1.6 tells of a dial that failed, once somebody takes it again."""

MOST_NEWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Commissioned:
    """What a station was given before it went into the field; the password never reaches a log."""

    profile: int = 0
    password: str = field(default="", repr=False)
    roots: tuple[str, ...] = ()  # as PEM
    certificate: str = ""  # a file: its own chain
    key: str = ""  # a file

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Commissioned:
        return cls(**{**facts, "roots": tuple(facts.get("roots", ()))})


class Armour:
    """One station's security.  Profile and password are keys of its flash; roots and certificate are not."""

    def __init__(self, given: Commissioned, ways: Behaviour, flash: Flash) -> None:
        self._given, self._ways, self._flash = given, ways, flash
        self._roots = list(given.roots)
        self._news: list[str] = []
        self._profile_key = PROFILE_KEYS[ways.ocpp_version]
        flash.commission(self._profile_key, str(given.profile))
        flash.commission(ways.authorization_key, self._spelt(given.password))
        flash.judges = self._takes

    def _spelt(self, password: str) -> str:
        return password.encode().hex() if self._ways.authorization_form == "hex" else password

    @property
    def profile(self) -> int:
        return int(self._flash.value(self._profile_key) or 0)

    @property
    def password(self) -> bytes:
        """The octets that go into the header, by the maker's reading of the key."""
        held, form = self._flash.value(self._ways.authorization_key), self._ways.authorization_form
        if form == "plain":
            return held.encode()
        try:
            octets = bytes.fromhex(held)
        except ValueError:
            return held.encode() if form == "either" else b""
        return octets if form == "hex" or (octets.isascii() and octets.decode("ascii").isprintable()) else held.encode()

    def _takes(self, name: str, value: str) -> bool:
        """The profile goes up only, and only once there is what the next one needs (OCPP 1.6 whitepaper, A05)."""
        if name != self._profile_key:
            return True
        if not value.isascii() or not value.isdigit() or not self.profile < int(value) <= CERTIFICATE:
            return False
        has = {1: bool(self.password), 2: bool(self.password and self._roots)}
        return has.get(int(value), bool(self._roots and self._given.certificate))

    def url(self, url: str) -> str:
        """What is dialled for an address: some firmware sets the scheme by its profile, other firmware obeys it."""
        parts, is_tls = urlsplit(url), self.profile >= TLS_FROM
        if self._ways.profile_sets_scheme and parts.scheme in ("ws", "wss"):
            return urlunsplit(parts._replace(scheme="wss" if is_tls else "ws"))
        return url

    def against(self, url: str) -> str:
        """Why an address is not dialled at all: a profile with TLS and an address without."""
        return INSECURE if self.profile >= TLS_FROM and urlsplit(url).scheme == "ws" else ""

    def headers(self, name: str, own: str = "") -> dict[str, str]:
        """How it signs on: with the password of what it dials, where that has one of its own."""
        if self.profile in (1, 2):
            password = own.encode() or self.password
            return {"Authorization": "Basic " + b64encode(name.encode() + b":" + password).decode()}
        return {}

    def context(self, url: str) -> ssl.SSLContext | None:
        if urlsplit(url).scheme != "wss":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for root in self._roots:
            context.load_verify_locations(cadata=root)
        if self.profile >= CERTIFICATE and self._given.certificate:
            context.load_cert_chain(self._given.certificate, self._given.key)
        return context

    def failed(self, status: str) -> None:
        """A dial failed: what concerns security is told later."""
        if (event := EVENTS.get(status)) and len(self._news) < MOST_NEWS:
            self._news.append(event)

    def take_news(self) -> list[str]:
        news, self._news = self._news, []
        return news

    # certificates

    def install(self, pem: str) -> str:
        """The word for yes or no; a root that it has already is taken again."""
        try:
            root = x509.load_pem_x509_certificate(pem.encode())
        except ValueError:
            return "Rejected"
        if root.subject != root.issuer:
            return "Rejected"
        if pem not in self._roots:
            self._roots.append(pem)
        return "Accepted"

    def installed(self) -> list[dict[str, str]]:
        """The names of its roots, as OCPP has them (CertificateHashDataType)."""
        return [_named(x509.load_pem_x509_certificate(root.encode())) for root in self._roots]


def _named(root: x509.Certificate) -> dict[str, str]:
    request = OCSPRequestBuilder().add_certificate(root, root, hashes.SHA256()).build()
    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": request.issuer_name_hash.hex(),
        "issuer_key_hash": request.issuer_key_hash.hex(),
        "serial_number": f"{request.serial_number:X}",
    }


def reason_of(error: ssl.SSLError) -> str:
    """Why a TLS handshake failed, in a word."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return REASONS.get(error.verify_code, "BadCertificate")
    return "TlsRefused"
