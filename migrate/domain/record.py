"""What the journal holds: events, attempts as they stand, and the changes that add to both.

An :class:`Event` is append-only truth; an :class:`Attempt` is the projection
that the events of one attempt add up to.  A :class:`Change` is the unit of
durability: all of it is stored in one transaction, or nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from migrate.domain.attempt import ENDS, IN_FLIGHT, RESTING, Fact, State, advance
from migrate.domain.evidence import Grade, Side
from migrate.domain.profile import Method
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import Cause, Deferral, Mode


class Direction(StrEnum):
    FORWARD = "forward"
    BACK = "back"  # a rollback: source and target change places

    @property
    def origin(self) -> Side:
        """The side that a station leaves, and whose CSMS commands it."""
        return Side.SOURCE if self is Direction.FORWARD else Side.TARGET

    @property
    def goal(self) -> Side:
        """The side on which it has to be proven."""
        return Side.TARGET if self is Direction.FORWARD else Side.SOURCE


class EventKind(StrEnum):
    """Every kind of event, by what it is about."""

    ATTEMPT_OPENED = "attempt_opened"
    MOVED = "moved"  # data: fact, from, to, reason, ...
    SIGHTING = "sighting"
    COMMAND = "command"  # put on the wire, or about to be: action, key
    ANSWER = "answer"  # what the station said to a command
    FETCHED = "fetched"  # how far a station has loaded a file of ours: file, version, how, loaded_bytes, size_bytes
    SNAPSHOT = "snapshot"  # what the station holds before anything is written
    INVENTORY = "inventory"  # an import: file, counts
    PLAN_MADE = "plan_made"
    APPROVED = "approved"
    WAVE = "wave"  # a wave's state: opened, soaking, open, shut, done, with the ruling
    CONTROL = "control"  # pause, resume, halt: by whom, why, over what
    MODEL_STOPPED = "model_stopped"
    INCIDENT = "incident"
    RESOLVED = "resolved"  # a person's word on a station
    TRUSTED = "trusted"  # a host key that a person has seen: whose, its fingerprint, by whom
    VISIT = "visit"  # a work order: issued, returned, closed
    ORDERED = "ordered"  # a person's retry or rollback of named stations
    FINISHED = "finished"  # a step after the move, at one station: step, ended, by, reason, detail
    BATCH = "batch"  # taken by a worker, with its epoch
    PROCESS = "process"  # a process began or ended
    OUTLOOK = "outlook"  # what the checks before a wave came to: who is left out, what stops it
    ANCHOR = "anchor"  # the newest hashes of the other chains


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the journal.  ``data`` holds JSON values only, and never a secret."""

    kind: EventKind
    at: datetime
    identity: str = ""
    attempt: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event with its place: ``seq`` orders all of them, ``writer`` and ``link`` its own chain."""

    seq: int
    writer: str
    link: int
    event: Event
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one station in one direction, as it stands.

    ``version`` counts its moves: a change that was computed from an older
    version is stale and is not stored.  ``left`` is true once the station was
    away from the source, or came back to it by a restart: it tells *reverted*
    from *failed* when the old values are read back.  Of an attempt that takes
    a station back, all of this is said of the side it leaves: the target.
    """

    id: str
    identity: str
    number: int
    wave: int
    batch: str
    profile: str
    method: Method
    direction: Direction = Direction.FORWARD
    state: State = State.PLANNED
    evidence: Grade = Grade.E0
    reason: str = ""
    cause: Cause = Cause.STATION
    deferral: Deferral | None = None
    due_at: datetime | None = None
    tries: int = 0  # writes begun
    left: bool = False
    unit: tuple[PreparedWrite, ...] = ()
    source_session: str = ""  # the session on the side it leaves when the write began
    opened_at: datetime
    entered_at: datetime  # its present state
    confirmed_at: datetime | None = None
    fingerprint: str = ""
    version: int = 1
    numbers_given: int = field(default=0, compare=False)
    """The highest number given at this station, to void attempts too; told when it is read, never stored."""

    @property
    def is_ended(self) -> bool:
        return self.state in ENDS

    @property
    def is_void(self) -> bool:
        """A rollback that came to nothing: the station keeps the state that its attempt before has.

        One that was lost on its way and written off is not void: where it was, it is no more.
        """
        return self.direction is Direction.BACK and self.is_ended and not (self.state is State.SKIPPED and self.left)

    @property
    def is_under_way(self) -> bool:
        """It goes on by itself; a station has one such attempt at a time."""
        return self.state not in RESTING

    @property
    def next_number(self) -> int:
        return max(self.number, self.numbers_given) + 1

    @property
    def holds_permits(self) -> bool:
        return self.state in IN_FLIGHT

    def moved(self, fact: Fact, at: datetime, **changes: Any) -> Attempt:
        """This attempt after a fact.  Raises ``IllegalMove`` when the table knows no such row.

        ``entered_at`` may be given with the changes: what a sighting told is
        true since it was seen, however much later somebody reads it.
        """
        target = advance(self.state, fact)
        fresh: dict[str, Any] = {"deferral": None, "due_at": None, "reason": "", "cause": Cause.STATION}
        settings = fresh | {"entered_at": at} | changes
        if fact is Fact.CONFIRMED_ON_TARGET:
            settings.setdefault("confirmed_at", at)
        return replace(self, state=target, version=self.version + 1, **settings)


def attempt_id(identity: str, number: int) -> str:
    return f"{identity}#{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A place in a scope that has only ``limit`` of them, e.g. ``site:44`` or ``model:Alfen|NG910`` (of any firmware)."""

    scope: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What must still hold, in the same transaction, for an intent to be stored.

    ``batch`` and ``epoch`` fence a worker that was taken for dead.
    ``control_epoch`` fences everything after a pause or halt this process has
    not seen; ``None`` (undoing) passes a halt.  ``permits`` are taken with
    the change and given back when the attempt leaves the states in flight.
    """

    batch: str = ""
    epoch: int = 0
    control_epoch: int | None = None
    permits: tuple[Permit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is stored together or not at all.

    Each attempt must be exactly one version above the stored one (or new with
    version 1); otherwise the change is ``Stale`` and nothing of it is stored.
    """

    events: tuple[Event, ...]
    attempts: tuple[Attempt, ...] = ()
    guard: Guard | None = None


def move(
    before: Attempt,
    fact: Fact,
    at: datetime,
    *,
    note: Mapping[str, Any] | None = None,
    guard: Guard | None = None,
    **changes: Any,
) -> Change:
    """The change that one fact makes to one attempt, with its event.

    ``note`` adds what a reader of the timeline wants to know beside the move.
    """
    after = before.moved(fact, at, **changes)
    data = {"fact": fact.value, "from": before.state.value, "to": after.state.value, "evidence": str(after.evidence)}
    data |= {"reason": after.reason} if after.reason else {}
    data |= {"deferral": after.deferral.value} if after.deferral else {}
    data |= {"due_at": after.due_at.isoformat()} if after.due_at else {}
    data |= {"cause": after.cause.value} if after.cause is not Cause.STATION else {}
    event = Event(
        kind=EventKind.MOVED, at=at, identity=before.identity, attempt=before.id, data={**data, **(note or {})}
    )
    return Change(events=(event,), attempts=(after,), guard=guard)


def beginning(attempt: Attempt, reason: str = "") -> Event:
    """What the journal tells of an attempt that begins."""
    data = {
        "wave": attempt.wave,
        "batch": attempt.batch,
        "profile": attempt.profile,
        "method": attempt.method.value,
        "direction": attempt.direction.value,
    }
    data |= {"reason": reason} if reason else {}
    return Event(
        kind=EventKind.ATTEMPT_OPENED, at=attempt.opened_at, identity=attempt.identity, attempt=attempt.id, data=data
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pause or halt over a part of the fleet: ``scope`` is ``""`` for all of it, else ``model:M``, ``profile:P`` or ``site:S``."""

    scope: str
    mode: Mode
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What persons have ordered.  ``epoch`` grows with every order."""

    epoch: int = 0
    holds: tuple[Hold, ...] = ()
    acknowledged: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Per wave, what a resume after a shut gate has taken note of: attempt ids with the version they stood at.

    A station that is lost, found and lost again counts anew (``batches.gate.acknowledge``)."""

    def over(self, *, model: str, profile: str, site: str) -> Hold | None:
        """The strictest order that lies on a station, or ``None``."""
        scopes = {"", f"model:{model}", f"profile:{profile}", f"site:{site}"}
        lying = [hold for hold in self.holds if hold.scope in scopes]
        return max(lying, key=lambda hold: hold.mode is Mode.HALTED, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    fingerprint: str
    wave: int | None  # None: the plan, and with it the waves before ``approval_from_wave``
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveMark:
    """The newest thing the engine recorded of a wave."""

    wave: int
    state: str  # a WaveState
    at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    quiet_since: datetime | None = None  # nothing pending since: the soak counts from here
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of the toolkit that works on the campaign."""

    executor: str
    role: str  # run, worker, listen
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime  # real time of its last sign of life
    ended: bool = False
