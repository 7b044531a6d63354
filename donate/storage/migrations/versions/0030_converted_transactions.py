"""Store the amounts of converted balance transactions in the currency of the gift.

Rows that are already stored get this when catch-up reads them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

_IS_CONVERTED = sa.text("original_currency <> ''")


def upgrade() -> None:
    op.add_column(
        "balance_transaction",
        sa.Column("original_minor", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column(
        "balance_transaction",
        sa.Column(
            "original_currency",
            sa.String(length=3),
            # SQLite adds a constraint only together with a column.
            sa.CheckConstraint(
                "(original_currency = '' AND original_minor = 0) "
                "OR (length(original_currency) = 3 AND original_currency <> currency "
                "AND (original_minor >= 0 OR amount_minor <= 0) "
                "AND (original_minor <= 0 OR amount_minor >= 0))",
                name="balance_transaction_is_converted",
            ),
            nullable=False,
            server_default=sa.text("''"),
        ),
    )
    op.create_index(
        "balance_transaction_converted",
        "balance_transaction",
        ["original_currency", "created_at"],
        sqlite_where=_IS_CONVERTED,
        postgresql_where=_IS_CONVERTED,
    )
