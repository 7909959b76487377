"""One transaction of the store, from the writer's side.

It loads what the changes need to be judged, lets the ledger admit or turn away
each in order, and writes everything admitted in a few batched statements.  It
opens and commits nothing: the writer does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, func, insert, select, update

from migrate.adapters.journal.batched import Batched
from migrate.adapters.journal.chain import GENESIS, Pen
from migrate.adapters.journal.holders import held_among
from migrate.adapters.journal.ledger import Known, Ledger
from migrate.adapters.journal.presence import LastSeen, seen
from migrate.adapters.journal.rows import (
    Prepared,
    from_column,
    line_of,
    presence_row,
    revived,
    to_column,
)
from migrate.adapters.journal.tables import ATTEMPT, BATCH, CHAIN, CONTROL, EVENT, PERMIT, PRESENCE
from migrate.domain.attempt import RESTING, State
from migrate.domain.errors import Stale
from migrate.domain.record import Event

CHUNK = 500
"""How many values go into one IN: well below SQLite's limit of variables."""

_FIXED = ("id", "place", "identity", "number")
_MOVE = Batched(
    update(ATTEMPT)
    .where(ATTEMPT.c.id == bindparam("id"))
    .values({c.name: bindparam(c.name) for c in ATTEMPT.c if c.name not in _FIXED})
)
_OPEN = Batched(insert(ATTEMPT))
_WRITE = Batched(insert(EVENT))
_TAKE = Batched(insert(PERMIT))
_RELEASE = Batched(
    delete(PERMIT).where(and_(PERMIT.c.scope == bindparam("scope"), PERMIT.c.attempt == bindparam("attempt")))
)
_MEET = Batched(insert(PRESENCE))
_SEE = Batched(
    update(PRESENCE)
    .where(and_(PRESENCE.c.identity == bindparam("identity"), PRESENCE.c.side == bindparam("side")))
    .values(seq=bindparam("seq"), body=bindparam("body"))
)
_KNOWN = select(ATTEMPT.c.id, ATTEMPT.c.identity, ATTEMPT.c.state, ATTEMPT.c.version)
_UNDER_WAY = _KNOWN.where(ATTEMPT.c.state.not_in([state.value for state in RESTING]))
_HELD = select(PERMIT.c.attempt, PERMIT.c.scope)
_TAKEN = select(PERMIT.c.scope, func.count()).group_by(PERMIT.c.scope)
_EPOCHS = select(BATCH.c.batch, BATCH.c.epoch)


def in_chunks(values: Iterable[str]) -> Iterable[list[str]]:
    listed = list(values)
    return (listed[at : at + CHUNK] for at in range(0, len(listed), CHUNK))


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with its key.  Only for rows that one writer's lock guards."""
    keys = [column.name for column in table.primary_key]
    same = and_(*(table.c[key] == row[key] for key in keys))
    rest = {name: value for name, value in row.items() if name not in keys}
    if not connection.execute(update(table).where(same).values(rest)).rowcount:
        connection.execute(insert(table).values(row))


class Transaction:
    """The changes of many callers on their way into one commit."""

    def __init__(self, connection: Connection, writer: str) -> None:
        self.connection = connection
        newest = connection.execute(select(func.max(EVENT.c.seq))).scalar() or 0
        head = connection.execute(select(CHAIN.c.link, CHAIN.c.hash).where(CHAIN.c.writer == writer)).first()
        self.pen = Pen(writer, newest, *(head or (0, GENESIS)))
        self._began_at = self.pen.link

    @property
    def written(self) -> int:
        """How many lines this transaction has added."""
        return self.pen.link - self._began_at

    def append(self, *events: Event) -> int:
        """Write events that carry no attempt; the place of the last."""
        _WRITE.run(self.connection, [self.pen.write(line_of(event)) for event in events])
        return self.pen.seq

    def apply(self, entries: Sequence[Prepared]) -> list[int | Stale]:
        """Store each change or find it stale; the place of its last event, or why not."""
        ledger = self._load(entries)
        known, held = set(ledger.attempts), {a: frozenset(s) for a, s in ledger.held.items()}
        outcomes: list[int | Stale] = []
        admitted: list[tuple[int, Prepared]] = []
        lines: list[dict[str, Any]] = []
        for entry in entries:
            try:
                ledger.admit(entry.change)
            except Stale as stale:
                outcomes.append(stale)
                continue
            admitted.append((self.pen.seq + 1, entry))
            lines.extend(map(self.pen.write, entry.lines))
            outcomes.append(self.pen.seq)
        _WRITE.run(self.connection, lines)
        self._write_attempts(admitted, known)
        self._write_permits(ledger, held)
        self._write_presence(admitted)
        return outcomes

    def heads_of_others(self) -> dict[str, list[Any]]:
        """The newest link and hash of every other chain."""
        rows = self.connection.execute(select(CHAIN).where(CHAIN.c.writer != self.pen.writer).order_by(CHAIN.c.writer))
        return {from_column(row.writer): [row.link, row.hash] for row in rows}

    def close(self) -> None:
        """Note where this process's chain ends now."""
        if self.written:
            put(self.connection, CHAIN, {"writer": self.pen.writer, "link": self.pen.link, "hash": self.pen.hash})

    # --- loading ------------------------------------------------------------

    def _load(self, entries: Sequence[Prepared]) -> Ledger:
        changes = [entry.change for entry in entries]
        attempts = [attempt for change in changes for attempt in change.attempts]
        guards = [change.guard for change in changes if change.guard]
        ledger = Ledger()
        self._note_attempts(ledger, self._rows(_UNDER_WAY, ATTEMPT.c.identity, {a.identity for a in attempts}))
        unknown = {a.id for a in attempts} - ledger.attempts.keys()
        self._note_attempts(ledger, self._rows(_KNOWN, ATTEMPT.c.id, unknown))
        for attempt, scope in self._rows(_HELD, PERMIT.c.attempt, ledger.attempts):
            ledger.held[from_column(attempt)].add(from_column(scope))
        for scope, taken in self._rows(_TAKEN, PERMIT.c.scope, {p.scope for guard in guards for p in guard.permits}):
            ledger.taken[from_column(scope)] = taken
        for batch, epoch in self._rows(_EPOCHS, BATCH.c.batch, {guard.batch for guard in guards if guard.batch}):
            ledger.batches[from_column(batch)] = epoch
        if begun := {attempt.identity for attempt in attempts if attempt.state is State.WRITING}:
            newest = max(event.at for change in changes for event in change.events)
            ledger.leased = held_among(self.connection, begun, newest)
        if any(guard.control_epoch is not None for guard in guards):
            ledger.control_epoch = self.connection.execute(select(CONTROL.c.epoch)).scalar() or 0
        return ledger

    def _note_attempts(self, ledger: Ledger, rows: Iterable[Any]) -> None:
        for name, identity, state, version in rows:
            known = Known(from_column(identity), State(state), version)
            ledger.attempts[from_column(name)] = known
            if known.is_under_way:
                ledger.under_way[known.identity].add(from_column(name))

    def _rows(self, statement: Any, column: Any, values: Collection[str]) -> list[Any]:
        found: list[Any] = []
        for chunk in in_chunks(map(to_column, values)):
            found += self.connection.execute(statement.where(column.in_(chunk))).all()
        return found

    # --- writing ------------------------------------------------------------

    def _write_attempts(self, admitted: Sequence[tuple[int, Prepared]], known: set[str]) -> None:
        """Moves first, so that a station's old attempt has ended before its new one begins."""
        final: dict[str, dict[str, Any]] = {}
        for first, entry in admitted:
            for attempt, row in zip(entry.change.attempts, entry.rows, strict=True):
                row["seq"] = first + len(entry.lines) - 1
                final[attempt.id] = row
        _MOVE.run(self.connection, [row for attempt, row in final.items() if attempt in known])
        opened = [row for attempt, row in final.items() if attempt not in known]
        if opened:
            first_place = (self.connection.execute(select(func.max(ATTEMPT.c.place))).scalar() or 0) + 1
            for place, row in enumerate(opened, first_place):
                row["place"] = place
            _OPEN.run(self.connection, opened)

    def _write_permits(self, ledger: Ledger, before: Mapping[str, frozenset[str]]) -> None:
        given = [(s, a) for a, scopes in before.items() for s in scopes - ledger.held[a]]
        taken = [(s, a) for a, scopes in ledger.held.items() for s in scopes - before.get(a, frozenset())]
        _RELEASE.run(self.connection, [{"scope": to_column(s), "attempt": to_column(a)} for s, a in given])
        _TAKE.run(self.connection, [{"scope": to_column(s), "attempt": to_column(a)} for s, a in taken])

    def _write_presence(self, admitted: Sequence[tuple[int, Prepared]]) -> None:
        sightings = [(first + at, s) for first, entry in admitted for at, s in entry.sightings]
        bodies = self._rows(select(PRESENCE.c.body), PRESENCE.c.identity, {s.identity for _, s in sightings})
        before = {(last.identity, last.side): last for last in (revived(body, LastSeen) for (body,) in bodies)}
        now = dict(before)
        for seq, sighting in sightings:
            key = (sighting.identity, sighting.side)
            now[key] = seen(now.get(key, LastSeen(identity=key[0], side=key[1])), sighting, seq)
        _MEET.run(self.connection, [presence_row(last) for key, last in now.items() if key not in before])
        changed = [last for key, last in now.items() if last != before.get(key, last)]
        _SEE.run(self.connection, [presence_row(last) for last in changed])
