"""A store that an older toolkit made is brought up, with everything in it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from migrate.adapters.journal import schema
from migrate.adapters.journal.journal import open_journal
from migrate.domain.attempt import State
from migrate.domain.record import Direction
from tests.adapters.journal.builders import StillClock, an_attempt, opening, url_of


def made_at(path: Path, revision: str) -> None:
    engine = create_engine(url_of(path))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def test_a_store_of_the_first_release_takes_a_way_back_beside_a_settled_attempt(tmp_path: Path) -> None:
    made_at(tmp_path / "campaign.db", "0001")
    journal = open_journal(url_of(tmp_path / "campaign.db"), "run-1", StillClock())
    try:
        await journal.commit(opening(an_attempt(state=State.SETTLED)))
        await journal.commit(opening(an_attempt(number=2, direction=Direction.BACK)))

        assert [a.number for a in await journal.history("AC22-0417")] == [1, 2]
    finally:
        await journal.close()


def test_the_rule_of_the_first_release_is_gone_from_a_store_that_was_brought_up(tmp_path: Path) -> None:
    made_at(tmp_path / "campaign.db", schema.HEAD)
    engine = create_engine(url_of(tmp_path / "campaign.db"))
    with engine.connect() as connection:
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'index'")).scalars())
    engine.dispose()

    assert "attempt_under_way" in names
    assert "attempt_alive" not in names
