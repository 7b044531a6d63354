"""Create the tables of origins, shares of e-mails, known browsers and sums of refusals."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0037"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "gift_origin",
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), primary_key=True),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("network <> ''", name="gift_origin_has_a_network"),
    )
    op.create_index("gift_origin_opened", "gift_origin", ["opened_at"])
    op.create_table(
        "letter_share",
        sa.Column(
            "letter_id",
            sa.BigInteger(),
            sa.ForeignKey("letter.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("mailbox_hash", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("held_by", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "(taken_at IS NULL) = (held_by IS NOT NULL)", name="letter_share_is_taken_or_held"
        ),
        sa.CheckConstraint(
            "held_by IN ('mailbox', 'network', 'all')", name="letter_share_limit_is_known"
        ),
    )
    op.create_index("letter_share_of_mailbox", "letter_share", ["mailbox_hash", "taken_at"])
    op.create_index("letter_share_of_network", "letter_share", ["network", "taken_at"])
    op.create_index("letter_share_taken", "letter_share", ["taken_at"])
    op.create_index("letter_share_held", "letter_share", ["held_by", "network"])
    op.create_table(
        "staff_device",
        sa.Column("token_hash", sa.String(length=64), primary_key=True),
        sa.Column(
            "staff_id",
            sa.BigInteger(),
            sa.ForeignKey("staff.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("staff_device_ends", "staff_device", ["expires_at"])
    op.create_index("ix_staff_device_staff_id", "staff_device", ["staff_id"])
    op.create_table(
        "refusal_sum",
        sa.Column("hour", UtcDateTime(), primary_key=True),
        sa.Column("why", sa.String(length=64), primary_key=True),
        sa.Column("network", sa.String(length=64), primary_key=True),
        sa.Column("account", sa.String(length=254), primary_key=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("requests > 0", name="refusal_sum_counts"),
    )
