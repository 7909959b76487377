"""A store: its file or server, its schema, and two kinds of connection.

It opens, refuses what it must not touch, and hands out connections.  What is
written and read is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from migrate.adapters.journal import dialect, schema
from migrate.domain.errors import InputProblem, JournalError

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0
"""How long one process waits for another's transaction; theirs last milliseconds."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open store.  ``writing`` holds the writer's lock in every transaction, ``reading`` never waits for it."""

    writing: Engine
    reading: Engine

    def read(self, query: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Ask one question in one consistent picture of the store."""
        try:
            with self.reading.begin() as connection:
                return query(connection, *arguments, **options)
        except SQLAlchemyError as error:
            raise _unreadable(error) from error

    def faults(self) -> list[str]:
        """What the database itself finds wrong with its file; empty when it is whole."""
        return self.read(dialect.faults)

    def close(self) -> None:
        self.writing.dispose()
        self.reading.dispose()


def open_store(url: str, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Store:
    """Open a store and bring its schema up.

    Raises ``JournalError`` when it cannot be written to, ``InputProblem`` for
    a file that is no store, is damaged, or was made by a newer toolkit, and
    ``SettingsProblem`` for an address that names no store.
    """
    parsed = dialect.parse(url)
    if path := dialect.file_of(parsed):
        if not create and not path.exists():
            raise JournalError(
                f"There is no store at {path}.",
                hint="Was there one, restore it. In a new campaign `migrate inventory import FILE` makes it.",
            )
        if not create and path.stat().st_size == 0:
            raise InputProblem(
                f"The store {path} is empty: what was recorded in it is gone.",
                hint="Restore it from a backup. If nothing ever was, delete it; `migrate inventory import FILE` makes a new one.",
            )
        dialect.touch(path)
    store = Store(
        writing=dialect.engine(parsed, writes=True, busy_timeout_s=busy_timeout_s),
        reading=dialect.engine(parsed, writes=False, busy_timeout_s=busy_timeout_s),
    )
    try:
        _bring_up(store)
    except SQLAlchemyError as error:
        store.close()
        raise _unreadable(error) from error
    except InputProblem:
        store.close()
        raise
    return store


def _bring_up(store: Store) -> None:
    if not store.read(_is_current):
        with store.writing.begin() as connection:  # two processes may come at once: the second finds it done
            schema.bring_up(connection)


def _is_current(connection: Connection) -> bool:
    return schema.revision(connection) == schema.HEAD


def _unreadable(error: SQLAlchemyError) -> JournalError | InputProblem:
    reason = getattr(error, "orig", None) or error
    if dialect.is_foreign_file(error):
        return InputProblem(
            f"The store is damaged or no store at all ({reason}).",
            hint="Nothing was changed. Restore campaign.db, with its -wal file if there is one, from a backup.",
        )
    return JournalError(
        f"The store cannot be used ({reason}).", hint="See to the disk or the database, then try again."
    )
