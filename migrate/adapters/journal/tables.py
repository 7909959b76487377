"""The tables of the journal.

``event`` is the truth: append-only, one hash chain per writing process.
Everything else is a projection of it, kept in the same transaction, or a
document that an event vouches for by digest.  Only types that SQLite's STRICT
tables and PostgreSQL both know are used: text, integers, and JSON as text.
Times are RFC 3339 text in UTC with microseconds, so that they sort as text.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from migrate.domain.attempt import RESTING

BIG = BigInteger().with_variant(Integer(), "sqlite")
STRICT: dict[str, Any] = {"sqlite_strict": True}
UNDER_WAY = text("state NOT IN ({})".format(", ".join(f"'{state.value}'" for state in sorted(RESTING))))


def _text(**options: Any) -> Any:
    return Field(sa_column=Column(Text, nullable=False, **options))


def _text_or_null() -> Any:
    return Field(sa_column=Column(Text, nullable=True))


def _whole(**options: Any) -> Any:
    return Field(sa_column=Column(Integer, nullable=False, autoincrement=False, **options))


def _big(**options: Any) -> Any:
    return Field(sa_column=Column(BIG, nullable=False, autoincrement=False, **options))


class EventRow(SQLModel, table=True):
    """One line of the truth.  ``data`` is canonical JSON; ``hash`` covers every other column."""

    __tablename__ = "event"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("writer", "link", name="event_chain"),
        Index("event_identity", "identity", "seq"),
        Index("event_kind", "kind", "seq"),
        STRICT,
    )
    seq: int = _big(primary_key=True)
    writer: str = _text()
    link: int = _big()
    prev_hash: str = _text()
    hash: str = _text()
    kind: str = _text()
    at: str = _text()
    identity: str = _text()
    attempt: str = _text()
    data: str = _text()


class ChainRow(SQLModel, table=True):
    """The newest link of each process's chain."""

    __tablename__ = "chain"
    __table_args__: ClassVar[Any] = STRICT
    writer: str = _text(primary_key=True)
    link: int = _big()
    hash: str = _text()


class AttemptRow(SQLModel, table=True):
    """An attempt as it stands; one per station may be under way.

    ``place`` is the order of opening, ``seq`` the line of its last move.
    """

    __tablename__ = "attempt"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("identity", "number", name="attempt_number"),
        Index("attempt_under_way", "identity", unique=True, sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY),
        Index("attempt_batch", "batch"),
        STRICT,
    )
    id: str = _text(primary_key=True)
    place: int = _big(unique=True)
    seq: int = _big()
    identity: str = _text()
    number: int = _whole()
    wave: int = _whole()
    batch: str = _text()
    profile: str = _text()
    method: str = _text()
    direction: str = _text()
    state: str = _text()
    evidence: int = _whole()
    reason: str = _text()
    cause: str = _text()
    deferral: str | None = _text_or_null()
    due_at: str | None = _text_or_null()
    tries: int = _whole()
    left: int = _whole()
    unit: str = _text()
    source_session: str = _text()
    opened_at: str = _text()
    entered_at: str = _text()
    confirmed_at: str | None = _text_or_null()
    fingerprint: str = _text()
    version: int = _whole()


class PermitRow(SQLModel, table=True):
    """A place that an attempt has taken in a scope."""

    __tablename__ = "permit"
    __table_args__: ClassVar[Any] = (Index("permit_attempt", "attempt"), STRICT)
    scope: str = _text(primary_key=True)
    attempt: str = _text(primary_key=True)


class BatchRow(SQLModel, table=True):
    """Who works on a batch; the epoch fences whoever worked on it before."""

    __tablename__ = "batch"
    __table_args__: ClassVar[Any] = STRICT
    batch: str = _text(primary_key=True)
    epoch: int = _big()
    executor: str = _text()
    at: str = _text()


class ControlRow(SQLModel, table=True):
    """The standing orders of persons: one row."""

    __tablename__ = "control"
    __table_args__: ClassVar[Any] = STRICT
    id: int = _whole(primary_key=True)
    epoch: int = _big()
    body: str = _text()


class ApprovalRow(SQLModel, table=True):
    """Who approved what; wave -1 stands for the plan as a whole."""

    __tablename__ = "approval"
    __table_args__: ClassVar[Any] = STRICT
    fingerprint: str = _text(primary_key=True)
    wave: int = _whole(primary_key=True)
    by: str = _text()
    at: str = _text()


class WaveMarkRow(SQLModel, table=True):
    """The newest thing recorded of a wave."""

    __tablename__ = "wave_mark"
    __table_args__: ClassVar[Any] = STRICT
    fingerprint: str = _text(primary_key=True)
    wave: int = _whole(primary_key=True)
    body: str = _text()


class ProcessRow(SQLModel, table=True):
    """A process of the toolkit and its last sign of life."""

    __tablename__ = "process"
    __table_args__: ClassVar[Any] = STRICT
    executor: str = _text(primary_key=True)
    role: str = _text()
    host: str = _text()
    pid: int = _big()
    started_at: str = _text()
    beat_at: str = _text()
    ended: int = _whole()


class PresenceRow(SQLModel, table=True):
    """What was last seen of a station on one side."""

    __tablename__ = "presence"
    __table_args__: ClassVar[Any] = STRICT
    identity: str = _text(primary_key=True)
    side: str = _text(primary_key=True)
    seq: int = _big()
    body: str = _text()


class StationRow(SQLModel, table=True):
    """One station of the inventory, in its order."""

    __tablename__ = "station"
    __table_args__: ClassVar[Any] = STRICT
    place: int = _whole(primary_key=True)
    identity: str = _text(unique=True)
    body: str = _text()
    digest: str = _text()


class StationVersionRow(SQLModel, table=True):
    """A station as one import made it; of one that the import dropped, what it was until then."""

    __tablename__ = "station_version"
    __table_args__: ClassVar[Any] = (Index("station_version_identity", "identity", "number"), STRICT)
    number: int = _whole(primary_key=True)
    identity: str = _text(primary_key=True)
    change: str = _text()
    body: str = _text()
    digest: str = _text()


class PlanRow(SQLModel, table=True):
    """A plan that was made; one of them is current."""

    __tablename__ = "plan"
    __table_args__: ClassVar[Any] = STRICT
    fingerprint: str = _text(primary_key=True)
    body: str = _text()
    digest: str = _text()
    made_at: str = _text()
    current: int = _whole()


class LeaseRow(SQLModel, table=True):
    """Who holds the campaign; an empty executor means nobody."""

    __tablename__ = "lease"
    __table_args__: ClassVar[Any] = STRICT
    name: str = _text(primary_key=True)
    executor: str = _text()
    host: str = _text()
    pid: int = _big()
    boot: str = _text()
    born: str = _text()
    nonce: str = _text()
    epoch: int = _big()
    at: str = _text()


class SealRow(SQLModel, table=True):
    """A proof of the key by which the store is sealed."""

    __tablename__ = "seal"
    __table_args__: ClassVar[Any] = STRICT
    name: str = _text(primary_key=True)
    body: str = _text()


METADATA = SQLModel.metadata


def _table(name: str) -> Table:
    return METADATA.tables[name]


EVENT = _table("event")
CHAIN = _table("chain")
ATTEMPT = _table("attempt")
PERMIT = _table("permit")
BATCH = _table("batch")
CONTROL = _table("control")
APPROVAL = _table("approval")
WAVE_MARK = _table("wave_mark")
PROCESS = _table("process")
PRESENCE = _table("presence")
STATION = _table("station")
STATION_VERSION = _table("station_version")
PLAN = _table("plan")
LEASE = _table("lease")
SEAL = _table("seal")
