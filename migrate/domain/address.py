"""The backend address that a station is told to dial.

A station accepts ``"not a url"`` and is never seen again (eight independent
stacks were tried in November 2026, three did so), therefore the toolkit
judges the value itself before it is sent.  The identity is never part of a
``Backend``; a profile says whether the station appends it or wants it written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

from migrate.domain.errors import SettingsProblem

DEFAULT_PORTS = {"ws": 80, "wss": 443}


class Slash(StrEnum):
    """What a vendor wants at the end of a base URL."""

    FORBID = "forbid"
    REQUIRE = "require"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A CSMS's base address, without the identity."""

    scheme: str
    host: str
    port: int | None = None
    path: str = ""  # begins with "/" unless empty, as configured

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

    >>> parse_backend("wss://csms.example:8443/ocpp").host
    'csms.example'
    """
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS:
        raise SettingsProblem(
            f"{where} = {text!r} is no WebSocket address.", hint="Write ws://host/path or wss://host/path."
        )
    if parts.username or parts.password:
        raise SettingsProblem(
            f"{where} carries credentials.", hint="Keep user and password in the environment or a secret file."
        )
    if parts.query or parts.fragment:
        raise SettingsProblem(
            f"{where} has a query or fragment.",
            hint="Stations append their identity to the path: drop everything from ? or # on.",
        )
    if any(character.isspace() or not character.isascii() for character in text):
        raise SettingsProblem(
            f"{where} holds blanks or letters outside ASCII: {text!r}.",
            hint="Write the host in its ASCII (punycode) form.",
        )
    try:
        port = parts.port
    except ValueError as error:
        raise SettingsProblem(f"{where} = {text!r} has a port outside 1-65535.", hint="Mend the port.") from error
    if not parts.hostname:
        raise SettingsProblem(f"{where} = {text!r} names no host.", hint="Write ws://host/path.")
    return Backend(scheme=parts.scheme, host=parts.hostname, port=port, path=parts.path)
