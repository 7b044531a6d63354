"""The newest facts of a few kinds: what Stripe refused lately, without reading all others."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("gift_fact_newest_of_kind", "gift_fact", ["kind", "recorded_at"])
