"""The inventory and its history: what each import brought, and every version of each station.

An import replaces the list as a whole and, in the same transaction, notes what
it did to each station.  Its event vouches for both by digest: for the list
that stands, and for the versions that the import added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from migrate.adapters.journal.chain import digest
from migrate.adapters.journal.rows import from_column, time_of, to_column
from migrate.adapters.journal.seal import Seal
from migrate.adapters.journal.station_rows import station_body, station_from
from migrate.adapters.journal.tables import EVENT, STATION, STATION_VERSION
from migrate.adapters.journal.transaction import Transaction, in_chunks
from migrate.domain.changes import Change, Import, InventoryChanges, Version, differences
from migrate.domain.record import Event, EventKind
from migrate.domain.station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import left: its number in the history, the digest of the list, and how it differs from the one before."""

    number: int
    digest: str
    changes: InventoryChanges


def import_stations(
    transaction: Transaction, seal: Seal, stations: Sequence[Station], at: datetime, note: Mapping[str, Any]
) -> Imported:
    """Replace the inventory, and note what that changed."""
    connection = transaction.connection
    rows = [_row(place, station, seal) for place, station in enumerate(stations)]
    number = 1 + (connection.execute(_COUNT).scalar() or 0)
    changes, versions = _changes(connection, seal, number, {row["identity"]: row for row in rows})
    connection.execute(delete(STATION))
    if rows:
        connection.execute(insert(STATION), rows)
    if versions:
        connection.execute(insert(STATION_VERSION), versions)
    whole = digest("".join(row["digest"] for row in rows))
    data = {**note, "stations": len(rows), "digest": whole, "number": number, "history": _whole(versions)}
    data |= {"added": len(changes.added), "changed": len(changes.changed), "gone": len(changes.gone)}
    transaction.append(Event(kind=EventKind.INVENTORY, at=at, data=data))
    return Imported(number=number, digest=whole, changes=changes)


_COUNT = select(func.count()).select_from(EVENT).where(EVENT.c.kind == EventKind.INVENTORY.value)


def _row(place: int, station: Station, seal: Seal) -> dict[str, Any]:
    body = station_body(station, seal)
    return {"place": place, "identity": to_column(station.identity), "body": body, "digest": digest(body)}


def _version(number: int, change: Change, row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("identity", "body", "digest")}
    return {"number": number, "change": change.value, **kept}


def _bodies(connection: Connection, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The stored rows of some stations, by the spelling of their identity in the table."""
    found: dict[str, Mapping[str, Any]] = {}
    for chunk in in_chunks(names):
        wanted = select(STATION).where(STATION.c.identity.in_(chunk))
        found |= {row["identity"]: dict(row) for row in connection.execute(wanted).mappings()}
    return found


def _changes(
    connection: Connection, seal: Seal, number: int, new: Mapping[str, Mapping[str, Any]]
) -> tuple[InventoryChanges, list[dict[str, Any]]]:
    """The list that comes against the one that stands, and the versions that follow from it."""
    known = {row.identity: row.digest for row in connection.execute(select(STATION.c.identity, STATION.c.digest))}
    respelt = [name for name, row in new.items() if name in known and known[name] != row["digest"]]
    gone = [name for name in known if name not in new]
    added = [name for name in new if name not in known]
    old = _bodies(connection, [*respelt, *gone])
    parted = {
        name: differences(station_from(old[name]["body"], seal), station_from(new[name]["body"], seal))
        for name in respelt
    }
    changed = {name: change for name, change in parted.items() if change.fields}  # a newer toolkit spells more fields
    changes = InventoryChanges(
        added=tuple(map(from_column, added)),
        gone=tuple(map(from_column, gone)),
        changed=tuple(changed.values()),
        unchanged=len(new) - len(added) - len(changed),
    )
    return changes, [
        *(_version(number, Change.ADDED, new[name]) for name in added),
        *(_version(number, Change.CHANGED, new[name]) for name in changed),
        *(_version(number, Change.GONE, old[name]) for name in gone),
    ]


def _whole(versions: Iterable[Mapping[str, Any]]) -> str:
    """One digest over the versions of one import, whatever order they are kept in."""
    return digest("".join(sorted(f"{v['identity']}\0{v['change']}\0{v['digest']}\n" for v in versions)))


def imports(connection: Connection) -> list[Import]:
    """Every import, oldest first."""
    wanted = select(EVENT.c.at, EVENT.c.data).where(EVENT.c.kind == EventKind.INVENTORY.value).order_by(EVENT.c.seq)
    return [_import(number, row.at, json.loads(row.data)) for number, row in enumerate(connection.execute(wanted), 1)]


def _import(number: int, at: str, data: Mapping[str, Any]) -> Import:
    files = data.get("files") or filter(None, [data.get("file", data.get("from"))])
    return Import(
        number=number,
        at=time_of(at),
        files=tuple(str(file) for file in files),
        by=str(data.get("by", "")),
        stations=int(data.get("stations", 0)),
        added=data.get("added"),
        changed=data.get("changed"),
        gone=data.get("gone"),
        digest=str(data.get("digest", "")),
    )


def versions(connection: Connection, seal: Seal, identity: str) -> list[Version]:
    """What each import that touched a station made of it, oldest first."""
    c = STATION_VERSION.c
    wanted = select(c.number, c.change, c.body).where(c.identity == to_column(identity)).order_by(c.number)
    return [
        Version(number=row.number, change=Change(row.change), station=station_from(row.body, seal))
        for row in connection.execute(wanted)
    ]


def broken(connection: Connection, vouched: Mapping[int, str]) -> Iterator[int]:
    """The imports whose versions are not those that their event vouches for."""
    for number, known in sorted(vouched.items()):
        rows = connection.execute(select(STATION_VERSION).where(STATION_VERSION.c.number == number)).mappings()
        held = [dict(row) for row in rows]
        if _whole(held) != known or any(digest(row["body"]) != row["digest"] for row in held):
            yield number
