"""Index what staff are told of in Stripe's balance: odd transactions, and recent conversions."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"

_NOT_ORDINARY = sa.text(
    "type <> 'charge' AND type <> 'payment' AND type <> 'payment_failure_refund' AND "
    "type <> 'refund' AND type <> 'payment_refund' AND type <> 'stripe_fee' AND "
    "type <> 'tax_fee' AND type <> 'adjustment' AND type <> 'payout'"
)
_CONVERTED = sa.text("original_currency <> ''")


def upgrade() -> None:
    op.create_index(
        "balance_transaction_not_ordinary",
        "balance_transaction",
        ["created_at", "type", "reporting_category"],
        sqlite_where=_NOT_ORDINARY,
        postgresql_where=_NOT_ORDINARY,
    )
    # It began with the currency, so that finding the newest read all of them.
    op.drop_index("balance_transaction_converted", "balance_transaction")
    op.create_index(
        "balance_transaction_converted",
        "balance_transaction",
        ["created_at", "original_currency"],
        sqlite_where=_CONVERTED,
        postgresql_where=_CONVERTED,
    )
