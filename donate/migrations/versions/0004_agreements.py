"""Agreements to monthly debits, which are still to begin."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("open_checkout", sa.Column("begin_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("open_checkout_to_begin", "open_checkout", ["begin_at"])
