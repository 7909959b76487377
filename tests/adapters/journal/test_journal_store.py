"""Opening a store, and refusing one."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from migrate.adapters.journal import schema
from migrate.adapters.journal.journal import open_journal
from migrate.adapters.journal.store import open_store
from migrate.adapters.journal.tables import METADATA
from migrate.domain.errors import InputProblem, JournalError, SettingsProblem
from tests.adapters.journal.builders import StillClock, an_attempt, opening, url_of


def _schema_of(path: Path) -> set[str]:
    rows = sqlite3.connect(path).execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {" ".join(sql.split()) for (sql,) in rows if "alembic_version" not in sql}


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    METADATA.create_all(create_engine(url_of(tmp_path / "declared.db")))

    open_store(url_of(tmp_path / "migrated.db")).close()

    assert _schema_of(tmp_path / "migrated.db") == _schema_of(tmp_path / "declared.db")
    assert any("STRICT" in sql for sql in _schema_of(tmp_path / "migrated.db"))


def test_the_newest_revision_is_the_one_that_opening_looks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_every_table_can_be_made_in_postgresql_too() -> None:
    made = [str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in METADATA.sorted_tables]
    indexes = [index for table in METADATA.sorted_tables for index in table.indexes]
    made += [str(CreateIndex(index).compile(dialect=postgresql.dialect())) for index in indexes]

    assert not any("STRICT" in statement for statement in made)
    assert any(
        "UNIQUE INDEX attempt_under_way" in statement and "WHERE state NOT IN" in statement for statement in made
    )


def test_a_store_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(url_of(tmp_path / "campaign.db"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}
    assert "campaign.db" in modes


def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    store = open_store(url_of(tmp_path / "campaign.db"))

    with store.writing.connect() as connection:
        said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    store.close()

    assert said == ["wal", 2]


def test_a_store_from_a_newer_toolkit_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    open_store(url_of(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    before = path.read_bytes()

    with pytest.raises(InputProblem, match="newer"):
        open_store(url_of(path))

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    path.write_bytes(b"identity,vendor\nAC22-0417,Alfen\n" * 200)
    before = path.read_bytes()

    with pytest.raises(InputProblem, match="damaged"):
        open_store(url_of(path))

    assert path.read_bytes() == before


async def test_a_damaged_file_shows_when_it_is_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    journal = open_journal(url_of(path), "ex-1", StillClock())
    await journal.commit(opening(*(an_attempt(f"S{n}") for n in range(200))))
    whole = journal.store.faults()
    await journal.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096)
        file.write(os.urandom(4096))

    store = open_store(url_of(path))

    assert whole == []
    try:
        assert store.faults() != []
    except InputProblem:
        pass  # damage in a page that the look itself needs
    finally:
        store.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "campaign.db", "postgresql://host/db"],
)
def test_an_address_that_names_no_store_is_a_problem_of_the_settings(url: str) -> None:
    with pytest.raises(SettingsProblem):
        open_store(url)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(SettingsProblem) as problem:
        open_store("mysql://migrate:hunter2@host/db")

    assert "hunter2" not in str(problem.value)


def test_a_folder_that_does_not_exist_cannot_be_recorded_in(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        open_store(url_of(tmp_path / "nowhere" / "campaign.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_cannot_be_recorded_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(JournalError):
            open_store(url_of(tmp_path / "campaign.db"))
    finally:
        tmp_path.chmod(0o700)


def test_a_store_that_is_not_there_is_made_only_on_request(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no store"):
        open_store(url_of(tmp_path / "campaign.db"), create=False)

    assert list(tmp_path.iterdir()) == []


def test_a_store_that_was_emptied_is_no_new_campaign(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    open_store(url_of(path)).close()
    for beside in tmp_path.iterdir():
        beside.unlink()
    path.touch(mode=0o600)

    with pytest.raises(InputProblem, match="is empty"):
        open_store(url_of(path), create=False)

    assert path.stat().st_size == 0
