"""Firmware over FTP, for stations that load their files by nothing else: anonymous, passive, read only.

There is no tree behind it: a path is a sealed link, read as over HTTP, or it
leads nowhere.  Nothing can be listed, stored, renamed or deleted, because the
server does not know these commands.  REST resumes a broken transfer, SIZE
tells how much there is.
"""

from __future__ import annotations

import asyncio
import io
import logging
import socket
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import Any, cast

import aioftp

from migrate.adapters.files.desk import Changed, Desk, NoPlace, Transfer
from migrate.adapters.files.web import DEAD_AFTER_S, SEND_BUFFER

logging.getLogger("aioftp").disabled = True  # it tells whole paths, and every broken line with its stack
for _name in ("server", "client", "common"):
    logging.getLogger(f"aioftp.{_name}").disabled = True

KNOWN = frozenset(
    {
        "user",
        "pass",
        "syst",
        "type",
        "pwd",
        "cwd",
        "cdup",
        "pasv",
        "epsv",
        "rest",
        "retr",
        "size",
        "noop",
        "abor",
        "quit",
    }
)
DATA_WITHIN_S = 60.0
"""From RETR to the data connection: over GPRS it takes its time."""

SILENT_AFTER_S = 6 * 3600.0
"""Nothing is said on the control connection while a file is loading."""

IDLE_AFTER_S = 300.0
"""Who loads nothing and says nothing for so long has gone: it held one of few ports for data."""

MOST_CONNECTIONS = 1000
_OVERHEAD_BYTES = 64


class LinkedFiles(aioftp.AbstractPathIO[Path]):
    """What the server takes for a file system: sealed links and nothing beside them."""

    def __init__(self, desk: Desk, **more: Any) -> None:
        super().__init__(**more)
        self._desk = desk

    async def exists(self, path: Path) -> bool:
        return await self.is_dir(path) or await self.is_file(path)

    async def is_dir(self, path: Path) -> bool:
        """Some clients go step by step: any three steps may lead to a file, and none says so."""
        return len(path.parts) <= 4

    async def is_file(self, path: Path) -> bool:
        return len(path.parts) == 5 and self._desk.link_of(path.parts[1:]) is not None

    async def size(self, path: Path) -> int | None:
        transfer = await self._transfer(path)
        if transfer is None:
            return None
        self._desk.close(transfer)
        return transfer.file.size

    async def _open(self, path: Path, mode: str = "rb", *_: Any, **__: Any) -> io.BytesIO:
        if mode != "rb" or (transfer := await self._transfer(path)) is None:
            raise aioftp.PathIOError(reason=None)
        transfer.begin()
        try:
            await transfer.overhead(_OVERHEAD_BYTES)
        except BaseException:  # a station that hangs up in its line: nobody else would close it
            self._desk.close(transfer)
            raise
        return cast("io.BytesIO", transfer)  # aioftp hands it back to the methods below and looks at it no closer

    async def _transfer(self, path: Path) -> Transfer | None:
        link = self._desk.link_of(path.parts[1:])
        try:
            return await self._desk.open(link) if link else None
        except NoPlace:
            return None

    async def seek(self, file: io.BytesIO, offset: int, _whence: int = io.SEEK_SET) -> int:
        cast("Transfer", file).seek(offset)
        return offset

    async def read(self, file: io.BytesIO, block_size: int) -> bytes:
        try:
            return await cast("Transfer", file).read(block_size)
        except Changed as error:
            raise aioftp.PathIOError(reason=None) from error

    async def close(self, file: io.BytesIO) -> None:
        self._desk.close(cast("Transfer", file))

    async def mkdir(self, path: Path, *, parents: bool = False, exist_ok: bool = False) -> None:
        raise aioftp.PathIOError(reason=None)

    async def rmdir(self, path: Path) -> None:
        raise aioftp.PathIOError(reason=None)

    async def unlink(self, path: Path) -> None:
        raise aioftp.PathIOError(reason=None)

    def list(self, path: Path) -> Any:
        raise aioftp.PathIOError(reason=None)

    async def stat(self, path: Path) -> Any:
        raise aioftp.PathIOError(reason=None)

    async def write(self, file: io.BytesIO, data: bytes) -> int:
        raise aioftp.PathIOError(reason=None)

    async def rename(self, source: Path, destination: Path) -> Path:
        raise aioftp.PathIOError(reason=None)


class FtpFiles(aioftp.Server):
    """One listening address.  ``seen_as`` is the IPv4 address that stations reach it by, behind NAT another than its own."""

    def __init__(
        self,
        desk: Desk,
        listen: tuple[str, int],
        now: Callable[[], float],
        *,
        seen_as: str = "",
        data_ports: Iterable[int] | None = None,
    ) -> None:
        user = aioftp.User(base_path=Path("/"), permissions=[aioftp.Permission("/", readable=True, writable=False)])
        super().__init__(
            [user],
            socket_timeout=DEAD_AFTER_S,
            idle_timeout=SILENT_AFTER_S,
            wait_future_timeout=DATA_WITHIN_S,
            path_io_factory=cast("Any", partial(LinkedFiles, desk)),
            maximum_connections=MOST_CONNECTIONS,
            ipv4_pasv_forced_response_address=_v4(seen_as),
            data_ports=data_ports,
            welcome_message="ready",
        )
        self._listen, self._now = listen, now
        self._heard: dict[aioftp.StreamIO, float] = {}  # when each last said or loaded something
        self.commands_mapping |= {"size": self.size, "noop": self.noop}
        self.commands_mapping = {name: does for name, does in self.commands_mapping.items() if name in KNOWN}

    @property
    def port(self) -> int:
        return self.server_port

    async def open(self) -> None:
        """Listen.  Raises ``OSError`` when the address cannot be had."""
        await super().start(*self._listen)

    async def stop(self) -> None:
        await super().close()

    def look(self) -> None:
        """Cut who has gone without a word: a line that broke says nothing of it.  To be called now and then."""
        now = self._now()
        heard = {
            stream: now if connection.extra_workers else self._heard.get(stream, now)
            for stream, connection in self.connections.items()
        }
        for stream, at in heard.items():
            if at <= now - IDLE_AFTER_S:
                stream.close()
        self._heard = heard

    async def parse_command(self, stream: aioftp.StreamIO, censor_commands: tuple[str] = ("pass",)) -> tuple[str, str]:
        said = await super().parse_command(stream, censor_commands)
        self._heard[stream] = self._now()
        return said

    async def _start_passive_server(self, connection: Any, handler_callback: Any) -> asyncio.Server:
        server = await super()._start_passive_server(connection, handler_callback)
        for sock in server.sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # inherited by what it accepts
        return server

    async def size(self, connection: Any, rest: str | PurePosixPath) -> bool:
        """RFC 3659: how many bytes RETR would send."""
        if not connection.future.user.done():
            connection.response("530", "log in first")
            return True
        real_path, _ = self.get_paths(connection, rest)
        size = await connection.path_io.size(real_path)
        connection.response(*(("550", "no such file") if size is None else ("213", str(size))))
        return True

    async def noop(self, connection: Any, _rest: str | PurePosixPath) -> bool:
        connection.response("200", "")
        return True


def _v4(host: str) -> str | None:
    try:
        return str(IPv4Address(host))
    except ValueError:
        return None
