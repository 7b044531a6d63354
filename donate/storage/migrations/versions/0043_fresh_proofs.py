"""Store when people last proved who they are, and whose the accounts at the provider are."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    for table, column in (
        ("staff_session", "proved_at"),
        ("pending_sign_in", "proved_at"),
        ("provider_sign_in", "fresh_since"),
    ):
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "provider_account",
        sa.Column("issuer", sa.String(length=500), primary_key=True),
        sa.Column("subject", sa.String(length=255), primary_key=True),
        sa.Column("staff_id", sa.BigInteger(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("tied_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("issuer <> '' AND subject <> ''", name="provider_account_is_named"),
        sa.UniqueConstraint("staff_id", "issuer", name="provider_account_of_a_person"),
    )
