"""Create the table of payments that events name and that belong to none of our gifts."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "unknown_payment",
        sa.Column("payment", sa.String(length=255), nullable=False),
        sa.Column("is_foreign", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("payment"),
    )
    op.create_index("unknown_payment_to_ask", "unknown_payment", ["ask_at"])
