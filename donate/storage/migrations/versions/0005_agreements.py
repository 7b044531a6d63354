"""Create the table of agreements to monthly debits that have not begun."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "open_agreement",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keys_spent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["open_checkout.session_id"]),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("ix_open_agreement_gift_id", "open_agreement", ["gift_id"])
    op.create_index("open_agreement_to_see_to", "open_agreement", ["ask_at"])
