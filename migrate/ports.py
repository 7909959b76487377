"""What the batches need from the world.  Protocols, nothing else.

Adapters implement them, ``migrate.wiring`` hands them out, tests replace them
with doubles that pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from migrate.domain.attempt import State
from migrate.domain.evidence import IdentityFacts, Side, Sighting
from migrate.domain.profile import Profile, Restart
from migrate.domain.record import Approval, Attempt, Change, Control, Process, StoredEvent, WaveMark
from migrate.domain.station import Station


class Clock(Protocol):
    """Campaign time.  In a drill it runs faster than real time; durations are always said in campaign time."""

    def now(self) -> datetime:
        """Now, in UTC."""
        ...

    def real_s(self, duration: timedelta) -> float:
        """How many real seconds a campaign duration lasts."""
        ...

    async def sleep(self, duration: timedelta) -> None: ...


class Dice(Protocol):
    """Chance, so that a test can hold it still."""

    def between(self, low: float, high: float) -> float: ...

    def token(self) -> str:
        """A fresh unguessable name: a session, a message id."""
        ...


class Vault(Protocol):
    """Secrets, by name.  What it returns must never be printed, journaled or put into an error."""

    def secret(self, name: str) -> bytes: ...


class Vaults(Vault, Protocol):
    """The secrets of a campaign."""

    def of(self, identity: str) -> Vault:
        """Those of one station: its own, where each has one under that name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Where a station is at this moment, as the relays know it.

    ``None`` for a side means no session there.  A side whose relay cannot be
    asked is absent from ``seen``: absence of a session is not evidence then.
    """

    identity: str
    sessions: Mapping[Side, Session | None] = field(default_factory=dict)
    seen: frozenset[Side] = frozenset()
    answering: int = 0  # sessions of this identity that answer, over both sides

    def on(self, side: Side) -> Session | None:
        return self.sessions.get(side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One live socket of a station, as the relay sees it."""

    id: str
    connected_at: datetime
    heard_at: datetime  # the last frame of any kind
    boot_answer: str = ""  # the CSMS's answer to the last boot in this session
    heartbeats: int = 0
    charging: tuple[int, ...] = ()  # connectors with a transaction running, as far as seen
    protocol: str = "ocpp1.6"  # the WebSocket subprotocol that was agreed on
    security: int | None = None  # the OCPP security profile it came with; None where nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How quickly a CSMS has lately answered its stations, as its relay measured it.  Real seconds."""

    median_s: float
    slowest_s: float
    samples: int  # in the ring these were taken from; few of them say little
    at: datetime  # of the newest sample


class Door(Protocol):
    """How values reach a station: over OCPP, a script, an HTTP interface, a firmware.

    Every method raises ``Unreachable`` (``sent=False`` when nothing went out),
    ``Refused`` when the station said no, and never reports the backend's
    receipt as the station's answer.  Cancelling a call gives up the answer,
    not the command: what the station did must then be read back.
    """

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """What the station holds, paged.  Keys it does not know are absent, values it hides are ``None``."""
        ...

    async def write(self, identity: str, key: str, value: str) -> str:
        """Its word for yes (``Accepted``, ``RebootRequired``); anything else raises ``Refused``.

        Of a firmware, ``Accepted`` says that the order was taken; whether it
        was installed only a boot says.
        """
        ...

    async def restart(self, identity: str, kind: Restart) -> None:
        """Reset.  Returning means the station said Accepted, which proves nothing."""
        ...


class Channel(Door, Protocol):
    """The way through the CSMS of one side, in the dialect that the station speaks there."""

    async def trigger_boot(self, identity: str) -> None:
        """TriggerMessage(BootNotification).  The boot it causes is marked as solicited."""
        ...


class Doors(Protocol):
    """Doors of one kind, beside the way through a CSMS: SSH, HTTP, firmware, certificates."""

    def to(self, station: Station, profile: Profile, side: Side) -> Door:
        """The door to one station while it lives on ``side``.

        Raises ``Mismatch`` where the inventory or the campaign lacks what the
        door needs: an address, a secret, a file.
        """
        ...


class Witness(Protocol):
    """Who sees stations come and go."""

    def sightings(self, *, after: int = 0) -> AsyncIterator[Sighting]:
        """Every sighting after a place in the journal: first those missed, then live, without a gap."""
        ...

    async def presence(self, identity: str) -> Presence: ...

    def sees(self, side: Side) -> bool:
        """Whether absence on this side means anything right now: relay reachable and CSMS up."""
        ...

    def latency(self, side: Side) -> Latency | None:
        """How quickly that side's CSMS answers; ``None`` while nobody has measured it."""
        ...


class Journal(Protocol):
    """The append-only truth, and its projections."""

    async def commit(self, change: Change) -> int:
        """Store a change durably; the ``seq`` of its last event.

        Raises ``Stale`` when an attempt's version, an epoch or a permit no
        longer holds, and ``JournalError`` when it cannot be stored.  Many
        callers share one commit of the store.  A caller that is cancelled
        while waiting does not know whether its change was stored.
        """
        ...

    async def attempts(
        self,
        *,
        wave: int | None = None,
        batch: str | None = None,
        states: Collection[State] | None = None,
        identities: Collection[str] | None = None,
    ) -> list[Attempt]:
        """The attempt in force of each station, in the order they were opened.

        That is the newest, unless it was a rollback that came to nothing:
        then the one before, which has kept its state.
        """
        ...

    async def history(self, identity: str) -> list[Attempt]:
        """Every attempt at a station, void ones too, oldest first."""
        ...

    async def rollbacks(self, *, after: int = 0) -> list[Attempt]:
        """Every attempt that takes a station back and has moved after a place, whatever came of it, oldest first."""
        ...

    async def facts(self, identity: str, side: Side) -> IdentityFacts:
        """What the station itself said in its boots on a side, newest first where they differ."""
        ...

    async def missed(self, identity: str) -> list[Sighting]:
        """What whoever moved a station's newest attempt last had not read yet: it may be dead, or have let go of it.

        That begins after the sighting that the move names as the last one
        heeded, and may be before the move.  Of a station that has arrived,
        that sighting comes first: what kept it from proof may have gone since.
        """
        ...

    async def timeline(self, identity: str) -> list[StoredEvent]: ...

    async def events(
        self, *, after: int = 0, kinds: Collection[str] | None = None, limit: int = 1000
    ) -> list[StoredEvent]: ...

    async def newest_seq(self) -> int:
        """The place of the newest event; 0 for an empty journal."""
        ...

    async def control(self) -> Control: ...

    async def order(self, control: Control, change: Change) -> None:
        """Replace the standing orders (their epoch must be one above the stored one), with the event that says why."""
        ...

    async def approvals(self, fingerprint: str) -> list[Approval]: ...

    async def wave_marks(self, fingerprint: str) -> dict[int, WaveMark]: ...

    async def mark_wave(self, fingerprint: str, mark: WaveMark, change: Change) -> None: ...

    async def take_batch(self, batch: str, executor: str, at: datetime) -> int:
        """Make a batch this executor's; its new epoch, which fences whoever held it before."""
        ...

    async def beat(self, process: Process) -> None: ...

    async def processes(self) -> list[Process]: ...
