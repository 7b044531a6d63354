"""Add the kind to the index of a gift's facts.

With an index on the gift alone, SQLite read all facts of a kind to find those of a few gifts.
"""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_index("gift_fact_of_gift", "gift_fact", ["gift_id", "kind"])
    op.drop_index("ix_gift_fact_gift_id", "gift_fact")
