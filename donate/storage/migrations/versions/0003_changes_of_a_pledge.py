"""Create the table of open pledge changes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "open_pledge_change",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("subscription", sa.String(length=255), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(act = 'amount') = (amount_minor IS NOT NULL)", name="pledge_change_has_its_amount"
        ),
        sa.CheckConstraint("amount_minor > 0", name="pledge_change_amount_is_positive"),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_open_pledge_change_gift_id", "open_pledge_change", ["gift_id"])
    op.create_index("open_pledge_change_to_ask", "open_pledge_change", ["ask_at"])
