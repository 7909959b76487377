"""A station's own SSH server: a shell and file transfer on its flash, and every manner in which such a server fails.

Each station listens on its own loopback address.  What it keeps under
``/home/charge/persistency`` is its configuration: one file for each key, the
value in the first line, a version number in the second, as Bender's charge
controllers have it (bender.de, EOL documentation).  Everything that is run,
read and written goes into the wire log.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.public_key import SSHKey

from migrate.simulator.habits import Shelling
from migrate.simulator.shell import Said, Shell
from migrate.simulator.station_files import StationFiles
from migrate.simulator.station_sftp import StationSftp
from migrate.simulator.wirelog import Kind

if TYPE_CHECKING:
    from migrate.simulator.station import SimulatedStation

OLD = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-cbc", "3des-cbc"],
    "mac_algs": ["hmac-sha1"],
    "signature_algs": ["ssh-rsa"],
}
"""What controllers of 2012 speak, and what no library of today takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshConfig:
    """How stations let somebody in.  ``port`` 0 serves nobody; the password is known by its SHA-256 only."""

    port: int = 0
    password_sha256: str = ""
    keys: tuple[str, ...] = ()  # public keys, a line each


class SshHost:
    """One station's SSH server, from `open` until `close`."""

    def __init__(self, station: SimulatedStation, config: SshConfig) -> None:
        self.station = station
        station.went_down = self.hang_up
        self._config = config
        self._keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]
        self.files = StationFiles(station)
        self._server: asyncio.Server | asyncssh.SSHAcceptor | None = None
        self._open: set[asyncssh.SSHServerConnection] = set()

    @property
    def manner(self) -> Shelling:
        return self.station.ways.shelling

    async def open(self) -> None:
        """Listen at the station's own address."""
        address = (self.station.spec.ip_address, self._config.port)
        if self.manner is Shelling.SILENT:
            self._server = await asyncio.start_server(_say_nothing, *address)
            return
        is_old = self.manner is Shelling.TOO_OLD
        key = asyncssh.generate_private_key("ssh-rsa", key_size=2048) if is_old else self._key()
        self._server = await asyncssh.listen(
            *address,
            server_factory=lambda: _Door(self),
            server_host_keys=[key],
            process_factory=self._serve,
            sftp_factory=lambda channel: StationSftp(channel, self.files),
            encoding=None,
            allow_scp=False,
            login_timeout=30,
            **(OLD if is_old else {}),
        )

    @property
    def public_key(self) -> str:
        """Its host key as a line: the algorithm and the key in base64."""
        return _bare(self._key().export_public_key().decode())

    def _key(self) -> SSHKey:
        return self._keys[self.manner is Shelling.ANOTHER_KEY]

    async def close(self) -> None:
        self.hang_up()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def turn(self) -> None:
        """Its manner has changed."""
        await self.close()
        await self.open()

    def hang_up(self) -> None:
        """Every connection breaks without a word, as in a restart."""
        for connection in list(self._open):
            connection.abort()

    def came_in(self, connection: asyncssh.SSHServerConnection) -> None:
        if self.station.is_down:
            connection.abort()
        self._open.add(connection)

    def left(self, connection: asyncssh.SSHServerConnection) -> None:
        self._open.discard(connection)

    def lets_in(self, user: str, password: str) -> bool:
        digest = hashlib.sha256(password.encode()).hexdigest()
        is_right = user == self.station.ways.ssh_user and hmac.compare_digest(digest, self._config.password_sha256)
        is_in = is_right and self.manner is not Shelling.REFUSES_LOGIN
        self.station.log(Kind.LOGIN, key=user, status="in" if is_in else "refused")
        return is_in

    @property
    def welcome_keys(self) -> frozenset[str]:
        """The public keys that may come in, each without its remark."""
        return frozenset(_bare(line) for line in self._config.keys)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = process.command or ""
        self.station.log(Kind.COMMAND, action="SSH", value=self._shown(line))
        self.files.begin()
        said = self._said(line)
        self.files.end()
        self.station.log(Kind.ANSWER, action="SSH", status=f"exit {said.code}")
        if self.manner is Shelling.HANGS_AFTER and self.files.has_written:
            await process.channel.wait_closed()
            return
        with suppress(OSError, asyncssh.Error):
            process.stdout.write(said.out.encode())
            process.stderr.write(said.err.encode())
            await process.stdout.drain()
            process.exit(said.code)

    def _said(self, line: str) -> Said:
        return Shell(self.files, {"reboot": self._reboot}).run(line)

    def _reboot(self, _words: list[str]) -> Said:
        self.station.log(Kind.COMMAND, action="Reset", key="ssh")
        if self.station.session is not None:
            self.station.session.aside(self.station.session.restart_soon("Hard"))
        return Said()

    def _shown(self, line: str) -> str:
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)[:500]


def serves(station: SimulatedStation, config: SshConfig) -> bool:
    """Whether this station has an SSH server, and a place for it."""
    return bool(config.port and station.spec.ip_address and station.ways.ssh_user)


class _Door(asyncssh.SSHServer):
    """Who is let in."""

    def __init__(self, host: SshHost) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.came_in(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # how it ended is its own matter
        if self._connection is not None:
            self._host.left(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self._host.lets_in(username, password)

    def public_key_auth_supported(self) -> bool:
        return bool(self._host.welcome_keys)

    def validate_public_key(self, username: str, key: SSHKey) -> bool:
        is_known = _bare(key.export_public_key().decode()) in self._host.welcome_keys
        return username == self._host.station.ways.ssh_user and is_known


def _bare(line: str) -> str:
    return " ".join(line.split()[:2])


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection, and never says its banner."""
    try:
        while await reader.read(1024):
            pass
    finally:
        writer.close()
