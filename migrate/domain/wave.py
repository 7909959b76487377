"""Waves, plans and rulings, as values.

How a plan is made is decided in ``batches.plan``, how a wave is judged in
``batches.gate``.  What both say, and what reports and screens show, are the
values here.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from migrate.domain.attempt import State
from migrate.domain.profile import Method, Rollback


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStation:
    """One station's place in a plan.  ``profile`` is empty for a station that no profile fits: a visit."""

    identity: str
    wave: int
    batch: int
    profile: str
    method: Method
    rollback: Rollback
    site: str
    kind: str  # vendor|model|firmware
    connectors: int = 1
    apn: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A station that the plan leaves alone, and why."""

    identity: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    number: int
    stations: tuple[PlannedStation, ...]
    notes: tuple[str, ...] = ()  # e.g. "raised from 10 to 14: never smaller than the wave before"

    @property
    def size(self) -> int:
        return len(self.stations)

    @property
    def batches(self) -> int:
        return len({s.batch for s in self.stations})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, bound by its fingerprint to everything it was computed from."""

    fingerprint: str
    waves: tuple[Wave, ...]
    excluded: tuple[Excluded, ...] = ()

    @property
    def stations(self) -> tuple[PlannedStation, ...]:
        return tuple(s for wave in self.waves for s in wave.stations)

    def only(self, names: Container[str]) -> Plan:
        """Of the same plan these stations alone: nobody else of it is known then, and nobody else can be touched."""
        waves = (replace(w, stations=tuple(s for s in w.stations if s.identity in names)) for w in self.waves)
        return replace(self, waves=tuple(waves))


class Verdict(StrEnum):
    OPEN = "open"  # the next wave may start
    HOLD = "hold"  # too early to tell: look again later
    SHUT = "shut"  # evidence against: a person decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One ground of a ruling, with the value, the threshold and what it was counted over."""

    text: str
    value: float | None = None
    threshold: float | None = None
    of: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


class WaveState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    SOAKING = "soaking"
    OPEN = "open"
    SHUT = "shut"
    DONE = "done"


class Mode(StrEnum):
    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"


class Deferral(StrEnum):
    """Why an attempt was put off.  The first five lie outside a wave's proof, the others are still owed to it."""

    BUSY = "busy"
    OFFLINE = "offline"
    MODEL_STOPPED = "model stopped"
    UNPROVEN = "unproven"  # its profile may go with the canary and no further, until a person accepts it
    CHECKS = "checks"  # what was looked at before its wave leaves it out, until a person mends it
    WINDOW = "window"
    BACKOFF = "backoff"

    @property
    def is_outside(self) -> bool:
        return self not in (Deferral.WINDOW, Deferral.BACKOFF)


class Cause(StrEnum):
    """Whose doing an ending was."""

    STATION = "station"
    ENVIRONMENT = "environment"  # a CSMS was down, a witness blind: charged to no station
    WITHOUT_EFFECT = "without effect"  # it stored the new address, restarted, and did not use it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a wave's attempts stand.

    A *lost* station has left the source and has not been seen on the target.
    It is neither success nor failure, and is never rounded to either.
    """

    planned: int
    confirmed: int = 0
    settled: int = 0
    failed: int = 0
    reverted: int = 0
    stuck: int = 0
    lost: int = 0
    outside: int = 0  # skipped, visiting, busy, offline, environment: not this wave's to prove

    @property
    def attempted(self) -> int:
        return self.planned - self.outside

    @property
    def ended(self) -> int:
        return self.confirmed + self.settled + self.failed + self.reverted + self.stuck + self.lost

    @property
    def pending(self) -> int:
        return self.attempted - self.ended


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStanding:
    """One wave as screens and reports show it."""

    number: int
    state: WaveState
    totals: Mapping[State, int]
    ruling: Ruling
    size: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that a person should know of, with the time it began and, where it is over, ended."""

    at: datetime
    title: str
    detail: str = ""
    side: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationStanding:
    """One station as screens and reports show it."""

    identity: str
    wave: int
    profile: str
    method: Method
    state: State
    evidence: str
    attempts: int
    reason: str
    updated_at: datetime | None
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    site: str = ""
    synthetic: bool = False
    deferral: Deferral | None = None
    due_at: datetime | None = None  # when a deferred one is tried again; none while an order or a stop lies on it
    rollback: Rollback | None = None  # its class, as planned
    is_going_back: bool = False  # its newest attempt is a rollback
    tries: int = 0  # writes begun in its newest attempt
    opened_at: datetime | None = None  # its newest attempt
    confirmed_at: datetime | None = None
    target_identity: str = ""  # what it is called on the target, where that is another name


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a whole campaign stands: what ``status``, the live tree and the progress report are drawn from."""

    campaign: str
    fingerprint: str
    mode: Mode
    at: datetime
    totals: Mapping[State, int]
    waves: tuple[WaveStanding, ...]
    incidents: tuple[Incident, ...] = ()
    stations: tuple[StationStanding, ...] = ()
    lab: bool = False
    notices: tuple[str, ...] = field(default=())
