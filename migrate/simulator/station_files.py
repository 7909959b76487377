"""The files of a simulated station: what was uploaded to it, and its configuration, one file for each key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migrate.simulator.habits import Shelling
from migrate.simulator.wirelog import Kind

if TYPE_CHECKING:
    from migrate.simulator.station import SimulatedStation

PERSISTENCY = re.compile(r"/home/charge/persistency/(\w+)_ocpp")
BUSY_FILE, REFUSED_FILE = "/var/run/charging", "/etc/locked"
LARGEST = 4 << 20


class StationFiles:
    """A flat file system: paths are whole, folders are there by themselves."""

    def __init__(self, station: SimulatedStation) -> None:
        self._station = station
        self._kept: dict[str, bytearray] = {}
        self._executable: set[str] = set()
        self._versions: dict[str, str] = {}
        self._looked: list[str] = []
        self._written: list[str] = []

    # ── what one command did ───────────────────────────────────────────────

    def begin(self) -> None:
        self._looked, self._written = [], []

    def end(self) -> None:
        """A command that wrote nothing was a look."""
        if self._looked and not self._written:
            self._station.log(Kind.COMMAND, action="ReadScript", keys=tuple(dict.fromkeys(self._looked)))

    @property
    def has_written(self) -> bool:
        return bool(self._written)

    # ── files ──────────────────────────────────────────────────────────────

    def has(self, path: str) -> bool:
        if path == BUSY_FILE:
            return self._station.ways.shelling is Shelling.BUSY or self._station.connector.is_charging
        if path == REFUSED_FILE:
            return self._station.ways.shelling is Shelling.REFUSES
        key = self._key_of(path)
        return key is not None if PERSISTENCY.fullmatch(path) else path in self._kept

    def read(self, path: str) -> bytes:
        if (key := self._key_of(path)) is not None:
            self._looked.append(key)
            return f"{self._station.flash.look_inside(key)}\n{self._versions.get(key, '1')}\n".encode()
        if path not in self._kept:
            raise FileNotFoundError(path)
        return bytes(self._kept[path])

    def write(self, path: str, content: bytes) -> None:
        if (key := self._key_of(path)) is not None:
            self._keep(key, content)
            return
        if PERSISTENCY.fullmatch(path) or len(content) > LARGEST:
            raise PermissionError(path)
        if self._station.ways.shelling is Shelling.HALF_FILES:
            content = content[: len(content) // 2]
        self._station.log(Kind.FILE, key=path, status=f"{len(content)} bytes")
        self._kept[path] = bytearray(content)

    def _keep(self, key: str, content: bytes) -> None:
        value, _, version = content.decode("utf-8", "replace").partition("\n")
        station = self._station
        if station.ways.shelling is Shelling.REFUSES_SECOND and station.flash.touched - {key}:
            raise PermissionError(key)
        self._written.append(key)
        station.log(Kind.COMMAND, action="Script", key=key, value=value)
        if station.ways.shelling is Shelling.STORES_NOTHING:
            return
        station.flash.set_inside(key, value)
        self._versions[key] = version.strip() or "1"
        station.log(Kind.STORED, value=station.held)

    def _key_of(self, path: str) -> str | None:
        found = PERSISTENCY.fullmatch(path)
        return found[1] if found and self._station.flash.holds_inside(found[1]) else None

    def move(self, old: str, new: str) -> None:
        content = self.read(old)
        is_executable = old in self._executable
        if self._key_of(new) is not None:
            self.write(new, content)  # whole already: half of it was never under this name
        else:
            self._kept[new] = bytearray(content)
        self.remove(old)
        if is_executable:
            self._executable.add(new)

    def remove(self, path: str) -> None:
        if path not in self._kept:
            raise FileNotFoundError(path)
        del self._kept[path]
        self._executable.discard(path)

    def make_executable(self, path: str) -> None:
        if path not in self._kept:
            raise FileNotFoundError(path)
        self._executable.add(path)

    def is_executable(self, path: str) -> bool:
        return path in self._executable

    def size_of(self, path: str) -> int:
        return len(self.read(path))
