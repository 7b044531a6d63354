"""Mark months that were closed in another program before the books start; they have no pack."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_NAME = "closed_month_elsewhere"
_RULE = "(pack_hash = '') = closed_elsewhere AND (is_first OR NOT closed_elsewhere)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # SQLite adds a constraint only together with a column.
        op.execute(
            "ALTER TABLE closed_month ADD COLUMN closed_elsewhere BOOLEAN DEFAULT 0 NOT NULL "
            f"CONSTRAINT {_NAME} CHECK ({_RULE})"
        )
        return
    op.add_column(
        "closed_month",
        sa.Column("closed_elsewhere", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_check_constraint(_NAME, "closed_month", _RULE)
