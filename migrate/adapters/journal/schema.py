"""The schema's version: made, moved forward, or refused.

Migrations live beside this module and run inside one transaction, so a store
is never half moved.  A store that a newer toolkit made is not touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from migrate.domain.errors import InputProblem

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The newest revision.  Kept by hand (a test compares) so that opening a store need not load alembic."""

MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up(connection: Connection) -> None:
    """Make the schema what this toolkit needs.  Raises ``InputProblem`` for a store from a newer one."""
    current = revision(connection)
    if current == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - half a second that only a new store pays
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    if current is not None and current not in _known(config):
        raise InputProblem(
            f"The store was made by a newer fleet-migrate (schema {current}, this one knows {HEAD}).",
            hint="Update fleet-migrate, or open a copy of the store from before.",
        )
    command.upgrade(config, HEAD)


def revision(connection: Connection) -> str | None:
    """The schema's version, or ``None`` for an empty store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _known(config: Config) -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
