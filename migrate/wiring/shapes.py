"""What may be known of the secrets that the stations ahead need: that they are there, and their form.

No secret leaves this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from batches.outlook_ways import finishing_secrets, secret_names
from batches.prospects import Prospect
from migrate.adapters.vault import FileVault
from migrate.domain.errors import NotAllowed
from migrate.domain.survey import SecretShape
from migrate.ports import Vault


def shapes_of(vault: FileVault, prospects: Iterable[Prospect]) -> dict[str, SecretShape | None]:
    """By name; where each station has its own, by name and identity, as its file lies there."""
    shapes: dict[str, SecretShape | None] = {}
    for prospect in prospects:
        profile = prospect.profile
        for name in sorted(secret_names(profile) | finishing_secrets(profile)) if profile is not None else ():
            is_own = vault.is_of_each(name)
            key = f"{name}/{prospect.station.identity}" if is_own else name
            if key not in shapes:
                shapes[key] = _shape(vault.of(prospect.station.identity) if is_own else vault, name)
    return shapes


def _shape(vault: Vault, name: str) -> SecretShape | None:
    try:
        return shape_of(vault.secret(name))
    except NotAllowed:
        return None


def shape_of(secret: bytes) -> SecretShape:
    """What may be known of a secret by whoever judges it."""
    text = ""
    with suppress(UnicodeDecodeError):
        text = secret.decode()
    is_hex = bool(text) and len(text) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in text)
    return SecretShape(octets=len(secret), is_text=bool(text) and text.isprintable(), is_hex=is_hex)
