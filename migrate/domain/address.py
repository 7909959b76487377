"""The backend address that a station is told to dial.

A station accepts ``"not a url"`` and is never seen again (eight independent
stacks were tried in November 2026, three did so), therefore the toolkit
judges the value itself before it is sent.  The identity is never part of a
``Backend``; a profile says whether the station appends it or wants it written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from migrate.domain.errors import SettingsProblem
from migrate.domain.secrecy import redact

DEFAULT_PORTS = {"ws": 80, "wss": 443}
MAX_URL = 512  # what the longest-minded stations store; a profile may allow less

_HOST = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)


class Slash(StrEnum):
    """What a vendor wants at the end of a base URL."""

    FORBID = "forbid"
    REQUIRE = "require"
    KEEP = "keep"


class Reach(StrEnum):
    """From where an address leads anywhere, as far as it tells by itself."""

    ANYWHERE = "anywhere"
    LOOPBACK = "loopback"  # whoever dials it dials itself
    NOWHERE = "nowhere"  # link-local (cloud metadata among them), unspecified, multicast


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A CSMS's base address, without the identity."""

    scheme: str
    host: str
    port: int | None = None
    path: str = ""  # begins with "/" unless empty, as configured

    def __repr__(self) -> str:
        return f"Backend({redact(self.url())})"  # a path may be a token

    @property
    def effective_port(self) -> int:
        return self.port if self.port is not None else DEFAULT_PORTS[self.scheme]

    @property
    def is_tls(self) -> bool:
        return self.scheme == "wss"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as Alfen's two-key form wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")

    @property
    def reach(self) -> Reach:
        """A name is taken at its word, but for localhost; an address shows where it leads."""
        host = self.host.rstrip(".")
        if host == "localhost" or host.endswith(".localhost"):
            return Reach.LOOPBACK
        found = _address_of(host)
        if found is None:
            return Reach.ANYWHERE
        if found.is_loopback:
            return Reach.LOOPBACK
        is_nowhere = found.is_link_local or found.is_unspecified or found.is_multicast
        return Reach.NOWHERE if is_nowhere else Reach.ANYWHERE

    def path_with(self, slash: Slash) -> str:
        bare = self.path.rstrip("/")
        return {Slash.FORBID: bare, Slash.REQUIRE: bare + "/", Slash.KEEP: self.path}[slash]

    def url(self, slash: Slash = Slash.KEEP) -> str:
        return self.origin + self.path_with(slash)

    def url_of(self, identity: str) -> str:
        """The full address of one station, its identity percent-encoded as the last segment."""
        return f"{self.origin}{self.path.rstrip('/')}/{quote(identity, safe='')}"

    def __str__(self) -> str:
        return self.url()


def parse_backend(text: str, *, where: str = "url") -> Backend:
    """A backend address from configuration, or a ``SettingsProblem`` that says what is wrong with it.

    What it lets through can stand in any vendor's value: no quotes, braces,
    blanks or control characters, and no secret, which a refusal never repeats.

    >>> parse_backend("wss://csms.example:8443/ocpp").host
    'csms.example'
    """
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > MAX_URL:
        raise SettingsProblem(
            f"{where} is longer than {MAX_URL} characters, or holds blanks or letters outside ASCII.",
            hint="Write the host in its ASCII (punycode) form.",
        )
    if "@" in text.split("://", 1)[-1].split("/", 1)[0] or re.match(r"[^/]*:[^/]*@", text):
        raise SettingsProblem(
            f"{where} carries credentials.",
            hint="Leave user and password out: stations sign in with the key that they hold.",
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise SettingsProblem(
            f"{where} = {_shown(text)} has a port outside 1-65535 or a broken host.", hint="Mend host and port."
        ) from error
    _judge(text, parts, port, where)
    return Backend(scheme=parts.scheme, host=parts.hostname or "", port=port, path=parts.path)


def _judge(text: str, parts: SplitResult, port: int | None, where: str) -> None:
    """Raise the first thing that is wrong with an address that could at least be taken apart."""
    if parts.scheme not in DEFAULT_PORTS:
        raise SettingsProblem(
            f"{where} = {_shown(text)} is no WebSocket address.", hint="Write ws://host/path or wss://host/path."
        )
    if not parts.hostname:
        raise SettingsProblem(f"{where} = {_shown(text)} names no host.", hint="Write ws://host/path.")
    if "?" in text or "#" in text:
        raise SettingsProblem(
            f"{where} has a query or fragment.",
            hint="Stations append their identity to the path: drop everything from ? or # on.",
        )
    if port == 0:
        raise SettingsProblem(f"{where} = {_shown(text)} has a port outside 1-65535.", hint="Mend the port.")
    if not _is_host(parts.hostname):
        raise SettingsProblem(
            f"{where} = {_shown(text)} names a host that is no name and no address.",
            hint="Write its name, four numbers with dots between, or an IPv6 address in brackets.",
        )
    if "//" in parts.path:
        raise SettingsProblem(
            f"{where} = {_shown(text)} has an empty part in its path: stations would dial //identity, which many refuse.",
            hint="Write one slash.",
        )
    if not _HOST.fullmatch(parts.hostname) or not _PATH.fullmatch(parts.path):
        raise SettingsProblem(
            f"{where} = {_shown(text)} holds characters that no URL may hold.",
            hint="Percent-encode them in the path; a host has letters, digits, dots and hyphens.",
        )


def is_ip_address(host: str) -> bool:
    """Whether a host is given by its address, and not by a name that somebody looks up.

    >>> is_ip_address("10.0.0.1"), is_ip_address("csms.example")
    (True, False)
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, or nothing for a name; one that wraps an IPv4 address is that address."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _is_host(host: str) -> bool:
    """A host that ends in a number is an address and must be a whole one: 127.1 and 2130706433 are both this machine."""
    ends_in_number = re.fullmatch(r"\d+|0x[0-9a-f]*", host.rstrip(".").rpartition(".")[2], re.ASCII) is not None
    return _address_of(host.rstrip(".")) is not None if ends_in_number or ":" in host else True


def _shown(text: str) -> str:
    """An address as an error may repeat it: without its query, and without whatever precedes an @."""
    return repr(text.split("?", 1)[0].rsplit("@", 1)[-1][:80])
