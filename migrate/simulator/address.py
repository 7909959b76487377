"""How a station's configuration spells the backend, and how its firmware reads it back.

Many makers, eight spellings: a base URL, one that needs no scheme, the whole URL
with the identity, host and port and path, origin and path, a packed profile,
slots with a priority, the network profiles of 2.0.1.  These are the parsers of the simulated
firmware, written apart from the catalogue on purpose: where they disagree with
it, a wire test notices.  They judge nothing: what does not parse is dialled in
vain, as a real station would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit


class Layout(StrEnum):
    """Where in the configuration the backend's address lives."""

    URL = "url"
    LENIENT_URL = "lenient_url"  # with or without scheme; an identity at its end is taken off
    HOST_PORT_PATH = "host_port_path"
    ORIGIN_PATH = "origin_path"
    PACKED = "packed"
    SLOTS = "slots"
    NETWORK_PROFILES = "network_profiles"  # OCPP 2.0.1: slots that hold an object each, and an order of their numbers
    HIDDEN = "hidden"  # not in the configuration at all: the maker's app sets it


class Slash(StrEnum):
    """What the firmware puts between its address and its identity."""

    IF_MISSING = "if_missing"
    ALWAYS = "always"  # a trailing slash in the value becomes //identity
    NEVER = "never"  # the value must bring the slash itself
    WHOLE = "whole"  # the value is dialled as it stands: it must bring the identity too


SECURE_KEY = "SetSecureOutgoingConnection"
IDENTITY_KEY = "ChargePointId"
HIDDEN_KEY = "\x00backend"  # no OCPP key can be named so: never listed, never written from afar
FIELD = re.compile(r"(\w+)\{([^{}]*)\}")


def dial_url(address: str, identity: str, slash: Slash) -> str:
    """The URL a station dials; the identity is percent-encoded as RFC 3986 wants.

    >>> dial_url("ws://csms/ocpp", "AB 1", Slash.IF_MISSING)
    'ws://csms/ocpp/AB%201'
    >>> dial_url("ws://csms/ocpp", "AB1", Slash.NEVER)
    'ws://csms/ocppAB1'
    >>> dial_url("ws://csms/ocpp/AB1", "AB1", Slash.WHOLE)
    'ws://csms/ocpp/AB1'
    """
    if slash is Slash.WHOLE:
        return address
    glue = "/" if slash is Slash.ALWAYS or (slash is Slash.IF_MISSING and not address.endswith("/")) else ""
    return address + glue + quote(identity, safe="")


def base_of(url: str) -> str:
    """What precedes the identity in a dialled URL, without trailing slashes."""
    return url.rsplit("/", 1)[0].rstrip("/")


def addresses(layout: Layout, names: tuple[str, ...], flash: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses a station will try, in order; none when it has nothing it understands."""
    found = READERS[layout](tuple(flash.get(name, "") for name in names), flash)
    return tuple(address for address in found if address)


def spelling(layout: Layout, names: tuple[str, ...], url: str, slash: Slash, identity: str = "") -> dict[str, str]:
    """The keys as a person would fill them in so that the station dials this URL."""
    if slash is Slash.WHOLE:
        url = f"{url.rstrip('/')}/{quote(identity, safe='')}"
    if layout is Layout.HIDDEN:
        return {HIDDEN_KEY: url}
    return dict(zip(names, WRITERS[layout](url, slash), strict=True))


def _read_host(values: tuple[str, ...], flash: Mapping[str, str]) -> tuple[str, ...]:
    host, port, path = values
    scheme = "wss" if flash.get(SECURE_KEY, "").lower() == "true" else "ws"
    return (f"{scheme}://{host}:{port}{_rooted(path)}",) if host else ()


def _read_lenient(values: tuple[str, ...], flash: Mapping[str, str]) -> tuple[str, ...]:
    """libocpp's websocket_uri.cpp: ws:// where no scheme is, and the identity off where somebody put it at the end."""
    url = values[0] if "://" in values[0] or not values[0] else f"ws://{values[0]}"
    identity = quote(flash.get(IDENTITY_KEY, ""), safe="")
    return (url.removesuffix(f"/{identity}") if identity else url,)


def _read_slots(values: tuple[str, ...], _flash: Mapping[str, str]) -> tuple[str, ...]:
    slots = {f"NetworkConnectionProfile{number}": url for number, url in enumerate(values[:-1], 1)}
    return tuple(slots.get(name.strip(), "") for name in values[-1].split(","))


def _read_profiles(values: tuple[str, ...], _flash: Mapping[str, str]) -> tuple[str, ...]:
    slots = {str(number): csms_url(text) for number, text in enumerate(values[:-1], 1)}
    return tuple(slots.get(number.strip(), "") for number in values[-1].split(","))


def csms_url(profile: str) -> str:
    """The address in one network profile; blank in a slot that holds none."""
    data = json.loads(profile) if profile else {}
    return str(data.get("ocppCsmsUrl", ""))


def login_of(profiles: Iterable[str], address: str) -> tuple[str, str]:
    """The user name and password that the network profile of an address brings for itself (2.1); blanks for none.

    The name is that of basic authentication alone: what is dialled ends with the station's own identity.
    """
    found: Mapping[str, Any] = next((json.loads(text) for text in profiles if text and csms_url(text) == address), {})
    return str(found.get("identity", "")), str(found.get("basicAuthPassword", ""))


def profile_in(profile: str) -> int:
    """The security profile that one network profile is dialled with."""
    return int(json.loads(profile).get("securityProfile", 0))


def with_profile(profile: str, security: int) -> str:
    return json.dumps({**json.loads(profile), "securityProfile": security}, sort_keys=True)


def _rooted(path: str) -> str:
    return path if not path or path.startswith("/") else "/" + path


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _write_host(url: str, _slash: Slash) -> tuple[str, ...]:
    parts = urlsplit(url)
    return parts.hostname or "", str(parts.port or (443 if parts.scheme == "wss" else 80)), parts.path


def _write_url(url: str, slash: Slash) -> tuple[str, ...]:
    return (url.rstrip("/") + "/" if slash is Slash.NEVER else url,)


def _packed(url: str, _slash: Slash) -> tuple[str, ...]:
    return (
        f"ocppVersion{{OCPP16}}ocppCsmsUrl{{{url}}}messageTimeout{{10}}securityProfile{{0}}ocppInterface{{Wired0}}",
    )


def _write_profiles(url: str, _slash: Slash) -> tuple[str, ...]:
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
    }
    return json.dumps(data, sort_keys=True), "", "1"


READERS: Mapping[Layout, Callable[[tuple[str, ...], Mapping[str, str]], tuple[str, ...]]] = {
    Layout.URL: lambda values, _: values,
    Layout.LENIENT_URL: _read_lenient,
    Layout.HOST_PORT_PATH: _read_host,
    Layout.ORIGIN_PATH: lambda values, _: (values[0] + _rooted(values[1]),) if values[0] else (),
    Layout.PACKED: lambda values, _: (dict(FIELD.findall(values[0])).get("ocppCsmsUrl", ""),),
    Layout.SLOTS: _read_slots,
    Layout.NETWORK_PROFILES: _read_profiles,
    Layout.HIDDEN: lambda _, flash: (flash.get(HIDDEN_KEY, ""),),
}

WRITERS: Mapping[Layout, Callable[[str, Slash], tuple[str, ...]]] = {
    Layout.URL: _write_url,
    Layout.LENIENT_URL: _write_url,
    Layout.HOST_PORT_PATH: _write_host,
    Layout.ORIGIN_PATH: lambda url, _: _origin(url),
    Layout.PACKED: _packed,
    Layout.SLOTS: lambda url, _: (url, "", "NetworkConnectionProfile1,NetworkConnectionProfile2"),
    Layout.NETWORK_PROFILES: _write_profiles,
}
