"""A secret on its way into a value: revealed at the moment it is sent, and a name everywhere else."""

from __future__ import annotations

import json
from typing import Protocol

from migrate.domain.errors import NotAllowed
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
    text = secret.hex() if write.encoding is Encoding.HEX else secret.decode()
    if write.new == stand_in(write.secret):
        return text
    filled = {name: text if value == stand_in(write.secret) else value for name, value in json.loads(write.new).items()}
    return json.dumps(filled, ensure_ascii=False)
