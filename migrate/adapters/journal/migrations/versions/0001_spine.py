"""The first schema: events and their chains, attempts, and what a campaign keeps beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALIVE = sa.text("state NOT IN ('failed', 'reverted', 'skipped')")


def upgrade() -> None:
    # One statement per table, made from tables.py once and frozen: a migration never changes, however long it is.
    op.create_table(
        "approval",
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("wave", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "wave"),
        sqlite_strict=True,
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("place", BIG, autoincrement=False, nullable=False),
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("wave", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("evidence", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("deferral", sa.Text, nullable=True),
        sa.Column("due_at", sa.Text, nullable=True),
        sa.Column("tries", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("left", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("source_session", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Text, nullable=False),
        sa.Column("entered_at", sa.Text, nullable=False),
        sa.Column("confirmed_at", sa.Text, nullable=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("identity", "number", name="attempt_number"),
        sa.UniqueConstraint("place"),
        sqlite_strict=True,
    )
    op.create_index("attempt_alive", "attempt", ["identity"], unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE)
    op.create_index("attempt_batch", "attempt", ["batch"], unique=False)
    op.create_table(
        "batch",
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("executor", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("batch"),
        sqlite_strict=True,
    )
    op.create_table(
        "chain",
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("link", BIG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("writer"),
        sqlite_strict=True,
    )
    op.create_table(
        "control",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_table(
        "event",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("link", BIG, autoincrement=False, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("attempt", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("writer", "link", name="event_chain"),
        sqlite_strict=True,
    )
    op.create_index("event_identity", "event", ["identity", "seq"], unique=False)
    op.create_index("event_kind", "event", ["kind", "seq"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("executor", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", BIG, autoincrement=False, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("born", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_table(
        "permit",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("attempt", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scope", "attempt"),
        sqlite_strict=True,
    )
    op.create_index("permit_attempt", "permit", ["attempt"], unique=False)
    op.create_table(
        "plan",
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("current", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
        sqlite_strict=True,
    )
    op.create_table(
        "presence",
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("identity", "side"),
        sqlite_strict=True,
    )
    op.create_table(
        "process",
        sa.Column("executor", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", BIG, autoincrement=False, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("beat_at", sa.Text, nullable=False),
        sa.Column("ended", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("executor"),
        sqlite_strict=True,
    )
    op.create_table(
        "station",
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("place"),
        sa.UniqueConstraint("identity"),
        sqlite_strict=True,
    )
    op.create_table(
        "wave_mark",
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("wave", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "wave"),
        sqlite_strict=True,
    )
