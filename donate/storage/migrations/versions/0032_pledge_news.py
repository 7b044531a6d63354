"""Create the table of the changes of pledges about which donors get an e-mail."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0032"
down_revision = "0031"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pledge_news",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("gift_id", "kind", "source_id", name="pledge_news_once"),
        sa.CheckConstraint(
            "kind IN ('amount', 'paused', 'resumed', 'payment_method')",
            name="pledge_news_kind_is_known",
        ),
    )
    op.create_index("pledge_news_recorded", "pledge_news", ["recorded_at"])
