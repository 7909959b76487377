"""The journal remembers every list that was imported, and what each made of every station."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.adapters.journal.audit import verify
from migrate.adapters.journal.history import Imported
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.adapters.journal.store import open_store
from migrate.domain.changes import Change
from migrate.domain.station import Station
from tests.adapters.journal.builders import StillClock, url_of

KEPT = Station(identity="KEPT", vendor="Alfen BV")
MENDED = Station(identity="MENDED", vendor="Alfn BV", serial="1")
SOLD = Station(identity="SOLD\0", notes="lone \ud800")


async def imported_twice(journal: SqlJournal) -> Imported:
    await journal.import_stations([KEPT, MENDED, SOLD], note={"files": ["may.csv"], "by": "maria"})
    mended = replace(MENDED, vendor="Alfen BV", connectors=2)
    return await journal.import_stations([mended, KEPT, Station(identity="NEW")], note={"files": ["june.csv"]})


async def test_a_later_list_tells_who_came_who_went_and_which_cells_differ(sqlite_journal: SqlJournal) -> None:
    imported = await imported_twice(sqlite_journal)

    changes = imported.changes
    assert (imported.number, changes.added, changes.gone, changes.unchanged) == (2, ("NEW",), ("SOLD\0",), 1)
    (mended,) = changes.changed
    assert [(f.field, f.before, f.after) for f in mended.fields] == [
        ("vendor", "Alfn BV", "Alfen BV"),
        ("connectors", "1", "2"),
    ]


async def test_the_history_names_every_import_with_its_files_and_counts(sqlite_journal: SqlJournal) -> None:
    await imported_twice(sqlite_journal)

    first, second = await sqlite_journal.imports()

    assert (first.number, first.files, first.by, first.stations) == (1, ("may.csv",), "maria", 3)
    assert (first.added, first.changed, first.gone) == (3, 0, 0)
    assert (second.added, second.changed, second.gone) == (1, 1, 1)


async def test_every_version_of_a_station_is_kept_and_of_a_gone_one_what_it_was(sqlite_journal: SqlJournal) -> None:
    await imported_twice(sqlite_journal)

    versions = {name: await sqlite_journal.station_versions(name) for name in ("KEPT", "MENDED", "SOLD\0", "nobody")}

    assert [(v.number, v.change) for v in versions["MENDED"]] == [(1, Change.ADDED), (2, Change.CHANGED)]
    assert [v.station.vendor for v in versions["MENDED"]] == ["Alfn BV", "Alfen BV"]
    assert [(v.number, v.change) for v in versions["KEPT"]] == [(1, Change.ADDED)]
    assert versions["SOLD\0"][-1].station == SOLD
    assert versions["nobody"] == []


async def test_the_same_list_again_adds_a_line_and_no_version(sqlite_journal: SqlJournal) -> None:
    await sqlite_journal.import_stations([KEPT, MENDED])

    again = await sqlite_journal.import_stations([MENDED, KEPT])

    assert again.changes.is_empty
    assert len(await sqlite_journal.imports()) == 2
    assert len(await sqlite_journal.station_versions("KEPT")) == 1


TAMPERED = {
    "a version edited": "UPDATE station_version SET body = replace(body, 'Alfn', 'Alfa') WHERE number = 1",
    "a version removed": "DELETE FROM station_version WHERE number = 1 AND identity = 'KEPT'",
    "a change called another": "UPDATE station_version SET change = 'added' WHERE number = 2",
    "a version invented": "INSERT INTO station_version SELECT 2, 'GHOST', change, body, digest FROM station_version LIMIT 1",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED.keys())
async def test_a_history_that_was_changed_from_outside_shows(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "campaign.db"
    journal = open_journal(url_of(path), "ex-1", StillClock())
    await imported_twice(journal)
    await journal.close()
    store = open_store(url_of(path))
    sound = verify(store)

    with sqlite3.connect(path) as connection:
        connection.execute(statement)

    broken = verify(store)
    store.close()
    assert sound == []
    assert [found.what for found in broken if "made of the stations" in found.what]


async def test_a_store_from_before_histories_compares_its_next_list_with_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    journal = open_journal(url_of(path), "ex-1", StillClock())
    await journal.import_stations([KEPT, MENDED])
    await journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE station_version")
        connection.execute("DROP TABLE seal")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")

    journal = open_journal(url_of(path), "ex-2", StillClock())
    imported = await journal.import_stations([replace(KEPT, serial="9"), MENDED])
    versions = await journal.station_versions("KEPT")
    await journal.close()

    assert [change.identity for change in imported.changes.changed] == ["KEPT"]
    assert [(v.number, v.station.serial) for v in versions] == [(1, ""), (2, "9")]
