"""Create the tables of shapes that staff have taught, and of the matcher's last run."""

import sqlalchemy as sa
from alembic import op

from donate.storage.column_types import UtcDateTime

revision = "0028"
down_revision = "0027"

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "learned_shape",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.String(), nullable=False),
        sa.Column("learned_by", sa.String(length=64), nullable=False),
        sa.Column("learned_at", UtcDateTime(), nullable=False),
        sa.Column("forgotten_by", sa.String(length=64), nullable=False),
        sa.Column("forgotten_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(forgotten_at IS NULL) = (forgotten_by = '')",
            name="learned_shape_forgotten_by_somebody",
        ),
    )
    in_force = sa.text("forgotten_at IS NULL")
    for name, column in (
        ("learned_shape_by_name", "name"),
        ("learned_shape_by_fingerprint", "fingerprint"),
    ):
        op.create_index(
            name,
            "learned_shape",
            [column],
            unique=True,
            sqlite_where=in_force,
            postgresql_where=in_force,
        )
    op.create_table(
        "matching_run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seen", sa.String(length=500), nullable=False),
        sa.Column("ran_at", UtcDateTime(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name="matching_run_is_one_row"),
    )
