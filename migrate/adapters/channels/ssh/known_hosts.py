"""The host keys that a person has seen: one file of the campaign, in the form that OpenSSH reads.

A key that is not in it is refused, never added in passing: that is what
``migrate trust`` is for.  A key that has changed is another device, or
somebody in between, until a person has looked.
"""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path

from paramiko import PKey, SSHException
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from migrate.domain.errors import NotAllowed, SettingsProblem

SSH_PORT = 22
_STRICT = "Only its owner may write to it, or others decide whom this campaign believes"


def place_of(host: str, port: int) -> str:
    """A host as the file names it.

    >>> place_of("10.0.0.7", 22), place_of("10.0.0.7", 2222)
    ('10.0.0.7', '[10.0.0.7]:2222')
    """
    return host if port == SSH_PORT else f"[{host}]:{port}"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key that a host showed: its algorithm, itself in base64, and its fingerprint as OpenSSH prints it."""

    kind: str
    base64: str
    fingerprint: str

    @classmethod
    def of(cls, key: PKey) -> HostKey:
        return cls(key.get_name(), key.get_base64(), str(key.fingerprint))


class KnownHosts:
    """The file; read anew when it has changed, so that a run takes up what a person trusts meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, dict[str, HostKey]] = {}

    def keys_of(self, place: str) -> dict[str, HostKey]:
        """Every key of a host by its algorithm; empty where nobody has trusted one."""
        with self._lock:
            self._refresh()
            return dict(self._keys.get(place, {}))

    def add(self, place: str, key: HostKey) -> None:
        """Record one more key."""
        with self._lock:
            self._append(place, key)

    def replace(self, place: str, key: HostKey) -> None:
        """Forget every key of this host and record this one."""
        with self._lock:
            lines = self._lines()
            kept = [line for line in lines if place not in line.split(" ", 1)[0].split(",")]
            self._write("".join(f"{line}\n" for line in kept))
            self._append(place, key)

    def _append(self, place: str, key: HostKey) -> None:
        lines = [*self._lines(), f"{place} {key.kind} {key.base64}"]
        self._write("".join(f"{line}\n" for line in lines))

    def _lines(self) -> list[str]:
        try:
            self._judge_mode()
            return [line for line in self._text().splitlines() if line.strip()]
        except FileNotFoundError:
            return []

    def _text(self) -> str:
        try:
            return self.path.read_text("utf-8")
        except UnicodeDecodeError as error:
            at = error.object[: error.start].count(b"\n") + 1
            raise SettingsProblem(f"{self.path}:{at} is no UTF-8 text.", hint="Mend or remove that line.") from error

    def _write(self, text: str) -> None:
        """Whole or not at all."""
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def _judge_mode(self) -> os.stat_result:
        found = self.path.stat()
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise NotAllowed(f"{self.path} may be used by others.", hint=f"{_STRICT}: chmod 600 {self.path}")
        return found

    def _refresh(self) -> None:
        try:
            found = self._judge_mode()
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._keys = self._read()
            self._stamp = stamp

    def _read(self) -> dict[str, dict[str, HostKey]]:
        keys: dict[str, dict[str, HostKey]] = {}
        for number, line in enumerate(self._text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            for place, key in self._entry(line, number):
                keys.setdefault(place, {})[key.kind] = key
        return keys

    def _entry(self, line: str, number: int) -> list[tuple[str, HostKey]]:
        try:
            entry = HostKeyEntry.from_line(line, number)
        except (
            InvalidHostKey,
            SSHException,
            ValueError,
        ) as error:  # half of a key is none, in a different way for each kind
            raise SettingsProblem(f"{self.path}:{number} is no host key.", hint="Remove that line.") from error
        if entry is None or entry.key is None or not entry.hostnames:
            raise SettingsProblem(f"{self.path}:{number} is no host key.", hint="Remove that line.")
        return [(place, HostKey.of(entry.key)) for place in entry.hostnames]
