"""One attempt under way per station, where it was one that had not ended.

A station that rests on the target, confirmed or settled, keeps that attempt
while another takes it back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("state NOT IN ('confirmed', 'failed', 'lost', 'reverted', 'settled', 'skipped', 'stuck')")


def upgrade() -> None:
    op.drop_index("attempt_alive", "attempt")
    op.create_index(
        "attempt_under_way", "attempt", ["identity"], unique=True, sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY
    )
