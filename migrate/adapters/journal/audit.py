"""The audit: does the journal still say what was written?

It recomputes every chain from the first line, compares where each chain ends
with what other processes have noted of it, and checks the documents that
events vouch for and the attempts that they add up to.  It trusts no projection
and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, Select, select

from migrate.adapters.journal import history
from migrate.adapters.journal.chain import GENESIS, Line, digest, hash_of
from migrate.adapters.journal.rows import from_column, to_column
from migrate.adapters.journal.store import Store
from migrate.adapters.journal.tables import ATTEMPT, CHAIN, EVENT, PLAN, STATION
from migrate.domain.record import EventKind

PAGE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A place where the journal does not hold together."""

    what: str
    seq: int = 0
    writer: str = ""


@dataclass(slots=True)
class _Walk:
    """What has been learned so far on the way through the lines."""

    ends: dict[str, tuple[int, str]] = field(default_factory=dict)  # writer: link and hash of its newest line
    claims: list[tuple[int, str, int, str]] = field(default_factory=list)  # seq of the anchor, writer, link, hash
    vouched: dict[str, tuple[int, str]] = field(default_factory=dict)  # kind: seq and digest of its newest event
    imports: dict[int, str] = field(default_factory=dict)  # number: digest of the versions it added
    opened: set[str] = field(default_factory=set)  # attempts
    moves: dict[str, tuple[int, str]] = field(default_factory=dict)  # attempt: how many, and where the last one led
    seq: int = 0


def verify(store: Store) -> list[Break]:
    """Every break of the journal, oldest first; an empty list is a journal that nobody has touched."""
    return store.read(_breaks)


def _breaks(connection: Connection) -> list[Break]:
    walk = _Walk()
    found = [b for row in _lines(connection) for b in _line_breaks(walk, row)]
    found += _anchor_breaks(connection, walk)
    found += _end_breaks(connection, walk)
    found += _document_breaks(connection, walk)
    found += _projection_breaks(connection, walk)
    return found


def _lines(connection: Connection) -> Iterator[Row[tuple[object, ...]]]:
    after = -1
    wanted: Select[tuple[object, ...]] = select(EVENT).order_by(EVENT.c.seq).limit(PAGE)
    while page := connection.execute(wanted.where(EVENT.c.seq > after)).all():
        yield from page
        after = page[-1].seq


def _line_breaks(walk: _Walk, row: Row[tuple[object, ...]]) -> Iterator[Break]:
    writer = from_column(row.writer)
    if row.seq != walk.seq + 1:
        yield Break(what=f"line {walk.seq + 1} is missing", seq=row.seq, writer=writer)
    link, before = walk.ends.get(row.writer, (0, GENESIS))
    if row.link != link + 1 or row.prev_hash != before:
        yield Break(what=f"link {row.link} does not follow link {link}", seq=row.seq, writer=writer)
    line = Line(row.kind, row.at, row.identity, row.attempt, row.data)
    if hash_of(row.seq, row.writer, row.link, row.prev_hash, line) != row.hash:
        yield Break(what="the line was changed after it was written", seq=row.seq, writer=writer)
    walk.seq, walk.ends[row.writer] = row.seq, (row.link, row.hash)
    yield from _remember(walk, row)


def _remember(walk: _Walk, row: Row[tuple[object, ...]]) -> Iterator[Break]:
    if row.kind == EventKind.ATTEMPT_OPENED:
        walk.opened.add(row.attempt)
    if row.kind not in (EventKind.ANCHOR, EventKind.INVENTORY, EventKind.PLAN_MADE, EventKind.MOVED):
        return
    try:
        data = json.loads(row.data)
        if row.kind == EventKind.ANCHOR:
            walk.claims += [(row.seq, writer, link, known) for writer, (link, known) in data["heads"].items()]
        elif row.kind == EventKind.MOVED:
            walk.moves[row.attempt] = (walk.moves.get(row.attempt, (0, ""))[0] + 1, data["to"])
        elif "digest" in data:
            walk.vouched[row.kind] = (row.seq, data["digest"])
            if "history" in data:
                walk.imports[data["number"]] = data["history"]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Break(what=f"the data of this {row.kind} cannot be read", seq=row.seq, writer=from_column(row.writer))


def _anchor_breaks(connection: Connection, walk: _Walk) -> Iterator[Break]:
    """What one process noted of another's chain must still be there: so a cut tail shows."""
    for seq, writer, link, known in dict.fromkeys(walk.claims):
        same = (EVENT.c.writer == to_column(writer)) & (EVENT.c.link == link)
        found = connection.execute(select(EVENT.c.hash).where(same)).scalar()
        if found != known:
            gone = "is gone" if found is None else "is another line now"
            yield Break(what=f"link {link}, which another process saw, {gone}", seq=seq, writer=writer)


def _end_breaks(connection: Connection, walk: _Walk) -> Iterator[Break]:
    noted = {row.writer: (row.link, row.hash) for row in connection.execute(select(CHAIN))}
    for writer in sorted(noted.keys() | walk.ends.keys()):
        if noted.get(writer) != walk.ends.get(writer):
            yield Break(what="the chain does not end where its writer left it", writer=from_column(writer))


def _document_breaks(connection: Connection, walk: _Walk) -> Iterator[Break]:
    if vouched := walk.vouched.get(EventKind.INVENTORY):
        bodies = connection.execute(select(STATION.c.body).order_by(STATION.c.place)).scalars()
        if digest("".join(digest(body) for body in bodies)) != vouched[1]:
            yield Break(what="the inventory is not the one that was imported", seq=vouched[0])
    for number in history.broken(connection, walk.imports):
        yield Break(what=f"what import {number} made of the stations is not what was recorded")
    if vouched := walk.vouched.get(EventKind.PLAN_MADE):
        body = connection.execute(select(PLAN.c.body).where(PLAN.c.current == 1)).scalar()
        if body is None or digest(body) != vouched[1]:
            yield Break(what="the current plan is not the one that was made", seq=vouched[0])


def _projection_breaks(connection: Connection, walk: _Walk) -> Iterator[Break]:
    """Each attempt must stand where its own events have led it."""
    c = ATTEMPT.c
    standing = {row.id: row for row in connection.execute(select(c.id, c.seq, c.state, c.version))}
    for name, row in standing.items():
        moves, state = walk.moves.get(name, (0, row.state))
        if name not in walk.opened or (moves + 1, state) != (row.version, row.state):
            yield Break(what=f"attempt {from_column(name)} does not stand where its events led it", seq=row.seq)
    for name in sorted(walk.opened - standing.keys()):
        yield Break(what=f"attempt {from_column(name)} was opened and is gone")
