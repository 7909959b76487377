"""A secret on its way into a value: revealed at the moment it is sent, and a name everywhere else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Protocol

from migrate.domain.errors import NotAllowed
from migrate.domain.secrecy import redact_value
from migrate.domain.unit import PreparedWrite
from migrate.domain.ways import Encoding


class Secrets(Protocol):
    """Whoever holds secrets by name (``migrate.ports.Vault``)."""

    def secret(self, name: str) -> bytes: ...


def stand_in(name: str) -> str:
    """What is written down instead of a secret.

    >>> stand_in("basic_auth")
    '(secret basic_auth)'
    """
    return f"(secret {name})"


def revealed(write: PreparedWrite, vault: Secrets | None) -> str:
    """The value that goes out.  Never print, journal or raise what this returns."""
    if not write.secret or stand_in(write.secret) not in write.new:
        return write.new
    if vault is None:
        raise NotAllowed(f"{write.key} needs the secret {write.secret}, and nobody holds secrets here.")
    secret = vault.secret(write.secret)
    text = secret.hex() if write.encoding is Encoding.HEX else _text_of(secret, write.secret)
    if write.new == stand_in(write.secret):
        return text
    filled = {name: text if value == stand_in(write.secret) else value for name, value in json.loads(write.new).items()}
    return json.dumps(filled, ensure_ascii=False)


def _text_of(secret: bytes, name: str) -> str:
    """A secret as text; the codec's own error would hold it, so none is kept."""
    with suppress(UnicodeDecodeError):
        return secret.decode()
    raise NotAllowed(f"The secret {name} is no text.", hint="Write it as UTF-8, or let the profile encode it in hex.")


def hidden_parts(write: PreparedWrite, value: str) -> tuple[str, ...]:
    """What of a value that goes out must not come back in an error: a secret, or an address with one in it."""
    if not write.secret or stand_in(write.secret) not in write.new:
        return (value,) if redact_value(value) != value else ()
    if write.new == stand_in(write.secret):
        return (value,)
    fields = json.loads(value).values()
    return tuple(
        text for text in fields if isinstance(text, str) and json.dumps(text, ensure_ascii=False) not in write.new
    )
