"""File transfer to a simulated station: SFTP over its flat files."""

from __future__ import annotations

import asyncssh
from asyncssh.constants import FXF_CREAT, FXF_EXCL, FXF_TRUNC
from asyncssh.sftp import SFTPAttrs, SFTPFailure, SFTPNoSuchFile, SFTPServer

from migrate.simulator.station_files import StationFiles

_REGULAR = 1


class Handle:
    """One open file; what is written lands when it is closed."""

    def __init__(self, path: str, content: bytes, *, is_new: bool) -> None:
        self.path = path
        self.content = bytearray(content)
        self.is_changed = is_new


class StationSftp(SFTPServer):
    """One file transfer session."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], files: StationFiles) -> None:
        super().__init__(channel)
        self._files = files

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        del attrs
        name = path.decode("utf-8", "replace")
        is_there = self._files.has(name)
        if is_there and pflags & FXF_EXCL:
            raise SFTPFailure("it is there already")
        if not is_there and not pflags & FXF_CREAT:
            raise SFTPNoSuchFile(name)
        is_new = not is_there or bool(pflags & FXF_TRUNC)
        return Handle(name, b"" if is_new else self._files.read(name), is_new=is_new)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        assert isinstance(file_obj, Handle)
        return bytes(file_obj.content[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        assert isinstance(file_obj, Handle)
        file_obj.is_changed = True
        file_obj.content[offset : offset + len(data)] = data
        return len(data)

    def close(self, file_obj: object) -> None:
        assert isinstance(file_obj, Handle)
        if file_obj.is_changed:
            self._files.write(file_obj.path, bytes(file_obj.content))

    def stat(self, path: bytes) -> SFTPAttrs:
        name = path.decode("utf-8", "replace")
        if not self._files.has(name):
            raise SFTPNoSuchFile(name)
        return SFTPAttrs(type=_REGULAR, size=self._files.size_of(name), permissions=0o100700)

    def lstat(self, path: bytes) -> SFTPAttrs:
        return self.stat(path)

    def fstat(self, file_obj: object) -> SFTPAttrs:
        assert isinstance(file_obj, Handle)
        return SFTPAttrs(type=_REGULAR, size=len(file_obj.content), permissions=0o100700)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        if (attrs.permissions or 0) & 0o100:
            self._files.make_executable(path.decode("utf-8", "replace"))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._files.move(oldpath.decode("utf-8", "replace"), newpath.decode("utf-8", "replace"))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.rename(oldpath, newpath)

    def remove(self, path: bytes) -> None:
        self._files.remove(path.decode("utf-8", "replace"))
