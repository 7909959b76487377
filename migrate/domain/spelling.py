"""How a station spells its backend: which of its values hold the address that it dials today, and in what form.

Makers write one address in many ways: with or without scheme, slash or
identity, in three keys, or as one field of a packed value.  Only a value that
equals the known address in one of these ways is recognised; one that merely
holds the host somewhere is told apart from it, because to write it would be to
guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

from migrate.domain.address import DEFAULT_PORTS, Backend, Slash

_FIELD = re.compile(r"(?<!\w)(\w+)\{([^{}]*)\}")


class Form(StrEnum):
    """In what form a value holds an address, or a part of one."""

    URL = "url"  # the base address; the station appends its identity
    FULL_URL = "full_url"  # the identity is written at its end
    NO_SCHEME = "no_scheme"  # host, port and path
    ORIGIN = "origin"  # scheme, host and port; the path is elsewhere
    HOST = "host"
    UNKNOWN = "unknown"  # the host is in it, in a form that nobody here knows

    @property
    def template(self) -> str:
        """What a profile writes to replace it; empty for a form that nobody knows."""
        return _TEMPLATES.get(self, "")


_TEMPLATES = {
    Form.URL: "${url}",
    Form.FULL_URL: "${full_url}",
    Form.NO_SCHEME: "${host}:${port}${path}",
    Form.ORIGIN: "${origin}",
    Form.HOST: "${host}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelt:
    """One value that holds the address; ``field`` is the part of a packed value in which it stands."""

    form: Form
    slash: Slash = Slash.FORBID
    field: str = ""
    is_exact: bool = True  # false: letters differ in case, or a default port is written out in one of the two


def spelt(value: str, backend: Backend, identity: str) -> Spelt | None:
    """How a value holds a backend's address; nothing where it does not.

    >>> legacy = Backend(scheme="wss", host="old.example", path="/ocpp")
    >>> spelt("wss://old.example/ocpp/AC1", legacy, "AC1").form.value
    'full_url'
    >>> spelt("ocppVersion{OCPP16}ocppCsmsUrl{wss://old.example/ocpp}", legacy, "AC1").field
    'ocppCsmsUrl'
    >>> spelt("30", legacy, "AC1") is None
    True
    """
    text = value.strip()
    if found := _whole(text, backend, identity):
        return found
    for field, inner in _FIELD.findall(text):
        if (found := _whole(inner, backend, identity)) and found.form is not Form.HOST:
            return Spelt(form=found.form, slash=found.slash, field=field, is_exact=found.is_exact)
    return Spelt(form=Form.UNKNOWN) if _names_host(text, backend.host) else None


def _whole(text: str, backend: Backend, identity: str) -> Spelt | None:
    for form, slash, wanted in _spellings(backend, identity):
        if text == wanted:
            return Spelt(form=form, slash=slash)
    plain = _plain(text)
    for form, slash, wanted in _spellings(backend, identity):
        if plain == _plain(wanted):
            return Spelt(form=form, slash=slash, is_exact=False)
    return None


def _spellings(backend: Backend, identity: str) -> Iterator[tuple[Form, Slash, str]]:
    """Every way in which this address is written, with the form that it has then; the more telling first."""
    bare, slashed = backend.url(Slash.FORBID), backend.url(Slash.REQUIRE)
    yield Form.FULL_URL, Slash.FORBID, backend.url_of(identity)
    yield Form.FULL_URL, Slash.FORBID, f"{bare}/{identity}"
    yield Form.URL, Slash.FORBID, bare
    yield Form.URL, Slash.REQUIRE, slashed
    host = f"[{backend.host}]" if ":" in backend.host else backend.host
    for slash in (Slash.FORBID, Slash.REQUIRE):
        path = backend.path_with(slash)
        yield Form.NO_SCHEME, slash, f"{host}:{backend.effective_port}{path}"
        if path.strip("/"):
            yield Form.NO_SCHEME, slash, f"{host}{path}"
    yield Form.ORIGIN, Slash.FORBID, backend.origin
    yield Form.HOST, Slash.FORBID, backend.host


def _plain(text: str) -> str:
    """An address with the differences taken out that do not change where it leads, and with letters in one case."""
    lowered = text.casefold()
    try:
        parts = urlsplit(lowered)
        port = parts.port
    except ValueError:
        return lowered
    if parts.scheme not in DEFAULT_PORTS or port != DEFAULT_PORTS[parts.scheme]:
        return lowered
    return lowered.replace(f":{port}", "", 1)


def _names_host(text: str, host: str) -> bool:
    """Whether the host stands in a text as a word of its own; one without a dot is a word like any other."""
    is_telling = "." in host or ":" in host
    return is_telling and re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", text, re.IGNORECASE) is not None


def is_path(value: str, backend: Backend) -> Slash | None:
    """The slash rule under which a value is this backend's path; nothing where it is not, or where there is none.

    >>> is_path("/ocpp/", Backend(scheme="ws", host="old.example", path="/ocpp")).value
    'require'
    """
    if not backend.path.strip("/"):
        return None
    return next((slash for slash in (Slash.FORBID, Slash.REQUIRE) if value.strip() == backend.path_with(slash)), None)


def is_identity(value: str, identity: str) -> bool:
    """Whether a value is what the station is called on the wire, percent-encoded or not.

    >>> is_identity("AC%201", "AC 1"), is_identity("ac1", "AC1"), is_identity("", "AC1")
    (True, False, False)
    """
    return value.strip() in (identity, quote(identity, safe=""))
