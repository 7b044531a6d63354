"""Create the tables of parts of bank lines, and of payers' names that staff assigned to donors."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0026"
down_revision = "0025"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bank_line_part",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("line_id", sa.BigInteger(), sa.ForeignKey("bank_line.id"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("made_transfer", sa.Boolean(), nullable=False),
        sa.Column("payout_id", sa.BigInteger(), sa.ForeignKey("stripe_payout.id"), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("was_certain", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=64), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undo_reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="bank_line_part_is_money"),
        sa.CheckConstraint(
            "(kind = 'gift') = (gift_id IS NOT NULL) AND (kind = 'gift') = (source_id <> '') "
            "AND (kind = 'payout') = (payout_id IS NOT NULL) "
            "AND (kind = 'no_gift') = (reason IS NOT NULL)",
            name="bank_line_part_fits_kind",
        ),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '')", name="bank_line_part_undone_by_somebody"
        ),
    )
    op.create_index("bank_line_part_by_line", "bank_line_part", ["line_id", "id"])
    op.create_index("bank_line_part_by_gift", "bank_line_part", ["gift_id"])
    for name, column, condition in (
        ("bank_line_part_of_transfer", "source_id", "source_id <> ''"),
        ("bank_line_part_of_payout", "payout_id", "payout_id IS NOT NULL"),
    ):
        in_force = sa.text(f"undone_at IS NULL AND {condition}")
        op.create_index(
            name,
            "bank_line_part",
            [column],
            unique=True,
            sqlite_where=in_force,
            postgresql_where=in_force,
        )
    op.create_table(
        "taught_payer",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), sa.ForeignKey("donor_profile.id"), nullable=False),
        sa.Column("taught_by", sa.String(length=64), nullable=False),
        sa.Column("taught_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("name", "profile_id", name="taught_payer_once"),
    )
