"""Let a bank line be money that went back or a top-up, and create the table of quiet days."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0029"
down_revision = "0028"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PART = "bank_line_part"
_KINDS = (
    "(kind = 'gift') = (gift_id IS NOT NULL) AND (kind = 'gift') = (source_id <> '') "
    "AND (kind = 'payout') = (payout_id IS NOT NULL) "
    "AND (kind = 'top_up') = (top_up_id IS NOT NULL) "
    "AND (kind = 'no_gift') = (reason IS NOT NULL)"
)
_RETURNS = (
    "(kind <> 'gift' OR is_return = (amount_minor < 0)) "
    "AND (kind IN ('gift', 'payout') OR NOT is_return)"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _recreate()
    else:
        _alter()
    for name, columns, condition in (
        ("bank_line_part_of_payout", ["payout_id", "is_return"], "payout_id IS NOT NULL"),
        ("bank_line_part_of_top_up", ["top_up_id"], "top_up_id IS NOT NULL"),
    ):
        _index_in_force(name, columns, condition)
    op.create_table(
        "bank_quiet_days",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("bank_account.id"), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name="bank_quiet_days_in_order"),
        sa.UniqueConstraint("account_id", "first_day", name="bank_quiet_days_once"),
    )
    is_top_up = sa.text("type = 'topup' OR type = 'topup_reversal'")
    op.create_index(
        "balance_transaction_top_up",
        "balance_transaction",
        ["currency", "amount_minor", "created_at"],
        sqlite_where=is_top_up,
        postgresql_where=is_top_up,
    )


def _alter() -> None:
    op.drop_index("bank_line_part_of_payout", _PART)
    op.drop_constraint("bank_line_part_fits_kind", _PART)
    op.add_column(
        _PART, sa.Column("is_return", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.alter_column(_PART, "is_return", server_default=None)
    op.add_column(
        _PART,
        sa.Column(
            "top_up_id", sa.BigInteger(), sa.ForeignKey("balance_transaction.id"), nullable=True
        ),
    )
    op.create_check_constraint("bank_line_part_fits_kind", _PART, _KINDS)
    op.create_check_constraint("bank_line_part_return_fits_kind", _PART, _RETURNS)


def _recreate() -> None:
    """Recreate the table, because SQLite cannot change a constraint."""
    for name in ("by_line", "by_gift", "of_transfer", "of_payout"):
        op.drop_index(f"{_PART}_{name}", _PART)
    op.execute(f"ALTER TABLE {_PART} RENAME TO old_{_PART}")
    op.create_table(
        _PART,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("line_id", sa.BigInteger(), sa.ForeignKey("bank_line.id"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("made_transfer", sa.Boolean(), nullable=False),
        sa.Column("payout_id", sa.BigInteger(), sa.ForeignKey("stripe_payout.id"), nullable=True),
        sa.Column("is_return", sa.Boolean(), nullable=False),
        sa.Column(
            "top_up_id", sa.BigInteger(), sa.ForeignKey("balance_transaction.id"), nullable=True
        ),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("was_certain", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("undone_by", sa.String(length=64), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undo_reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="bank_line_part_is_money"),
        sa.CheckConstraint(_KINDS, name="bank_line_part_fits_kind"),
        sa.CheckConstraint(_RETURNS, name="bank_line_part_return_fits_kind"),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '')", name="bank_line_part_undone_by_somebody"
        ),
    )
    op.execute(
        "INSERT INTO bank_line_part (id, line_id, kind, amount_minor, gift_id, source_id, "
        "made_transfer, payout_id, is_return, reason, note, was_certain, decided_by, decided_at, "
        "undone_by, undone_at, undo_reason) SELECT id, line_id, kind, amount_minor, gift_id, "
        "source_id, made_transfer, payout_id, 0, reason, note, was_certain, decided_by, "
        "decided_at, undone_by, undone_at, undo_reason FROM old_bank_line_part"
    )
    op.execute(f"DROP TABLE old_{_PART}")
    op.create_index("bank_line_part_by_line", _PART, ["line_id", "id"])
    op.create_index("bank_line_part_by_gift", _PART, ["gift_id"])
    _index_in_force("bank_line_part_of_transfer", ["source_id"], "source_id <> ''")


def _index_in_force(name: str, columns: list[str], condition: str) -> None:
    in_force = sa.text(f"undone_at IS NULL AND {condition}")
    op.create_index(
        name, _PART, columns, unique=True, sqlite_where=in_force, postgresql_where=in_force
    )
