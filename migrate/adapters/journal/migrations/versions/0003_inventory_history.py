"""The versions of each station, one per import that changed it.

What stands in the inventory when this runs is taken for the last import's, so
that the first list after it has something to be compared with.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station_version",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", "identity"),
        sqlite_strict=True,
    )
    op.create_index("station_version_identity", "station_version", ["identity", "number"], unique=False)
    op.execute(
        """INSERT INTO station_version (number, identity, change, body, digest)
           SELECT (SELECT count(*) FROM event WHERE kind = 'inventory'), identity, 'added', body, digest FROM station"""
    )
