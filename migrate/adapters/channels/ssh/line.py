"""One connection to one station over SSH: opened with a known host key and one credential, or not at all.

Blocking, for one thread at a time.  No agent, no key of this machine's user,
no second credential after a first that was refused: makers lock accounts.
Every wait has its limit.  It knows nothing of keys, values and profiles.
"""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from paramiko import (
    AuthenticationException,
    BadAuthenticationType,
    Channel,
    ChannelException,
    ECDSAKey,
    Ed25519Key,
    PasswordRequiredException,
    PKey,
    RSAKey,
    SFTPClient,
    SSHException,
    Transport,
)
from paramiko.ssh_exception import IncompatiblePeer

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.adapters.channels.ssh.login import Login
from migrate.adapters.channels.ssh.offered import offer_of

TCP_S, BANNER_S, HANDSHAKE_S, AUTH_S, CHANNEL_S = 10.0, 10.0, 15.0, 15.0, 10.0
"""Real seconds for each step of coming in."""

MOST_OUTPUT = 64 * 1024
KEY_EXCHANGES = ("curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
"""What is asked for first: the cheapest for both ends; everything else the library has comes after."""

BROKEN = (SSHException, EOFError, OSError)
"""How a connection breaks; ``TimeoutError`` is an ``OSError``."""


class Locked(Exception):
    """The station does not let us in: another credential is needed, and trying again may lock the account."""


class TooOld(Exception):
    """The station speaks only what the library refuses; the text says what."""


class NotKnown(Exception):
    """Nobody has trusted a key of this host yet: the station, or the jump host before it."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class _AsksInstead(Exception):
    """It takes the password as the answer to a question only."""


class Changed(Exception):
    """The host, or the jump host before it, shows another key than the one that was trusted."""

    def __init__(self, place: str, fingerprint: str) -> None:
        super().__init__(place, fingerprint)
        self.place, self.fingerprint = place, fingerprint


class Silent(Exception):
    """It could not be reached, or did not finish coming in, in time; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind: ``code`` is ``None`` where the connection ended before one was said."""

    code: int | None
    out: bytes
    err: bytes


class Line:
    """An authenticated connection."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._sftp: SFTPClient | None = None
        self.script = ""  # where the script lies that was delivered over this connection

    @property
    def is_up(self) -> bool:
        return self._transport.is_active()

    def close(self) -> None:
        self._transport.close()

    def run(self, command: str, *, silence_s: float, before_sending: Callable[[], None]) -> Ran:
        """One command in a channel of its own; what is over the cap is read and dropped.

        Raises ``Silent`` where no channel opened (nothing was sent), one of
        ``BROKEN`` where the connection broke afterwards.
        """
        channel = self.channel()
        try:
            before_sending()
            channel.settimeout(silence_s)
            channel.exec_command(command)
            channel.shutdown_write()
            out, err = _drained(channel.recv), _drained(channel.recv_stderr)
            if not channel.status_event.wait(silence_s):
                raise TimeoutError("said nothing more, and no exit code")
            code = channel.recv_exit_status()
            return Ran(code=code if code >= 0 else None, out=out, err=err)
        finally:
            channel.close()

    def channel(self) -> Channel:
        try:
            return self._transport.open_session(timeout=CHANNEL_S)
        except BROKEN as error:
            raise Silent(f"opened no channel ({_word(error)})") from error

    def answers(self) -> bool:
        """Whether anybody is at the other end; a refusal is an answer too."""
        try:
            self._transport.open_session(timeout=CHANNEL_S).close()
        except BROKEN as error:
            return isinstance(error, ChannelException)
        return True

    def sftp(self, silence_s: float) -> SFTPClient:
        """The file transfer of this connection, opened once."""
        if self._sftp is None:
            self._sftp = SFTPClient.from_transport(self._transport)
            if self._sftp is None:
                raise Silent("opened no channel for a file")
            channel = self._sftp.get_channel()
            if channel is not None:
                channel.settimeout(silence_s)
        return self._sftp

    def tunnel(self, host: str, port: int) -> Channel:
        """A stretch of wire through this host to another one."""
        try:
            return self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=CHANNEL_S)
        except BROKEN as error:
            raise Silent(f"its jump host opened no way to it ({_word(error)})") from error


def open_line(login: Login, known: KnownHosts, through: Line | None = None) -> Line:
    """Come in, step by step.  Raises ``NotKnown``, ``Changed``, ``Locked``, ``TooOld`` or ``Silent``."""
    place = place_of(login.host, login.port)
    trusted = known.keys_of(place)
    if not trusted:
        raise NotKnown(place)
    try:
        return _come_in(login, trusted, through, by_question=False)
    except _AsksInstead:  # a new connection: not every server takes a second request for its login on the first one
        return _come_in(login, trusted, through, by_question=True)


def _come_in(login: Login, trusted: Mapping[str, HostKey], through: Line | None, *, by_question: bool) -> Line:
    transport = shake_hands(login.host, login.port, kinds=tuple(trusted), through=through)
    try:
        _compare(place_of(login.host, login.port), HostKey.of(transport.get_remote_server_key()), trusted)
        _authenticate(transport, login, by_question=by_question)
    except BaseException:  # whatever it was: no half open line stays behind, and it is raised on
        transport.close()
        raise
    return Line(transport)


def _compare(place: str, key: HostKey, trusted: Mapping[str, HostKey]) -> None:
    """A key of another kind is another key: a host that still had the trusted one would have shown it."""
    if trusted.get(key.kind) != key:
        raise Changed(place, key.fingerprint)


def shake_hands(host: str, port: int, *, kinds: Sequence[str] = (), through: Line | None = None) -> Transport:
    """A connection before anybody has logged in; raises ``Silent`` or ``TooOld``.  With ``kinds``, a key of those is shown."""
    transport = Transport(through.tunnel(host, port) if through else _wire(host, port))
    try:
        transport.banner_timeout, transport.auth_timeout = BANNER_S, AUTH_S
        transport.channel_timeout = CHANNEL_S
        _prefer(transport, kinds)
        transport.start_client(timeout=HANDSHAKE_S)
        transport.get_remote_server_key()  # start_client returns without a word where its time was up
    except IncompatiblePeer as error:
        transport.close()
        raise TooOld(_spoken(host, port, error, is_direct=through is None)) from error
    except BROKEN as error:
        transport.close()
        raise Silent(f"did not finish its SSH handshake ({_word(error)})") from error
    return transport


def _wire(host: str, port: int) -> socket.socket:
    try:
        wire = socket.create_connection((host, port), timeout=TCP_S)
    except OSError as error:
        raise Silent(f"took no connection on port {port} ({_word(error)})") from error
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _prefer(transport: Transport, kinds: Sequence[str]) -> None:
    """Cheap key exchanges first, and the kind of host key that is known: a host with several must show that one."""
    options = transport.get_security_options()
    first = [kex for kex in KEY_EXCHANGES if kex in options.kex]
    options.kex = tuple(dict.fromkeys((*first, *options.kex)))
    if kinds:
        wanted = [
            name for name in options.key_types if name in kinds or (name.startswith("rsa-") and "ssh-rsa" in kinds)
        ]
        rest = [name for name in options.key_types if name not in wanted]
        options.key_types = (*wanted, *rest)


def _spoken(host: str, port: int, error: IncompatiblePeer, *, is_direct: bool) -> str:
    if is_direct:
        with suppress(OSError, ValueError):
            return str(offer_of(host, port, within_s=TCP_S))
    return _word(error)


# ── logging in ─────────────────────────────────────────────────────────────


def _authenticate(transport: Transport, login: Login, *, by_question: bool) -> None:
    try:
        if left := _offer(transport, login, by_question=by_question):
            raise Locked(f"wants more than one credential ({shown(', '.join(left))})")
    except BadAuthenticationType as error:
        if not login.key and not by_question and "keyboard-interactive" in error.allowed_types:
            raise _AsksInstead from error
        raise Locked(f"takes {shown(', '.join(error.allowed_types)) or 'nothing'} to log in") from error
    except AuthenticationException as error:
        if not transport.is_active() or "timeout" in str(error).lower():
            raise Silent("did not finish the login") from error
        raise Locked("refused the credential") from error
    except BROKEN as error:
        raise Silent(f"broke off during the login ({_word(error)})") from error


def _offer(transport: Transport, login: Login, *, by_question: bool) -> Sequence[str]:
    """The one credential there is; what else would be wanted after it."""
    if login.key:
        return transport.auth_publickey(login.user, _private_key(login))
    if by_question:
        return transport.auth_interactive(login.user, lambda _title, _words, asked: _answers(asked, login.password))
    return transport.auth_password(login.user, login.password, fallback=False)


def _answers(fields: Sequence[tuple[str, bool]], password: str) -> list[str]:
    """The password to one hidden question for it; nothing is said to any other question."""
    if not fields:
        return []
    if len(fields) > 1 or fields[0][1] or not re.search(r"pass(word|code|phrase)", fields[0][0], re.IGNORECASE):
        asked = shown(" ".join(str(text) for text, _ in fields))
        raise Locked(f"asks something else than a password ({asked!r})")
    return [password]


def _private_key(login: Login) -> PKey:
    kinds: tuple[type[Ed25519Key | ECDSAKey | RSAKey], ...] = (Ed25519Key, ECDSAKey, RSAKey)
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(login.key + "\n"), password=login.password or None)
        except PasswordRequiredException as error:
            raise Locked("needs a passphrase for its private key, and the profile names none") from error
        except (SSHException, ValueError):
            continue  # of another kind, or not opened by this passphrase: the last word is below
    raise Locked("has a private key in the vault that cannot be read with the passphrase there is")


# ── reading ────────────────────────────────────────────────────────────────


def _drained(read: Callable[[int], bytes]) -> bytes:
    kept = bytearray()
    while more := read(32 * 1024):
        kept += more[: MOST_OUTPUT - len(kept)]
    return bytes(kept)


def _word(error: BaseException) -> str:
    """What broke, in a few words that can be printed; never what was sent."""
    return shown(str(error)) or type(error).__name__


def shown(text: str) -> str:
    """What a station said while it let nobody in, cut short and without what cannot be printed."""
    return "".join(c for c in text if c.isprintable())[:120]
