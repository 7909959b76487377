"""The wire log: what the simulated stations themselves saw and did.

One JSON line per event, each in a single append, so that a kill at any moment
leaves whole lines before it.  The readers below judge a campaign by it alone.
It holds no secrets: values of backend keys in clear, of all other keys as a
digest keyed anew by each process.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s
from pathlib import Path
from typing import Any, Self


class Kind(StrEnum):
    CONNECTED = "connected"
    REFUSED = "refused"
    DISCONNECTED = "disconnected"
    BOOT_SENT = "boot_sent"
    BOOT_ACCEPTED = "boot_accepted"
    COMMAND = "command"
    ANSWER = "answer"
    STORED = "stored"  # the configuration now spells this backend
    APPLIED = "applied"  # this backend is dialled from now on
    RESTART = "restart"
    STATUS = "status"  # of one connector
    FIRMWARE = "firmware"
    DOWNLOAD = "download"  # a file came, or did not: by which protocol, how many bytes
    REPORT = "report"  # one part of its device model left
    SECURITY = "security"  # an event that it told its backend
    LOGIN = "login"  # somebody came in over SSH, or was refused
    FILE = "file"  # a file was sent to it
    TRANSACTION_STARTED = "transaction_started"
    TRANSACTION_STOPPED = "transaction_stopped"


class Side(StrEnum):
    SOURCE = "source"
    TARGET = "target"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent:
    """One thing that happened to one station; `side` by the address that the station itself dialled."""

    seq: int
    at_s: float
    identity: str
    side: Side
    kind: Kind
    session: str = ""
    action: str = ""
    key: str = ""
    keys: tuple[str, ...] = ()
    value: str = ""
    status: str = ""

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        facts: dict[str, Any] = json.loads(line)
        facts |= {"side": Side(facts["side"]), "kind": Kind(facts["kind"]), "keys": tuple(facts.get("keys", ()))}
        return cls(**facts)


class WireLog:
    """Appends events; numbering goes on where an earlier process stopped."""

    def __init__(self, path: Path) -> None:
        self._seq = _last_seq(path)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._salt = secrets.token_bytes(16)
        if not _ends_whole(path):
            os.write(self._fd, b"\n")  # a killed process left half a line: never write on to it

    def write(self, kind: Kind, identity: str, side: Side, **facts: str | tuple[str, ...]) -> None:
        self._seq += 1
        line: dict[str, Any] = {"seq": self._seq, "at_s": round(time.time(), 6), "identity": identity}
        line |= {"side": side, "kind": kind} | {name: fact for name, fact in facts.items() if fact}
        os.write(self._fd, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def veil(self, value: str) -> str:
        """A stand-in by which equal values can be told, and nothing else."""
        return "~" + blake2s(value.encode(errors="replace"), key=self._salt, digest_size=8).hexdigest()

    def close(self) -> None:
        os.close(self._fd)


def read(path: Path) -> list[WireEvent]:
    """All whole events of a log; half a line left by a kill is passed over."""
    return list(_events(path.read_bytes().split(b"\n")))


def _events(lines: Iterable[bytes]) -> Iterator[WireEvent]:
    for line in lines:
        if line.endswith(b"}"):
            try:
                yield WireEvent.from_line(line)
            except (ValueError, KeyError, TypeError):
                continue


def _last_seq(path: Path) -> int:
    return max((event.seq for event in read(path)), default=0) if path.exists() else 0


def _ends_whole(path: Path) -> bool:
    content = path.read_bytes()
    return not content or content.endswith(b"\n")


def boots_on_target(log: Iterable[WireEvent]) -> int:
    """How many boots the target accepted, as the stations saw it."""
    return sum(event.kind is Kind.BOOT_ACCEPTED and event.side is Side.TARGET for event in log)


def stations_booted_on_target(log: Iterable[WireEvent]) -> frozenset[str]:
    return frozenset(e.identity for e in log if e.kind is Kind.BOOT_ACCEPTED and e.side is Side.TARGET)


def commands_sent(log: Iterable[WireEvent]) -> int:
    """How many commands with an effect reached a station: writes and Resets."""
    return sum(event.kind is Kind.COMMAND and event.action in EFFECTS for event in log)


def commands_repeated_without_read(log: Iterable[WireEvent]) -> int:
    """How many effects were repeated blindly: the same write, or a Reset, with no look at the station in between.

    A read is a GetConfiguration or GetVariables of that key (or of all); a
    network profile is read by any variable that shows it.  For a Reset it is
    also a TriggerMessage, or the station's coming back in a new session.
    """
    unread: dict[str, set[tuple[str, str]]] = {}
    return sum(_is_blind(event, unread.setdefault(event.identity, set())) for event in log)


EFFECTS = ("ChangeConfiguration", "SetVariables", "SetNetworkProfile", "Script", "HTTP", "InstallCertificate", "Reset")
READS = ("GetConfiguration", "GetVariables", "ReadScript", "ReadHTTP", "GetInstalledCertificateIds")
SLOT_OF_VARIABLE = re.compile(r"networkconfiguration(\[\d+\])\..*")
RESET = ("", "Reset")


def _is_blind(event: WireEvent, unread: set[tuple[str, str]]) -> bool:
    """Judge one event of one station, and remember it."""
    if event.kind is Kind.CONNECTED:
        unread.discard(RESET)
    if event.kind is not Kind.COMMAND:
        return False
    if event.action in EFFECTS:
        effect = RESET if event.action == "Reset" else (event.key.lower(), event.value)
        is_blind = effect in unread
        unread.add(effect)
        return is_blind
    if event.action in (*READS, "TriggerMessage"):
        unread.discard(RESET)
    if event.action in READS:
        seen = {SLOT_OF_VARIABLE.sub(r"networkprofile\1", key.lower()) for key in event.keys}
        unread -= {effect for effect in unread if not seen or effect[0] in seen}
    return False


def last_side(log: Iterable[WireEvent]) -> dict[str, Side]:
    """Where each station lives at the end: the side of its last session, none if it has restarted since.

    A dropped connection does not move a station; a restart does until it is seen again.
    """
    side: dict[str, Side] = {}
    for event in log:
        if event.kind is Kind.RESTART:
            side[event.identity] = Side.NONE
        elif event.kind is Kind.CONNECTED:
            side[event.identity] = event.side
        else:
            side.setdefault(event.identity, Side.NONE)
    return side


def backend_held(log: Iterable[WireEvent]) -> dict[str, str]:
    """The address each station's configuration spells at the end, used or not."""
    return {event.identity: event.value for event in log if event.kind is Kind.STORED}


def transactions_cut(log: Iterable[WireEvent]) -> int:
    """How many drivers were cut off by a restart; a migration must leave this at zero."""
    return sum(event.kind is Kind.TRANSACTION_STOPPED and event.status != "Local" for event in log)
