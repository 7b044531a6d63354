"""Create the table of options that donors add to a gift."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "gift_wish",
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("fund", sa.String(length=32), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("tribute_kind", sa.String(length=16), nullable=False),
        sa.Column("tribute_name", sa.String(length=200), nullable=False),
        sa.Column("fee_cover_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("fee_cover_minor >= 0", name="gift_wish_cover_is_not_negative"),
        sa.CheckConstraint(
            "(tribute_kind = '') = (tribute_name = '')", name="gift_wish_tribute_has_a_name"
        ),
        sa.CheckConstraint("length(note) <= 500", name="gift_wish_note_is_short"),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"]),
        sa.PrimaryKeyConstraint("gift_id"),
    )
