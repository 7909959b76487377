"""The store of firmware files: what each is for, and proof that it is what its list says.

A folder holds the files and ``firmware.toml``, which names each with its
vendors, models, the versions it may be loaded from, the version it brings and
its SHA-256.  A file that is missing, a link, of another size or another
checksum is not in the store: it is named as a problem and served to nobody.
Its versions are compared in ``migrate.domain.version`` only.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrate.adapters.files.manifest import Entry, glob_holds, read_entries
from migrate.domain.errors import FirmwareProblem
from migrate.domain.station import Station

LIST_NAME = "firmware.toml"
_BLOCK = 1 << 20
_TOLD = 3  # problems of the store in a refusal

Mark = tuple[int, int, int, int]
"""Inode, size, and the times at which content and inode changed: a file with another mark may be another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareFile:
    """One sound file: what its list says of it, and where its bytes are."""

    entry: Entry
    path: Path
    size: int
    mark: Mark

    @property
    def name(self) -> str:
        return self.entry.file

    @property
    def version(self) -> str:
        return self.entry.version


@dataclass(frozen=True, slots=True)
class FirmwareStore:
    """What is sound in a folder, and what is wrong with the rest."""

    folder: Path
    files: Sequence[FirmwareFile]
    problems: tuple[str, ...] = ()

    def checked(self) -> FirmwareStore:
        """The store, where nothing is wrong with it.  Raises ``FirmwareProblem`` that lists everything that is."""
        if self.problems:
            raise FirmwareProblem(
                "\n".join(self.problems),
                hint=f"Mend {self.folder / LIST_NAME} or the files beside it: docs/firmware.md.",
            )
        return self

    def named(self, name: str) -> FirmwareFile | None:
        return next((file for file in self.files if file.name == name), None)

    def file_for(self, vendor: str, model: str, current: str, version: str) -> FirmwareFile | str:
        """The file that brings a device of that kind to a version, or why there is none."""
        brings = [file for file in self.files if file.version == version]
        misses = [(file, miss(file.entry, vendor, model, current)) for file in brings]
        fits = [file for file, why in misses if not why]
        if len(fits) == 1:
            return fits[0]
        if fits:
            return f"{', '.join(file.name for file in fits)} all bring {version}: nobody can say which is meant"
        told = "; ".join(f"{file.name} is not for it: {why}" for file, why in misses)
        nothing = f"no sound file of {LIST_NAME} brings version {version}"
        return told or "; ".join([nothing, *(problem.rstrip(".") for problem in self.problems[:_TOLD])])

    def unused(self, stations: Iterable[Station]) -> tuple[str, ...]:
        """A sentence for every file that is for no station of the fleet, whatever firmware it runs."""
        kinds = {(station.vendor, station.model) for station in stations}
        return tuple(
            f"{self.folder / LIST_NAME}: {file.name} is for no station of the inventory."
            for file in self.files
            if not any(is_for(file.entry, vendor, model) for vendor, model in kinds)
        )


def is_for(entry: Entry, vendor: str, model: str) -> bool:
    """Whether a file is for this kind of device at all."""
    return any(glob_holds(one, vendor) for one in entry.vendors) and any(glob_holds(one, model) for one in entry.models)


def miss(entry: Entry, vendor: str, model: str, current: str) -> str:
    """Why a file must not be loaded by a device, or nothing."""
    if not any(glob_holds(one, vendor) for one in entry.vendors):
        return f"vendor {vendor!r} is not {' or '.join(entry.vendors)}"
    if not any(glob_holds(one, model) for one in entry.models):
        return f"model {model!r} is not {' or '.join(entry.models)}"
    if not entry.from_versions.holds(current):
        return f"firmware {current!r} is not {entry.from_versions}"
    return ""


def open_store(folder: Path) -> FirmwareStore:
    """Read the list and prove every file.  Reads whole files: not for an event loop.

    Raises ``FirmwareProblem`` when the list itself cannot be read; what is
    wrong with single files is in ``problems``.
    """
    listed = folder / LIST_NAME
    entries, problems = read_entries(listed)
    files: list[FirmwareFile] = []
    for entry in entries:
        try:
            files.append(proven(folder, entry))
        except FirmwareProblem as problem:
            problems.append(problem.message)
    return FirmwareStore(folder, tuple(files), tuple(problems))


def proven(folder: Path, entry: Entry) -> FirmwareFile:
    """The file of an entry, read from end to end.  Raises ``FirmwareProblem`` that names it."""
    path, place = folder / entry.file, f"{folder / LIST_NAME}:{entry.line}: {entry.file}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise FirmwareProblem(f"{place} cannot be opened ({error.strerror}).") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise FirmwareProblem(f"{place} is no file.")
    with os.fdopen(handle, "rb") as opened:
        if entry.size_bytes is not None and status.st_size != entry.size_bytes:
            raise FirmwareProblem(f"{place} has {status.st_size} bytes, its list says {entry.size_bytes}.")
        digest = hashlib.sha256()
        while block := opened.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != entry.sha256:
        raise FirmwareProblem(
            f"{place} has another checksum: sha256 {digest.hexdigest()}, its list says {entry.sha256}."
        )
    return FirmwareFile(entry=entry, path=path, size=status.st_size, mark=mark_of(status))


def mark_of(status: os.stat_result) -> Mark:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_untouched(status: os.stat_result, mark: Mark) -> bool:
    """Whether an open file still holds what it held; one that was renamed or unlinked since does."""
    return mark_of(status)[:3] == mark[:3]


class Shelf:
    """The store as it is now: read again when its list changed, a file proven again when it changed since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: Mark | None = None
        self._store = FirmwareStore(folder, ())

    @property
    def problems(self) -> tuple[str, ...]:
        return self._store.problems

    def refresh(self) -> FirmwareStore:
        """The store of this moment.  A list that cannot be read empties it: nothing unproven is served."""
        try:
            listed = mark_of((self._folder / LIST_NAME).stat())
            if listed != self._listed:
                self._store, self._listed = open_store(self._folder), listed
        except (OSError, FirmwareProblem) as error:
            self._store, self._listed = FirmwareStore(self._folder, (), (str(error),)), None
        return self._store

    def open(self, name: str) -> tuple[FirmwareFile, int] | None:
        """A file by its name, proven, with a descriptor of exactly the bytes that were proven; ``None``: not in the store."""
        file = self.refresh().named(name)
        if file is None:
            return None
        try:
            if mark_of(file.path.lstat()) != file.mark:
                file = self._proven_again(file)
            handle = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, FirmwareProblem):
            return None
        if mark_of(os.fstat(handle)) != file.mark:
            os.close(handle)
            return None
        return file, handle

    def _proven_again(self, file: FirmwareFile) -> FirmwareFile:
        again = proven(self._folder, file.entry)
        others = (one for one in self._store.files if one.name != file.name)
        self._store = FirmwareStore(self._folder, (*others, again), self._store.problems)
        return again
