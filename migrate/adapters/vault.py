"""Secrets from the environment or from files that only their owner may read.

``MIGRATE_SECRET_IDTAG_KEY`` wins over ``DIR/secrets/idtag_key``.  A file that
others may read is refused: a secret that leaked is no secret.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from urllib.parse import quote

from migrate.adapters.confided import confide
from migrate.domain.errors import NotAllowed

IDTAG_KEY = "idtag_key"
"""Keys the hash under which drivers' id tags reach the journal."""

LINK_KEY = "link_key"
"""Seals the links under which stations fetch firmware."""

STORE_KEY = "store_key"
"""Seals what stations held and are told, in the journal.  Without it they cannot be put back."""


class FileVault:
    """Implements ``migrate.ports.Vault`` over a campaign's ``secrets`` folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def secret(self, name: str) -> bytes:
        secret = self._kept(name)
        confide(secret)
        return secret

    def _kept(self, name: str) -> bytes:
        if value := os.environ.get(f"MIGRATE_SECRET_{name.upper()}"):
            return value.encode()
        path = self._folder / name
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise NotAllowed(f"{path} may be read by others.", hint=f"chmod 600 {path}")
            return path.read_bytes().strip()
        except FileNotFoundError as error:
            raise NotAllowed(
                f"The secret {name} is nowhere.", hint=f"Set MIGRATE_SECRET_{name.upper()} or write {path} (mode 600)."
            ) from error
        except OSError as error:  # a folder of secrets of each station, a file of somebody else
            raise NotAllowed(
                f"The secret {name} cannot be read ({error.strerror}).", hint=f"Look at {path}."
            ) from error

    def make(self, name: str) -> None:
        """Draw a fresh random secret, unless there is one."""
        self.put(name, secrets.token_hex(32))

    def put(self, name: str, secret: str) -> None:
        """Keep a secret under a name, for its owner alone, unless there is one already."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / name
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secret)

    def drawn(self, name: str) -> bytes:
        """The secret, drawn first if there is none."""
        if not os.environ.get(f"MIGRATE_SECRET_{name.upper()}"):
            self.make(name)
        return self.secret(name)

    def is_of_each(self, name: str) -> bool:
        """Whether each station has its own under this name."""
        return (self._folder / name).is_dir()

    def of(self, identity: str) -> StationVault:
        """The secrets of one station."""
        return StationVault(self, self._folder, identity)

    def __repr__(self) -> str:
        return f"FileVault({self._folder})"


class StationVault:
    """One station's secrets: its own where ``secrets/NAME`` is a folder with a file for each identity, else those of all.

    An identity is percent-encoded as in its URL, so that none names a file
    elsewhere.  Where there is a folder, a station without a file has no secret.
    """

    def __init__(self, vault: FileVault, folder: Path, identity: str) -> None:
        self._vault, self._folder, self._identity = vault, folder, identity

    def secret(self, name: str) -> bytes:
        if self._vault.is_of_each(name):
            return self._vault.secret(f"{name}/{quote(self._identity, safe='')}")
        return self._vault.secret(name)

    def __repr__(self) -> str:
        return f"StationVault({self._folder}, {self._identity!r})"
