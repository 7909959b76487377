"""A station's SSH server as a bench has it: what is run and what is copied is handed on, and answered as one is told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from asyncssh.constants import FXF_CREAT
from asyncssh.sftp import SFTPAttrs, SFTPNoSuchFile, SFTPServer

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.domain.evidence import Side
from tests.profiles.bench import PASSWORD
from tests.profiles.transcripts import SSH, Line

Answer = Callable[[dict[str, Any], bytes], Awaitable[dict[str, Any]]]
"""What was said (a command, or a file with its digest), the content of the file, and what is answered."""


@dataclass(slots=True)
class Held:
    """One file."""

    content: bytearray = field(default_factory=bytearray)


class Files(SFTPServer):
    """Files that lie there for as long as the bench does; a whole one is told of when it gets its own name."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], held: dict[bytes, Held], answer: Answer) -> None:
        super().__init__(channel)
        self._held, self._answer = held, answer

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        if path not in self._held and not pflags & FXF_CREAT:
            raise SFTPNoSuchFile(path.decode())
        return self._held.setdefault(path, Held())

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        assert isinstance(file_obj, Held)
        return bytes(file_obj.content[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        assert isinstance(file_obj, Held)
        file_obj.content[offset : offset + len(data)] = data
        return len(data)

    def close(self, file_obj: object) -> None:
        """Nothing is kept open."""

    def stat(self, path: bytes) -> SFTPAttrs:
        if path not in self._held:
            raise SFTPNoSuchFile(path.decode())
        return SFTPAttrs(type=1, size=len(self._held[path].content), permissions=0o100700)

    def fstat(self, file_obj: object) -> SFTPAttrs:
        assert isinstance(file_obj, Held)
        return SFTPAttrs(type=1, size=len(file_obj.content), permissions=0o100700)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """A mode is taken and changes nothing."""

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        content = bytes(self._held.pop(oldpath).content)
        await self._answer({"file": newpath.decode(), "sha256": hashlib.sha256(content).hexdigest()}, content)
        self._held[newpath] = Held(bytearray(content))

    def remove(self, path: bytes) -> None:
        self._held.pop(path, None)


@asynccontextmanager
async def ssh_end(address: str, port: int, known_hosts: KnownHosts, answer: Answer) -> AsyncIterator[None]:
    """Listen, known by its key, until the bench is cleared."""
    held: dict[bytes, Held] = {}
    callers: list[asyncssh.SSHServerConnection] = []
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        heard = await answer({"command": process.command or ""}, b"")
        process.stdout.write(heard["out"])
        process.exit(heard["exit"])

    server = await asyncssh.listen(
        address,
        port,
        server_factory=lambda: _Anybody(callers),
        server_host_keys=[key],
        process_factory=run,
        sftp_factory=lambda channel: Files(channel, held, answer),
        allow_scp=False,
    )
    kind, base64 = key.export_public_key().decode().split()[:2]
    known_hosts.add(place_of(address, port), HostKey(kind, base64, ""))
    try:
        yield
    finally:
        server.close()
        for caller in callers:
            caller.abort()
        await asyncio.gather(server.wait_closed(), *(caller.wait_closed() for caller in callers))


class _Anybody(asyncssh.SSHServer):
    """Lets in whoever knows the password."""

    def __init__(self, callers: list[asyncssh.SSHServerConnection]) -> None:
        self._callers = callers

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._callers.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD


def passing_on(lines: list[Line], address: str, port: int, user: str) -> Answer:
    """An answer that asks the station beyond, and keeps what was said and heard."""

    async def answer(said: dict[str, Any], content: bytes) -> dict[str, Any]:
        async with asyncssh.connect(address, port, username=user, password=PASSWORD, known_hosts=None) as beyond:
            if "file" in said:
                async with beyond.start_sftp_client() as sftp:
                    async with sftp.open(said["file"], "wb") as file:
                        await file.write(content)
                    await sftp.chmod(said["file"], 0o700)
                heard: dict[str, Any] = {}
            else:
                done = await beyond.run(said["command"])
                heard = {"exit": done.exit_status or 0, "out": str(done.stdout or "")}
        lines.append(Line(on=Side.SOURCE, by=SSH, said=said, heard=heard))
        return heard

    return answer
