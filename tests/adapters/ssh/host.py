"""A real SSH server with a real shell behind it, and a profile for it: what is run here was run.

Its one program, ``cfg``, keeps each value in a file of a folder of the test.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh

from migrate.adapters.channels.ssh import Jump, SshDoors, SshSettings
from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.domain.errors import NotAllowed
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint
from migrate.domain.station import Station
from migrate.domain.ways import Exit, Script
from migrate.ports import Door

PASSWORD = "C4nary-Passw0rd"
HOST = "127.0.0.1"
EXITS = {3: Exit.BUSY, 4: Exit.REFUSED, 5: Exit.UNKNOWN_KEY}

CFG = """#!/bin/sh
# cfg get KEY | cfg set KEY VALUE | cfg fail CODE TEXT | cfg flood | cfg reboot
case "$1" in
get) [ -f "$STORE/$2" ] || exit 5; cat "$STORE/$2" ;;
set) shift; [ "$1" = -- ] && shift; echo "$1" >> "$STORE/.log"; printf '%s' "$2" > "$STORE/$1" ;;
fail) echo "$3" >&2; exit "$2" ;;
flood) head -c 300000 /dev/zero | tr '\\\\0' x; echo y >&2 ;;
reboot) kill -9 "$PPID" ;;
mute) sleep 60 ;;
esac
"""


@dataclass
class Vault:
    secrets: Mapping[str, bytes] = field(default_factory=lambda: {"box": PASSWORD.encode()})

    def secret(self, name: str) -> bytes:
        if name not in self.secrets:
            raise NotAllowed(f"The secret {name} is nowhere.", hint="Write it.")
        return self.secrets[name]


class Host(asyncssh.SSHServer):
    """Who may come in, and how often somebody tried."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._box.connections.append(conn)
        self._box.now_open += 1
        self._box.most_open = max(self._box.most_open, self._box.now_open)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._box.now_open -= 1

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return not self._box.prompts and not self._box.welcome_key

    async def validate_password(self, username: str, password: str) -> bool:
        self._box.tries.append(username)
        await self._box.lets_in.wait()
        return password == PASSWORD

    def public_key_auth_supported(self) -> bool:
        return bool(self._box.welcome_key)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._box.tries.append(username)
        return key.export_public_key() == self._box.welcome_key

    def kbdint_auth_supported(self) -> bool:
        return bool(self._box.prompts)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        del username, lang, submethods
        return "", "", "", [(prompt, False) for prompt in self._box.prompts]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self._box.tries.append(username)
        self._box.responses.extend(responses)
        return list(responses) == [PASSWORD]

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        del orig_host, orig_port
        self._box.forwarded.append((dest_host, dest_port))
        return True


@dataclass
class Box:
    """A server on loopback with a folder of its own."""

    folder: Path
    prompts: tuple[str, ...] = ()
    welcome_key: bytes = b""
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    options: Mapping[str, Any] = field(default_factory=dict)
    port: int = 0
    tries: list[str] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    forwarded: list[tuple[str, int]] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    shells: list[asyncio.subprocess.Process] = field(default_factory=list)
    lets_in: asyncio.Event = field(default_factory=asyncio.Event)  # cleared: nobody's login is answered
    now_open: int = 0
    most_open: int = 0

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def host_key(self) -> HostKey:
        kind, base64 = self.key.export_public_key().decode().split()[:2]
        return HostKey(kind, base64, self.key.get_fingerprint())

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        shell = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command),
            cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "STORE": str(self.store)},
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.shells.append(shell)
        out, err = await shell.communicate()
        with suppress(OSError, asyncssh.Error):
            if shell.returncode == -9:  # the shell was killed: the station is on its way down
                process.channel.get_connection().abort()
                return
            process.stdout.write(out)
            process.stderr.write(err)
            process.exit(shell.returncode or 0)


@asynccontextmanager
async def a_box(folder: Path, *, also: Sequence[str] = (), **facts: Any) -> AsyncIterator[Box]:
    """A box that listens, and has ``cfg`` on its path."""
    box = Box(folder=folder, **facts)
    box.lets_in.set()
    box.store.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "cfg").write_text(CFG)
    (folder / "bin" / "cfg").chmod(0o755)
    acceptors = []
    for address in (HOST, *also):
        acceptor = await asyncssh.listen(
            address,
            box.port,
            server_factory=lambda: Host(box),
            server_host_keys=[box.key],
            process_factory=box.serve,
            encoding=None,
            **{"sftp_factory": True, **box.options},
        )
        acceptors.append(acceptor)
        box.port = acceptor.get_port()
    try:
        yield box
    finally:
        for acceptor in acceptors:
            acceptor.close()
        for connection in box.connections:
            connection.abort()
        for shell in box.shells:
            if shell.returncode is None:
                os.killpg(shell.pid, signal.SIGKILL)
                await shell.wait()


def a_script(**facts: Any) -> Script:
    honest: dict[str, Any] = {
        "read": ("cfg", "get", "${key}"),
        "write": ("cfg", "set", "--", "${key}", "${value}"),
        "restart": ("cfg", "reboot"),
        "user": "box",
        "secret": "box",
        "exits": EXITS,
        "timeout": timedelta(seconds=20),
    }
    return Script(**{**honest, **facts})


def a_profile(script: Script | None) -> Profile:
    return Profile(
        name="box",
        title="A box",
        selector=Selector(vendors=("*",)),
        method=Method.SCRIPT,
        rollback=Rollback.REMOTE,
        turning_point=TurningPoint.RESTART,
        proof=Proof.BENCH,
        script=script,
    )


@dataclass
class Way:
    """The doors of a campaign whose folder a test looks into."""

    folder: Path
    vault: Vault = field(default_factory=Vault)
    jump: Jump | None = None
    port: int = 22
    threads: int = 4
    _doors: list[SshDoors] = field(default_factory=list)

    @property
    def known(self) -> KnownHosts:
        return KnownHosts(self.folder / "known_hosts")

    def trust(self, box: Box, *addresses: str) -> None:
        for address in addresses or (HOST,):
            self.known.add(place_of(address, box.port), box.host_key)

    def doors(self) -> SshDoors:
        settings = SshSettings(
            known_hosts=self.folder / "known_hosts",
            scripts=(self.folder / "profiles",),
            port=self.port,
            threads=self.threads,
            jump=self.jump,
        )
        self._doors.append(SshDoors(settings, self.vault))
        return self._doors[-1]

    def to(self, station: Station, script: Script | None = None, doors: SshDoors | None = None) -> Door:
        return (doors or self.doors()).to(station, a_profile(script or a_script()), Side.SOURCE)

    async def close(self) -> None:
        for doors in self._doors:
            await doors.close()


def a_station(**facts: Any) -> Station:
    return Station(**{"identity": "AC1", "serial": "S-1", "ip_address": HOST, **facts})


@contextmanager
def a_box_beside(folder: Path, **facts: Any) -> Iterator[Box]:
    """A box in a thread and a loop of its own, for those who wait for a command of the program."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = a_box(folder, **facts)
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(30)
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
