"""The one place that knows which database it is.

SQLite: WAL, every commit synced to the disk, one writer at a time by BEGIN
IMMEDIATE, a file that only its owner can read.  PostgreSQL: one writer at a
time by an advisory lock held to the end of the transaction, so that the order
of ``seq`` is the order of commits there too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from migrate.domain.errors import JournalError, SettingsProblem

WRITER_LOCK = 0x6D696772  # "migr"


def parse(url: str) -> URL:
    """A store's address.  Raises ``SettingsProblem`` for what is none of the two kinds."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsProblem("store.url is no database address.", hint="Write sqlite:///campaign.db.") from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingsProblem(
            f"store.url names the database driver {parsed.drivername!r}, which is not supported.",
            hint="Write sqlite:///campaign.db or postgresql+psycopg://host/name.",
        )
    if _is_sqlite(parsed) and parsed.database in (None, "", ":memory:"):
        raise SettingsProblem(
            "store.url names no file: a store in memory survives no crash.", hint="Write sqlite:///campaign.db."
        )
    return parsed


def file_of(url: URL) -> Path | None:
    return Path(url.database) if _is_sqlite(url) and url.database else None


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def touch(path: Path) -> None:
    """Make the store's file with mode 0600 before the database does: what SQLite adds beside it has the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise JournalError(
            f"The store {path} cannot be opened for writing: {error.strerror}.",
            hint="The toolkit records before it acts; give it a folder that it can write to.",
        ) from error


def engine(url: URL, *, writes: bool, busy_timeout_s: float) -> Engine:
    """Connections that write (each transaction holds the writer's lock), or connections that only read."""
    if not _is_sqlite(url):
        level = "READ COMMITTED" if writes else "REPEATABLE READ"  # behind the lock the newest, beside it one picture
        made = create_engine(
            url, pool_size=2, max_overflow=2, pool_pre_ping=not writes, hide_parameters=True, isolation_level=level
        )
        if writes:
            event.listen(made, "begin", _lock_postgresql)
        return made
    arguments = {"timeout": busy_timeout_s, "check_same_thread": False}
    made = create_engine(url, connect_args=arguments, hide_parameters=True)
    event.listen(made, "connect", _tune_to_write if writes else _tune_to_read)
    event.listen(made, "begin", _begin_immediate if writes else _begin)
    return made


def _tune_to_write(connection: Any, _record: object) -> None:
    _tune(connection, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


def _tune_to_read(connection: Any, _record: object) -> None:
    _tune(connection, "PRAGMA query_only=ON")


def _tune(connection: Any, *pragmas: str) -> None:
    connection.isolation_level = None  # sqlite3 shall open no transaction of its own: we say BEGIN
    for pragma in pragmas:
        connection.execute(pragma).close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _lock_postgresql(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def is_foreign_file(error: SQLAlchemyError) -> bool:
    """Whether the file is something other than a whole database."""
    said = str(getattr(error, "orig", error))
    return "file is not a database" in said or "malformed" in said


def is_store_failure(error: BaseException) -> bool:
    """Whether the store itself failed (full, locked, gone), rather than one row of one change."""
    return isinstance(error, OperationalError) or (isinstance(error, SQLAlchemyError) and is_foreign_file(error))


def faults(connection: Connection) -> list[str]:
    """What the database itself finds wrong with its file; empty when it is whole.  PostgreSQL sees to that itself."""
    if connection.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found
