"""Add an index for finding the newest facts of certain kinds, such as Stripe's refusals."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("gift_fact_newest_of_kind", "gift_fact", ["kind", "recorded_at"])
