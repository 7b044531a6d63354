"""Create the tables of Stripe's payouts and balance transactions."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_NO_GIFT_YET = sa.text("gift_id IS NULL AND payment <> ''")


def upgrade() -> None:
    _create_payouts()
    _create_transactions()
    op.create_table(
        "payout_to_read",
        sa.Column("payout_id", sa.String(length=255), primary_key=True),
        sa.Column("ask_at", _INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(length=500), nullable=False),
    )
    op.create_index("payout_to_read_due", "payout_to_read", ["ask_at"])


def _create_payouts() -> None:
    op.create_table(
        "stripe_payout",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("payout_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=100), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("method", sa.String(length=100), nullable=False),
        sa.Column("reconciliation_status", sa.String(length=100), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("trace_id", sa.String(length=255), nullable=False),
        sa.Column("trace_status", sa.String(length=100), nullable=False),
        sa.Column("failure_code", sa.String(length=100), nullable=False),
        sa.Column("balance_transaction", sa.String(length=255), nullable=False),
        sa.Column("failure_balance_transaction", sa.String(length=255), nullable=False),
        sa.Column("original_payout", sa.String(length=255), nullable=False),
        sa.Column("reversed_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("read_at", _INSTANT, nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(currency) = 3", name="stripe_payout_currency_is_a_code"),
        sa.UniqueConstraint("payout_id"),
    )
    for name, columns in (
        ("stripe_payout_by_arrival", ["arrives_on", "id"]),
        ("stripe_payout_by_currency", ["currency", "arrives_on", "id"]),
        ("stripe_payout_by_status", ["status", "arrives_on", "id"]),
        ("stripe_payout_by_creation", ["currency", "created_at", "id"]),
    ):
        op.create_index(name, "stripe_payout", columns)


def _create_transactions() -> None:
    op.create_table(
        "balance_transaction",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("txn_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("reporting_category", sa.String(length=100), nullable=False),
        sa.Column("balance_type", sa.String(length=100), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("available_at", _INSTANT, nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("payment", sa.String(length=255), nullable=False),
        sa.Column("fee_details", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("exchange_rate", sa.String(length=40), nullable=False),
        sa.Column("payout_row", sa.BigInteger(), sa.ForeignKey("stripe_payout.id"), nullable=True),
        sa.Column("gift_id", sa.Uuid(), sa.ForeignKey("gift.id"), nullable=True),
        sa.Column("read_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "net_minor = amount_minor - fee_minor", name="balance_transaction_net_is_without_fee"
        ),
        sa.CheckConstraint("length(currency) = 3", name="balance_transaction_currency_is_a_code"),
        sa.UniqueConstraint("txn_id"),
    )
    for name, columns in (
        ("balance_transaction_of_payout", ["payout_row", "type", "reporting_category"]),
        ("balance_transaction_in_payout", ["payout_row", "id"]),
        ("balance_transaction_by_time", ["currency", "created_at", "net_minor"]),
        ("balance_transaction_of_gift", ["gift_id"]),
        ("balance_transaction_source", ["source_id"]),
    ):
        op.create_index(name, "balance_transaction", columns)
    op.create_index(
        "balance_transaction_without_gift",
        "balance_transaction",
        ["payment"],
        sqlite_where=_NO_GIFT_YET,
        postgresql_where=_NO_GIFT_YET,
    )
