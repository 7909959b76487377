"""TLS at the relay's two doors: towards stations, and towards the CSMS.

Builds contexts from files and reads what a station's certificate says of it.
It lets nobody in: that is the relay's to decide.
"""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate.adapters.certificates import key_kind
from migrate.adapters.revocations import NOBODY, Revocations, read_revocations
from migrate.domain.errors import NotAllowed, SettingsProblem

CIPHERS = (
    "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:AES128-GCM-SHA256:AES256-GCM-SHA384"
    ":!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
)
"""What Python offers by itself, and the two suites without forward secrecy that a CSMS has to take as well.

OCPP 1.6 security whitepaper, edition 3, and OCPP 2.0.1, A00.FR.318: a station
may know TLS_RSA_WITH_AES_128_GCM_SHA256 alone.
"""

PLAIN, BASIC, TLS_BASIC, TLS_CERTIFICATE = 0, 1, 2, 3
"""The OCPP security profiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a relay shows and whom it believes, towards stations and towards the CSMS; ``side`` names it in errors.

    ``front`` is true where TLS ends before the relay: at a balancer that hands
    stations on in the clear.
    """

    side: str = ""
    certificates: tuple[Path, ...] = ()  # one of each kind of key, each with its own
    keys: tuple[Path, ...] = ()
    client_ca: Path | None = None
    client_crl: Path | None = None
    takes_plain: bool = False
    front: bool = False
    upstream_ca: Path | None = None
    upstream_certificate: Path | None = None
    upstream_key: Path | None = None


NO_FILES = Files()


class Contexts:
    """The contexts of one relay, and whose certificates count no more.

    ``stations`` is ``None`` where the door is in the clear.  ``vouching`` is
    how the CSMS is dialled for a station whose own certificate was verified,
    ``upstream`` how it is dialled for the others: the relay's certificate
    speaks for nobody whom it has not seen one of.  Raises ``SettingsProblem``
    and ``NotAllowed``.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.read_anew()

    def read_anew(self) -> None:
        """Take what was renewed, all of it or nothing.

        Connections from now on are judged and shown it, those that stand stay
        as they are.  The contexts are new ones, so that no session of an
        earlier handshake is resumed under an issuer that was taken out.
        """
        files, where = self.files, f"{self.files.side}.relay"
        stations, revocations = station_context(files), NOBODY
        if files.client_crl is not None and files.client_ca is not None:
            revocations = read_revocations(files.client_crl, files.client_ca, where=f"{where}.client_crl")
        upstream = upstream_context(ca=files.upstream_ca, where=where)
        vouching = upstream_context(ca=files.upstream_ca, where=where)
        if files.upstream_certificate is not None and files.upstream_key is not None:
            show(vouching, files.upstream_certificate, files.upstream_key, where=f"{where}.upstream")
        self.stations, self.revocations, self.upstream, self.vouching = stations, revocations, upstream, vouching

    @property
    def has_files(self) -> bool:
        """Whether there is anything that may have to be read anew."""
        files = self.files
        return bool(self.stations or files.upstream_certificate or files.upstream_ca)


def station_context(door: Files) -> ssl.SSLContext | None:
    """TLS 1.2 and newer, no compression, no renegotiation; ``None`` where the door is in the clear.

    A station's own certificate is asked for and may be missing: stations of
    security profiles 2 and 3 share one port.  So do stations that know RSA
    alone and those that want ECDSA (OCPP 2.0.1, A00.FR.317): each is shown the
    chain whose key it can verify.
    """
    if not door.certificates:
        return None
    where = f"{door.side}.relay"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    if door.client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        _trust(context, door.client_ca, f"{where}.client_ca")
    for certificate, key in zip(door.certificates, door.keys, strict=True):
        show(context, certificate, key, where=where)
    _differ(door.certificates, where)
    return context


def _differ(certificates: Sequence[Path], where: str) -> None:
    """Of two with the same kind of key only the later one would ever be shown."""
    seen: dict[str, Path] = {}
    for path in certificates:
        if (kind := key_kind(path, where=f"{where}.certificate")) in seen:
            raise SettingsProblem(
                f"{where}.certificate: {seen[kind]} and {path} have the same kind of key.",
                hint="Give one certificate with an RSA key and one with an ECDSA key, or one alone.",
            )
        seen[kind] = path


def upstream_context(*, ca: Path | None, where: str) -> ssl.SSLContext:
    """How the CSMS is dialled over wss://: its certificate is always verified, by ``ca`` or by the system's roots."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _trust(context, ca, f"{where}.upstream_ca")
    return context


def show(context: ssl.SSLContext, certificate: Path, key: Path, *, where: str) -> None:
    """Load, or load anew, what a context shows of itself; a key that others may read is no key."""
    try:
        if stat.S_IMODE(key.stat().st_mode) & 0o077:
            raise NotAllowed(f"{where}: {key} may be read by others.", hint=f"chmod 600 {key}")
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # also ssl.SSLError
        raise SettingsProblem(
            f"{where}: {certificate} and {key} cannot be used together: {reason_of(error)}.",
            hint="PEM files: the chain with the station-facing certificate first, and its key without a passphrase.",
        ) from error


def _no_password() -> str:
    """An encrypted key is refused; asked on a terminal, a process that was started by another would hang."""
    return ""


def _trust(context: ssl.SSLContext, ca: Path, where: str) -> None:
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise SettingsProblem(f"{where}: {ca} cannot be used: {reason_of(error)}.") from error


def reason_of(error: OSError) -> str:
    """What OpenSSL or the system said, without its line numbers."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).lower().replace("_", " ")
    return error.strerror or type(error).__name__


# --- what a station's certificate says -----------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """How a station came: over TLS or not, and the names in its certificate, if it had one that was verified.

    ``is_revoked``: whoever issued it has taken it back since.
    """

    is_tls: bool = False
    names: frozenset[str] = frozenset()
    is_revoked: bool = False

    @property
    def has_certificate(self) -> bool:
        return bool(self.names)

    def vouches_for(self, *names: str) -> bool:
        """Whether the certificate was issued to one of these: the identity dialled, the station's serial number."""
        return bool(self.names & {name for name in names if name})


IN_THE_CLEAR = Shown()


def shown_by(transport: asyncio.BaseTransport, revocations: Revocations = NOBODY) -> Shown:
    """What a station that has just connected has shown of itself."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return IN_THE_CLEAR
    names = frozenset(_names(transport.get_extra_info("peercert") or {}))
    return Shown(True, names, revocations.names(tls.getpeercert(binary_form=True)))


def _names(certificate: Mapping[str, Any]) -> Collection[str]:
    """The common name and the serial number of the subject (OCPP 2.0.1, A00.FR.405: the CN is the station's serial)."""
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    return [value for name, value in subject if name in ("commonName", "serialNumber") and value]


def security_profile(shown: Shown, *, has_password: bool, front: bool = False) -> int | None:
    """The OCPP security profile of a session; ``None`` where TLS ended before the relay and nobody here can tell.

    TLS without a password and without a certificate is none of the profiles:
    nothing shows who is there, therefore it counts as 0.
    """
    if shown.has_certificate:
        return TLS_CERTIFICATE
    if shown.is_tls:
        return TLS_BASIC if has_password else PLAIN
    if front:
        return TLS_BASIC if has_password else None
    return BASIC if has_password else PLAIN
