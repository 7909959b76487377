"""How a simulated backend protects its door: TLS, passwords, certificates.

It knows each station's password by heart, which no real one should; it never
says or writes one.
"""

from __future__ import annotations

import ssl
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

ASKS_NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Files of a TLS door, and what each station has to show.

    ``passwords`` by identity: a password for HTTP Basic, blank for nothing,
    None for a certificate that ``client_ca`` vouches for.  Without it nobody
    is asked.
    """

    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    passwords: Mapping[str, str | None] | None = field(default=None, repr=False)

    @property
    def context(self) -> ssl.SSLContext | None:
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.client_ca)
        return context

    def against(self, identity: str, authorization: str, certificate: Any) -> HTTPStatus | None:
        """With which status a station is refused; the user name is its identity (OCPP 2.0.1, A00.FR.204)."""
        if self.passwords is None:
            return None
        wanted = self.passwords.get(identity, "no such station")
        if wanted == ASKS_NOTHING:
            return None
        is_right = (
            bool(certificate) if wanted is None else _basic(authorization) == identity.encode() + b":" + wanted.encode()
        )
        return None if is_right else HTTPStatus.UNAUTHORIZED


def _basic(authorization: str) -> bytes:
    scheme, _, text = authorization.partition(" ")
    try:
        return b64decode(text, validate=True) if scheme.lower() == "basic" else b""
    except NoBase64:
        return b""


OPEN = Guard()
