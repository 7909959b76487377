"""What settings may not say together, and what a person should know of them.

Every value is sound by itself when it comes here.  A contradiction stops the
campaign, a caution is told and leaves the decision to a person.  It opens
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from migrate.domain.address import Backend, Reach
from migrate.domain.secrecy import redact
from migrate.settings.firmware import firmware_contradictions
from migrate.settings.keys import SHOWN
from migrate.settings.reading import ENVIRONMENT, Given

ALLOW_INLINE = "MIGRATE_ALLOW_INLINE_SECRET"
_PASSWORDS = {"password", "passwd", "pwd"}


def contradictions(values: Mapping[str, Any], given: Given, environment: Mapping[str, str]) -> Iterator[str]:
    """Everything that stands against itself, each with the keys it is about."""
    source, target = values["source.url"], values["target.url"]
    if _same(source, target):
        yield "source.url and target.url are the same address."
    if values["source.relay.listen"] == values["target.relay.listen"] and values["source.relay.listen"][1] != 0:
        yield "source.relay.listen and target.relay.listen are the same port."
    for side in ("source", "target"):
        upstream, (host, port) = values[f"{side}.relay.upstream"], values[f"{side}.relay.listen"]
        if upstream is not None and (upstream.host, upstream.effective_port) == (host, port):
            yield f"{side}.relay.upstream is the relay itself: frames would run in a circle."
        yield from _halves(values, side)
    yield from firmware_contradictions(values)
    if values["drill.since"] is None:
        yield from _nowhere(values, given)
    yield from _inline_secret(values, given, environment)


def cautions(values: Mapping[str, Any]) -> Iterator[str]:
    """What is allowed, and should be known before stations are touched."""
    target = values["target.url"]
    if values["drill.since"] is None and target.reach is Reach.LOOPBACK:
        yield (
            f"target.url is {redact(str(target))}: a station that is told to dial it dials itself. Fine on a bench with stations on "
            "this machine, and nowhere else."
        )
    if values["source.url"].is_tls and not target.is_tls:
        yield "source.url is wss:// and target.url is ws://: stations would speak in the clear from then on."


def _halves(values: Mapping[str, Any], side: str) -> Iterator[str]:
    """TLS that was set up in part: whoever believes it is on must not find out by what went over the wire."""
    relay = f"{side}.relay"
    yield from _pairs(values, relay)
    door = bool(values[f"{relay}.certificate"])
    for name in ("client_ca", "takes_plain"):
        if values[f"{relay}.{name}"] and not door:
            yield f"{relay}.{name} is given without {relay}.certificate: this door speaks no TLS."
    if values[f"{relay}.client_crl"] and not values[f"{relay}.client_ca"]:
        yield f"{relay}.client_crl is given without {relay}.client_ca: no certificate of a station is taken anyway."
    if door and not values[f"{side}.url"].is_tls and not values[f"{relay}.takes_plain"]:
        yield f"{relay}.certificate makes a TLS door, and {side}.url is ws://: stations would knock there in the clear."
    upstream = values[f"{relay}.upstream"]
    for name in ("upstream_ca", "upstream_certificate"):
        if values[f"{relay}.{name}"] is not None and (upstream is None or not upstream.is_tls):
            yield f"{relay}.{name} is given, and {relay}.upstream is not wss://: it would be used for nothing."


def _pairs(values: Mapping[str, Any], relay: str) -> Iterator[str]:
    """Certificates without their keys, and the other way round."""
    for one, other in (
        (f"{relay}.certificate", f"{relay}.key"),
        (f"{relay}.upstream_certificate", f"{relay}.upstream_key"),
    ):
        given, missing = (one, other) if values[one] else (other, one)
        if values[given] and not values[missing]:
            yield f"{given} is given and {missing} is not: a certificate and its key go together."
    certificates, keys = (len(values[f"{relay}.{name}"] or ()) for name in SHOWN)
    if certificates and keys and certificates != keys:
        yield (
            f"{relay}.certificate names {certificates} and {relay}.key {keys}: "
            "each certificate has its own key, in the same order."
        )


def _same(one: Backend, other: Backend) -> bool:
    """Whether stations would be sent where they are: a slash at the end and a port that goes without saying count for nothing."""
    parts = [(b.scheme, b.host.rstrip("."), b.effective_port, b.path.rstrip("/")) for b in (one, other)]
    return parts[0] == parts[1]


def _nowhere(values: Mapping[str, Any], given: Given) -> Iterator[str]:
    for key in ("source.url", "target.url", "source.relay.upstream", "target.relay.upstream"):
        backend = values[key]
        if backend is not None and backend.reach is Reach.NOWHERE:
            yield (
                f"{key} ({given.place(key)}) is {backend.host}, an address that exists on one wire only or names nobody: "
                "write the name or address under which the CSMS is reached."
            )


def _inline_secret(values: Mapping[str, Any], given: Given, environment: Mapping[str, str]) -> Iterator[str]:
    """A password in a file is read by whoever backs it up; the environment is the place for it."""
    is_allowed = environment.get(ALLOW_INLINE, "").strip() == "1"
    is_in_file = given.origins.get("store.url") not in (None, ENVIRONMENT)
    if is_in_file and not is_allowed and _holds_password(values["store.url"]):
        yield (
            f"store.url ({given.place('store.url')}) holds a password: give the whole address in MIGRATE_STORE_URL, "
            f"leave the password to ~/.pgpass, or set {ALLOW_INLINE}=1 if it must stand here."
        )


def _holds_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False  # no address at all: whoever opens it says so
    return bool(parts.password) or any(name.lower() in _PASSWORDS for name, _ in parse_qsl(parts.query))
