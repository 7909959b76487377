"""One statement, many rows: a Core statement handed to the driver as it stands.

SQLAlchemy writes the SQL of either database; the rows of a batch then go to
the driver without passing through SQLAlchemy one by one, which would cost
more than the database itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase


class Batched:
    """A statement whose parameters are named like the columns of its rows; a row may hold more than is asked for."""

    def __init__(self, statement: UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Any]] = {}

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        sql, pick = self._for(connection)
        connection.exec_driver_sql(sql, [pick(row) for row in rows])

    def _for(self, connection: Connection) -> tuple[str, Any]:
        name = connection.dialect.name
        if name not in self._compiled:
            compiled: Any = self._statement.compile(dialect=connection.dialect)
            # SQLite takes values by place, PostgreSQL by name
            pick = itemgetter(*compiled.positiontup) if compiled.positional else dict
            self._compiled[name] = (str(compiled), pick)
        return self._compiled[name]
