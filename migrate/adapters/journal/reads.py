"""Questions to the journal.  Each takes a connection and gives frozen values; none writes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, exists, func, select

from migrate.adapters.journal import tables
from migrate.adapters.journal.presence import LastSeen
from migrate.adapters.journal.rows import (
    attempt_from,
    from_column,
    presence_from,
    process_from,
    revived,
    stored_event,
    time_of,
    to_column,
)
from migrate.adapters.journal.seal import Seal
from migrate.adapters.journal.station_rows import station_from
from migrate.adapters.journal.tables import APPROVAL, ATTEMPT, CONTROL, EVENT, PLAN, PRESENCE, PROCESS, STATION
from migrate.adapters.journal.transaction import in_chunks
from migrate.domain.attempt import ENDS, State
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.record import Approval, Attempt, Control, Direction, EventKind, Process, StoredEvent, WaveMark
from migrate.domain.station import Station
from migrate.domain.wave import Plan

WHOLE_PLAN = -1
"""How an approval of the plan as a whole is spelt in its table."""

_OF_SAME = ATTEMPT.alias("of_same")
_NUMBERS_GIVEN = select(func.max(_OF_SAME.c.number)).where(_OF_SAME.c.identity == ATTEMPT.c.identity)
_WHOLE = select(ATTEMPT, _NUMBERS_GIVEN.scalar_subquery().label("numbers_given"))
_ENDS = sorted(state.value for state in ENDS)


def _is_void(attempt: Any) -> ColumnElement[bool]:
    """A rollback that came to nothing, in SQL (``Attempt.is_void``)."""
    written_off = and_(attempt.c.state == State.SKIPPED.value, attempt.c.left == 1)
    return and_(attempt.c.direction == Direction.BACK.value, attempt.c.state.in_(_ENDS), ~written_off)


def attempts(
    connection: Connection,
    seal: Seal,
    *,
    wave: int | None,
    batch: str | None,
    states: Collection[State] | None,
    identities: Collection[str] | None,
) -> list[Attempt]:
    """The attempt in force of each station that fits, in the order they were opened."""
    c = ATTEMPT.c
    later = ATTEMPT.alias("later")
    is_newest = ~exists().where(later.c.identity == c.identity, later.c.number > c.number, ~_is_void(later))
    wanted = _WHOLE.where(is_newest, ~_is_void(ATTEMPT))
    wanted = wanted if wave is None else wanted.where(c.wave == wave)
    wanted = wanted if batch is None else wanted.where(c.batch == to_column(batch))
    wanted = wanted if states is None else wanted.where(c.state.in_(sorted(state.value for state in states)))
    rows = sorted(_for_each(connection, wanted, c.identity, identities), key=lambda row: int(row["place"]))
    return [attempt_from(row, seal) for row in rows]


def history(connection: Connection, seal: Seal, identity: str) -> list[Attempt]:
    wanted = _WHOLE.where(ATTEMPT.c.identity == to_column(identity)).order_by(ATTEMPT.c.number)
    return [attempt_from(row, seal) for row in connection.execute(wanted).mappings()]


def rollbacks(connection: Connection, seal: Seal, *, after: int) -> list[Attempt]:
    wanted = _WHOLE.where(ATTEMPT.c.direction == Direction.BACK.value, ATTEMPT.c.seq > after).order_by(ATTEMPT.c.place)
    return [attempt_from(row, seal) for row in connection.execute(wanted).mappings()]


def _for_each(
    connection: Connection, wanted: Select[Any], column: Any, values: Collection[str] | None
) -> Iterator[RowMapping]:
    if values is None:
        yield from connection.execute(wanted).mappings()
        return
    for chunk in in_chunks(map(to_column, dict.fromkeys(values))):
        yield from connection.execute(wanted.where(column.in_(chunk))).mappings()


def facts(connection: Connection, identity: str, side: Side) -> IdentityFacts:
    found = presence(connection, identities=[identity])
    return next((last.facts for last in found if last.side is side), IdentityFacts())


def presence(connection: Connection, *, identities: Collection[str] | None) -> list[LastSeen]:
    return [presence_from(row) for row in _for_each(connection, select(PRESENCE), PRESENCE.c.identity, identities)]


def timeline(connection: Connection, seal: Seal, identity: str) -> list[StoredEvent]:
    wanted = select(EVENT).where(EVENT.c.identity == to_column(identity)).order_by(EVENT.c.seq)
    return [stored_event(row, seal) for row in connection.execute(wanted).mappings()]


def events(
    connection: Connection, seal: Seal, *, after: int, kinds: Collection[str] | None, limit: int
) -> list[StoredEvent]:
    wanted = select(EVENT).where(EVENT.c.seq > after).order_by(EVENT.c.seq).limit(limit)
    if kinds is not None:
        wanted = wanted.where(EVENT.c.kind.in_(sorted(str(kind) for kind in kinds)))
    return [stored_event(row, seal) for row in connection.execute(wanted).mappings()]


def missed(connection: Connection, seal: Seal, identity: str) -> list[StoredEvent]:
    key = to_column(identity)
    newest = select(ATTEMPT.c.seq, ATTEMPT.c.state).where(ATTEMPT.c.identity == key)
    stands = connection.execute(newest.order_by(ATTEMPT.c.number.desc()).limit(1)).first()
    if stands is None:
        return []
    heeded = _heeded(connection, stands.seq)
    unread = EVENT.c.seq >= heeded if stands.state == State.ARRIVED else EVENT.c.seq > heeded
    wanted = select(EVENT).where(EVENT.c.identity == key, EVENT.c.kind == EventKind.SIGHTING.value, unread)
    return [stored_event(row, seal) for row in connection.execute(wanted.order_by(EVENT.c.seq)).mappings()]


def _heeded(connection: Connection, moved_at: int) -> int:
    """The last sighting that was known to whoever moved an attempt, where the move says so; else the move itself."""
    data = json.loads(connection.execute(select(EVENT.c.data).where(EVENT.c.seq == moved_at)).scalar() or "{}")
    heeded = data.get("sighting") or data.get("heeded")
    return heeded if isinstance(heeded, int) else moved_at


def newest_seq(connection: Connection) -> int:
    return connection.execute(select(func.max(EVENT.c.seq))).scalar() or 0


def control(connection: Connection) -> Control:
    body = connection.execute(select(CONTROL.c.body)).scalar()
    return Control() if body is None else revived(body, Control)


def approvals(connection: Connection, fingerprint: str) -> list[Approval]:
    wanted = select(APPROVAL).where(APPROVAL.c.fingerprint == to_column(fingerprint)).order_by(APPROVAL.c.wave)
    return [
        Approval(
            fingerprint=from_column(row["fingerprint"]),
            wave=None if row["wave"] == WHOLE_PLAN else row["wave"],
            by=from_column(row["by"]),
            at=time_of(row["at"]),
        )
        for row in connection.execute(wanted).mappings()
    ]


def wave_marks(connection: Connection, fingerprint: str) -> dict[int, WaveMark]:
    c = tables.WAVE_MARK.c
    wanted = select(c.wave, c.body).where(c.fingerprint == to_column(fingerprint)).order_by(c.wave)
    return {row.wave: revived(row.body, WaveMark) for row in connection.execute(wanted)}


def processes(connection: Connection) -> list[Process]:
    wanted = select(PROCESS).order_by(PROCESS.c.started_at, PROCESS.c.executor)
    return [process_from(row) for row in connection.execute(wanted).mappings()]


def batches(connection: Connection) -> dict[str, tuple[str, int]]:
    """Who works on each batch, and with which epoch."""
    rows = connection.execute(select(tables.BATCH).order_by(tables.BATCH.c.batch))
    return {from_column(row.batch): (from_column(row.executor), row.epoch) for row in rows}


def stations(connection: Connection, seal: Seal) -> list[Station]:
    wanted = select(STATION.c.body).order_by(STATION.c.place)
    return [station_from(body, seal) for body in connection.execute(wanted).scalars()]


def plan(connection: Connection, fingerprint: str | None) -> Plan | None:
    """A plan by its fingerprint, or the current one."""
    which = PLAN.c.current == 1 if fingerprint is None else PLAN.c.fingerprint == to_column(fingerprint)
    body = connection.execute(select(PLAN.c.body).where(which)).scalar()
    return None if body is None else revived(body, Plan)


def sightings(connection: Connection, seal: Seal, *, after: int, limit: int) -> list[StoredEvent]:
    return events(connection, seal, after=after, kinds=[EventKind.SIGHTING.value], limit=limit)
