"""Create the turns at asking Stripe. Each row is a turn, which may be taken once a second."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

_TURNS = {"donors": 5, "worker": 14}


def upgrade() -> None:
    table = op.create_table(
        "stripe_turn",
        sa.Column("asker", sa.String(length=16), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
    )
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    op.bulk_insert(
        table,
        [
            {"asker": asker, "number": number, "free_at": long_ago}
            for asker, turns in _TURNS.items()
            for number in range(1, turns + 1)
        ],
    )
