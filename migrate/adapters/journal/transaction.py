"""One transaction of the store, from the writer's side.

It loads what the changes need to be judged, lets the ledger admit or turn away
each in order, and writes everything admitted in a few batched statements.  It
opens and commits nothing: the writer does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, bindparam, delete, func, insert, select, update

from migrate.adapters.journal.chain import GENESIS, Pen
from migrate.adapters.journal.ledger import Known, Ledger
from migrate.adapters.journal.presence import LastSeen, seen
from migrate.adapters.journal.rows import (
    Prepared,
    from_column,
    line_of,
    presence_from,
    presence_row,
    to_column,
)
from migrate.adapters.journal.tables import ATTEMPT, BATCH, CHAIN, CONTROL, EVENT, PERMIT, PRESENCE
from migrate.domain.attempt import ENDS, State
from migrate.domain.errors import Stale
from migrate.domain.evidence import Side
from migrate.domain.record import Event

CHUNK = 500
"""How many values go into one IN: well below SQLite's limit of variables."""

_MOVE = (
    update(ATTEMPT)
    .where(ATTEMPT.c.id == bindparam("_id"))
    .values({c.name: bindparam(c.name) for c in ATTEMPT.c if c.name not in ("id", "place", "identity", "number")})
)
_ALIVE = ATTEMPT.c.state.not_in([state.value for state in ENDS])
_RELEASE = delete(PERMIT).where(and_(PERMIT.c.scope == bindparam("_scope"), PERMIT.c.attempt == bindparam("_attempt")))


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
        self.connection.execute(insert(EVENT), [self.pen.write(line_of(event)) for event in events])
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
        self._insert(EVENT, lines)
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
        self._load_attempts(ledger, {a.id for a in attempts}, {a.identity for a in attempts})
        self._load_held(ledger, ledger.attempts)
        self._load_taken(ledger, {permit.scope for guard in guards for permit in guard.permits})
        self._load_batches(ledger, {guard.batch for guard in guards if guard.batch})
        if any(guard.control_epoch is not None for guard in guards):
            ledger.control_epoch = self.connection.execute(select(CONTROL.c.epoch)).scalar() or 0
        return ledger

    def _load_attempts(self, ledger: Ledger, ids: Collection[str], identities: Collection[str]) -> None:
        c = ATTEMPT.c
        wanted = select(c.id, c.identity, c.state, c.version)
        by_id = self._rows(wanted, c.id, ids)
        living = self._rows(wanted.where(_ALIVE), c.identity, identities)
        for row in (*by_id, *living):
            known = Known(from_column(row["identity"]), State(row["state"]), row["version"])
            ledger.attempts[from_column(row["id"])] = known
            if known.is_alive:
                ledger.alive[known.identity].add(from_column(row["id"]))

    def _load_held(self, ledger: Ledger, ids: Collection[str]) -> None:
        for row in self._rows(select(PERMIT), PERMIT.c.attempt, ids):
            ledger.held[from_column(row["attempt"])].add(from_column(row["scope"]))

    def _load_taken(self, ledger: Ledger, scopes: Collection[str]) -> None:
        counted = select(PERMIT.c.scope, func.count().label("taken")).group_by(PERMIT.c.scope)
        for row in self._rows(counted, PERMIT.c.scope, scopes):
            ledger.taken[from_column(row["scope"])] = row["taken"]

    def _load_batches(self, ledger: Ledger, batches: Collection[str]) -> None:
        for row in self._rows(select(BATCH.c.batch, BATCH.c.epoch), BATCH.c.batch, batches):
            ledger.batches[from_column(row["batch"])] = row["epoch"]

    def _rows(self, statement: Any, column: Any, values: Collection[str]) -> list[RowMapping]:
        found: list[RowMapping] = []
        for chunk in in_chunks(map(to_column, values)):
            found.extend(self.connection.execute(statement.where(column.in_(chunk))).mappings())
        return found

    # --- writing ------------------------------------------------------------

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(insert(table), rows)

    def _write_attempts(self, admitted: Sequence[tuple[int, Prepared]], known: set[str]) -> None:
        """Moves first, so that a station's old attempt has ended before its new one begins."""
        final = {
            attempt.id: {**row, "seq": first + len(entry.lines) - 1}
            for first, entry in admitted
            for attempt, row in zip(entry.change.attempts, entry.rows, strict=True)
        }
        moved = [{**row, "_id": row["id"]} for attempt, row in final.items() if attempt in known]
        opened = [row for attempt, row in final.items() if attempt not in known]
        if moved:
            self.connection.execute(_MOVE, [_without(row, "id", "identity", "number") for row in moved])
        if opened:
            first = (self.connection.execute(select(func.max(ATTEMPT.c.place))).scalar() or 0) + 1
            self._insert(ATTEMPT, [{**row, "place": place} for place, row in enumerate(opened, first)])

    def _write_permits(self, ledger: Ledger, before: Mapping[str, frozenset[str]]) -> None:
        given = [(s, a) for a, scopes in before.items() for s in scopes - ledger.held[a]]
        taken = [(s, a) for a, scopes in ledger.held.items() for s in scopes - before.get(a, frozenset())]
        if given:
            self.connection.execute(_RELEASE, [{"_scope": to_column(s), "_attempt": to_column(a)} for s, a in given])
        self._insert(PERMIT, [{"scope": to_column(s), "attempt": to_column(a)} for s, a in taken])

    def _write_presence(self, admitted: Sequence[tuple[int, Prepared]]) -> None:
        sightings = [(first + at, s) for first, entry in admitted for at, s in entry.sightings]
        if not sightings:
            return
        rows = self._rows(select(PRESENCE), PRESENCE.c.identity, {s.identity for _, s in sightings})
        before: dict[tuple[str, Side], LastSeen] = {(p.identity, p.side): p for p in map(presence_from, rows)}
        now = dict(before)
        for seq, sighting in sightings:
            key = (sighting.identity, sighting.side)
            now[key] = seen(now.get(key, LastSeen(identity=key[0], side=key[1])), sighting, seq)
        self._insert(PRESENCE, [presence_row(last) for key, last in now.items() if key not in before])
        changed = [presence_row(last) for key, last in now.items() if key in before and last != before[key]]
        if changed:
            self.connection.execute(
                _SEEN, [{**row, "_identity": row["identity"], "_side": row["side"]} for row in changed]
            )


_SEEN = (
    update(PRESENCE)
    .where(and_(PRESENCE.c.identity == bindparam("_identity"), PRESENCE.c.side == bindparam("_side")))
    .values(seq=bindparam("seq"), body=bindparam("body"))
)


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
