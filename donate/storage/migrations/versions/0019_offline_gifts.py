"""Create the tables of offline gifts: batches, their totals, and entries."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0019"
down_revision = "0018"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "offline_batch",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("form_key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("is_closed = (closed_at IS NOT NULL)", name="offline_batch_closed_at"),
        sa.UniqueConstraint("form_key"),
        sa.UniqueConstraint("id", "is_closed", name="offline_batch_id_and_state"),
    )
    is_open = sa.text("NOT is_closed")
    op.create_index(
        "offline_batch_open",
        "offline_batch",
        ["id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "offline_batch_total",
        sa.Column("batch_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("currency", sa.String(length=3), primary_key=True),
        sa.Column("batch_is_closed", sa.Boolean(), nullable=False),
        sa.Column("expected_count", sa.Integer(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=False),
        sa.Column("entered_count", sa.Integer(), nullable=False),
        sa.Column("entered_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id", "batch_is_closed"],
            ["offline_batch.id", "offline_batch.is_closed"],
            name="offline_batch_total_of_batch",
            onupdate="CASCADE",
        ),
        sa.CheckConstraint(
            "expected_count >= 0 AND expected_minor >= 0 "
            "AND entered_count >= 0 AND entered_minor >= 0",
            name="offline_batch_total_is_not_negative",
        ),
        sa.CheckConstraint(
            "NOT batch_is_closed "
            "OR (expected_count = entered_count AND expected_minor = entered_minor)",
            name="offline_batch_total_agrees",
        ),
    )
    _create_entries()


def _create_entries() -> None:
    op.create_table(
        "offline_entry",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("form_key", sa.String(length=128), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=True),
        sa.Column("corrects_id", sa.BigInteger(), sa.ForeignKey("offline_entry.id"), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("fund", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), sa.ForeignKey("donor_profile.id"), nullable=True),
        sa.Column("donor_name", sa.String(length=200), nullable=False),
        sa.Column("donor_email", sa.String(length=254), nullable=False),
        sa.Column("donor_address", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("sends_thanks", sa.Boolean(), nullable=False),
        sa.Column("cheque_number", sa.String(length=40), nullable=False),
        sa.Column("cheque_key", sa.String(length=40), nullable=False),
        sa.Column("cheque_day", sa.Date(), nullable=True),
        sa.Column("bank_name", sa.String(length=100), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id", "currency"],
            ["offline_batch_total.batch_id", "offline_batch_total.currency"],
            name="offline_entry_of_batch_total",
        ),
        sa.CheckConstraint("amount_minor > 0", name="offline_entry_amount_is_positive"),
        sa.CheckConstraint("mode IN ('cheque', 'cash')", name="offline_entry_mode_is_offline"),
        sa.CheckConstraint(
            "(state IN ('recorded', 'undone')) = (gift_id IS NOT NULL)",
            name="offline_entry_recorded_has_a_gift",
        ),
        sa.CheckConstraint(
            "batch_id IS NOT NULL OR state IN ('recorded', 'undone')",
            name="offline_entry_draft_is_in_a_batch",
        ),
        sa.UniqueConstraint("form_key"),
        sa.UniqueConstraint("gift_id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index("offline_entry_by_batch", "offline_entry", ["batch_id", "state", "id"])
    op.create_index("offline_entry_by_cheque", "offline_entry", ["cheque_key", "amount_minor"])
