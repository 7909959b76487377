"""The way to a station over SSH: its profile's commands, filled in for one key, run one by one.

Implements ``migrate.ports.Doors`` and ``Door``.  A command's exit code means
what the profile says it means; its output is the value of one key and is never
journaled otherwise.  What is secret, and every value that was sent, is taken
out of what a station says before anybody reads it in an error.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from migrate.adapters.channels.ssh.arguments import command_of, uses_script
from migrate.adapters.channels.ssh.delivery import MOST_BYTES, Delivery, NotWhole, deliver
from migrate.adapters.channels.ssh.known_hosts import KnownHosts, place_of
from migrate.adapters.channels.ssh.line import BROKEN, Changed, Line, Locked, NotKnown, Ran, Silent, TooOld
from migrate.adapters.channels.ssh.lines import GivenUp, Lines, Turn
from migrate.adapters.channels.ssh.login import Login, SshSettings, login_of
from migrate.domain.errors import Impostor, Mismatch, NotAllowed, Refused, SettingsProblem, StationError, Unreachable
from migrate.domain.evidence import Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.secrecy import redact, unsaid
from migrate.domain.station import Station
from migrate.domain.ways import Exit, Script
from migrate.ports import Vault

T = TypeVar("T")

SEND_WITHIN_S = 2.0
"""An effect that is not on the wire this soon after it was journaled is not sent at all (real seconds)."""

LONGEST_VALUE = 4096
_TAIL = 300


class SshDoors:
    """The SSH of a campaign's stations."""

    def __init__(self, settings: SshSettings, vault: Vault) -> None:
        self._settings, self._vault = settings, vault
        self._lines = Lines(settings.threads, KnownHosts(settings.known_hosts))
        self._scripts: dict[
            str, Delivery
        ] = {}  # as they were when first needed: what is edited in the night is not sent

    def to(self, station: Station, profile: Profile, side: Side) -> SshDoor:
        script = profile.script
        if script is None:
            raise Mismatch(
                f"{station.identity} is to be reached over SSH, and profile {profile.name} says not how.",
                identity=station.identity,
                hint=f"`migrate profiles show {profile.name}`.",
            )
        return SshDoor(
            lines=self._lines,
            login=login_of(station, script, self._settings, self._vault),
            script=script,
            names=_names(station, side),
            delivery=self._delivery(script, station.identity),
        )

    def _delivery(self, script: Script, identity: str) -> Delivery | None:
        if not uses_script(script.read, script.write, script.restart):
            return None
        if script.file not in self._scripts:
            self._scripts[script.file] = _read_script(script.file, self._settings.scripts, identity)
        return self._scripts[script.file]

    async def close(self) -> None:
        await self._lines.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SshDoor:
    """One station's shell, as far as its profile opens it."""

    lines: Lines
    login: Login
    script: Script
    names: Mapping[str, str]
    delivery: Delivery | None

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """One ``read`` command for each key; what it prints is the value."""
        del max_keys  # every key is a command of its own
        commands = {key: self._command(self.script.read, identity, key=key) for key in dict.fromkeys(keys)}

        def ask(line: Line, turn: Turn) -> dict[str, str]:
            held: dict[str, str] = {}
            for key, command in commands.items():
                ran = self._run(line, command, turn)
                if self._meaning(ran, identity, f"the look at {key}", ()) is not Exit.UNKNOWN_KEY:
                    held[key] = _value(ran.out, identity, key)
            return held

        return await self._at(identity, ask, Turn(), steps=len(commands))

    async def write(self, identity: str, key: str, value: str) -> str:
        """The ``write`` command for one key: ``Accepted``, and whether that is so the next look says."""
        command = self._command(self.script.write, identity, key=key, value=value)

        def tell(line: Line, turn: Turn) -> None:
            what = f"the write of {key}"
            if self._meaning(self._run(line, command, turn), identity, what, (value,)) is Exit.UNKNOWN_KEY:
                raise Refused(f"{identity} knows no key {key}.", identity=identity, status=Exit.UNKNOWN_KEY)

        await self._at(identity, tell, _prompt(), steps=1)
        return "Accepted"

    async def restart(self, identity: str, kind: Restart) -> None:
        """The ``restart`` command.  A connection that breaks while it runs is what a restart looks like."""
        del kind  # a profile's command has one manner
        if not self.script.restart:
            raise Mismatch(
                f"{identity} is to be restarted over SSH, and its profile names no command for it.",
                identity=identity,
                hint="Name script.restart, or restart it over OCPP.",
            )
        command = self._command(self.script.restart, identity)

        def order(line: Line, turn: Turn) -> None:
            try:
                ran = self._run(line, command, turn)
            except BROKEN as error:
                if isinstance(error, TimeoutError) or not turn.sent:
                    raise
                return
            if ran.code is not None:
                self._meaning(ran, identity, "the restart", ())

        await self._at(identity, order, _prompt(), steps=1)

    # ── one command ────────────────────────────────────────────────────────

    def _command(self, arguments: Sequence[str], identity: str, **more: str) -> str:
        ours = {"script": self.delivery.path} if self.delivery else {}
        return command_of(arguments, {**self.names, **more, **ours}, shell=self.script.shell, identity=identity)

    def _run(self, line: Line, command: str, turn: Turn) -> Ran:
        silence_s = self.script.timeout.total_seconds()
        if self.delivery is not None:
            deliver(self.delivery, line, silence_s=silence_s)
        return line.run(command, silence_s=silence_s, before_sending=turn.before_sending)

    def _meaning(self, ran: Ran, identity: str, what: str, told: Sequence[str]) -> Exit:
        """What an exit code means; raises for everything that is no answer to go on with."""
        if ran.code is None:
            raise Unreachable(f"{identity} ended {what} without an exit code.", identity=identity, sent=True)
        meaning = self.script.exits.get(ran.code, Exit.DONE if ran.code == 0 else Exit.REFUSED)
        said = self._tail(ran.err or ran.out, told)
        if meaning is Exit.BUSY:
            raise Unreachable(f"{identity} puts off {what}: busy{said}.", identity=identity, sent=False)
        if meaning is Exit.REFUSED:
            raise Refused(
                f"{identity} refused {what} (exit code {ran.code}{said}).",
                identity=identity,
                status=f"exit {ran.code}",
            )
        return meaning

    def _tail(self, said: bytes, told: Sequence[str]) -> str:
        """The end of what a station said, without controls, without what was told to it and without secrets."""
        text = "".join(c if c.isprintable() else " " for c in said[-4 * _TAIL :].decode("utf-8", "replace"))
        hidden = (*told, *self.login.secrets)
        text = unsaid(text, [*hidden, *(b64encode(secret.encode()).decode() for secret in hidden)])
        text = redact(" ".join(text.split()))[-_TAIL:]
        return f": {text}" if text else ""

    # ── coming in ──────────────────────────────────────────────────────────

    async def _at(self, identity: str, work: Callable[[Line, Turn], T], turn: Turn, *, steps: int) -> T:
        """Do something at the station; every way in which that fails becomes a station error."""
        within_s = self.script.timeout.total_seconds() * 2 * (steps + 1)
        try:
            return await self.lines.work(self.login, lambda line: work(line, turn), turn, within_s=within_s)
        except StationError:
            raise
        except (NotAllowed, SettingsProblem) as error:  # of the file of host keys
            raise Mismatch(error.message, identity=identity, hint=error.hint) from error
        except _FAILURES as error:
            raise _station_error(error, identity, self.login, turn) from error


_FAILURES = (NotKnown, Changed, Locked, TooOld, Silent, GivenUp, NotWhole, *BROKEN)


def _prompt() -> Turn:
    return Turn(send_by=time.monotonic() + SEND_WITHIN_S)


def _names(station: Station, side: Side) -> dict[str, str]:
    """What a command may name of a station, besides ``key``, ``value`` and ``script``."""
    return {"identity": station.identity_on(side), "serial": station.serial}


def _read_script(name: str, folders: Sequence[Path], identity: str) -> Delivery:
    is_plain = bool(name) and Path(name).name == name and not name.startswith(".")
    places = [folder / name for folder in folders] if is_plain else []
    try:
        path = next((place for place in places if place.is_file()), None)
        content = path.read_bytes() if path is not None and path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise Mismatch(
            f"{identity} needs the script {name!r}, which cannot be read ({error.strerror}).",
            identity=identity,
            hint="See who may read it: the folder profiles/ of the campaign, and what is in it.",
        ) from error
    if content is None:
        raise Mismatch(
            f"{identity} needs the script {name!r}, and {folders[0]} holds no such file of at most 1 MiB.",
            identity=identity,
            hint="Put it into the campaign's profiles/ folder.",
        )
    return Delivery(name=name, content=content)


def _value(printed: bytes, identity: str, key: str) -> str:
    """One line, as it was printed; anything else is no value."""
    try:
        text = printed.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = "\0"  # no text at all, so no value either
    if not text.isprintable() or len(text) > LONGEST_VALUE:
        raise Mismatch(
            f"{identity} printed something for {key} that is no value of one line.",
            identity=identity,
            hint="Run the profile's read command by hand and look at what it prints.",
        )
    return text


def _station_error(error: Exception, identity: str, login: Login, turn: Turn) -> StationError:
    """What kept us out, as what it means for the attempt."""
    place = place_of(login.host, login.port)
    said = unsaid(str(error), login.secrets)  # a server chooses its own words, and has heard the password
    match error:
        case NotKnown() | Changed():
            return _stranger(error, identity, login)
        case Locked():
            return Mismatch(
                f"{identity} at {place} {said}; user {login.user!r}.",
                identity=identity,
                hint="See that the profile's secret is the one of this station; it is not tried again in this run.",
            )
        case TooOld():
            return Mismatch(
                f"{identity} at {place} answers, but speaks only what is not safe any more: {said}.",
                identity=identity,
                hint="Reach it by a visit, or through a jump host that still speaks it.",
            )
        case NotWhole():
            return Unreachable(f"{identity}: {said}.", identity=identity, sent=False)
        case Silent() | GivenUp():
            return Unreachable(f"{identity} at {place} {said}.", identity=identity, sent=False)
    what = "did not end a command in time" if isinstance(error, TimeoutError) else "broke off in the middle"
    return Unreachable(f"{identity} at {place} {what}.", identity=identity, sent=turn.sent)


def _stranger(error: NotKnown | Changed, identity: str, login: Login) -> Mismatch:
    """A host key that is not the trusted one, of the station or of the jump host before it."""
    is_jump = login.jump is not None and error.place == place_of(login.jump.host, login.jump.port)
    whose = f"the jump host of {identity}" if is_jump else identity
    again = "migrate trust --jump" if is_jump else f"migrate trust {login.host} --port {login.port}"
    if isinstance(error, NotKnown):
        return Mismatch(
            f"Nobody has seen the host key of {whose} at {error.place}.",
            identity=identity,
            hint=f"Compare it on the spot, then: {again}",
        )
    return Impostor(
        f"{whose} at {error.place} shows another host key than the one that was trusted ({error.fingerprint}).",
        identity=identity,
        hint=f"Treat it as an intrusion until somebody has looked at it; then: {again} --replace REASON",
    )
