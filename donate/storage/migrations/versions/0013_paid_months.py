"""Add an index of the paid monthly payments of pledges, by the day on which the money arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    is_monthly = sa.text("pledge_id IS NOT NULL")
    op.create_index(
        "gift_paid_months",
        "gift",
        ["received_on", "currency", "received_minor"],
        sqlite_where=is_monthly,
        postgresql_where=is_monthly,
    )
