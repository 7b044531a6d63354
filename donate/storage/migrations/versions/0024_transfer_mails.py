"""Create the tables of Interac's e-mails: transfers, e-mails, and public keys."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0024"
down_revision = "0023"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "transfer_mail",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("interac_reference", sa.String(length=35), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("sender_key", sa.String(length=400), nullable=False),
        sa.Column("sender_email", sa.String(length=254), nullable=False),
        sa.Column("message", sa.String(length=2_000), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("bank_line_id", sa.BigInteger(), sa.ForeignKey("bank_line.id"), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_minor IS NULL OR amount_minor > 0", name="transfer_mail_amount"),
        sa.CheckConstraint(
            "state IN ('cancelled', 'expired', 'declined') OR amount_minor IS NOT NULL",
            name="transfer_mail_has_an_amount",
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'deposited', 'cancelled', 'expired', 'declined')",
            name="transfer_mail_state",
        ),
        sa.CheckConstraint(
            "bank_line_id IS NULL OR state = 'deposited'", name="transfer_mail_tied_is_deposited"
        ),
        sa.CheckConstraint("currency = 'CAD'", name="transfer_mail_currency"),
        sa.UniqueConstraint("interac_reference"),
        sa.UniqueConstraint("bank_line_id"),
    )
    op.create_index("ix_transfer_mail_sender_key", "transfer_mail", ["sender_key"])
    is_usable = sa.text("state = 'deposited' AND bank_line_id IS NULL")
    op.create_index(
        "transfer_mail_usable",
        "transfer_mail",
        ["day", "id"],
        sqlite_where=is_usable,
        postgresql_where=is_usable,
    )
    op.create_table(
        "transfer_mail_key",
        sa.Column("selector", sa.String(length=63), primary_key=True),
        sa.Column("record", sa.String(length=2_000), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
    )
    _create_files()


def _create_files() -> None:
    op.create_table(
        "transfer_mail_file",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mail_check", sa.String(length=16), nullable=False),
        sa.Column("selector", sa.String(length=63), nullable=False),
        sa.Column(
            "transfer_mail_id", sa.BigInteger(), sa.ForeignKey("transfer_mail.id"), nullable=True
        ),
        sa.Column("check_tries", sa.Integer(), nullable=False),
        sa.Column("check_due_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(mail_check = 'counted') = (transfer_mail_id IS NOT NULL)",
            name="transfer_mail_file_counted_has_a_transfer",
        ),
        sa.CheckConstraint(
            "mail_check IN ('waiting', 'counted', 'wrong', 'contradictory')",
            name="transfer_mail_file_check",
        ),
        sa.CheckConstraint(
            "(mail_check = 'waiting') = (check_due_at IS NOT NULL)",
            name="transfer_mail_file_waiting_is_due",
        ),
        sa.UniqueConstraint("sha256"),
        sa.UniqueConstraint("transfer_mail_id", "kind", name="transfer_mail_file_kind_once"),
    )
    is_waiting = sa.text("mail_check = 'waiting'")
    op.create_index(
        "transfer_mail_file_due",
        "transfer_mail_file",
        ["check_due_at"],
        sqlite_where=is_waiting,
        postgresql_where=is_waiting,
    )
