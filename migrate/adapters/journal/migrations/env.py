"""How alembic runs here: on the connection it is handed, inside that connection's transaction."""

from alembic import context

from migrate.adapters.journal.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
