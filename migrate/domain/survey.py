"""What was found at the doors of the backends, on this host and at stations before anyone is touched.

Values alone.  Adapters fill them, ``batches.outlook`` judges them.  None holds
a secret: of a password only its length and alphabet come here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from migrate.domain.address import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a station reads of one certificate.  ``names`` are the DNS names and addresses it is for."""

    subject: str
    issuer: str
    common_name: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str  # RSA, EC, Ed25519
    key_bits: int
    hash: str  # of its signature: sha256; empty where the signature has none of its own
    fingerprint: str  # SHA-256, hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSight:
    """A TLS port, as a station would meet it.

    ``chain`` is what was sent and leads from the backend's own certificate
    upwards; ``anchor`` is the root it ends in, of those known here; where there
    is none, ``missing`` names the issuer that was looked for.  ``is_public``:
    the anchor comes with the operating system, so that stations may know it too.
    ``beside`` is the chain with the other kind of key, for stations that know only that.
    """

    chain: tuple[Certificate, ...]
    anchor: Certificate | None = None
    missing: str = ""
    is_public: bool = False
    is_ordered: bool = True
    takes_12: bool = True
    takes_rsa: bool = True  # a TLS 1.2 suite with an RSA certificate
    beside: TlsSight | None = None

    @property
    def ends_in(self) -> str:
        """The root's name, known here or not."""
        return self.anchor.subject if self.anchor else self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorstep:
    """A backend's address as it was found.  ``failure`` is why nobody answered there; ``ahead`` is its clock against ours."""

    backend: Backend
    failure: str = ""
    status: int = 0
    ahead: timedelta | None = None
    tls: TlsSight | None = None
    is_ours: bool = False  # the relay's own address, and the relay is not up yet


class Knocked(StrEnum):
    """What a handshake under a station's identity showed."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CREDENTIALS = "credentials"  # the backend wants them first: nothing is said of the identity
    NO_DIALECT = "no dialect"  # it opened, and took none of the subprotocols that were offered
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """One handshake, opened and closed again.  ``offered`` is the subprotocol."""

    identity: str
    found: Knocked
    status: int = 0
    offered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretShape:
    """What may be known of a secret by whoever judges it."""

    octets: int
    is_text: bool  # UTF-8, without control characters
    is_hex: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Where a station's own interface was looked for, and why it was not reached."""

    way: str  # ssh, http
    where: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSight:
    """This host: room for the journal, and listening addresses that somebody else holds, by their setting."""

    free_bytes: int
    taken: dict[str, str] = field(default_factory=dict, hash=False)
    stale_lists: dict[str, str] = field(default_factory=dict, hash=False)
